public import Metering

/// Names of all keys and members in Redis: injective for any id bytes, readable in redis-cli.
///
/// The public description with examples is `schemas/redis.md`; it and this file say the same.
/// A name is a list of parts joined by ":". Free parts (ids and dimension values) are escaped, so
/// no id can hold ":" and two different tuples never give one name.
public struct KeyLayout: Sendable, Hashable {
    /// A piece of a name or an id; any bytes.
    public typealias Bytes = [UInt8]

    /// Version of this layout; part of the contract.
    public static let version = 1
    /// First part of every name, unless another one is set.
    public static let defaultPrefix = "odo"
    /// Number of shards of a new ledger.
    public static let defaultShardCount = 256
    /// Most shards that a ledger may have.
    public static let mostShards = 4_096

    /// First part of every name: several Odometers share one Redis by it.
    public let prefix: String
    /// A complete ledger under its own names; 1 until rebuilds exist.
    public let generation: Int
    /// Number of shards, V; an existing ledger keeps the number that it was made with.
    public let shardCount: Int
    /// What every key begins with, up to its tag: `PREFIX:GEN:{`.
    private let start: Bytes

    /// A layout, whose `prefix` must match `isValidPrefix` and whose numbers must be positive.
    public init(
        prefix: String = defaultPrefix, generation: Int = 1, shardCount: Int = defaultShardCount
    ) {
        precondition(KeyLayout.isValidPrefix(prefix) && generation > 0 && shardCount > 0)
        self.prefix = prefix
        self.generation = generation
        self.shardCount = shardCount
        start = Bytes("\(prefix):\(generation):{".utf8)
    }

    /// The same names in a ledger of this many shards.
    public func with(shardCount: Int) -> KeyLayout {
        KeyLayout(prefix: prefix, generation: generation, shardCount: shardCount)
    }

    /// The number in a ledger's member `shards`; nil where no ledger has that many.
    public static func validShardCount(_ text: String) -> Int? {
        guard let count = Int(text), (1...mostShards).contains(count), count & (count - 1) == 0,
            String(count) == text
        else { return nil }
        return count
    }

    /// What `validShardCount` asks for, as the end of the sentence "must be …".
    public static let shardCountRule = "a power of two from 1 to 4,096"

    /// What `isValidPrefix` asks for, as the end of the sentence "must be …".
    public static let prefixRule = "1 to 32 of A–Z a–z 0–9 _ . -"

    /// Whether a prefix is 1 to 32 of the characters A–Z a–z 0–9 _ . -
    public static func isValidPrefix(_ prefix: String) -> Bool {
        (1...32).contains(prefix.utf8.count)
            && prefix.utf8.allSatisfy {
                switch $0 {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."),
                    UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }

    /// Shard of an organization: FNV-1a (32 bit) over the bytes of its id, modulo V.
    public func shard(of organization: some Sequence<UInt8>) -> Int {
        let hash =
            organization.withContiguousStorageIfAvailable { Hashing.fnv1a32(.init($0)) }
            ?? Bytes(organization).withUnsafeBytes { Hashing.fnv1a32($0) }
        return Int(hash % UInt32(shardCount))
    }

    // MARK: Names of a shard and of the directory

    /// What is between the braces in the names of a shard's keys, its hash tag in a cluster.
    ///
    /// With more than 64 shards it is the number in octal with at least three digits. CRC16 is
    /// linear in the bits of a text, so that such tags share the slots of a cluster out evenly;
    /// decimal numbers, which ledgers of 64 shards have, do not.
    public func tag(of shard: Int) -> String {
        guard shardCount > KeyLayout.mostDecimalTags else { return String(shard) }
        let digits = String(shard, radix: 8)
        return String(repeating: "0", count: max(0, 3 - digits.utf8.count)) + digits
    }

    /// The shard with this number, or with this tag in braces; nil where there is none.
    ///
    /// A number with a zero before it is neither: it could be meant as a tag.
    public func shard(named name: String) -> Int? {
        let shard =
            if name.hasPrefix("{"), name.hasSuffix("}"), name.utf8.count > 2 {
                Int(name.dropFirst().dropLast(), radix: shardCount > Self.mostDecimalTags ? 8 : 10)
            } else {
                Int(name)
            }
        guard let shard, (0..<shardCount).contains(shard),
            name == String(shard) || name == "{\(tag(of: shard))}"
        else { return nil }
        return shard
    }

    /// Ledgers of at most that many shards have the decimal number in the names of keys.
    public static let mostDecimalTags = 64

    /// What every key of a shard begins with: `PREFIX:GEN:{SHARD}:`.
    public func shardPrefix(_ shard: Int) -> Bytes { key(tag(of: shard), "") }
    private func key(_ tag: String, _ rest: String) -> Bytes {
        var key = Bytes()
        // Room for an organization and a meter, too.
        key.reserveCapacity(start.count + tag.utf8.count + rest.utf8.count + 64)
        key.append(contentsOf: start)
        key.append(contentsOf: tag.utf8)
        key.append(contentsOf: "}:".utf8)
        key.append(contentsOf: rest.utf8)
        return key
    }
    /// `PREFIX:GEN:{SHARD}:marks`: hash of marks, fingerprints, contract and torn marker.
    public func marksKey(shard: Int) -> Bytes { key(tag(of: shard), "marks") }
    /// `PREFIX:GEN:{SHARD}:audit`: hash of the audit counters.
    public func auditKey(shard: Int) -> Bytes { key(tag(of: shard), "audit") }
    /// `PREFIX:GEN:{SHARD}:parked`: hash of what single cells of the shard refused.
    public func parkedKey(shard: Int) -> Bytes { key(tag(of: shard), "parked") }
    /// Suffix of the HyperLogLog that holds a key's parked values; no cell's key ends in it.
    public static let parkedSuffix = Bytes(":parked".utf8)
    /// `PREFIX:GEN:{SHARD}:scratch`: exists only while a commit script runs.
    public func scratchKey(shard: Int) -> Bytes { key(tag(of: shard), "scratch") }
    /// `PREFIX:GEN:{SHARD}:scopes`: hash of the scopes that may have keys of their own.
    public func scopesKey(shard: Int) -> Bytes { key(tag(of: shard), "scopes") }
    /// `PREFIX:GEN:{dir}:ledger`: hash of layout, origins and contract.
    public var ledgerKey: Bytes { key("dir", "ledger") }
    /// `PREFIX:GEN:{dir}:credential:HASH`: hash of one credential's members.
    public func credentialKey(hash: Bytes) -> Bytes {
        var key = key("dir", "credential:")
        KeyLayout.escape(hash, into: &key)
        return key
    }

    /// `PREFIX:GEN:{SHARD}:ORG:directory:KIND[:ID]`: hash of one profile's or plan's members.
    public func profileKey(organization: Bytes, kind: String, id: Bytes?) -> Bytes {
        var key = shardPrefix(shard(of: organization))
        KeyLayout.escape(organization, into: &key)
        key += Bytes(":directory:\(kind)".utf8)
        if let id {
            key.append(UInt8(ascii: ":"))
            KeyLayout.escape(id, into: &key)
        }
        return key
    }

    /// Member of a mark in the marks hash: `TOPIC/PARTITION`.
    public static func markMember(topic: String, partition: Int32) -> Bytes {
        Bytes("\(topic)/\(partition)".utf8)
    }

    // MARK: Names of cells

    /// Name of the key that holds the cells of a meter in one window (and, for a series, in its
    /// neighbours): `PREFIX:GEN:{SHARD}:ORG[:DIM=VALUE…]:METER:WINDOW[:BUCKET]`, or
    /// `…:totals` for the `all` window of a series.
    ///
    /// - Parameters:
    ///   - scope: names and values of the dimensions of one scope, in the catalog's order.
    ///   - meter: name of the meter; of its family where it has one.
    ///   - isFamily: whether the key is a family's.
    ///   - number: the window's number; for a grid the weekday, 0 for Sunday.
    public func cellKey(
        organization: Bytes, scope: [(name: String, value: Bytes)] = [], meter: String,
        isFamily: Bool = false, shape: CellShape, window: Window, number: Int32
    ) -> Bytes {
        var key = shardPrefix(shard(of: organization))
        KeyLayout.escape(organization, into: &key)
        for (name, value) in scope {
            key += Bytes(":\(name)=".utf8)
            KeyLayout.escape(value, into: &key)
        }
        KeyLayout.appendCellKeySuffix(
            meter: Bytes(meter.utf8), isFamily: isFamily, shape: shape, window: window,
            number: number, to: &key)
        return key
    }

    /// Member of a series' cell in its key: the meter's name in `totals`, month `03`, day `09`,
    /// quarter-hour `1415`, minute `07`.
    public static func seriesMember(meter: Bytes, window: Window, number: Int32) -> Bytes {
        var member = Bytes()
        appendSeriesMember(meter: meter, window: window, number: number, to: &member)
        return member
    }

    /// First and last window number whose cells are in the same series key as `number`.
    ///
    /// `isFamily`: several meters share the key, so that it has a quarter of the minutes and
    /// quarter-hours.
    public static func seriesBucket(
        _ window: Window, _ number: Int32, isFamily: Bool = false
    ) -> ClosedRange<Int32> {
        switch window {
        case .all: return 0...0
        case .month:
            let first = Int32(floorDivide(Int64(number), 12) * 12)
            return first...first + 11
        case .day:
            let date = CivilDate(day: number)
            let first = CivilDate(month: date.month).dayNumber
            return first...first + date.daysInMonth - 1
        case .quarter:
            let count: Int64 = isFamily ? 24 : 96
            let first = Int32(floorDivide(Int64(number), count) * count)
            return first...first + Int32(count) - 1
        case .minute:
            let count: Int64 = isFamily ? 15 : 60
            let first = Int32(floorDivide(Int64(number), count) * count)
            return first...first + Int32(count) - 1
        }
    }

    /// Label of a window: `2026-03`, `2026-03-09`, quarter-hour `2026-03-09T1415`, minute
    /// `2026-03-09T1407`, `all`.
    public static func label(_ window: Window, _ number: Int32) -> String {
        var text = Bytes()
        appendLabel(window, number, to: &text)
        return String(decoding: text, as: UTF8.self)
    }

    // MARK: Escaping

    /// Appends `bytes` with every byte outside "!" … "~" and 0x80 … 0xFF, and "%", ":", "{", "}",
    /// written as "%XX" (two upper-case hexadecimal digits).
    public static func escape(_ bytes: some Sequence<UInt8>, into name: inout Bytes) {
        let isPlain = bytes.withContiguousStorageIfAvailable { bytes in
            guard bytes.allSatisfy({ NameEscape.isPlain($0) }) else { return false }
            name.append(contentsOf: bytes)
            return true
        }
        guard isPlain != true else { return }
        for byte in bytes {
            if NameEscape.isPlain(byte) {
                name.append(byte)
            } else {
                name.append(UInt8(ascii: "%"))
                name.append(NameEscape.digit(byte >> 4))
                name.append(NameEscape.digit(byte & 15))
            }
        }
    }

    /// The member of a table or ranking: the escaped values of the `by` tuple joined by ":".
    public static func tupleMember(_ values: [Bytes]) -> Bytes {
        var member = Bytes()
        for (index, value) in values.enumerated() {
            if index > 0 { member.append(UInt8(ascii: ":")) }
            escape(value, into: &member)
        }
        return member
    }

    /// The values of a `by` tuple from its member; nil where an escape is broken.
    public static func tupleValues(_ member: some Collection<UInt8>) -> [Bytes]? {
        var values: [Bytes] = []
        for part in member.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false) {
            guard let value = unescape(part) else { return nil }
            values.append(value)
        }
        return values
    }

    /// The bytes that `escape` wrote; nil where "%" is not followed by two upper-case hexadecimal
    /// digits.
    public static func unescape(_ name: some Collection<UInt8>) -> Bytes? {
        var bytes = Bytes()
        var rest = name.makeIterator()
        while let byte = rest.next() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.next().flatMap(NameEscape.value(ofDigit:)),
                let low = rest.next().flatMap(NameEscape.value(ofDigit:))
            else { return nil }
            bytes.append(high << 4 | low)
        }
        return bytes
    }
}
