extension EventReader {
    /// Check 7: reads every declared field of the event's type; false when a field breaks its rule.
    ///
    /// The bound is the latest time that a clause may use, in nanoseconds; nil: any time.
    mutating func readFields(_ value: UnsafeRawBufferPointer?, bound: Int64?) -> Bool {
        guard let decoded else { return readEach(field: value, bound: bound) }
        return decoded.withUnsafeBytes { readEach(field: $0, bound: bound) }
    }

    private mutating func readEach(field value: UnsafeRawBufferPointer?, bound: Int64?) -> Bool {
        let text = value ?? UnsafeRawBufferPointer(start: nil, count: 0)
        for number in program.types[type].fields.indices {
            let field = program.types[type].fields[number]
            entries[number].removeAll(keepingCapacity: true)
            guard let capture = json.capture(field.slot), capture.kind != .null else {
                guard !field.declaration.isRequired else { return false }
                fields[number] = standIn(field)
                continue
            }
            let isFine =
                field.declaration.isEach
                ? readEntries(number, field, capture, text)
                : readField(number, field, capture, text, bound)
            guard isFine else { return false }
        }
        return true
    }

    private mutating func standIn(_ field: OracleProgram.Field) -> FieldValue {
        var value = FieldValue()
        value.isUsable = field.declaration.kind == .text || field.standIn != nil
        value.number = field.standInNumber
        let start = scratch.count
        scratch += field.standIn ?? Array("unknown".utf8)
        value.text = start..<scratch.count
        return value
    }

    private mutating func readField(
        _ number: Int, _ field: OracleProgram.Field, _ capture: JSONCapture,
        _ text: UnsafeRawBufferPointer, _ bound: Int64?
    ) -> Bool {
        var value = FieldValue(isPresent: true, isUsable: true)
        let start = scratch.count
        switch field.declaration.kind {
        case .text:
            guard
                field.declaration.from == .any
                    ? appendAny(capture, text)
                    : capture.kind == .string && append(capture, text),
                scratch.count - start <= Self.longestText
            else { return false }
            value.text = start..<scratch.count
            guard isAllowed(value.text, field) else { return false }
        case .boolean:
            guard capture.kind == .boolean, appendAny(capture, text) else { return false }
            value.text = start..<scratch.count
        case .integer, .decimal:
            guard let read = readNumber(field, capture, text) else { return false }
            value.number = read
            if field.declaration.kind == .integer {
                let start = scratch.count
                scratch += String(read).utf8
                value.text = start..<scratch.count
            }
        case .time:
            guard capture.kind == .string, append(capture, text),
                let time = scratch.withUnsafeBytes({
                    TimeText.nanoseconds(.init(rebasing: $0[start...]))
                })
            else { return false }
            if let bound, field.isUsedTime, time > bound { return false }
            if field.isUsedTime, time < program.earliestNanoseconds { return false }
            value.number = time
        }
        fields[number] = value
        return true
    }

    /// An integer, or a decimal times 10^scale; nil where it breaks a rule of its field.
    private mutating func readNumber(
        _ field: OracleProgram.Field, _ capture: JSONCapture, _ text: UnsafeRawBufferPointer
    ) -> Int64? {
        let declaration = field.declaration
        let number: Int64?
        if capture.kind == .number, declaration.kind == .integer {
            number = JSONReader.integer(text, capture.start..<capture.end)
        } else {
            let start = scratch.count
            guard
                capture.kind == .number
                    || (capture.kind == .string && declaration.from == .text),
                append(capture, text)
            else { return nil }
            number = DecimalText(scratch[start...])?.scaled(
                declaration.scale, rounds: declaration.isRounded)
        }
        let isNarrow = field.isAmount && declaration.kind == .integer
        let most = declaration.most ?? (isNarrow ? 1 << 40 : (1 << 53) - 1)
        guard let number, number >= 0 || !field.isUnsigned, (-most...most).contains(number) else {
            return nil
        }
        return number
    }

    /// Appends a text, or a number, true or false by its text; false for anything else.
    mutating func appendAny(_ capture: JSONCapture, _ text: UnsafeRawBufferPointer) -> Bool {
        switch capture.kind {
        case .string: return append(capture, text)
        case .boolean: scratch += text[capture.start..<capture.end]
        case .number:
            guard let plain = DecimalText(text[capture.start..<capture.end])?.plain else {
                return false
            }
            scratch += plain
        case .null, .object, .array: return false
        }
        return true
    }

    private func isAllowed(_ range: Range<Int>, _ field: OracleProgram.Field) -> Bool {
        field.values.isEmpty || field.values.contains { scratch[range].elementsEqual($0) }
    }

    /// Whether an object whose members are counted one by one has a member twice.
    mutating func hasRepeatedEntries(_ text: UnsafeRawBufferPointer) -> Bool {
        for slot in program.eachSlots {
            guard let capture = json.capture(slot), capture.kind == .object else { continue }
            var walker = EntryWalker(text: text, at: capture.start + 1, end: capture.end - 1)
            var names: Set<[UInt8]> = []
            while walker.hasMore {
                guard let name = take(walker.next(), text),
                    names.insert(Array(scratch[name])).inserted
                else { return true }
                walker.skipColon()
                _ = walker.next()
            }
        }
        return false
    }

    /// Reads the texts of an object or array.
    private mutating func readEntries(
        _ number: Int, _ field: OracleProgram.Field, _ capture: JSONCapture,
        _ text: UnsafeRawBufferPointer
    ) -> Bool {
        guard capture.kind == .object || capture.kind == .array else { return false }
        var walker = EntryWalker(text: text, at: capture.start + 1, end: capture.end - 1)
        let isObject = capture.kind == .object
        var isFine = true
        while walker.hasMore {
            var entry = EachEntry()
            if isObject {
                guard let key = take(walker.next(), text) else { return false }
                entry.key = key
                isFine = isFine && key.count <= Self.longestText
                walker.skipColon()
            } else {
                let start = scratch.count
                scratch += Array("unknown".utf8)
                entry.key = start..<scratch.count
            }
            if let value = takeItem(walker.next(), field, text),
                value.count <= Self.longestText, isAllowed(value, field)
            {
                entry.value = value
            } else {
                isFine = false
            }
            entries[number].append(entry)
        }
        fields[number] = FieldValue(isPresent: true, isUsable: true)
        return isFine && entries[number].count <= Self.mostEntries
    }

    /// The text of an entry's value; nil where the field does not take its type.
    private mutating func takeItem(
        _ item: JSONCapture, _ field: OracleProgram.Field, _ text: UnsafeRawBufferPointer
    ) -> Range<Int>? {
        if item.kind == .string { return take(item, text) }
        guard field.declaration.from == .any else { return nil }
        // Of other items the walker knows the range only.
        var range = item.start..<item.end
        while let last = range.last, [0x20, 0x0A, 0x0D, 0x09].contains(text[last]) {
            range = range.dropLast()
        }
        let isWord =
            text[range].elementsEqual("true".utf8) || text[range].elementsEqual("false".utf8)
        let start = scratch.count
        let found = JSONCapture(
            kind: isWord ? .boolean : .number, start: range.lowerBound, end: range.upperBound)
        return appendAny(found, text) ? start..<scratch.count : nil
    }

    private mutating func take(
        _ capture: JSONCapture, _ text: UnsafeRawBufferPointer
    ) -> Range<Int>? {
        let start = scratch.count
        return append(capture, text) ? start..<scratch.count : nil
    }
}

/// Steps through the items of an object or array whose text has been checked before.
private struct EntryWalker {
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
