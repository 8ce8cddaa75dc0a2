import CEventScan

/// Where an event has its data: in `data`, in `data_base64`, or in binary mode in the whole value.
extension Program {
    /// Checks the data of an event of a known type, and decodes `data_base64`.
    ///
    /// Afterwards the slots hold the fields, whichever of the three it was.
    @inline(__always)
    mutating func examineData(_ record: FoldRecord, isBinary: Bool) -> Rejection? {
        guard envelope.data >= 0 else { return nil }
        if !isBinary {
            let encoded = slots[Int(envelope.dataBase64)].kind
            if encoded != ES_ABSENT.rawValue, encoded != ES_NULL.rawValue {
                return readEncodedData(record)
            }
        }
        switch slots[Int(envelope.data)].kind {
        case ES_OBJECT.rawValue, ES_ABSENT.rawValue, ES_NULL.rawValue: return nil
        default: return events[scratch.event].readsData ? nil : notAnObject(inBase64: false)
        }
    }

    @inline(never)
    private mutating func notAnObject(inBase64: Bool) -> Rejection {
        scratch.rejectedField = inBase64 ? 1 : 0
        return .dataNotObject
    }

    /// Puts what `data_base64` holds in the place of `data`, and scans the event again.
    ///
    /// Seldom: both generations of the Python SDK write it where a producer hands over bytes.
    @inline(never)
    private mutating func readEncodedData(_ record: FoldRecord) -> Rejection? {
        guard let value = record.value else { return nil }
        let whole = UnsafeRawBufferPointer(start: value, count: record.valueCount)
        if slots[Int(envelope.data)].kind != ES_ABSENT.rawValue { return .dataTwice }
        let encoded = slots[Int(envelope.dataBase64)]
        guard encoded.kind == ES_TEXT.rawValue else { return .notBase64 }
        let base64 = UnsafeRawBufferPointer(start: encoded.pointer, count: Int(encoded.length))
        scratch.composed.begin(capacity: base64.count + record.valueCount + 16)
        scratch.composed.append(#"{"data":"#)
        let start = scratch.composed.count
        guard scratch.composed.append(base64: base64) else { return .notBase64 }
        // No bytes are no data, as in binary mode.
        if scratch.composed.count == start { return nil }
        let data = UnsafeRawBufferPointer(rebasing: scratch.composed.bytes[start...])
        let isNull = Self.isNull(data)
        // On its own first: behind a brace of its own it could add members to the event.
        var problem = scan(data, node: -1, isObject: !events[scratch.event].readsData)
        if problem == nil || isNull {
            scratch.composed.append(",")
            let inside = (whole.firstIndex(of: UInt8(ascii: "{")) ?? 0) + 1
            scratch.composed.append(UnsafeRawBufferPointer(rebasing: whole[inside...]))
            problem = scan(scratch.composed.bytes, node: 0, isObject: true)
            if problem == nil { return readEnvelope() }
        }
        // The attributes are texts of the scan before.
        _ = scan(whole, node: 0, isObject: true)
        _ = readEnvelope()
        switch problem {
        case .notAnObject: return notAnObject(inBase64: true)
        case .notJSON: return .base64NotJSON
        default: return problem
        }
    }

    /// Scans a text of our own; nil when it is one JSON text of the wanted kind.
    private mutating func scan(
        _ text: UnsafeRawBufferPointer, node: Int32, isObject: Bool
    ) -> Rejection? {
        rejection(
            of: es_scan(
                scanner, text.baseAddress?.assumingMemoryBound(to: CChar.self), text.count, node,
                isObject ? 1 : 0))
    }

    /// Whether a text is JSON's null.
    static func isNull(_ text: UnsafeRawBufferPointer) -> Bool {
        var rest = text[...]
        func isSpace(_ byte: UInt8) -> Bool { byte == 32 || (9...10).contains(byte) || byte == 13 }
        while let byte = rest.first, isSpace(byte) { rest.removeFirst() }
        while let byte = rest.last, isSpace(byte) { rest.removeLast() }
        return rest.elementsEqual("null".utf8)
    }
}

/// A text that is put together of pieces; its bytes stay where they are until the next `begin`.
struct ComposedText: ~Copyable {
    private(set) var count = 0
    private var memory: UnsafeMutableRawBufferPointer = .allocate(byteCount: 0, alignment: 8)

    deinit { memory.deallocate() }

    /// What was put together.
    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: memory[..<count]) }

    /// Empties it and makes room for so many bytes.
    mutating func begin(capacity: Int) {
        count = 0
        guard capacity > memory.count else { return }
        memory.deallocate()
        memory = .allocate(byteCount: 2 * capacity, alignment: 8)
    }

    mutating func append(_ piece: UnsafeRawBufferPointer) {
        UnsafeMutableRawBufferPointer(rebasing: memory[count...]).copyMemory(from: piece)
        count += piece.count
    }

    mutating func append(_ piece: StaticString) {
        append(UnsafeRawBufferPointer(start: piece.utf8Start, count: piece.utf8CodeUnitCount))
    }

    /// Appends the bytes that base64 with padding (RFC 4648, section 4) stands for; false = it is none.
    mutating func append(base64: UnsafeRawBufferPointer) -> Bool {
        guard base64.count % 4 == 0 else { return false }
        let padding = base64.suffix(2).count { $0 == UInt8(ascii: "=") }
        let digits = base64.dropLast(padding)
        var bits: UInt32 = 0
        var bitCount: UInt32 = 0
        for digit in digits {
            guard let value = Self.value(ofDigit: digit) else { return false }
            bits = bits << 6 | value
            bitCount += 6
            guard bitCount >= 8 else { continue }
            bitCount -= 8
            memory[count] = UInt8(truncatingIfNeeded: bits >> bitCount)
            count += 1
        }
        return true
    }

    private static func value(ofDigit digit: UInt8) -> UInt32? {
        switch digit {
        case 65...90: UInt32(digit) - 65
        case 97...122: UInt32(digit) - 71
        case 48...57: UInt32(digit) + 4
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
