public import Redis

/// The arguments of one commit, written in Redis' protocol as they are added; its memory is used
/// again.
///
/// Order: `begin`, then ranges, audit entries and groups in any order (entries follow their group).
/// Nothing is allocated for an entry once the memory has grown to its size. A cell may be named
/// several times: its entries then apply one after the other.
public struct CommitArguments: ~Copyable {
    /// How an entry changes its cell.
    public enum Kind: UInt8, Sendable, CaseIterable {
        /// Adds an integer to a member of a hash. Int64.min is not allowed.
        case add = 72  // H
        /// Adds an integer to a score in a sorted set; result and increment are below 2^53.
        case score = 90  // Z
        /// Keeps the lesser 20-digit text in a member of a hash.
        case minimum = 109  // m
        /// Keeps the greater 20-digit text in a member of a hash.
        case maximum = 77  // M
        /// Keeps the `TIME20:VALUE` with the lesser time in a member of a hash; ties: the greater
        /// text.
        case first = 102  // f
        /// Keeps the greater `TIME20:VALUE` in a member of a hash.
        case last = 108  // l
        /// Adds a value to a HyperLogLog.
        case distinct = 80  // P
    }

    /// Scores above 0 and below this may be added by a union; any two of them have an exact sum.
    static let smallScores: Range<Int64> = 1..<1_000_000_000_000_000
    /// The script's letter for scores that come as the dump of a set.
    static let union = UInt8(ascii: "U")
    /// The script's letter for the dump of a hash, which is made where its key is absent.
    static let hash = UInt8(ascii: "N")
    /// The script's letter for the dump of a sorted set, which is made where its key is absent.
    static let set = UInt8(ascii: "Y")
    /// The script's letter for the dump of a HyperLogLog, which is made where its key is absent.
    static let sketch = UInt8(ascii: "Q")
    /// The script's letter for the shard's register of scopes.
    static let register = UInt8(ascii: "S")
    /// Follows the group's letter when its key expires.
    static let expires = UInt8(ascii: "@")

    private var keys: CommandBuffer
    private var ranges: CommandBuffer
    private var audit: CommandBuffer
    private var groups: CommandBuffer
    private var rangeCountOffset = 0
    private var auditCountOffset = 0
    private var groupCountOffset = 0
    private var groupKind: Kind = .add
    private var groupEntryCount = 0
    private var auditCount = 0
    private var groupArgumentCount = 0
    /// Ranges added since `begin`.
    public private(set) var rangeCount = 0
    /// Groups, that is keys, added since `begin`.
    public private(set) var groupCount = 0
    /// Entries added since `begin`.
    public private(set) var entryCount = 0

    /// Arguments without content; call `begin` first.
    public init() {
        keys = CommandBuffer(capacity: 4_096)
        ranges = CommandBuffer(capacity: 1_024)
        audit = CommandBuffer(capacity: 1_024)
        groups = CommandBuffer(capacity: 16 * 1_024)
    }

    /// Bytes that will be sent.
    public var byteCount: Int {
        keys.byteCount + ranges.byteCount + audit.byteCount + groups.byteCount
    }

    /// Starts a commit for the shard of these keys under this contract (`NUMBER:DIGEST`).
    public mutating func begin(
        marksKey: [UInt8], auditKey: [UInt8], scratchKey: [UInt8], contract: [UInt8]
    ) {
        keys.removeAll()
        ranges.removeAll()
        audit.removeAll()
        groups.removeAll()
        rangeCount = 0
        groupCount = 0
        entryCount = 0
        auditCount = 0
        groupArgumentCount = 0
        groupEntryCount = 0
        keys.append(marksKey)
        keys.append(auditKey)
        keys.append(scratchKey)
        ranges.append(contract)
        rangeCountOffset = ranges.appendBlankNumber()
        auditCountOffset = audit.appendBlankNumber()
    }

    // MARK: Ranges and audit

    /// Adds the range [from, to) of the partition whose mark is that member (`TOPIC/PARTITION`).
    ///
    /// - Parameters:
    ///   - from: the mark that must be there; nil when there must be none.
    ///   - fingerprint: text of the last record taken; nil leaves the one that is there.
    public mutating func addRange(
        member: UnsafeRawBufferPointer, from: Int64?, to: Int64,
        fingerprint: UnsafeRawBufferPointer?
    ) {
        ranges.append(member)
        if let from { ranges.append(from) } else { ranges.append("") }
        ranges.append(to)
        if let fingerprint { ranges.append(fingerprint) } else { ranges.append("") }
        rangeCount += 1
    }

    /// Adds the range [from, to) of the partition whose mark is that member, for cold code.
    public mutating func addRange(
        member: [UInt8], from: Int64?, to: Int64, fingerprint: Fingerprint? = nil
    ) {
        let text = fingerprint?.text
        member.withUnsafeBytes { member in
            if let text {
                text.withUnsafeBytes {
                    addRange(member: member, from: from, to: to, fingerprint: $0)
                }
            } else {
                addRange(member: member, from: from, to: to, fingerprint: nil)
            }
        }
    }

    /// Adds to an audit counter, whose member is `TOPIC/PARTITION:NAME`.
    public mutating func addAudit(member: UnsafeRawBufferPointer, delta: Int64) {
        audit.append(member)
        audit.append(delta)
        auditCount += 1
    }

    /// Adds to an audit counter, whose member is `TOPIC/PARTITION:NAME`, for cold code.
    public mutating func addAudit(member: [UInt8], delta: Int64) {
        member.withUnsafeBytes { addAudit(member: $0, delta: delta) }
    }

    // MARK: Cells

    /// Begins the entries of one key.
    ///
    /// - Parameters:
    ///   - expirySecond: second since 1970 at which the key ends, set where the key was absent;
    ///     nil: never.
    ///   - limits: what follows the group's letter, see `GroupLimits`.
    public mutating func beginGroup(
        _ kind: Kind, key: UnsafeRawBufferPointer, expirySecond: Int64?,
        limits: UnsafeRawBufferPointer
    ) {
        groupKind = kind
        beginGroup(letter: kind.rawValue, key, expirySecond, limits)
    }

    /// Adds increments to the members of one key as the dump of a set that holds them; not for cold
    /// code.
    ///
    /// - Parameters:
    ///   - expirySecond: as in `beginGroup`.
    ///   - isNew: whether the key is probably absent. Then the set is made of the dump, whose
    ///     members are in the order of a sorted set, and no other group may name the key. Where it
    ///     is there, the scores are added to it.
    ///   - increments: members that differ, with scores in `smallScores`.
    package mutating func addUnion(
        key: UnsafeRawBufferPointer, expirySecond: Int64?, limits: UnsafeRawBufferPointer,
        isNew: Bool = false, _ increments: inout KeyDump
    ) {
        groupKind = .score
        beginGroup(letter: isNew ? Self.set : Self.union, key, expirySecond, limits)
        addDump(&increments, .sortedSet)
    }

    /// Adds the content of a hash whose key is probably absent; not for cold code.
    ///
    /// Where it is there, its entries apply one by one: as additions, but for those that
    /// `addKept` names, which must follow. No other group may name the key.
    ///
    /// - Parameters:
    ///   - expirySecond: as in `beginGroup`.
    ///   - values: members that differ; no number is 0.
    ///   - keptCount: how many of them keep one of the values that they are given.
    package mutating func addHash(
        key: UnsafeRawBufferPointer, expirySecond: Int64?, limits: UnsafeRawBufferPointer,
        _ values: inout KeyDump, keptCount: Int
    ) {
        groupKind = .add
        beginGroup(letter: Self.hash, key, expirySecond, limits)
        addDump(&values, .hash)
        groups.append(Int64(keptCount))
        groupArgumentCount += 1
    }

    /// Names a member of the last hash that keeps one of the values that it is given.
    package mutating func addKept(_ kind: Kind, member: UnsafeRawBufferPointer) {
        withUnsafeBytes(of: kind.rawValue) { groups.append($0) }
        groups.append(member)
        groupArgumentCount += 2
    }

    /// Begins the values of a HyperLogLog whose key is probably absent, with its content as a dump.
    ///
    /// The values follow. No other group may name the key.
    package mutating func beginSketch(
        key: UnsafeRawBufferPointer, expirySecond: Int64?, limits: UnsafeRawBufferPointer,
        _ sketch: inout SketchDump
    ) {
        groupKind = .distinct
        beginGroup(letter: Self.sketch, key, expirySecond, limits)
        sketch.withText { groups.append($0) }
        groupArgumentCount += 1
    }

    private mutating func addDump(_ dump: inout KeyDump, _ content: KeyDump.Content) {
        dump.withText(content) { groups.append($0) }
        groupArgumentCount += 1
        groupEntryCount = dump.count
        entryCount += dump.count
    }

    private mutating func beginGroup(
        letter: UInt8, _ key: UnsafeRawBufferPointer, _ expirySecond: Int64?,
        _ limits: UnsafeRawBufferPointer
    ) {
        endGroup()
        keys.append(key)
        groupCount += 1
        withUnsafeBytes(of: (letter, Self.expires)) {
            let head = UnsafeRawBufferPointer(rebasing: $0.prefix(expirySecond == nil ? 1 : 2))
            groups.append(head, limits)
        }
        if let expirySecond { groups.append(expirySecond) }
        groupCountOffset = groups.appendBlankNumber()
        groupArgumentCount += expirySecond == nil ? 2 : 3
    }

    /// Begins the entries of one key, for cold code.
    public mutating func beginGroup(
        _ kind: Kind, key: [UInt8], expirySecond: Int64? = nil, limits: [UInt8] = []
    ) {
        key.withUnsafeBytes { key in
            limits.withUnsafeBytes {
                beginGroup(kind, key: key, expirySecond: expirySecond, limits: $0)
            }
        }
    }

    /// Names the shard's register of scopes, which a commit with limited scopes needs, and the
    /// scopes (`ORG:DIM=VALUE…`) that the caller counts under `__other__`, each with its limit.
    public mutating func addRegister(key: [UInt8], refused: [(scope: [UInt8], most: Int)]) {
        let unlimited = UnsafeRawBufferPointer(start: nil, count: 0)
        key.withUnsafeBytes { beginGroup(letter: Self.register, $0, nil, unlimited) }
        for (scope, most) in refused {
            groups.append(scope)
            groups.append(Int64(most))
            groupEntryCount += 1
            groupArgumentCount += 2
        }
    }

    /// Adds an increment of the group's cell `member`; kinds add and score.
    public mutating func addEntry(member: UnsafeRawBufferPointer, delta: Int64) {
        assert(groupKind == .add || groupKind == .score)
        // Its opposite does not fit in 64 bits, so it could not be undone.
        precondition(delta != .min)
        if groupKind == .score {
            groups.append(delta)
            groups.append(member)
        } else {
            groups.append(member)
            groups.append(delta)
        }
        countEntry(arguments: 2)
    }

    /// Adds a value of the group's cell `member`; kinds minimum, maximum, first and last.
    public mutating func addEntry(member: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {
        assert(
            groupKind != .distinct && value.count >= 20 || groupKind == .add || groupKind == .score)
        groups.append(member)
        groups.append(value)
        countEntry(arguments: 2)
    }

    /// Adds a value to the group's HyperLogLog; kind distinct.
    public mutating func addDistinct(_ value: UnsafeRawBufferPointer) {
        assert(groupKind == .distinct)
        groups.append(value)
        countEntry(arguments: 1)
    }

    /// Adds an increment of the group's cell `member`, for cold code.
    public mutating func addEntry(member: [UInt8], delta: Int64) {
        member.withUnsafeBytes { addEntry(member: $0, delta: delta) }
    }

    /// Adds a value of the group's cell `member`, for cold code.
    public mutating func addEntry(member: [UInt8], value: [UInt8]) {
        member.withUnsafeBytes { member in
            value.withUnsafeBytes { addEntry(member: member, value: $0) }
        }
    }

    /// Adds a value to the group's HyperLogLog, for cold code.
    public mutating func addDistinct(_ value: [UInt8]) {
        value.withUnsafeBytes { addDistinct($0) }
    }

    private mutating func countEntry(arguments: Int) {
        groupEntryCount += 1
        entryCount += 1
        groupArgumentCount += arguments
    }

    private mutating func endGroup() {
        fillGroup()
        groupEntryCount = 0
    }

    /// Fills in the number of the last group's entries; may be repeated.
    private mutating func fillGroup() {
        guard groupCount > 0 else { return }
        groups.fill(groupCountOffset, with: groupEntryCount)
    }

    // MARK: Sending

    /// Buffers the call of the commit script on a connection; may be repeated.
    ///
    /// - Parameters:
    ///   - connection: where it goes.
    ///   - script: the commit script, whose digest is known.
    ///   - bringsText: whether the call brings the script's text instead of its digest.
    ///   - latestSecond: the latest second since 1970 that Redis' clock may show; 0: no limit.
    public mutating func send(
        on connection: inout Connection, script: Script, bringsText: Bool = false,
        latestSecond: Int64 = 0
    ) {
        fillCounts()
        let keyCount = 3 + groupCount
        let argumentCount = 2 + 4 * rangeCount + 1 + 2 * auditCount + groupArgumentCount + 1
        connection.begin(arguments: 3 + keyCount + argumentCount)
        if bringsText {
            connection.add("EVAL")
            connection.add(Array(script.source.utf8))
        } else {
            connection.add("EVALSHA")
            connection.add(script.digest ?? [])
        }
        connection.add(Int64(keyCount))
        connection.addEncoded(keys)
        connection.addEncoded(ranges)
        connection.addEncoded(audit)
        connection.addEncoded(groups)
        connection.add(latestSecond)
    }

    private mutating func fillCounts() {
        precondition(rangeCount > 0, "a commit without a range")
        fillGroup()
        ranges.fill(rangeCountOffset, with: rangeCount)
        audit.fill(auditCountOffset, with: auditCount)
    }

    /// Keys, ranges, audit and groups as `send` writes them, for a benchmark that sends them in
    /// another way.
    package mutating func withParts(
        _ body: (
            _ keys: UnsafeRawBufferPointer, _ ranges: UnsafeRawBufferPointer,
            _ audit: UnsafeRawBufferPointer, _ groups: UnsafeRawBufferPointer
        ) -> Void
    ) {
        fillCounts()
        body(keys.bytes, ranges.bytes, audit.bytes, groups.bytes)
    }

    /// The script's keys and arguments as `send` writes them, for a ledger that is not Redis.
    mutating func encoded() -> (keyCount: Int, bytes: [UInt8]) {
        fillCounts()
        let bytes = [UInt8](keys.bytes) + ranges.bytes + audit.bytes + groups.bytes
        return (3 + groupCount, bytes)
    }
}
