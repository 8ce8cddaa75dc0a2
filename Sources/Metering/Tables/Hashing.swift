import CTables

/// Hashes of bytes: FNV-1a for the shard, CRC-32 as a checksum, a fast one for tables in memory.
///
/// Duplicates are found by another hash, `IdentityHash`.
public enum Hashing {
    /// FNV-1a, 32 bit: decides the shard.
    @inline(__always)
    public static func fnv1a32(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        var hash: UInt32 = 0x811C_9DC5
        for byte in bytes { hash = (hash ^ UInt32(byte)) &* 0x0100_0193 }
        return hash
    }

    /// CRC-32 (IEEE 802.3), byte by byte.
    public static func crc32(_ bytes: some Sequence<UInt8>) -> UInt32 {
        var sum: UInt32 = 0xFFFF_FFFF
        for byte in bytes { sum = sum >> 8 ^ crcTable[Int((sum ^ UInt32(byte)) & 0xFF)] }
        return ~sum
    }

    private static let crcTable: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte)) { sum, _ in sum & 1 == 1 ? sum >> 1 ^ 0xEDB8_8320 : sum >> 1 }
    }

    /// Both halves of the product of two words, mixed into one word.
    @inline(__always)
    static func mix(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = left.multipliedFullWidth(by: right)
        return product.high ^ product.low
    }

    /// A fast hash for tables that compare the bytes afterwards.
    @inline(__always)
    public static func table(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
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
