import Workload

/// How much memory Redis 7 takes for keys of the published layout, with jemalloc on 64 bits.
///
/// A model: the sizes of Redis' structures, rounded up to jemalloc's size classes; all in bytes.
/// Encodings change at Redis' default limits (`hash-max-listpack-entries` 512,
/// `zset-max-listpack-entries` 128, 64 bytes a value, 3,000 bytes of a sparse HyperLogLog).
enum RedisMemory {
    /// What jemalloc allocates for this many bytes: classes 16 bytes apart, then four in each
    /// doubling.
    static func allocated(_ bytes: Int) -> Double {
        guard bytes > 128 else { return Double(max(8, (bytes + 15) / 16 * 16)) }
        let exponent = Int.bitWidth - (bytes - 1).leadingZeroBitCount - 1
        let step = 1 << (exponent - 2)
        return Double((bytes + step - 1) / step * step)
    }

    /// A string of this many bytes as Redis keeps it: header, bytes, final zero.
    static func text(_ length: Int) -> Double {
        allocated(length + (length < 32 ? 2 : length < 256 ? 4 : 6))
    }

    /// A key with a name of this many bytes: entry, name, object and expiry, without the value.
    static func key(_ length: Int, hasExpiry: Bool) -> Double {
        allocated(24) + text(length) + allocated(16) + (hasExpiry ? allocated(24) : 0)
    }

    /// The tables of keys and of expiries, whose sizes are powers of two.
    static func table(keys: Int) -> Double { 1.5 * slots(keys) }

    /// Marks and audit of a shard.
    static func books(partitions: Int) -> Double { 700 + 420 * Double(partitions) }

    private static func slots(_ count: Int) -> Double {
        var slots = 4
        while slots < count { slots *= 2 }
        return Double(slots * 8)
    }

    /// The cells of one key.
    struct Cells {
        /// Members or distinct values in Redis.
        let count: Int
        /// The bytes of the key's value.
        let bytes: Double

        init(_ cells: borrowing ExpectedCells, _ key: Int) {
            switch cells.shape(key) {
            case .distinct:
                count = cells.count(key)
                bytes = RedisMemory.sketch(count)
            case .hash:
                let members = cells.cells(key)
                count = members.count
                bytes = RedisMemory.hash(members)
            case .sortedSet:
                let members = cells.cells(key)
                count = members.count
                bytes = RedisMemory.sortedSet(members)
            }
        }
    }

    private static func hash(_ members: [(member: [UInt8], value: ExpectedValue)]) -> Double {
        let isPacked =
            members.count <= 512
            && members.allSatisfy { $0.member.count <= 64 && length($0.value) <= 64 }
        guard !isPacked else {
            return allocated(
                members.reduce(7) { $0 + entry($1.member) + entry($1.value) })
        }
        return members.reduce(allocated(56) + slots(members.count)) {
            $0 + allocated(24) + text($1.member.count) + text(length($1.value))
        }
    }

    private static func sortedSet(_ members: [(member: [UInt8], value: ExpectedValue)]) -> Double {
        guard members.count > 128 || members.contains(where: { $0.member.count > 64 }) else {
            return allocated(members.reduce(7) { $0 + entry($1.member) + entry($1.value) })
        }
        // A node of the skip list has 4/3 levels on average.
        return members.reduce(allocated(16) + allocated(56) + allocated(560) + slots(members.count))
        {
            $0 + allocated(24) + text($1.member.count) + allocated(24 + 22)
        }
    }

    private static func sketch(_ values: Int) -> Double {
        let sparse = 18 + 3 * values
        return sparse <= 3_000 ? allocated(min(2 * sparse, sparse + 300)) : allocated(12_312)
    }

    private static func length(_ value: ExpectedValue) -> Int {
        switch value {
        case .integer(let number): String(number).utf8.count
        case .text(let bytes): bytes.count
        }
    }

    /// An entry of a listpack: encoding, bytes, length for reading backwards.
    private static func entry(_ bytes: [UInt8]) -> Int {
        if bytes.count < 20, bytes.first != 0x30 || bytes.count == 1,
            let number = Int64(String(decoding: bytes, as: UTF8.self))
        {
            return entry(number)
        }
        return bytes.count + (bytes.count < 64 ? 2 : bytes.count < 4_096 ? 4 : 7)
    }

    private static func entry(_ value: ExpectedValue) -> Int {
        switch value {
        case .integer(let number): entry(number)
        case .text(let bytes): entry(bytes)
        }
    }

    private static func entry(_ number: Int64) -> Int {
        switch number {
        case 0...127: 2
        case -4_096...4_095: 3
        case -32_768...32_767: 4
        case -8_388_608...8_388_607: 5
        case -2_147_483_648...2_147_483_647: 6
        default: 10
        }
    }
}
