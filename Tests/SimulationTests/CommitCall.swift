@testable import Ledger

/// A call of the commit script, read from the very bytes that Redis would get.
struct CommitCall {
    struct Range {
        var member: String
        var from: String
        var to: String
        var fingerprint: String
    }
    struct Group {
        var kind: String
        var key: String
        var expiry: String
        /// Most members of the key, and most values of its scope.
        var most: Int?
        var mostScopes: Int?
        /// Whether members begin with their meters' names.
        var isShared = false
        var entries: [(member: String, value: String)]
    }

    var marksKey = ""
    var auditKey = ""
    var contract = ""
    /// The latest time that the server's clock may show, in milliseconds since 1970; 0 when any is
    /// right.
    var latest: Int64 = 0
    var ranges: [Range] = []
    var audit: [(member: String, delta: String)] = []
    var groups: [Group] = []
    /// Whether keys or increments come as dumps.
    var hasDumps = false
    var registerKey: String?
    /// Scopes that the caller counts under `__other__`, with their limits.
    var refused: [(scope: String, most: Int)] = []

    /// The words of a call, one after the other.
    private struct Words {
        let all: [[UInt8]]
        var next: Int

        mutating func word() -> String {
            next += 1
            return String(decoding: all[next - 1], as: UTF8.self)
        }
        mutating func number() -> Int { Int(word()) ?? -1 }

        /// The members of a dump; a small one keeps their order.
        mutating func dump(_ count: Int) -> [(member: String, value: String)] {
            let read = all[next].withUnsafeBytes(KeyDump.entries).map {
                (
                    member: String(decoding: $0.member, as: UTF8.self),
                    value: String(decoding: $0.value, as: UTF8.self)
                )
            }
            precondition(read.count == count, "a dump of as many members")
            next += 1
            return read
        }
    }

    init(_ arguments: inout CommitArguments) {
        let encoded = arguments.encoded()
        let all = Self.words(encoded.bytes)
        let keys = all[0..<encoded.keyCount].map { String(decoding: $0, as: UTF8.self) }
        var words = Words(all: all, next: encoded.keyCount)
        marksKey = keys[0]
        auditKey = keys[1]
        contract = words.word()
        for _ in 0..<words.number() {
            ranges.append(
                Range(
                    member: words.word(), from: words.word(), to: words.word(),
                    fingerprint: words.word()))
        }
        for _ in 0..<words.number() {
            audit.append((member: words.word(), delta: words.word()))
        }
        for key in keys.dropFirst(3) { addGroup(key, &words) }
    }

    private mutating func addGroup(_ key: String, _ words: inout Words) {
        let head = words.word()
        // Dumps differ in their cost alone.
        let letter = head.prefix(1)
        let kindOfDump = ["U": "Z", "Y": "Z", "N": "H", "Q": "P"][letter]
        if kindOfDump != nil { hasDumps = true }
        let kind = kindOfDump ?? String(letter)
        let expires = head.dropFirst().hasPrefix("@")
        var group = Group(kind: kind, key: key, expiry: expires ? words.word() : "", entries: [])
        let rest = head.dropFirst(expires ? 2 : 1)
        group.isShared = rest.hasPrefix("F")
        let limits = rest.dropFirst(group.isShared ? 1 : 0).split(
            separator: "/", omittingEmptySubsequences: false)
        group.most = limits.first.flatMap { Int($0) }
        group.mostScopes = limits.count > 1 ? Int(limits[1]) : nil
        let count = words.number()
        switch letter {
        case "S":
            registerKey = key
            for _ in 0..<count { refused.append((scope: words.word(), most: words.number())) }
            return
        case "N": return addHash(group, words.dump(count), &words)
        case "U", "Y": group.entries = words.dump(count)
        default:
            // The values of a sketch follow its dump.
            if letter == "Q" { words.next += 1 }
            for _ in 0..<count {
                let first = words.word()
                let second = kind == "P" ? "" : words.word()
                group.entries.append(
                    kind == "Z" ? (member: second, value: first) : (member: first, value: second))
            }
        }
        groups.append(group)
    }

    /// Adds the entries of a hash's dump as they would apply one by one.
    private mutating func addHash(
        _ hash: Group, _ entries: [(member: String, value: String)], _ words: inout Words
    ) {
        var kinds: [String: String] = [:]
        for _ in 0..<words.number() {
            let kind = words.word()
            kinds[words.word()] = kind
        }
        for kind in ["H", "m", "M", "f", "l"] {
            var group = hash
            group.kind = kind
            group.entries = entries.filter { kinds[$0.member, default: "H"] == kind }
            if !group.entries.isEmpty { groups.append(group) }
        }
    }

    /// The arguments in Redis' protocol, each `$LENGTH CRLF BYTES CRLF`.
    private static func words(_ bytes: [UInt8]) -> [[UInt8]] {
        var words: [[UInt8]] = []
        bytes.withUnsafeBufferPointer { bytes in
            var at = 0
            while at < bytes.count {
                precondition(bytes[at] == 36, "an argument begins with $")
                at += 1
                var length = 0
                while bytes[at] != 13 {
                    length = length * 10 + Int(bytes[at] - 48)
                    at += 1
                }
                let content = bytes[(at + 2)..<(at + 2 + length)]
                words.append(Array(content))
                at += length + 4
            }
        }
        return words
    }
}
