public import Redis

/// The arguments of one commit, written in Redis' protocol as they come, in memory that is used again.
///
/// Order: `begin`, then ranges, audit entries and groups in any order (entries follow their group).
/// Nothing is allocated for an entry once the memory has grown to its size. One cell may stand in it
/// several times; the result is the same as one after the other.
public struct CommitArguments: ~Copyable {
    /// How an entry changes its cell.
    public enum Kind: UInt8, Sendable, CaseIterable {
        /// Adds an integer to a hash field. Int64.min is not allowed.
        case add = 72  // H
        /// Adds an integer to a sorted-set member; result and increment are below 2^53.
        case score = 90  // Z
        /// Keeps the lesser 20-digit text in a hash field.
        case minimum = 109  // m
        /// Keeps the greater 20-digit text in a hash field.
        case maximum = 77  // M
        /// Keeps the `TIME20:VALUE` with the lesser time in a hash field; ties: the greater text.
        case first = 102  // f
        /// Keeps the greater `TIME20:VALUE` in a hash field.
        case last = 108  // l
        /// Adds a member to a HyperLogLog.
        case distinct = 80  // P
    }

    /// Scores above 0 and below this may be added by a union; any two of them have an exact sum.
    static let smallScores: Range<Int64> = 1..<1_000_000_000_000_000
    /// The script's letter for scores that come as the dump of a set.
    static let union = UInt8(ascii: "U")
    /// The script's letter for the shard's register of scopes.
    static let register = UInt8(ascii: "S")
    /// Stands behind the letter of a group whose expiry follows.
    static let expires = UInt8(ascii: "@")

    private var keys: CommandBuffer
    private var ranges: CommandBuffer
    private var audit: CommandBuffer
    private var groups: CommandBuffer
    private var rangeCountPlace = 0
    private var auditCountPlace = 0
    private var groupCountPlace = 0
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
        rangeCountPlace = ranges.appendBlankNumber()
        auditCountPlace = audit.appendBlankNumber()
    }

    // MARK: Ranges and audit

    /// Adds the range [from, to) of the partition with that mark field (`TOPIC/PARTITION`).
    ///
    /// - Parameters:
    ///   - from: the mark that must stand there; nil = none.
    ///   - fingerprint: text of the last record taken; nil leaves the one that stands there.
    public mutating func addRange(
        field: UnsafeRawBufferPointer, from: Int64?, to: Int64, fingerprint: UnsafeRawBufferPointer?
    ) {
        ranges.append(field)
        if let from { ranges.append(from) } else { ranges.append("") }
        ranges.append(to)
        if let fingerprint { ranges.append(fingerprint) } else { ranges.append("") }
        rangeCount += 1
    }

    /// Adds the range [from, to) of the partition with that mark field, for cold code.
    public mutating func addRange(
        field: [UInt8], from: Int64?, to: Int64, fingerprint: Fingerprint? = nil
    ) {
        let text = fingerprint?.text
        field.withUnsafeBytes { field in
            if let text {
                text.withUnsafeBytes { addRange(field: field, from: from, to: to, fingerprint: $0) }
            } else {
                addRange(field: field, from: from, to: to, fingerprint: nil)
            }
        }
    }

    /// Adds to an audit counter, whose field is `TOPIC/PARTITION:NAME`.
    public mutating func addAudit(field: UnsafeRawBufferPointer, delta: Int64) {
        audit.append(field)
        audit.append(delta)
        auditCount += 1
    }

    /// Adds to an audit counter, whose field is `TOPIC/PARTITION:NAME`, for cold code.
    public mutating func addAudit(field: [UInt8], delta: Int64) {
        field.withUnsafeBytes { addAudit(field: $0, delta: delta) }
    }

    // MARK: Cells

    /// Begins the entries of one key.
    ///
    /// - Parameters:
    ///   - expiry: second since 1970 at which the key ends, set where the key was absent; nil = never.
    ///   - limits: what stands behind the group's letter, see `GroupLimits`.
    public mutating func beginGroup(
        _ kind: Kind, key: UnsafeRawBufferPointer, expiry: Int64?,
        limits: UnsafeRawBufferPointer
    ) {
        groupKind = kind
        beginGroup(letter: kind.rawValue, key, expiry, limits)
    }

    /// Adds increments to the members of one key as the dump of a set that holds them; not for cold code.
    ///
    /// - Parameters:
    ///   - expiry: as in `beginGroup`.
    ///   - increments: members that differ, with scores in `smallScores`.
    package mutating func addUnion(
        key: UnsafeRawBufferPointer, expiry: Int64?, limits: UnsafeRawBufferPointer,
        _ increments: inout SortedSetDump
    ) {
        groupKind = .score
        beginGroup(letter: Self.union, key, expiry, limits)
        increments.withText { groups.append($0) }
        groupArgumentCount += 1
        groupEntryCount = increments.count
        entryCount += increments.count
    }

    private mutating func beginGroup(
        letter: UInt8, _ key: UnsafeRawBufferPointer, _ expiry: Int64?,
        _ limits: UnsafeRawBufferPointer
    ) {
        endGroup()
        keys.append(key)
        groupCount += 1
        withUnsafeBytes(of: (letter, Self.expires)) {
            let mark = UnsafeRawBufferPointer(rebasing: $0.prefix(expiry == nil ? 1 : 2))
            groups.append(mark, limits)
        }
        if let expiry { groups.append(expiry) }
        groupCountPlace = groups.appendBlankNumber()
        groupArgumentCount += expiry == nil ? 2 : 3
    }

    /// Begins the entries of one key, for cold code.
    public mutating func beginGroup(
        _ kind: Kind, key: [UInt8], expiry: Int64? = nil, limits: [UInt8] = []
    ) {
        key.withUnsafeBytes { key in
            limits.withUnsafeBytes { beginGroup(kind, key: key, expiry: expiry, limits: $0) }
        }
    }

    /// Names the shard's register of scopes, which a commit with limited scopes needs, and the scopes
    /// (`ORG:DIM=VALUE…`) that the caller counts under `__other__`, each with its limit.
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

    /// Adds an increment of the group's cell `field`; kinds add and score.
    public mutating func addEntry(field: UnsafeRawBufferPointer, delta: Int64) {
        assert(groupKind == .add || groupKind == .score)
        // Its opposite has no place in 64 bits, so it could not be undone.
        precondition(delta != .min)
        if groupKind == .score {
            groups.append(delta)
            groups.append(field)
        } else {
            groups.append(field)
            groups.append(delta)
        }
        countEntry(arguments: 2)
    }

    /// Adds a value of the group's cell `field`; kinds minimum, maximum, first and last.
    public mutating func addEntry(field: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {
        assert(
            groupKind != .distinct && value.count >= 20 || groupKind == .add || groupKind == .score)
        groups.append(field)
        groups.append(value)
        countEntry(arguments: 2)
    }

    /// Adds a member of the group's HyperLogLog; kind distinct.
    public mutating func addMember(_ member: UnsafeRawBufferPointer) {
        assert(groupKind == .distinct)
        groups.append(member)
        countEntry(arguments: 1)
    }

    /// Adds an increment of the group's cell `field`, for cold code.
    public mutating func addEntry(field: [UInt8], delta: Int64) {
        field.withUnsafeBytes { addEntry(field: $0, delta: delta) }
    }

    /// Adds a value of the group's cell `field`, for cold code.
    public mutating func addEntry(field: [UInt8], value: [UInt8]) {
        field.withUnsafeBytes { field in
            value.withUnsafeBytes { addEntry(field: field, value: $0) }
        }
    }

    /// Adds a member of the group's HyperLogLog, for cold code.
    public mutating func addMember(_ member: [UInt8]) {
        member.withUnsafeBytes { addMember($0) }
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

    /// Writes what is known of the last group only when its entries are; may be repeated.
    private mutating func fillGroup() {
        guard groupCount > 0 else { return }
        groups.fill(groupCountPlace, with: groupEntryCount)
    }

    // MARK: Sending

    /// Buffers the call of the commit script with that digest on a connection; may be repeated.
    ///
    /// `latest`: the latest second since 1970 that Redis' clock may show, 0 = any.
    public mutating func send(
        on connection: inout Connection, scriptDigest: [UInt8], latest: Int64 = 0
    ) {
        fillCounts()
        let keyCount = 3 + groupCount
        let argumentCount = 2 + 4 * rangeCount + 1 + 2 * auditCount + groupArgumentCount + 1
        connection.begin(arguments: 3 + keyCount + argumentCount)
        connection.add("EVALSHA")
        connection.add(scriptDigest)
        connection.add(Int64(keyCount))
        connection.addEncoded(keys)
        connection.addEncoded(ranges)
        connection.addEncoded(audit)
        connection.addEncoded(groups)
        connection.add(latest)
    }

    private mutating func fillCounts() {
        precondition(rangeCount > 0, "a commit without a range")
        fillGroup()
        ranges.fill(rangeCountPlace, with: rangeCount)
        audit.fill(auditCountPlace, with: auditCount)
    }

    /// Keys, ranges, audit and groups as `send` writes them, for a benchmark that sends them otherwise.
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
