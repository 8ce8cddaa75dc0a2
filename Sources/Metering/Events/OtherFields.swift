import CEventScan

/// Reads what the loop's own readers do not read: numbers in strings, decimals, booleans, and
/// numbers as texts.
///
/// None of it is inlined into the loop, which other catalogs use without it.
extension Program {
    /// An attribute of the envelope; nil: missing, empty or of another type.
    @inline(never)
    mutating func otherAttribute(_ index: Int32, isBinary: Bool) -> UnsafeRawBufferPointer? {
        let value = find(others[index], isBinary: isBinary).value
        guard let bytes = others[index].takesAny ? anyText(value, Int16(index)) : text(value),
            bytes.count > 0
        else { return nil }
        return bytes
    }

    @inline(never)
    mutating func readOther(
        _ rule: FieldRule, _ timestampMilliseconds: Int64, into index: Int32
    ) -> Rejection? {
        let other = others[Int32(rule.other)]
        if other.conditionField >= 0 {
            let value = scratch.fields[Int(other.conditionField)]
            // What is absent and has no default is on no side of a bound.
            let holds =
                if let side = other.side {
                    value.hasValue && side.holds(value.integer, other.bound)
                } else { isPermitted(value.bytes, rule) != other.isNot }
            scratch.fields[Int(index)] = FieldValue(
                pointer: nil, count: 0, isPresent: holds, hasValue: true, integer: 0)
            return nil
        }
        let (value, isBare) = find(other)
        if value.kind == ES_ABSENT.rawValue {
            if rule.isRequired { return .missingField }
            scratch.fields[Int(index)] = rule.absent
            return nil
        }
        var read = FieldValue(
            pointer: nil, count: 0, isPresent: true, hasValue: true, integer: 0)
        var rejection: Rejection?
        switch rule.kind {
        case .text: rejection = readText(rule, value, into: &read)
        case .boolean: rejection = readBoolean(rule, value, isBare: isBare, into: &read)
        case .integer, .decimal: rejection = readNumber(rule, value, isBare: isBare, into: &read)
        case .time: rejection = readTime(rule, value, timestampMilliseconds, into: &read)
        }
        if let rejection {
            guard other.isForgiving, rejection.isOfKind else { return rejection }
            read = rule.absent
        }
        scratch.fields[Int(index)] = read
        return nil
    }

    private mutating func readText(
        _ rule: FieldRule, _ value: es_value, into read: inout FieldValue
    ) -> Rejection? {
        guard let bytes = text(value) ?? timeText(value) ?? otherText(value, rule.other) else {
            return value.isNumber && others[Int32(rule.other)].takesAny ? .longText : .wrongType
        }
        if bytes.count > EventLimits.textBytes { return .longText }
        if rule.valueCount > 0, !isPermitted(bytes, rule) { return .unknownValue }
        read.take(bytes)
        return nil
    }

    private mutating func readBoolean(
        _ rule: FieldRule, _ value: es_value, isBare: Bool, into read: inout FieldValue
    ) -> Rejection? {
        if value.isBoolean, let bytes = anyText(value, rule.other) {
            read.take(bytes)
            return nil
        }
        let isWord =
            value.bytes.elementsEqual("true".utf8) || value.bytes.elementsEqual("false".utf8)
        guard isBare, isWord, value.kind == ES_TEXT.rawValue else { return .wrongType }
        read.take(value.bytes)
        return nil
    }

    private mutating func readNumber(
        _ rule: FieldRule, _ value: es_value, isBare: Bool, into read: inout FieldValue
    ) -> Rejection? {
        let other = others[Int32(rule.other)]
        let isText = value.kind == ES_TEXT.rawValue
        guard value.isNumber || (isText && (isBare || other.takesText)) else { return .wrongType }
        switch number(value, other) {
        case .integer(let number): read.integer = number
        case .fraction: return rule.kind == .integer ? .notAnInteger : .tooManyDecimals
        case .tooLarge: return .beyondMaximum
        case .notNumber: return .notANumber
        }
        if rule.isUnsigned, read.integer < 0 { return .negativeAmount }
        if read.integer.magnitude > rule.maximum { return .beyondMaximum }
        if other.isDimension, let bytes = plainNumber(value, rule.other) { read.take(bytes) }
        return nil
    }

    private mutating func readTime(
        _ rule: FieldRule, _ value: es_value, _ timestampMilliseconds: Int64,
        into read: inout FieldValue
    ) -> Rejection? {
        guard value.kind == ES_TEXT.rawValue || value.isNumber || value.kind == ES_TIME.rawValue
        else { return .wrongType }
        guard let time = time(value, others[Int32(rule.other)]) else { return .badTime }
        read.integer = time
        return boundsRejection(of: time, rule, timestampMilliseconds)
    }

    /// A value as a number in a rule's scale.
    private mutating func number(_ value: es_value, _ other: OtherRule) -> JSONInteger {
        guard value.kind == ES_INTEGER.rawValue else {
            return ScaledNumber.read(value.bytes, scale: Int(other.scale), rounds: other.isRounded)
        }
        let (product, overflow) = value.integer.multipliedReportingOverflow(by: other.unit)
        return !overflow && JSONInteger.bounds.contains(product) ? .integer(product) : .tooLarge
    }

    /// A number, true or false as a text where the rule takes them; nil where it does not.
    @inline(never)
    mutating func otherText(_ value: es_value, _ rule: Int16) -> UnsafeRawBufferPointer? {
        rule >= 0 && others[Int32(rule)].takesAny ? anyText(value, rule) : nil
    }

    /// A text, number, true or false as a text, in the room of a rule where it must be written out.
    ///
    /// Nil for other kinds of values and for a number of more than `EventLimits.textBytes` bytes.
    private mutating func anyText(_ value: es_value, _ rule: Int16) -> UnsafeRawBufferPointer? {
        switch value.kind {
        case ES_TEXT.rawValue, ES_TIME.rawValue: return value.bytes
        case ES_TRUE.rawValue: return Self.bytes("true")
        case ES_FALSE.rawValue: return Self.bytes("false")
        case ES_INTEGER.rawValue, ES_NUMBER.rawValue: return plainNumber(value, rule)
        default: return nil
        }
    }

    /// The value of a number, written out in full; its own bytes where it is written so.
    private mutating func plainNumber(
        _ value: es_value, _ rule: Int16
    ) -> UnsafeRawBufferPointer? {
        let text = value.bytes
        let digits = text.first == UInt8(ascii: "-") ? text.dropFirst() : text[...]
        let isPlain = digits.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        if isPlain, text.count <= EventLimits.textBytes, digits.first != UInt8(ascii: "0") {
            return text
        }
        let room = scratch.room(others[Int32(rule)].room)
        let count = es_plain_number(
            value.pointer, text.count, room, EventLimits.textBytes)
        return count == 0 ? nil : UnsafeRawBufferPointer(start: room, count: count)
    }

    static func bytes(_ text: StaticString) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
    }
}

extension FieldValue {
    /// Has the text of these bytes.
    fileprivate mutating func take(_ bytes: UnsafeRawBufferPointer) {
        pointer = bytes.baseAddress
        count = Int32(truncatingIfNeeded: bytes.count)
    }
}

extension es_value {
    var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: pointer, count: Int(length))
    }
    var isNumber: Bool { kind == ES_INTEGER.rawValue || kind == ES_NUMBER.rawValue }
    var isBoolean: Bool { kind == ES_TRUE.rawValue || kind == ES_FALSE.rawValue }
}
