internal import Metering

/// A function by which producers choose the partition of a key.
///
/// The partition is the remainder of `hash` by the number of partitions. Tests compare them with
/// what kafka-python and librdkafka do.
enum Partitioner: CaseIterable {
    /// Of Java's producer and those that follow it.
    case murmur2
    /// librdkafka's `consistent_random`, its default.
    case crc32
    /// Sarama's default, and librdkafka's `fnv1a_random`.
    case fnv1a

    /// Name and best-known users, for people.
    var text: String {
        switch self {
        case .murmur2: "murmur2 (Java, kafka-python, aiokafka; in librdkafka murmur2_random)"
        case .crc32: "CRC32 (consistent_random, the default of librdkafka)"
        case .fnv1a: "FNV-1a (Sarama; in librdkafka fnv1a_random)"
        }
    }

    /// The number whose remainder is the partition; never negative as a signed one of 64 bits.
    func hash(_ key: UnsafeRawBufferPointer) -> UInt32 {
        switch self {
        case .murmur2: Self.murmur2(key) & 0x7FFF_FFFF
        case .crc32: Hashing.crc32(key)
        // Sarama makes a negative hash positive, and does not clear its sign as Java does.
        case .fnv1a: Int32(bitPattern: Hashing.fnv1a32(key)).magnitude
        }
    }

    /// MurmurHash2, 32 bit, with the seed of Kafka's clients.
    private static func murmur2(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        let factor: UInt32 = 0x5BD1_E995
        var hash = 0x9747_B28C ^ UInt32(truncatingIfNeeded: bytes.count)
        var index = 0
        while index + 4 <= bytes.count {
            var word = UInt32(
                littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt32.self))
            word = word &* factor
            word = (word ^ word >> 24) &* factor
            hash = hash &* factor ^ word
            index += 4
        }
        if index < bytes.count {
            for (place, byte) in bytes[index...].enumerated() {
                hash ^= UInt32(byte) << (8 * place)
            }
            hash = hash &* factor
        }
        hash = (hash ^ hash >> 13) &* factor
        return hash ^ hash >> 15
    }
}
