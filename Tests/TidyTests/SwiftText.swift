/// Swift source of which only the code is left: comments and texts are spaces, lines stay lines.
///
/// Good enough to count braces and to look for words, without a parser.
struct SwiftText {
    /// The code, as many bytes as the source.
    private(set) var bytes: [UInt8]
    private var position = 0

    init(_ source: String) {
        bytes = Array(source.utf8)
        while position < bytes.count {
            if !blankComment(), !blankText() { position += 1 }
        }
    }

    /// The code's lines.
    var lines: [String] {
        bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
    }

    private func has(_ text: String, at index: Int) -> Bool {
        index + text.utf8.count <= bytes.count
            && bytes[index..<index + text.utf8.count].elementsEqual(text.utf8)
    }

    private mutating func blank(_ count: Int = 1) {
        for _ in 0..<count where position < bytes.count {
            if bytes[position] != UInt8(ascii: "\n") { bytes[position] = UInt8(ascii: " ") }
            position += 1
        }
    }

    private mutating func blankComment() -> Bool {
        if has("//", at: position) {
            while position < bytes.count, bytes[position] != UInt8(ascii: "\n") { blank() }
            return true
        }
        guard has("/*", at: position) else { return false }
        var depth = 0
        repeat {
            if has("/*", at: position) {
                depth += 1
                blank(2)
            } else if has("*/", at: position) {
                depth -= 1
                blank(2)
            } else {
                blank()
            }
        } while depth > 0 && position < bytes.count
        return true
    }

    private mutating func blankText() -> Bool {
        var hashes = 0
        while has("#", at: position + hashes) { hashes += 1 }
        guard has("\"", at: position + hashes) else { return false }
        let pounds = String(repeating: "#", count: hashes)
        let quotes = has("\"\"\"", at: position + hashes) ? "\"\"\"" : "\""
        blank(hashes + quotes.utf8.count)
        while position < bytes.count, !has(quotes + pounds, at: position) {
            if has("\\" + pounds + "(", at: position) {
                blank(hashes + 2)
                blankInterpolation()
            } else if has("\\" + pounds, at: position) {
                blank(hashes + 2)
            } else {
                blank()
            }
        }
        blank(hashes + quotes.utf8.count)
        return true
    }

    /// Up to the parenthesis that closes an interpolation; texts within it are texts again.
    private mutating func blankInterpolation() {
        var depth = 1
        while depth > 0, position < bytes.count {
            if blankText() { continue }
            if bytes[position] == UInt8(ascii: "(") { depth += 1 }
            if bytes[position] == UInt8(ascii: ")") { depth -= 1 }
            blank()
        }
    }
}

extension SwiftText {
    /// A function with a body.
    struct Function {
        /// Line of its keyword, from 1.
        var line: Int
        /// Lines from its opening to its closing brace.
        var length: Int
    }

    /// All functions, initializers and deinitializers that have a body, nested ones too.
    var functions: [Function] {
        words.filter { ["func", "init", "deinit"].contains($0.text) && !$0.followsDot }
            .compactMap { word in
                guard let open = bodyStart(after: word.end) else { return nil }
                let close = matchingBrace(of: open)
                return Function(
                    line: newlines(in: 0..<word.end) + 1, length: newlines(in: open..<close) + 1)
            }
    }

    /// A word of the code and where it ends.
    struct Word {
        var text: String
        var end: Int
        var followsDot: Bool
        var isCalled: Bool
    }

    /// All identifiers and keywords.
    var words: [Word] {
        var found: [Word] = []
        var start: Int?
        for index in 0...bytes.count {
            let isPart = index < bytes.count && SwiftText.isWordByte(bytes[index])
            if isPart, start == nil { start = index }
            if !isPart, let first = start {
                found.append(
                    Word(
                        text: String(decoding: bytes[first..<index], as: UTF8.self), end: index,
                        followsDot: first > 0 && bytes[first - 1] == UInt8(ascii: "."),
                        isCalled: index < bytes.count && bytes[index] == UInt8(ascii: "(")))
                start = nil
            }
        }
        return found
    }

    static func isWordByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), 0x80...:
            true
        default: false
        }
    }

    /// The brace that opens a body; nil for a requirement of a protocol, which has none.
    private func bodyStart(after start: Int) -> Int? {
        var depth = 0
        var index = start
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "("), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: ")"), UInt8(ascii: "]"): depth -= 1
            case UInt8(ascii: "{") where depth == 0: return index
            case UInt8(ascii: "}") where depth <= 0: return nil
            default: break
            }
            if depth < 0 { return nil }
            index += 1
        }
        return nil
    }

    private func matchingBrace(of open: Int) -> Int {
        var depth = 0
        for index in open..<bytes.count {
            if bytes[index] == UInt8(ascii: "{") { depth += 1 }
            if bytes[index] == UInt8(ascii: "}") { depth -= 1 }
            if depth == 0 { return index }
        }
        return bytes.count
    }

    private func newlines(in range: Range<Int>) -> Int {
        bytes[range].count { $0 == UInt8(ascii: "\n") }
    }
}
