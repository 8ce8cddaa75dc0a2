public import Redis

/// An entry of a shard's parked hash: which cell refused, and the change that it lacks.
public struct ParkedCell: Sendable, Hashable {
    /// Name of the entry: its member of the parked hash.
    public var name: [UInt8]
    /// How the cell is changed.
    public var kind: CommitArguments.Kind
    /// Second since 1970 at which the cell's key ends; nil: never.
    public var expirySecond: Int64?
    /// Name of the cell's key.
    public var key: [UInt8]
    /// The cell's member; empty for a HyperLogLog.
    public var member: [UInt8]
    /// The delta or value; of a HyperLogLog how many values were parked.
    public var value: [UInt8]

    /// The cell that an entry of the parked hash is about; nil where the entry is not ours.
    public init?(name: [UInt8], value: [UInt8]) {
        let parts = name.split(
            separator: UInt8(ascii: " "), maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count == 4, let letter = parts[0].first,
            let kind = CommitArguments.Kind(rawValue: letter),
            let expirySecond = Int64(String(decoding: parts[1], as: UTF8.self)), !parts[2].isEmpty
        else { return nil }
        self.name = name
        self.kind = kind
        self.expirySecond = expirySecond == 0 ? nil : expirySecond
        key = Array(parts[2])
        member = Array(parts[3])
        self.value = value
    }

    /// The cell's meter as its key names it, for a log; never a value of an event.
    public var meter: String? { KeyLayout.meter(ofKey: key, member: member) }
}

/// What a commit tells about changes that it had to park.
public struct ParkedNews: Sendable, Hashable {
    /// A cell that is parked since this commit.
    public struct Cell: Sendable, Hashable {
        /// Name of the cell's key.
        public var key: [UInt8]
        /// The cell's member; empty for a HyperLogLog.
        public var member: [UInt8]
        /// Redis' own error text.
        public var error: String

        /// The cell's meter as its key names it, for a log; never a value of an event.
        public var meter: String? { KeyLayout.meter(ofKey: key, member: member) }
    }
    /// Entries of the shard's parked hash now.
    public var count: Int
    /// Entries that this commit parked.
    public var entries: Int
    /// Cells that are parked since this commit, eight of them at most.
    public var cells: [Cell]

    /// What follows the fourth element of the commit script's answer; nil when nothing was parked.
    init?(_ reply: ReplyView) {
        guard reply.count >= 6, reply[0].integer == 1, let count = reply[4].integer,
            let entries = reply[5].integer, entries > 0
        else { return nil }
        self.count = Int(count)
        self.entries = Int(entries)
        cells = stride(from: 6, to: reply.count - 3, by: 4).map { index in
            Cell(
                key: reply[index].bytes.map { [UInt8]($0) } ?? [],
                member: reply[index + 1].bytes.map { [UInt8]($0) } ?? [],
                error: reply[index + 3].bytes.map { String(decoding: $0, as: UTF8.self) } ?? "")
        }
    }

    /// News of these parts.
    package init(count: Int, entries: Int, cells: [Cell]) {
        self.count = count
        self.entries = entries
        self.cells = cells
    }
}

/// Reads the parked hash of a shard, and tries again what it holds.
public enum ParkedCells {
    /// The cursor at which a reading of the parked hash begins and ends.
    public static let begin = Array("0".utf8)
    /// Entries that one call of the script tries again.
    private static let batch = 200

    /// What is parked in a shard, about 1,000 entries a round trip; `most` ends it early.
    public static func read(
        _ connection: inout Connection, layout: KeyLayout, shard: Int, most: Int = .max
    ) throws(LedgerError) -> [ParkedCell] {
        var found: [[UInt8]: ParkedCell] = [:]
        var cursor = begin
        repeat {
            for cell in try page(&connection, layout, shard, &cursor) { found[cell.name] = cell }
        } while cursor != begin && found.count < most
        return found.values.sorted { $0.name.lexicographicallyPrecedes($1.name) }
    }

    /// About 1,000 entries from a cursor on, which is moved.
    private static func page(
        _ connection: inout Connection, _ layout: KeyLayout, _ shard: Int, _ cursor: inout [UInt8]
    ) throws(LedgerError) -> [ParkedCell] {
        let reply = try connection.ask([
            Array("HSCAN".utf8), layout.parkedKey(shard: shard), cursor,
            Array("COUNT".utf8), Array("1000".utf8),
        ])
        guard reply.elements.count == 2, let next = reply.elements[0].bytes else {
            throw LedgerError(.corrupt, "HSCAN did not answer with a cursor")
        }
        let pairs = reply.elements[1].elements
        var found: [ParkedCell] = []
        for index in stride(from: 0, to: pairs.count - 1, by: 2) {
            guard let name = pairs[index].bytes, let value = pairs[index + 1].bytes,
                let cell = ParkedCell(name: name, value: value)
            else { continue }
            found.append(cell)
        }
        cursor = next
        return found
    }

    /// Puts about 1,000 parked entries into their cells, as far as these take them now; the rest
    /// stays parked.
    ///
    /// Each call of the script is all or nothing, also beside commits and other callers: cell +
    /// parked never changes. `cursor` begins and ends as `begin`; `latestSecond` is the latest
    /// second since 1970 that Redis' clock may show; 0: no limit. Returns how many entries are left
    /// in the shard.
    public static func retry(
        _ connection: inout Connection, layout: KeyLayout, shard: Int, contract: [UInt8],
        cursor: inout [UInt8], latestSecond: Int64 = 0
    ) throws(LedgerError) -> Int {
        let names = try page(&connection, layout, shard, &cursor).map(\.name).sorted {
            $0.lexicographicallyPrecedes($1)
        }
        var script = Script(CommitScript.source)
        let keys = [
            layout.marksKey(shard: shard), layout.auditKey(shard: shard),
            layout.scratchKey(shard: shard),
        ]
        var left = 0
        // Also without a name: the call corrects the count in the marks where the hash is gone.
        for start in stride(from: 0, to: max(1, names.count), by: batch) {
            let part = names[start..<min(names.count, start + batch)]
            let reply = try script.ask(
                on: &connection, keys: keys,
                arguments: [contract, Array("parked".utf8)] + part
                    + [Array(String(latestSecond).utf8)])
            left = try entriesLeft(reply.elements, shard)
        }
        return left
    }

    private static func entriesLeft(
        _ answer: [ReplyValue], _ shard: Int
    ) throws(LedgerError) -> Int {
        let texts = answer.map { $0.text ?? "" }
        switch answer.first?.integer {
        case 1: return answer.count > 4 ? Int(answer[4].integer ?? 0) : 0
        case -1:
            throw LedgerError(
                .contractMovedOn, "shard \(shard) is under another contract: \(texts[1])")
        case -2: throw LedgerError(.corrupt, "shard \(shard) is torn: \(texts[1])")
        case -4: throw LedgerError(.corrupt, "the clock of Redis is ahead")
        case -3 where answer.count > 3:
            throw LedgerError(RedisError(serverText: texts[3]))
        default: throw LedgerError(.corrupt, "the script's answer is not understood")
        }
    }
}

extension KeyLayout {
    /// The meter of a cell by the names of its key and member; nil where the key is not a cell's.
    static func meter(ofKey key: Bytes, member: Bytes) -> String? {
        var parts = key.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        // Values that a HyperLogLog has refused are in a key of their own.
        if parts.count > 5, parts[parts.count - 1].elementsEqual("parked".utf8) {
            parts.removeLast()
        }
        guard parts.count > 4, let last = parts.last else { return nil }
        if last.elementsEqual("totals".utf8) { return String(decoding: member, as: UTF8.self) }
        let index = last.elementsEqual("all".utf8) ? parts.count - 2 : parts.count - 3
        // A scope is NAME=VALUE, and its value may be a person's name.
        guard index > 3, !parts[index].contains(UInt8(ascii: "=")) else { return nil }
        return String(decoding: parts[index], as: UTF8.self)
    }

    /// The organization that a key belongs to; nil where the key is no organization's.
    static func organization(ofKey key: Bytes) -> String? {
        let parts = key.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard parts.count > 4, let name = unescape(parts[3]) else { return nil }
        return String(decoding: name, as: UTF8.self)
    }
}
