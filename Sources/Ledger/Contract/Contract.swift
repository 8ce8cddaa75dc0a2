/// What all writers of one ledger must agree on.
///
/// Its canonical text is in the ledger; its number and digest are beside the marks of every
/// shard, and the commit script compares them first. So two catalogs never count in one ledger
/// at the same time.
public struct Contract: Sendable, Hashable {
    /// A part of the contract under a name.
    public struct Part: Sendable, Hashable, Comparable {
        /// Its name: bound, event or meter.
        public var name: String
        /// Its value or the digest of it.
        public var value: String

        /// A part of that name and value.
        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }

        /// By name, then by value; bytewise, so that the text does not depend on a locale.
        public static func < (left: Part, right: Part) -> Bool {
            left.name != right.name
                ? left.name.utf8.lexicographicallyPrecedes(right.name.utf8)
                : left.value.utf8.lexicographicallyPrecedes(right.value.utf8)
        }
    }

    /// Version of the key layout.
    public var layoutVersion: Int
    /// Number of shards.
    public var shardCount: Int
    /// Name of the shard function.
    public var shardHash: String
    /// Kafka group id.
    public var group: String
    /// Id of the Kafka cluster.
    public var cluster: String
    /// N: how many offsets before a record its duplicates are looked for.
    public var dedupeWindow: Int
    /// Key of the dedupe hash.
    public var dedupeKey: [UInt8]
    /// Limits that decide outcomes, for example seconds into the future; sorted.
    public var bounds: [Part]
    /// Digests of the event types' own rules; sorted.
    public var events: [Part]
    /// Digests of the meters' lowered form; sorted.
    public var meters: [Part]

    /// A contract of these parts, in any order.
    public init(
        layout: KeyLayout, birth: LedgerRecord.Birth, dedupeWindow: Int,
        bounds: [(name: String, value: Int64)],
        events: [(name: String, digest: String)] = [], meters: [(name: String, digest: String)]
    ) {
        layoutVersion = KeyLayout.version
        shardCount = layout.shardCount
        shardHash = LedgerRecord.shardHash
        group = birth.group
        cluster = birth.cluster
        self.dedupeWindow = dedupeWindow
        dedupeKey = birth.dedupeKey
        self.bounds = bounds.map { Part(name: $0.name, value: String($0.value)) }.sorted()
        self.events = events.map { Part(name: $0.name, value: $0.digest) }.sorted()
        self.meters = meters.map { Part(name: $0.name, value: $0.digest) }.sorted()
    }

    // MARK: Text and digest

    /// One line a part: word, name where it has one, value; escaped, in a fixed order.
    public var text: String {
        var lines = [
            "layout \(layoutVersion)", "shards \(shardCount)", "hash \(escaped(shardHash))",
            "group \(escaped(group))", "cluster \(escaped(cluster))",
            "dedupe_window \(dedupeWindow)", "dedupe_key \(Hexadecimal.text(dedupeKey))",
        ]
        lines += bounds.map { "bound \(escaped($0.name)) \(escaped($0.value))" }
        lines += events.map { "event \(escaped($0.name)) \(escaped($0.value))" }
        lines += meters.map { "meter \(escaped($0.name)) \(escaped($0.value))" }
        return lines.map { $0 + "\n" }.joined()
    }

    /// The contract in its canonical text; nil where the text has another form.
    public init?(text: String) {
        var single: [String: String] = [:]
        var parts: [String: [Part]] = [:]
        for line in text.utf8.split(separator: UInt8(ascii: "\n")) {
            var words: [String] = []
            for word in line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false) {
                guard let bytes = KeyLayout.unescape(word) else { return nil }
                words.append(String(decoding: bytes, as: UTF8.self))
            }
            switch words.count {
            case 2: single[words[0]] = words[1]
            case 3: parts[words[0], default: []].append(Part(name: words[1], value: words[2]))
            default: return nil
            }
        }
        guard let layout = single["layout"].flatMap({ Int($0) }),
            let shards = single["shards"].flatMap({ Int($0) }), let hash = single["hash"],
            let group = single["group"], let cluster = single["cluster"],
            let window = single["dedupe_window"].flatMap({ Int($0) }),
            let key = single["dedupe_key"].flatMap({ Hexadecimal.bytes($0) })
        else { return nil }
        layoutVersion = layout
        shardCount = shards
        shardHash = hash
        self.group = group
        self.cluster = cluster
        dedupeWindow = window
        dedupeKey = key
        bounds = (parts["bound"] ?? []).sorted()
        events = (parts["event"] ?? []).sorted()
        meters = (parts["meter"] ?? []).sorted()
    }

    /// A digest of the text: 32 hexadecimal digits.
    public var digest: String { Contract.digest(of: Array(text.utf8)) }

    /// A digest of bytes, 32 hexadecimal digits; against accidents, not against attackers.
    ///
    /// FNV-1a (64 bit) forwards and backwards, the second from another start and with the length.
    public static func digest(of bytes: [UInt8]) -> String {
        var forwards = FNV64()
        var backwards = FNV64(start: 0x6C62_272E_07BB_0142)
        bytes.withUnsafeBytes { forwards.add($0) }
        Array(bytes.reversed()).withUnsafeBytes { backwards.add($0) }
        withUnsafeBytes(of: UInt64(bytes.count).littleEndian) { backwards.add($0) }
        return [forwards.value, backwards.value].map { value in
            let digits = String(value, radix: 16)
            return String(repeating: "0", count: 16 - digits.utf8.count) + digits
        }.joined()
    }

    private func escaped(_ value: String) -> String {
        var bytes: [UInt8] = []
        KeyLayout.escape(value.utf8, into: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    // MARK: Comparing

    /// The relation of this contract to the one that a ledger has.
    public enum Relation: Sendable, Hashable {
        /// They are the same.
        case same
        /// This one only adds meters (and events), whose names these are.
        case superset(added: [String])
        /// They differ in this; only `--accept-contract` moves the ledger.
        case different([String])
        /// They differ in this, and no move is possible: another prefix is needed.
        case incompatible([String])
    }

    /// The relation of this contract to the one that a ledger has.
    public func relation(to stored: Contract) -> Relation {
        var incompatible: [String] = []
        if layoutVersion != stored.layoutVersion { incompatible.append("layout") }
        if shardCount != stored.shardCount { incompatible.append("shards") }
        if shardHash != stored.shardHash { incompatible.append("hash") }
        guard incompatible.isEmpty else { return .incompatible(incompatible) }
        var differences: [String] = []
        if group != stored.group { differences.append("group") }
        // An empty id: Kafka did not tell it when the ledger was made. That is no difference.
        if cluster != stored.cluster, !stored.cluster.isEmpty { differences.append("cluster") }
        if dedupeWindow != stored.dedupeWindow { differences.append("dedupe window") }
        if dedupeKey != stored.dedupeKey { differences.append("dedupe key") }
        if bounds != stored.bounds { differences.append("bounds") }
        differences += Contract.lost(stored.events, in: events).map { "event \($0)" }
        differences += Contract.lost(stored.meters, in: meters).map { "meter \($0)" }
        differences += newRules(since: stored).map { "new field \($0) of a known event" }
        guard differences.isEmpty else { return .different(differences) }
        return self == stored ? .same : .superset(added: changedMeters(since: stored))
    }

    /// Fields (`EVENT/FIELD`) that are new on an event type which the stored contract knows: even
    /// an optional one can make an event rejected that was accepted before, by its type or length.
    private func newRules(since stored: Contract) -> [String] {
        let known = Set(stored.events.map(\.name))
        return events.map(\.name).filter { name in
            guard let slash = name.lastIndex(of: "/"), !known.contains(name) else { return false }
            return known.contains(String(name[..<slash]))
        }
    }

    /// Names of meters that the stored contract does not have, or has with another digest.
    public func changedMeters(since stored: Contract?) -> [String] {
        Contract.lost(meters, in: stored?.meters ?? [])
    }

    /// Names of parts that are not the same in `other`.
    private static func lost(_ parts: [Part], in other: [Part]) -> [String] {
        let present = Set(other)
        return parts.filter { !present.contains($0) }.map(\.name)
    }
}

/// Number and digest of a contract, as they are beside the marks: `NUMBER:DIGEST`.
public struct ContractStamp: Sendable, Hashable {
    /// Raised by each move.
    public var number: Int
    /// Digest of the contract's text.
    public var digest: String

    /// A stamp of these parts.
    public init(number: Int, digest: String) {
        self.number = number
        self.digest = digest
    }

    /// The stamp in its text; nil where the text has another form.
    public init?(text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let number = Int(parts[0]), number > 0, !parts[1].isEmpty else {
            return nil
        }
        self.init(number: number, digest: String(parts[1]))
    }

    /// Its text in Redis.
    public var text: [UInt8] { Array("\(number):\(digest)".utf8) }
}
