import CEventScan

/// Finds an event's data: in `data`, in `data_base64`, or in binary mode in the whole value.
extension Program {
    /// Checks the data of an event of a known type, and decodes `data_base64`.
    ///
    /// Afterwards the slots hold the fields, wherever the data was.
    @inline(__always)
    mutating func examineData(_ record: FoldRecord, isBinary: Bool) -> Rejection? {
        guard envelope.data >= 0 else { return nil }
        if !isBinary, record.schema == -1 {
            let encoded = slots[Int(envelope.dataBase64)].kind
            if encoded != ES_ABSENT.rawValue, encoded != ES_NULL.rawValue {
                return readEncodedData(record)
            }
        }
        switch slots[Int(envelope.data)].kind {
        case ES_OBJECT.rawValue, ES_ABSENT.rawValue, ES_NULL.rawValue: return nil
        // Judged by what it holds.
        case ES_TEXT.rawValue where envelope.inside == envelope.data: return nil
        default: return events[scratch.event].readsData ? nil : notAnObject(inBase64: false)
        }
    }

    @inline(never)
    private mutating func notAnObject(inBase64: Bool) -> Rejection {
        scratch.rejectedField = inBase64 ? 1 : 0
        return .dataNotObject
    }

    /// Scans the event again with the decoded `data_base64` as its `data`.
    ///
    /// This is rare: the Python SDK, in both of its generations, writes `data_base64` when a
    /// producer passes bytes.
    @inline(never)
    private mutating func readEncodedData(_ record: FoldRecord) -> Rejection? {
        guard let value = record.value else { return nil }
        let whole = UnsafeRawBufferPointer(start: value, count: record.valueByteCount)
        if slots[Int(envelope.data)].kind != ES_ABSENT.rawValue { return .dataTwice }
        let encoded = slots[Int(envelope.dataBase64)]
        guard encoded.kind == ES_TEXT.rawValue else { return .notBase64 }
        let base64 = UnsafeRawBufferPointer(start: encoded.pointer, count: Int(encoded.length))
        scratch.composed.begin(capacityBytes: base64.count + record.valueByteCount + 16)
        scratch.composed.append(#"{"data":"#)
        let start = scratch.composed.count
        guard scratch.composed.append(base64: base64) else { return .notBase64 }
        // Zero bytes mean no data, as in binary mode.
        if scratch.composed.count == start { return nil }
        let data = UnsafeRawBufferPointer(rebasing: scratch.composed.bytes[start...])
        let isNull = Self.isNull(data)
        // The data is scanned alone first: with a closing brace it could add members to the event.
        var rejection = scan(data, node: -1, isObject: !events[scratch.event].readsData)
        if rejection == nil || isNull {
            scratch.composed.append(",")
            let inside = (whole.firstIndex(of: UInt8(ascii: "{")) ?? 0) + 1
            scratch.composed.append(UnsafeRawBufferPointer(rebasing: whole[inside...]))
            rejection = scan(scratch.composed.bytes, node: 0, isObject: true)
            if rejection == nil { return readAgain(record) }
        }
        // The attributes point to texts of an earlier scan: the event is scanned and read again.
        _ = scan(whole, node: 0, isObject: true)
        _ = readAgain(record)
        switch rejection {
        case .notAnObject: return notAnObject(inBase64: true)
        case .notJSON: return .base64NotJSON
        default: return rejection
        }
    }

    /// Reads the envelope after another scan, which ends the texts of the one before, also of what
    /// was found inside of them.
    private mutating func readAgain(_ record: FoldRecord) -> Rejection? {
        if looksElsewhere { lookElsewhere(record) }
        return readEnvelope()
    }

    /// Scans another text than the record's value; nil when it is one JSON text of the wanted kind.
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
        func isSpace(_ byte: UInt8) -> Bool {
            byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\n")
                || byte == UInt8(ascii: "\r")
        }
        while let byte = rest.first, isSpace(byte) { rest.removeFirst() }
        while let byte = rest.last, isSpace(byte) { rest.removeLast() }
        return rest.elementsEqual("null".utf8)
    }
}

/// A text that is composed of pieces; its bytes keep their address until the next `begin`.
struct ComposedText: ~Copyable {
    private(set) var count = 0
    private var memory: UnsafeMutableRawBufferPointer = .allocate(byteCount: 0, alignment: 8)

    deinit { memory.deallocate() }

    /// The text so far.
    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: memory[..<count]) }

    /// Empties it and makes room for that many bytes; the caller appends no more than that.
    mutating func begin(capacityBytes: Int) {
        count = 0
        guard capacityBytes > memory.count else { return }
        memory.deallocate()
        memory = .allocate(byteCount: 2 * capacityBytes, alignment: 8)
    }

    mutating func append(_ piece: UnsafeRawBufferPointer) {
        UnsafeMutableRawBufferPointer(rebasing: memory[count...]).copyMemory(from: piece)
        count += piece.count
    }

    mutating func append(_ piece: StaticString) {
        append(UnsafeRawBufferPointer(start: piece.utf8Start, count: piece.utf8CodeUnitCount))
    }

    /// Appends the bytes that a text in base64 with padding (RFC 4648, section 4) encodes.
    ///
    /// False where the text is not such base64.
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
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(digit - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(digit - UInt8(ascii: "a")) + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(digit - UInt8(ascii: "0")) + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
