import CEventScan

/// Reads what the loop's own readers do not read: numbers in strings, decimals, booleans, and
/// numbers as texts.
///
/// None of it is inlined into the loop, which other catalogs use without it.
extension Program {
    /// An attribute of the envelope; nil: missing, empty or of another type.
    @inline(never)
    mutating func otherAttribute(_ index: Int32) -> UnsafeRawBufferPointer? {
        let value = slots[Int(others[index].slot)]
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
        let value = slots[Int(other.slot)]
        if value.kind == ES_ABSENT.rawValue || value.kind == ES_NULL.rawValue {
            if rule.isRequired { return .missingField }
            scratch.fields[Int(index)] = rule.absent
            return nil
        }
        var read = FieldValue(
            pointer: nil, count: 0, isPresent: true, hasValue: true, integer: 0)
        var bytes = UnsafeRawBufferPointer(start: nil, count: 0)
        switch rule.kind {
        case .text:
            guard let text = anyText(value, rule.other) else {
                return value.isNumber ? .longText : .wrongType
            }
            if text.count > EventLimits.textBytes { return .longText }
            if rule.valueCount > 0, !isPermitted(text, rule) { return .unknownValue }
            bytes = text
        case .boolean:
            guard value.isBoolean, let text = anyText(value, rule.other) else { return .wrongType }
            bytes = text
        case .integer, .decimal:
            switch number(value, other) {
            case .integer(let number): read.integer = number
            case .fraction: return rule.kind == .integer ? .notAnInteger : .tooManyDecimals
            case .tooLarge: return rule.kind == .integer ? .notAnInteger : .beyondMaximum
            case .notNumber:
                let isText = other.takesText && value.kind == ES_TEXT.rawValue
                return isText ? .notANumber : .wrongType
            }
            if rule.isUnsigned, read.integer < 0 { return .negativeAmount }
            if read.integer.magnitude > rule.maximum { return .beyondMaximum }
            if other.isDimension, let text = plainNumber(value, rule.other) { bytes = text }
        case .time: return .wrongType
        }
        read.pointer = bytes.baseAddress
        read.count = Int32(truncatingIfNeeded: bytes.count)
        scratch.fields[Int(index)] = read
        return nil
    }

    /// A value as a number in a rule's scale.
    private mutating func number(_ value: es_value, _ other: OtherRule) -> JSONInteger {
        if value.kind == ES_INTEGER.rawValue {
            let (product, overflow) = value.integer.multipliedReportingOverflow(by: other.unit)
            return !overflow && JSONInteger.bounds.contains(product)
                ? .integer(product) : .tooLarge
        }
        guard value.isNumber || (other.takesText && value.kind == ES_TEXT.rawValue) else {
            return .notNumber
        }
        return ScaledNumber.read(value.bytes, scale: Int(other.scale), rounds: other.isRounded)
    }

    /// A text, number, true or false as a text, in the room of a rule where it must be written out.
    ///
    /// Nil for other kinds of values and for a number of more than `EventLimits.textBytes` bytes.
    @inline(never)
    mutating func anyText(_ value: es_value, _ rule: Int16) -> UnsafeRawBufferPointer? {
        switch value.kind {
        case ES_TEXT.rawValue: return value.bytes
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

    private static func bytes(_ text: StaticString) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
    }
}

extension es_value {
    var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: pointer, count: Int(length))
    }
    var isNumber: Bool { kind == ES_INTEGER.rawValue || kind == ES_NUMBER.rawValue }
    var isBoolean: Bool { kind == ES_TRUE.rawValue || kind == ES_FALSE.rawValue }
}
