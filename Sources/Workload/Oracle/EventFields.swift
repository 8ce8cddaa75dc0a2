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
            let verdict: Verdict
            if field.declaration.isEach {
                let capture = json.capture(field.slot)
                verdict =
                    capture == nil || capture?.kind == .null
                    ? .absent : readEntries(number, field, capture ?? JSONCapture(), text)
            } else if let found = find(field.places, text) {
                verdict = found.bytes.withUnsafeBytes {
                    readField(number, field, found, $0, bound)
                }
            } else {
                verdict = .absent
            }
            switch verdict {
            case .fine: continue
            case .outOfBounds: return false
            case .wrongKind where !field.declaration.isForgiving: return false
            case .absent where field.declaration.isRequired: return false
            case .wrongKind, .absent:
                entries[number].removeAll(keepingCapacity: true)
                fields[number] = standIn(field)
            }
        }
        return true
    }

    /// What is to be said of a field's value.
    enum Verdict {
        case fine, absent, wrongKind, outOfBounds
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
        _ number: Int, _ field: OracleProgram.Field, _ found: FoundValue,
        _ text: UnsafeRawBufferPointer, _ bound: Int64?
    ) -> Verdict {
        var value = FieldValue(isPresent: true, isUsable: true)
        let start = scratch.count
        let declaration = field.declaration
        switch declaration.kind {
        case .text:
            let isTaken =
                found.kind == .string || found.kind == .moment || declaration.from == .any
            guard isTaken, append(found, text), scratch.count - start <= Self.longestText else {
                return .wrongKind
            }
            value.text = start..<scratch.count
            guard isAllowed(value.text, field) else { return .wrongKind }
        case .boolean:
            let words = ["true", "false"]
            let isWord = found.isBare && words.contains { text.elementsEqual($0.utf8) }
            guard found.kind == .boolean || isWord, append(found, text) else { return .wrongKind }
            value.text = start..<scratch.count
        case .integer, .decimal:
            let isText = found.kind == .string && (found.isBare || declaration.from == .text)
            guard found.kind == .number || isText else { return .wrongKind }
            guard let decimal = DecimalText(text) else { return .wrongKind }
            guard let read = decimal.scaled(declaration.scale, rounds: declaration.isRounded) else {
                let isFraction = !declaration.isRounded && decimal.isFraction(declaration.scale)
                return isFraction ? .wrongKind : .outOfBounds
            }
            let isNarrow = field.isAmount && declaration.kind == .integer
            let most = declaration.most ?? (isNarrow ? 1 << 40 : (1 << 53) - 1)
            guard read >= 0 || !field.isUnsigned, (-most...most).contains(read) else {
                return .outOfBounds
            }
            value.number = read
            if declaration.kind == .integer {
                scratch += String(read).utf8
                value.text = start..<scratch.count
            }
        case .time:
            let earliest = program.earliestNanoseconds
            guard let time = declaration.time.nanoseconds(found, text, earliest: earliest) else {
                return .wrongKind
            }
            if let bound, field.isUsedTime, time > bound { return .outOfBounds }
            if field.isUsedTime, time < program.earliestNanoseconds { return .outOfBounds }
            value.number = time
        }
        fields[number] = value
        return .fine
    }

    /// Appends a value's text; false where it has none.
    private mutating func append(_ found: FoundValue, _ text: UnsafeRawBufferPointer) -> Bool {
        let capture = JSONCapture(kind: found.kind, start: 0, end: text.count)
        return appendAny(capture, text)
    }

    /// Appends a text, or a number, true or false by its text; false for anything else.
    mutating func appendAny(_ capture: JSONCapture, _ text: UnsafeRawBufferPointer) -> Bool {
        switch capture.kind {
        case .string, .moment: return append(capture, text)
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
    ) -> Verdict {
        guard capture.kind == .object || capture.kind == .array else { return .wrongKind }
        var walker = EntryWalker(text: text, at: capture.start + 1, end: capture.end - 1)
        let isObject = capture.kind == .object
        var isFine = true
        while walker.hasMore {
            var entry = EachEntry()
            if isObject {
                guard let key = take(walker.next(), text) else { return .wrongKind }
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
        guard entries[number].count <= Self.mostEntries else { return .outOfBounds }
        return isFine ? .fine : .wrongKind
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
        if let first = range.first, text[first] == 0x40 {
            let moment = JSONLookup(text).value(range)
            let start = scratch.count
            scratch += moment.bytes
            return start..<scratch.count
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
