/// The kind of a JSON value.
enum JSONKind: UInt8 {
    case null, boolean, number, string, object, array
    /// A time of Avro or Protobuf, which has no format; see `RecordText`.
    case moment
}

/// A value that was asked for: its range in the text, of strings without the quotes.
struct JSONCapture {
    var kind = JSONKind.null
    var start = 0
    var end = 0
    var isEscaped = false
    var round: UInt32 = 0
}

/// A strict reader of RFC 8259: checks the whole text and notes the values that were asked for.
struct JSONReader: ~Copyable {
    let tree: PointerTree
    /// How many objects and arrays may be within each other.
    var deepest = 64
    /// Whether the text may have moments, which JSON has not.
    var takesMoments = false
    private(set) var captures: [JSONCapture]
    /// The last round in which each edge was met.
    private var met: [UInt32]
    /// Whether an object of the last text had a member that was asked for twice.
    private(set) var hasRepeated = false
    private var round: UInt32 = 0
    private var text = UnsafeRawBufferPointer(start: nil, count: 0)
    private var at = 0
    private var nameScratch: [UInt8] = []

    init(tree: PointerTree) {
        self.tree = tree
        captures = [JSONCapture](repeating: JSONCapture(), count: tree.slotCount)
        met = [UInt32](repeating: 0, count: tree.edges.count)
    }

    /// Reads one JSON text whose root is at a node of the tree (−1: nothing is asked for); nil when
    /// the bytes are not one JSON text.
    mutating func read(_ bytes: UnsafeRawBufferPointer, node: Int) -> JSONKind? {
        startRound()
        text = bytes
        at = 0
        skipSpace()
        guard let kind = value(node, 0) else { return nil }
        skipSpace()
        return at == text.count ? kind : nil
    }

    /// Forgets what was captured, for a record without a JSON text.
    mutating func startRound() {
        round &+= 1
        hasRepeated = false
    }

    /// The value of a slot in the last text; nil when there was none.
    func capture(_ slot: Int) -> JSONCapture? {
        captures[slot].round == round ? captures[slot] : nil
    }

    @inline(__always)
    private mutating func skipSpace() {
        while at < text.count {
            let byte = text[at]
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return }
            at += 1
        }
    }

    private mutating func value(_ node: Int, _ depth: Int) -> JSONKind? {
        guard at < text.count else { return nil }
        let start = at
        var isEscaped = false
        let kind: JSONKind
        switch text[at] {
        case 0x7B:
            guard depth < deepest, object(node, depth + 1) else { return nil }
            kind = .object
        case 0x5B:
            guard depth < deepest, array(node, depth + 1) else { return nil }
            kind = .array
        case 0x22:
            guard string(&isEscaped) else { return nil }
            kind = .string
        case 0x40 where takesMoments:
            at += 1
            guard string(&isEscaped) else { return nil }
            kind = .moment
        case 0x74:
            guard word("true") else { return nil }
            kind = .boolean
        case 0x66:
            guard word("false") else { return nil }
            kind = .boolean
        case 0x6E:
            guard word("null") else { return nil }
            kind = .null
        default:
            guard number() else { return nil }
            kind = .number
        }
        if node >= 0, tree.nodes[node].slot >= 0 {
            let quote = kind == .string ? 1 : 0
            captures[tree.nodes[node].slot] = JSONCapture(
                kind: kind, start: start + quote, end: at - quote, isEscaped: isEscaped,
                round: round)
        }
        return kind
    }

    private mutating func word(_ word: StaticString) -> Bool {
        let count = word.utf8CodeUnitCount
        guard at + count <= text.count else { return false }
        for place in 0..<count where text[at + place] != word.utf8Start[place] { return false }
        at += count
        return true
    }

    private mutating func array(_ node: Int, _ depth: Int) -> Bool {
        var number = 0
        at += 1
        skipSpace()
        if at < text.count, text[at] == 0x5D {
            at += 1
            return true
        }
        while true {
            let child = node < 0 ? -1 : tree.element(number, of: node)
            number += 1
            guard value(child, depth) != nil else { return false }
            skipSpace()
            guard at < text.count else { return false }
            at += 1
            if text[at - 1] == 0x5D { return true }
            guard text[at - 1] == 0x2C else { return false }
            skipSpace()
        }
    }

    private mutating func object(_ node: Int, _ depth: Int) -> Bool {
        at += 1
        skipSpace()
        if at < text.count, text[at] == 0x7D {
            at += 1
            return true
        }
        while true {
            guard at < text.count, text[at] == 0x22 else { return false }
            let start = at + 1
            var isEscaped = false
            guard string(&isEscaped) else { return false }
            let child = node < 0 ? -1 : meet(node, start..<at - 1, isEscaped)
            skipSpace()
            guard at < text.count, text[at] == 0x3A else { return false }
            at += 1
            skipSpace()
            guard value(child, depth) != nil else { return false }
            skipSpace()
            guard at < text.count else { return false }
            at += 1
            if text[at - 1] == 0x7D { return true }
            guard text[at - 1] == 0x2C else { return false }
            skipSpace()
        }
    }

    /// The node of a member; −1 when it is not asked for.
    private mutating func meet(_ node: Int, _ range: Range<Int>, _ isEscaped: Bool) -> Int {
        nameScratch.removeAll(keepingCapacity: true)
        if isEscaped {
            guard Self.unescape(text, range, into: &nameScratch) else { return -1 }
        }
        for edge in tree.nodes[node].edges {
            let name = tree.edges[edge].name
            if isEscaped {
                guard name == nameScratch else { continue }
            } else {
                guard name.count == range.count, Self.equal(name, text, range.lowerBound) else {
                    continue
                }
            }
            if met[edge] == round { hasRepeated = true }
            met[edge] = round
            return tree.edges[edge].node
        }
        return -1
    }

    @inline(__always)
    private static func equal(
        _ name: [UInt8], _ text: UnsafeRawBufferPointer, _ start: Int
    ) -> Bool {
        for place in 0..<name.count where name[place] != text[start + place] { return false }
        return true
    }

    private mutating func number() -> Bool {
        if text[at] == 0x2D { at += 1 }
        guard at < text.count else { return false }
        if text[at] == 0x30 {
            at += 1
        } else {
            guard digits() else { return false }
        }
        if at < text.count, text[at] == 0x2E {
            at += 1
            guard digits() else { return false }
        }
        if at < text.count, text[at] | 0x20 == 0x65 {
            at += 1
            if at < text.count, text[at] == 0x2B || text[at] == 0x2D { at += 1 }
            guard digits() else { return false }
        }
        return true
    }

    private mutating func digits() -> Bool {
        let start = at
        while at < text.count, text[at] &- 48 < 10 { at += 1 }
        return at > start
    }

    /// Reads a string with its quotes.
    private mutating func string(_ isEscaped: inout Bool) -> Bool {
        at += 1
        while at < text.count {
            let byte = text[at]
            if byte == 0x22 {
                at += 1
                return true
            }
            if byte == 0x5C {
                isEscaped = true
                guard escape() else { return false }
            } else if byte >= 0x80 {
                let length = UTF8Check.sequence(text, at)
                guard length > 0 else { return false }
                at += length
            } else {
                guard byte >= 0x20 else { return false }
                at += 1
            }
        }
        return false
    }

    private mutating func escape() -> Bool {
        guard at + 1 < text.count else { return false }
        switch text[at + 1] {
        case 0x22, 0x5C, 0x2F, 0x62, 0x66, 0x6E, 0x72, 0x74:
            at += 2
            return true
        case 0x75:
            guard Self.scalar(text, &at, text.count) != nil else { return false }
            return true
        default:
            return false
        }
    }
}
