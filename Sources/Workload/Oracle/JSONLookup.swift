/// Finds values in JSON text that was checked before, by walking along a path each time.
struct JSONLookup {
    let text: UnsafeRawBufferPointer
    /// Whether an object on the way had the wanted member twice.
    private(set) var hasRepeated = false

    init(_ text: UnsafeRawBufferPointer) { self.text = text }

    /// The range of the value at a path of members and indices, from a value on.
    ///
    /// Nil: there is none.
    mutating func find(_ path: ArraySlice<[UInt8]>, in range: Range<Int>) -> Range<Int>? {
        let range = trimmed(range)
        guard let step = path.first, let first = range.first else { return range }
        var walker = EntryWalker(text: text, at: range.lowerBound + 1, end: range.upperBound - 1)
        var found: Range<Int>?
        switch text[first] {
        case 0x7B:
            while walker.hasMore {
                let name = walker.next()
                walker.skipColon()
                let item = walker.next()
                guard self.name(name) == step else { continue }
                if found != nil { hasRepeated = true }
                found = found ?? whole(item)
            }
        case 0x5B:
            var number = 0
            while walker.hasMore {
                let item = walker.next()
                if Array(String(number).utf8) == step { found = whole(item) }
                number += 1
            }
        default: return nil
        }
        return found.flatMap { find(path.dropFirst(), in: $0) }
    }

    /// The ranges of an array's items; nil: the value is no array.
    func items(in range: Range<Int>) -> [Range<Int>]? {
        let range = trimmed(range)
        guard let first = range.first, text[first] == 0x5B else { return nil }
        var walker = EntryWalker(text: text, at: range.lowerBound + 1, end: range.upperBound - 1)
        var items: [Range<Int>] = []
        while walker.hasMore { items.append(whole(walker.next())) }
        return items
    }

    /// The names of an object's members, and the ranges of their values.
    func members(in range: Range<Int>) -> [(name: [UInt8], range: Range<Int>)] {
        let range = trimmed(range)
        guard let first = range.first, text[first] == 0x7B else { return [] }
        var walker = EntryWalker(text: text, at: range.lowerBound + 1, end: range.upperBound - 1)
        var members: [(name: [UInt8], range: Range<Int>)] = []
        while walker.hasMore {
            let name = self.name(walker.next())
            walker.skipColon()
            members.append((name, whole(walker.next())))
        }
        return members
    }

    /// The value of a range.
    func value(_ range: Range<Int>) -> FoundValue {
        let range = trimmed(range)
        guard let first = range.first else { return FoundValue(kind: .null) }
        switch text[first] {
        case 0x22:
            var bytes: [UInt8] = []
            let inside = range.lowerBound + 1..<range.upperBound - 1
            guard JSONReader.unescape(text, inside, into: &bytes) else {
                return FoundValue(kind: .array)
            }
            return FoundValue(kind: .string, bytes: bytes)
        case 0x40:
            let inside = range.lowerBound + 2..<range.upperBound - 1
            return FoundValue(kind: .moment, bytes: Array(text[inside]))
        case 0x7B: return FoundValue(kind: .object)
        case 0x5B: return FoundValue(kind: .array)
        case 0x6E: return FoundValue(kind: .null)
        case 0x74, 0x66: return FoundValue(kind: .boolean, bytes: Array(text[range]))
        default: return FoundValue(kind: .number, bytes: Array(text[range]))
        }
    }

    private func name(_ capture: JSONCapture) -> [UInt8] {
        var bytes: [UInt8] = []
        _ = JSONReader.unescape(text, capture.start..<capture.end, into: &bytes)
        return bytes
    }

    /// An item with its quotes, where it is a string.
    private func whole(_ item: JSONCapture) -> Range<Int> {
        item.kind == .string ? item.start - 1..<item.end + 1 : item.start..<item.end
    }

    private func trimmed(_ range: Range<Int>) -> Range<Int> {
        var range = range
        func isSpace(_ place: Int) -> Bool { [0x20, 0x0A, 0x0D, 0x09].contains(text[place]) }
        while let first = range.first, isSpace(first) { range = range.dropFirst() }
        while let last = range.last, isSpace(last) { range = range.dropLast() }
        return range
    }
}

/// A value with its text: of a string the characters, of others as they are written.
struct FoundValue {
    var kind: JSONKind
    var bytes: [UInt8] = []
    /// Whether it comes from a header or is the key, where everything is a text.
    var isBare = false
}

/// Steps through the items of an object or array whose text has been checked before.
struct EntryWalker {
    let text: UnsafeRawBufferPointer
    var at: Int
    let end: Int

    /// Whether another item follows; skips spaces and a comma.
    var hasMore: Bool {
        mutating get {
            skipSpace()
            if at < end, text[at] == 0x2C {
                at += 1
                skipSpace()
            }
            return at < end
        }
    }

    mutating func skipColon() {
        skipSpace()
        at += 1
        skipSpace()
    }

    /// The next item; of a nested value only its range is known.
    mutating func next() -> JSONCapture {
        let start = at
        if text[at] == 0x22 {
            let isEscaped = skipString()
            return JSONCapture(kind: .string, start: start + 1, end: at - 1, isEscaped: isEscaped)
        }
        var depth = 0
        while at < end {
            switch text[at] {
            case 0x22:
                _ = skipString()
                continue
            case 0x7B, 0x5B: depth += 1
            case 0x7D, 0x5D: depth -= 1
            case 0x2C where depth == 0: return JSONCapture(kind: .number, start: start, end: at)
            default: break
            }
            at += 1
        }
        return JSONCapture(kind: .number, start: start, end: at)
    }

    private mutating func skipString() -> Bool {
        var isEscaped = false
        at += 1
        while text[at] != 0x22 {
            if text[at] == 0x5C {
                isEscaped = true
                at += 1
            }
            at += 1
        }
        at += 1
        return isEscaped
    }

    private mutating func skipSpace() {
        while at < end, text[at] == 0x20 || text[at] == 0x0A || text[at] == 0x0D || text[at] == 0x09
        {
            at += 1
        }
    }
}
