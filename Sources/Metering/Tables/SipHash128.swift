/// SipHash-2-4 with 128 bits of output, by Aumasson and Bernstein.
///
/// It is a keyed hash: nobody can construct collisions without the key.
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
