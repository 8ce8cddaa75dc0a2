public import Redis

/// One record of the directory topic, for one object in Redis.
public struct DirectoryChange: Sendable, Hashable {
    /// A member of the object and its JSON text.
    public struct Member: Sendable, Hashable {
        /// Name of the member.
        public var name: [UInt8]
        /// Its value as JSON text.
        public var json: [UInt8]

        /// A member of that name and value.
        public init(name: [UInt8], json: [UInt8]) {
            self.name = name
            self.json = json
        }
    }

    /// Name of the object's key.
    public var key: [UInt8]
    /// Offset of the record.
    public var offset: Int64
    /// All members, of which those with "@" in front are not stored; nil when the object is
    /// deleted.
    public var members: [Member]?

    /// A change of these parts.
    public init(key: [UInt8], offset: Int64, members: [Member]?) {
        self.key = key
        self.offset = offset
        self.members = members
    }
}

/// How far a directory topic is mirrored, and from which log.
public struct DirectoryState: Sendable, Hashable {
    /// Next offset to mirror; nil when this log was never read to its end.
    public var mark: Int64?
    /// The last record that was mirrored; nil when it is unknown (an older version wrote the mark)
    /// or there is none yet.
    public var witness: Fingerprint?
    /// Number of the log: 0 for the first one under this name, one more each time another log was
    /// found.
    public var epoch: Int64

    /// A state of these parts.
    public init(mark: Int64?, witness: Fingerprint?, epoch: Int64) {
        self.mark = mark
        self.witness = witness
        self.epoch = epoch
    }
}

/// Writes the objects of the directory topic: of one log the last offset wins, whatever the order
/// of writing, and what another log wrote counts as lower.
public struct DirectoryStore: Sendable {
    private let layout: KeyLayout
    private let topic: String
    private var objectScript = Script(DirectoryScripts.object)
    private var markScript = Script(DirectoryScripts.mark)
    private var epochScript = Script(DirectoryScripts.epoch)
    private var closeScript = Script(DirectoryScripts.close)

    /// The directory of a ledger, mirrored from this topic.
    public init(layout: KeyLayout, topic: String) {
        self.layout = layout
        self.topic = topic
    }

    /// Most changes that are on their way at once.
    private static let batch = 256

    private var markMember: [UInt8] { Array("directory:\(topic)".utf8) }
    private var witnessMember: [UInt8] { Array("directory_witness:\(topic)".utf8) }
    private var epochMember: [UInt8] { Array("directory_epoch:\(topic)".utf8) }

    // MARK: State

    /// How far the topic is mirrored.
    public func state(on connection: inout Connection) throws(LedgerError) -> DirectoryState {
        let reply = try connection.ask([
            Array("HMGET".utf8), layout.ledgerKey, markMember, witnessMember, epochMember,
        ])
        let values = reply.elements
        guard values.count == 3 else {
            throw LedgerError(.corrupt, "the state of directory topic \(topic) is broken")
        }
        func number(_ value: ReplyValue, _ name: String) throws(LedgerError) -> Int64? {
            guard value != .null else { return nil }
            guard let number = value.integer, number >= 0 else {
                throw LedgerError(.corrupt, "the \(name) of directory topic \(topic) is broken")
            }
            return number
        }
        return DirectoryState(
            mark: try number(values[0], "mark"),
            witness: values[1].bytes.flatMap { Fingerprint(text: $0) },
            epoch: try number(values[2], "epoch") ?? 0)
    }

    /// Moves the mark forward, never back, with the last record that was mirrored, and returns the
    /// mark that is there afterwards.
    ///
    /// Nothing moves where the mark is below `start`, or gone: then Redis went back, and what was
    /// written in between is missing; nor where another epoch began: then the result is nil.
    /// `start` is nil when the topic was read from its beginning, `witness` is nil when no record
    /// was read.
    public mutating func moveMark(
        from start: Int64?, to offset: Int64, witness: Fingerprint?, epoch: Int64,
        on connection: inout Connection
    ) throws(LedgerError) -> Int64? {
        let arguments = [
            markMember, DirectoryStore.bytes(start.map { String($0) } ?? ""),
            DirectoryStore.bytes(String(offset)), witnessMember, witness?.text ?? [], epochMember,
            DirectoryStore.bytes(String(epoch)),
        ]
        let reply = try markScript.ask(
            on: &connection, keys: [layout.ledgerKey], arguments: arguments)
        guard reply != .null else { return nil }
        guard let mark = reply.integer else {
            throw LedgerError(.corrupt, "the mark of directory topic \(topic) is broken")
        }
        return mark
    }

    /// Begins the epoch after this one: mark and witness are gone until the new log was read to its
    /// end.
    ///
    /// Does nothing where another process has begun another one.
    public mutating func beginEpoch(
        after epoch: Int64, on connection: inout Connection
    ) throws(LedgerError) {
        _ = try epochScript.ask(
            on: &connection, keys: [layout.ledgerKey],
            arguments: [
                epochMember, DirectoryStore.bytes(String(epoch)),
                DirectoryStore.bytes(String(epoch + 1)), markMember, witnessMember,
            ])
    }

    // MARK: Objects

    /// Writes changes, each only over a lower offset or an earlier epoch, and returns how many were
    /// written; nil when another epoch began: then nothing more may be written under this one.
    public mutating func apply(
        _ changes: [DirectoryChange], epoch: Int64, on connection: inout Connection
    ) throws(LedgerError) -> Int? {
        let (layout, epochMember) = (layout, epochMember)
        let credentials = layout.credentialKey(hash: [])
        let epochText = DirectoryStore.bytes(String(epoch))
        var written = 0
        var isStale = false
        try DirectoryStore.pipeline(changes, &objectScript, on: &connection) { change in
            // Only credentials have the ledger's hash tag, so only their script can compare the
            // epoch; an outdated profile gives nobody access.
            let isCredential = change.key.starts(with: credentials)
            return (
                keys: isCredential ? [change.key, layout.ledgerKey] : [change.key],
                arguments: [DirectoryStore.bytes(String(change.offset)), epochText, epochMember]
                    + DirectoryStore.members(of: change)
            )
        } onReply: { _, reply in
            if reply.integer == 1 { written += 1 }
            if reply.integer == -1 { isStale = true }
        }
        return isStale ? nil : written
    }

    /// The first of these objects that was not last written at its offset, under this epoch; nil
    /// when all were.
    public func firstDifference(
        _ changes: [DirectoryChange], epoch: Int64, on connection: inout Connection
    ) throws(LedgerError) -> DirectoryChange? {
        var rest = changes[...]
        while !rest.isEmpty {
            let part = rest.prefix(DirectoryStore.batch)
            rest = rest.dropFirst(part.count)
            for change in part {
                connection.append([
                    DirectoryStore.bytes("HMGET"), change.key, DirectoryStore.bytes("@offset"),
                    DirectoryStore.bytes("@epoch"),
                ])
            }
            var difference: DirectoryChange?
            try receiveAll(part.count, on: &connection) { index, reply in
                let found = reply.copied().elements.map { $0.integer }
                let change = part[part.startIndex + index]
                guard found.count == 2, found[0] == change.offset, found[1] ?? 0 == epoch else {
                    difference = difference ?? change
                    return
                }
            }
            if let difference { return difference }
        }
        return nil
    }

    /// Closes every object of an earlier epoch, which the log of this one does not have, and
    /// returns how many.
    ///
    /// They stay as deleted ones at `offset`, so that a process that has not heard of the new epoch
    /// cannot write them again; a credential without members opens nothing. Looks at the names of
    /// all keys of `redis`, which `connection` leads to.
    public mutating func closeOthers(
        epoch: Int64, at offset: Int64, redis: RedisConfiguration, on connection: inout Connection
    ) throws(LedgerError) -> Int {
        let start = String(decoding: layout.shardPrefix(0), as: UTF8.self).prefix { $0 != "{" }
        let credentials = String(decoding: layout.credentialKey(hash: []), as: UTF8.self)
        var closed = 0
        for pattern in ["\(credentials)*", "\(start){*}:*:directory:*"] {
            var found: Int
            repeat {
                found = 0
                var scan = try KeyScan.ofLedger(redis, pattern: pattern)
                while let keys = try scan.nextOfLedger() {
                    found += try close(keys, epoch: epoch, at: offset, on: &connection)
                }
                closed += found
                // A key that moved to another master meanwhile may not have come.
            } while found > 0 && redis.cluster != nil
        }
        return closed
    }

    private mutating func close(
        _ keys: [[UInt8]], epoch: Int64, at offset: Int64, on connection: inout Connection
    ) throws(LedgerError) -> Int {
        var closed = 0
        let arguments = [String(max(0, offset)), String(epoch)].map(DirectoryStore.bytes)
        try DirectoryStore.pipeline(keys, &closeScript, on: &connection) { key in
            (keys: [key], arguments: arguments)
        } onReply: { _, reply in
            if reply.integer == 1 { closed += 1 }
        }
        return closed
    }

    /// Calls a script for each element, many at a time.
    private static func pipeline<Element>(
        _ elements: [Element], _ script: inout Script, on connection: inout Connection,
        _ call: (Element) -> (keys: [[UInt8]], arguments: [[UInt8]]),
        onReply: (Int, ReplyView) -> Void
    ) throws(LedgerError) {
        guard !elements.isEmpty else { return }
        try script.prepare(on: &connection)
        var rest = elements[...]
        while !rest.isEmpty {
            let part = rest.prefix(DirectoryStore.batch)
            rest = rest.dropFirst(part.count)
            for element in part {
                let (keys, arguments) = call(element)
                script.append(on: &connection, keys: keys, arguments: arguments)
            }
            try receiveAll(part.count, on: &connection) { index, reply in onReply(index, reply) }
        }
    }

    private static func members(of change: DirectoryChange) -> [[UInt8]] {
        guard let members = change.members else { return ["@deleted", "1"].map(bytes) }
        return members.filter { $0.name.first != UInt8(ascii: "@") }.flatMap { [$0.name, $0.json] }
    }

    private static func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
}
