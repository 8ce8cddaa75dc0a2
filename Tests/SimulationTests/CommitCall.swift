@testable import Ledger

/// A call of the commit script, read from the very bytes that Redis would get.
struct CommitCall {
    struct Range {
        var field: String
        var from: String
        var to: String
        var fingerprint: String
    }
    struct Group {
        var kind: String
        var key: String
        var expiry: String
        var entries: [(field: String, value: String)]
    }

    var marksKey = ""
    var auditKey = ""
    var contract = ""
    var ranges: [Range] = []
    var audit: [(field: String, delta: String)] = []
    var groups: [Group] = []

    init(_ arguments: inout CommitArguments) {
        let encoded = arguments.encoded()
        let words = Self.words(encoded.bytes)
        let keys = words[0..<encoded.keyCount]
        var next = encoded.keyCount
        func word() -> String {
            next += 1
            return words[next - 1]
        }
        func number() -> Int { Int(word()) ?? -1 }
        marksKey = keys[0]
        auditKey = keys[1]
        contract = word()
        for _ in 0..<number() {
            ranges.append(Range(field: word(), from: word(), to: word(), fingerprint: word()))
        }
        for _ in 0..<number() { audit.append((field: word(), delta: word())) }
        while next < words.count {
            // A group of small scores differs in its cost alone.
            let letter = word()
            let kind = letter == "z" ? "Z" : letter
            let key = keys[number() - 1]
            var group = Group(kind: kind, key: key, expiry: word(), entries: [])
            for _ in 0..<number() {
                let first = word()
                let second = kind == "P" ? "" : word()
                group.entries.append(
                    kind == "Z" ? (field: second, value: first) : (field: first, value: second))
            }
            groups.append(group)
        }
    }

    /// The arguments in Redis' protocol, each `$LENGTH CRLF BYTES CRLF`.
    private static func words(_ bytes: [UInt8]) -> [String] {
        var words: [String] = []
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
                words.append(
                    String(decoding: UnsafeBufferPointer(rebasing: content), as: UTF8.self))
                at += length + 4
            }
        }
        return words
    }
}
