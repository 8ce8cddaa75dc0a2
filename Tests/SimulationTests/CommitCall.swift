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
    var registerKey: String?
    /// Scopes that the caller counts under `__other__`, with their limits.
    var refused: [(scope: String, most: Int)] = []

    init(_ arguments: inout CommitArguments) {
        let encoded = arguments.encoded()
        let words = Self.words(encoded.bytes)
        let keys = words[0..<encoded.keyCount].map { String(decoding: $0, as: UTF8.self) }
        var next = encoded.keyCount
        func word() -> String {
            next += 1
            return String(decoding: words[next - 1], as: UTF8.self)
        }
        func number() -> Int { Int(word()) ?? -1 }
        func entries(_ count: Int) -> [(member: String, value: String)] {
            let read = words[next].withUnsafeBytes(KeyDump.entries).map {
                (
                    member: String(decoding: $0.member, as: UTF8.self),
                    value: String(decoding: $0.value, as: UTF8.self)
                )
            }
            precondition(read.count == count, "a dump of as many members")
            next += 1
            return read
        }
        marksKey = keys[0]
        auditKey = keys[1]
        contract = word()
        for _ in 0..<number() {
            ranges.append(Range(member: word(), from: word(), to: word(), fingerprint: word()))
        }
        for _ in 0..<number() { audit.append((member: word(), delta: word())) }
        var headCount = 0
        while next < words.count {
            let head = word()
            // Scores as the dump of a set differ in their cost alone.
            let isDump = head.hasPrefix("U") || head.hasPrefix("Y")
            let isHash = head.hasPrefix("N")
            let kind = isDump ? "Z" : isHash ? "H" : String(head.prefix(1))
            let key = keys[3 + headCount]
            headCount += 1
            let expires = head.dropFirst().hasPrefix("@")
            var group = Group(kind: kind, key: key, expiry: expires ? word() : "", entries: [])
            let rest = head.dropFirst(expires ? 2 : 1)
            group.isShared = rest.hasPrefix("F")
            let limits = rest.dropFirst(group.isShared ? 1 : 0).split(
                separator: "/", omittingEmptySubsequences: false)
            group.most = limits.first.flatMap { Int($0) }
            group.mostScopes = limits.count > 1 ? Int(limits[1]) : nil
            let count = number()
            if kind == "S" {
                registerKey = key
                for _ in 0..<count { refused.append((scope: word(), most: number())) }
                continue
            }
            if isDump {
                // A small set keeps the order of its dump.
                group.entries = entries(count)
                groups.append(group)
                continue
            }
            if isHash {
                // Its entries apply as they would one by one: additions, then what keeps a value.
                let all = entries(count)
                var kinds: [String: String] = [:]
                for _ in 0..<number() {
                    let kind = word()
                    kinds[word()] = kind
                }
                for kind in ["H", "m", "M", "f", "l"] {
                    group.kind = kind
                    group.entries = all.filter { kinds[$0.member, default: "H"] == kind }
                    if !group.entries.isEmpty { groups.append(group) }
                }
                continue
            }
            for _ in 0..<count {
                let first = word()
                let second = kind == "P" ? "" : word()
                group.entries.append(
                    kind == "Z" ? (member: second, value: first) : (member: first, value: second))
            }
            groups.append(group)
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
