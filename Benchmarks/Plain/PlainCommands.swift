internal import Ledger
internal import Redis

/// Reads arguments that are written in Redis' protocol, one after the other.
struct EncodedWords {
    private var rest: UnsafeRawBufferPointer

    init(_ bytes: UnsafeRawBufferPointer) { rest = bytes }

    var isAtEnd: Bool { rest.isEmpty }

    /// The next argument; must not be called at the end.
    mutating func next() -> UnsafeRawBufferPointer {
        precondition(rest.first == UInt8(ascii: "$"), "not an argument")
        var at = 1
        var count = 0
        while rest[at] != UInt8(ascii: "\r") {
            count = count * 10 + Int(rest[at] - UInt8(ascii: "0"))
            at += 1
        }
        let word = UnsafeRawBufferPointer(rebasing: rest[(at + 2)..<(at + 2 + count)])
        rest = UnsafeRawBufferPointer(rebasing: rest[(at + 4 + count)...])
        return word
    }

    /// The next argument, which must be a number.
    mutating func nextNumber() -> Int {
        next().reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
    }
}

/// The changes of a commit as commands of a plain pipeline: nothing is compared or undone.
///
/// Each command changes one cell, except `PFADD`, which takes all values of its key. The order is
/// cells, audit, marks, so that a reader between two commands sees no event as counted whose cells
/// are missing.
enum PlainCommands {
    /// Appends a commit's commands to a connection's pipeline.
    static func append(_ arguments: inout CommitArguments, to connection: inout Connection) {
        arguments.withParts { keys, ranges, audit, groups in
            var keys = EncodedWords(keys)
            let marksKey = keys.next()
            let auditKey = keys.next()
            _ = keys.next()  // the script's scratch key
            var groups = EncodedWords(groups)
            while !groups.isAtEnd { appendGroup(&groups, key: keys.next(), to: &connection) }
            appendAudit(EncodedWords(audit), key: auditKey, to: &connection)
            appendMarks(EncodedWords(ranges), key: marksKey, to: &connection)
        }
    }

    private static func appendGroup(
        _ groups: inout EncodedWords, key: UnsafeRawBufferPointer, to connection: inout Connection
    ) {
        // Only the script uses limits, which follow the letter, and the register of scopes.
        let head = groups.next()
        let kind = head[0]
        let expiry = head.count > 1 && head[1] == UInt8(ascii: "@") ? groups.next() : nil
        let count = groups.nextNumber()
        switch kind {
        case UInt8(ascii: "U"), UInt8(ascii: "Y"), UInt8(ascii: "N"):
            let isScore = kind != UInt8(ascii: "N")
            for (member, number) in KeyDump.entries(of: groups.next()) {
                connection.begin(arguments: 4)
                if isScore { connection.add("ZINCRBY") } else { connection.add("HINCRBY") }
                connection.add(key)
                connection.add(isScore ? number : member)
                connection.add(isScore ? member : number)
            }
            guard !isScore else { break }
            precondition(groups.nextNumber() == 0, "a cell that no single command changes")
        case UInt8(ascii: "H"), UInt8(ascii: "Z"):
            let isScore = kind != UInt8(ascii: "H")
            for _ in 0..<count {
                connection.begin(arguments: 4)
                if isScore { connection.add("ZINCRBY") } else { connection.add("HINCRBY") }
                connection.add(key)
                connection.add(groups.next())
                connection.add(groups.next())
            }
        case UInt8(ascii: "P"), UInt8(ascii: "Q"):
            if kind == UInt8(ascii: "Q") { _ = groups.next() }
            connection.begin(arguments: 2 + count)
            connection.add("PFADD")
            connection.add(key)
            for _ in 0..<count { connection.add(groups.next()) }
        case UInt8(ascii: "S"):
            for _ in 0..<(2 * count) { _ = groups.next() }
        default:
            preconditionFailure("a kind of cell that no single command changes")
        }
        guard let expiry else { return }
        connection.begin(arguments: 4)
        connection.add("EXPIREAT")
        connection.add(key)
        connection.add(expiry)
        connection.add("NX")
    }

    private static func appendAudit(
        _ entries: EncodedWords, key: UnsafeRawBufferPointer, to connection: inout Connection
    ) {
        var entries = entries
        for _ in 0..<entries.nextNumber() {
            connection.begin(arguments: 4)
            connection.add("HINCRBY")
            connection.add(key)
            connection.add(entries.next())
            connection.add(entries.next())
        }
    }

    private static func appendMarks(
        _ ranges: EncodedWords, key: UnsafeRawBufferPointer, to connection: inout Connection
    ) {
        var ranges = ranges
        _ = ranges.next()  // the contract
        for _ in 0..<ranges.nextNumber() {
            let member = ranges.next()
            _ = ranges.next()  // the mark that the script would compare
            let mark = ranges.next()
            let fingerprint = ranges.next()
            connection.begin(arguments: fingerprint.isEmpty ? 4 : 6)
            connection.add("HSET")
            connection.add(key)
            connection.add(member)
            connection.add(mark)
            guard !fingerprint.isEmpty else { continue }
            connection.add(Array(member) + [UInt8(ascii: "@")])
            connection.add(fingerprint)
        }
    }
}
