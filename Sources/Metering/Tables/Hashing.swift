import CTables

/// Hashes of bytes: FNV-1a for the shard, a fast mix inside one tally; `IdentityHash` decides about duplicates.
public enum Hashing {
    /// FNV-1a, 32 bit: decides the shard.
    @inline(__always)
    public static func fnv1a32(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        var hash: UInt32 = 0x811C_9DC5
        for byte in bytes { hash = (hash ^ UInt32(byte)) &* 0x0100_0193 }
        return hash
    }

    @inline(__always)
    static func mix(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = left.multipliedFullWidth(by: right)
        return product.high ^ product.low
    }

    /// A fast hash for tables that compare the bytes afterwards.
    @inline(__always)
    static func table(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var hash = UInt64(bytes.count) ^ 0x9E37_79B9_7F4A_7C15
        var index = 0
        while index + 8 <= bytes.count {
            let word = bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            hash = mix(hash ^ word, 0x9E37_79B9_7F4A_7C15)
            index += 8
        }
        if index < bytes.count {
            var word: UInt64 = 0
            while index < bytes.count {
                word = word << 8 | UInt64(bytes[index])
                index += 1
            }
            hash = mix(hash ^ word, 0xE703_7ED1_A0B4_28DB)
        }
        return mix(hash, 0xA076_1D64_78BD_642F)
    }
}

/// SipHash-2-4 with 128 bits of output (Aumasson and Bernstein): a keyed hash whose collisions nobody can aim at
/// without the key.
public struct SipHash128: Sendable {
    /// The key's two words, little endian.
    public let key: (UInt64, UInt64)

    /// A hash under that key.
    public init(key: (UInt64, UInt64)) { self.key = key }

    /// The hash of `message` as two little-endian words.
    public func hash(_ message: UnsafeRawBufferPointer) -> (UInt64, UInt64) {
        var v0 = key.0 ^ 0x736F_6D65_7073_6575
        var v1 = key.1 ^ 0x646F_7261_6E64_6F6D ^ 0xEE
        var v2 = key.0 ^ 0x6C79_6765_6E65_7261
        var v3 = key.1 ^ 0x7465_6462_7974_6573
        @inline(__always) func rounds(_ count: Int) {
            for _ in 0..<count {
                v0 &+= v1
                v1 = (v1 << 13 | v1 >> 51) ^ v0
                v0 = v0 << 32 | v0 >> 32
                v2 &+= v3
                v3 = (v3 << 16 | v3 >> 48) ^ v2
                v0 &+= v3
                v3 = (v3 << 21 | v3 >> 43) ^ v0
                v2 &+= v1
                v1 = (v1 << 17 | v1 >> 47) ^ v2
                v2 = v2 << 32 | v2 >> 32
            }
        }
        func compress(_ word: UInt64) {
            v3 ^= word
            rounds(2)
            v0 ^= word
        }
        var index = 0
        while index + 8 <= message.count {
            compress(
                UInt64(littleEndian: message.loadUnaligned(fromByteOffset: index, as: UInt64.self)))
            index += 8
        }
        var last = UInt64(truncatingIfNeeded: message.count) << 56
        var shift: UInt64 = 0
        while index < message.count {
            last |= UInt64(message[index]) << shift
            shift += 8
            index += 1
        }
        compress(last)
        v2 ^= 0xEE
        rounds(4)
        let first = v0 ^ v1 ^ v2 ^ v3
        v1 ^= 0xDD
        rounds(4)
        return (first, v0 ^ v1 ^ v2 ^ v3)
    }
}

extension UnsafeRawBufferPointer {
    /// Whether these are the same bytes.
    @inline(__always)
    func isEqual(to other: UnsafeRawBufferPointer) -> Bool {
        guard count == other.count, let base = baseAddress, let otherBase = other.baseAddress else {
            return count == other.count
        }
        return ct_same(base, otherBase, count) != 0
    }
}
