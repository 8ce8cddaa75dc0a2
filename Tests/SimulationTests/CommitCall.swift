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

        mutating func bytes() -> [UInt8] {
            next += 1
            return all[next - 1]
        }
        mutating func word() -> String { String(decoding: bytes(), as: UTF8.self) }
        mutating func number() -> Int { Int(word()) ?? -1 }

        /// The members of a dump; a small one keeps their order.
        mutating func dump(_ count: Int) -> [(member: String, value: String)] {
            let read = bytes().withUnsafeBytes(KeyDump.entries).map {
                (
                    member: String(decoding: $0.member, as: UTF8.self),
                    value: String(decoding: $0.value, as: UTF8.self)
                )
            }
            precondition(read.count == count, "a dump of as many members")
            // Redis does not look: it would make a key that holds a member twice.
            precondition(Set(read.map(\.member)).count == count, "a dump has each member once")
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
        var made: Set<String> = []
        for key in keys.dropFirst(3) {
            let isMade = ["N", "Q", "Y"].contains(
                String(decoding: all[words.next].prefix(1), as: UTF8.self))
            if isMade { made.insert(key) }
            addGroup(key, &words)
        }
        for key in made {
            precondition(keys.count { $0 == key } == 1, "a key that is made is named once: \(key)")
        }
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
        case "U", "Y":
            group.entries = words.dump(count)
            precondition(
                group.entries.allSatisfy {
                    Int64($0.value).map(CommitArguments.smallScores.contains) ?? false
                }, "a union takes small scores only")
            precondition(
                letter == "U" || Self.isSorted(group.entries), "a set that is made is in its order")
        default:
            // The values of a sketch follow its dump.
            let sketch = letter == "Q" ? words.bytes() : nil
            for _ in 0..<count {
                let first = words.word()
                let second = kind == "P" ? "" : words.word()
                group.entries.append(
                    kind == "Z" ? (member: second, value: first) : (member: first, value: second))
            }
            precondition(
                sketch == nil || sketch == Self.sketch(of: group.entries),
                "a sketch that is made is that of its values")
        }
        groups.append(group)
    }

    /// Whether members are in the order of a sorted set, which a dump must have: by
    /// score, then by bytes.
    private static func isSorted(_ entries: [(member: String, value: String)]) -> Bool {
        zip(entries, entries.dropFirst()).allSatisfy { before, after in
            guard let low = Int64(before.value), let high = Int64(after.value) else { return false }
            return low < high
                || low == high && before.member.utf8.lexicographicallyPrecedes(after.member.utf8)
        }
    }

    private static func sketch(of entries: [(member: String, value: String)]) -> [UInt8] {
        var sketch = SketchDump()
        var text: [UInt8] = []
        for entry in entries { _ = Array(entry.member.utf8).withUnsafeBytes { sketch.insert($0) } }
        sketch.withText { text = Array($0) }
        return text
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
            // Redis would keep a cell at 0, and undo takes such a cell for absent.
            precondition(
                kind != "H" || group.entries.allSatisfy { $0.value != "0" },
                "a hash that is made has no sum of 0")
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
