/// Finds values in other places than at one pointer of the record's value.
extension EventReader {
    /// Remembers key and headers, and reads the JSON inside a text.
    ///
    /// `value` is the record's value, which was checked. False where a list in it has an entry or a
    /// member twice.
    mutating func lookElsewhere(
        _ value: UnsafeRawBufferPointer?, _ key: UnsafeRawBufferPointer?,
        _ headers: [WorkloadHeader]
    ) -> Bool {
        bareKey = key.map { Array($0) }
        keyText = nil
        bareHeaders = headers.map { (Array($0.name), $0.value.map { Array($0) }) }
        if let key, program.keyPaths.isEmpty == false, checker.read(key, node: -1) != nil {
            var lookup = JSONLookup(key)
            for path in program.keyPaths { _ = lookup.find(path[...], in: 0..<key.count) }
            if !lookup.hasRepeated { keyText = Array(key) }
        }
        lookInside(value)
        return value.map { !hasRepeatedLists($0) } ?? true
    }

    /// Reads the JSON inside a text of the value, where there is one.
    mutating func lookInside(_ value: UnsafeRawBufferPointer?) {
        insideText = nil
        isInsideFine = true
        guard let value, let slot = program.insideSlot, let capture = json.capture(slot),
            capture.kind == .string
        else { return }
        readInside(capture, value)
    }

    /// Whether a list in the value has an entry twice, or one of its entries a member.
    func hasRepeatedLists(_ value: UnsafeRawBufferPointer) -> Bool {
        program.lists.contains { list in
            guard case .slot(let slot) = list.place, let capture = json.capture(slot) else {
                return false
            }
            return repeats(list, JSONLookup(value), capture.start..<capture.end)
        }
    }

    private mutating func readInside(_ capture: JSONCapture, _ value: UnsafeRawBufferPointer) {
        var text: [UInt8] = []
        _ = JSONReader.unescape(value, capture.start..<capture.end, into: &text)
        let kind = text.withUnsafeBytes { checker.read($0, node: -1) }
        isInsideFine = kind == .object || kind == .null
        guard kind == .object else { return }
        let isRepeated = text.withUnsafeBytes { text in
            var lookup = JSONLookup(text)
            for path in program.insidePaths { _ = lookup.find(path[...], in: 0..<text.count) }
            return lookup.hasRepeated
                || program.lists.contains { list in
                    guard case .inside(let path) = list.place,
                        let range = lookup.find(path[...], in: 0..<text.count)
                    else { return false }
                    return repeats(list, lookup, range)
                }
        }
        if isRepeated { isInsideFine = false } else { insideText = text }
    }

    /// Whether a list has two entries with the wanted name, or an entry a wanted member twice.
    func repeats(
        _ list: OracleProgram.List, _ lookup: JSONLookup, _ range: Range<Int>
    ) -> Bool {
        var lookup = lookup
        var count = 0
        for item in lookup.items(in: range) ?? [] {
            let key = lookup.find(list.key[...], in: item).map { lookup.value($0) }
            _ = lookup.find(list.value[...], in: item)
            if key?.kind == .string, key?.bytes == list.name { count += 1 }
        }
        return lookup.hasRepeated || count > 1
    }

    /// The value at the first of these places that is there.
    mutating func find(
        _ places: [OracleProgram.Source], _ text: UnsafeRawBufferPointer, isBinary: Bool = false
    ) -> FoundValue? {
        for place in places {
            if isBinary, !place.isOutsideOfValue { continue }
            if let found = value(at: place, text), found.kind != .null { return found }
        }
        return nil
    }

    private func value(
        at place: OracleProgram.Source, _ text: UnsafeRawBufferPointer
    ) -> FoundValue? {
        switch place {
        case .slot(let slot):
            return json.capture(slot).map { capture in
                let quote = capture.kind == .string ? 1 : 0
                return JSONLookup(text).value(capture.start - quote..<capture.end + quote)
            }
        case .inside(let path): return Self.member(path, of: insideText)
        case .keyMember(let path): return Self.member(path, of: keyText)
        case .entry(let list):
            switch list.place {
            case .slot(let slot):
                guard let capture = json.capture(slot), capture.kind == .array else { return nil }
                return Self.entry(list, JSONLookup(text), capture.start..<capture.end)
            case .inside(let path):
                guard let insideText else { return nil }
                return insideText.withUnsafeBytes { text in
                    var lookup = JSONLookup(text)
                    let range = lookup.find(path[...], in: 0..<text.count)
                    return range.flatMap { Self.entry(list, lookup, $0) }
                }
            }
        case .header(let name):
            guard let header = bareHeaders.last(where: { $0.name == name }) else { return nil }
            return Self.bare(header.value)
        case .key: return Self.bare(bareKey)
        case .record:
            // The first byte is in no text, so that the id equals that of no other event.
            let number = eventNumber.map { ":\($0)" } ?? ""
            let place = [255] + Array("\(partition):\(offset)\(number)".utf8)
            return FoundValue(kind: .string, bytes: place, isBare: true)
        case .outer(let level, let path):
            return containers.indices.contains(level)
                ? Self.member(path, of: containers[level]) : nil
        case .outerEntry(let level, let list):
            guard containers.indices.contains(level), case .inside(let path) = list.place else {
                return nil
            }
            return containers[level].withUnsafeBytes { text in
                var lookup = JSONLookup(text)
                let range = lookup.find(path[...], in: 0..<text.count)
                return range.flatMap { Self.entry(list, lookup, $0) }
            }
        case .constant(let text): return FoundValue(kind: .string, bytes: text, isBare: true)
        }
    }

    private static func member(_ path: [[UInt8]], of text: [UInt8]?) -> FoundValue? {
        text?.withUnsafeBytes { text in
            var lookup = JSONLookup(text)
            return lookup.find(path[...], in: 0..<text.count).map { lookup.value($0) }
        }
    }

    private static func entry(
        _ list: OracleProgram.List, _ lookup: JSONLookup, _ range: Range<Int>
    ) -> FoundValue? {
        var lookup = lookup
        for item in lookup.items(in: range) ?? [] {
            guard let key = lookup.find(list.key[...], in: item).map({ lookup.value($0) }),
                key.kind == .string, key.bytes == list.name
            else { continue }
            return lookup.find(list.value[...], in: item).map { lookup.value($0) }
        }
        return nil
    }

    /// What is not UTF-8 is a value of no type that is taken.
    private static func bare(_ bytes: [UInt8]?) -> FoundValue? {
        bytes.map { bytes in
            bytes.withUnsafeBytes { UTF8Check.isValid($0) }
                ? FoundValue(kind: .string, bytes: bytes, isBare: true) : FoundValue(kind: .array)
        }
    }
}
