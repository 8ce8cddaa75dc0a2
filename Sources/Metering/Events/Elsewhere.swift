import CEventScan

/// Looks for values in other places than at one pointer of the record's value: in headers, in the
/// key, in JSON inside a text, and at the first of several places.
extension Program {
    /// Remembers where headers and key of a record are, and scans the key and a text with JSON
    /// where something in them is asked for.
    @inline(never)
    mutating func lookElsewhere(_ record: FoldRecord) {
        scratch.place = (partitionNumbers[Int(record.partitionSlot)], record.offset)
        if scratch.eventIndex < 0 { forgetOuters() }
        scratch.headers = record.headers
        scratch.key = record.key.map {
            UnsafeRawBufferPointer(start: $0, count: record.keyByteCount)
        }
        scratch.insideRejection = .none
        // A key that is no JSON has none of the members that are asked for.
        // The events of one record have one key.
        if let keyScanner, scratch.eventIndex <= 0 {
            _ = scan(scratch.key, keyScanner, isObject: false)
        }
        guard let insideScanner, envelope.inside >= 0 else { return }
        let text = slots[Int(envelope.inside)]
        guard text.kind == ES_TEXT.rawValue else {
            _ = scan(nil, insideScanner, isObject: false)
            return
        }
        switch scan(text.bytes, insideScanner, isObject: true) {
        case nil: break
        case .tooDeep: scratch.insideRejection = .insideTooDeep
        case .duplicateMember: scratch.insideRejection = .insideDuplicate
        default: if !Self.isNull(text.bytes) { scratch.insideRejection = .insideNotObject }
        }
    }

    /// Scans a text beside the value; without one all slots are absent.
    private mutating func scan(
        _ text: UnsafeRawBufferPointer?, _ scanner: OpaquePointer, isObject: Bool
    ) -> Rejection? {
        let text = text.flatMap { $0.isEmpty ? nil : $0 } ?? Self.bytes("null")
        return rejection(
            of: es_scan(
                scanner, text.baseAddress?.assumingMemoryBound(to: CChar.self), text.count, 0,
                isObject ? 1 : 0))
    }

    /// The first value that is there, of the places of a rule; whether it is bare, in a header or
    /// the whole key, where every value is a text.
    mutating func find(
        _ other: OtherRule, isBinary: Bool = false
    ) -> (value: es_value, isBare: Bool) {
        for index in other.firstPlace..<(other.firstPlace + other.placeCount) {
            let place = places[index]
            if isBinary, !place.isOutsideOfValue { continue }
            let (value, isBare) = value(at: place, other.room)
            if value.kind != ES_ABSENT.rawValue, value.kind != ES_NULL.rawValue {
                return (value, isBare)
            }
        }
        return (es_value(), false)
    }

    private mutating func value(
        at place: PlaceRule, _ room: Int32
    ) -> (value: es_value, isBare: Bool) {
        let index = Int(place.index)
        switch place.source {
        case .value: return (slots[index], false)
        case .inside: return (insideScanner.map { es_slots($0)[index] } ?? es_value(), false)
        case .keyMember: return (keyScanner.map { es_slots($0)[index] } ?? es_value(), false)
        case .header: return (Self.bare(scratch.headers?[index]), true)
        case .key: return (Self.bare(scratch.key), true)
        case .record: return (Self.text(scratch.writePlace(in: room)), true)
        case .outer: return (outers[place.level].slots[index], false)
        case .constant: return (Self.bare(values[place.index].bytes), true)
        }
    }

    private static func text(_ bytes: UnsafeRawBufferPointer) -> es_value {
        es_value(
            pointer: bytes.baseAddress?.assumingMemoryBound(to: CChar.self), integer: 0,
            length: UInt32(bytes.count), kind: ES_TEXT.rawValue)
    }

    /// A header or key as a value: a text if it is UTF-8; else a value of no type that is taken.
    private static func bare(_ bytes: UnsafeRawBufferPointer?) -> es_value {
        guard let bytes else { return es_value() }
        let isText = UTF8Check.isValid(bytes)
        return es_value(
            pointer: bytes.baseAddress?.assumingMemoryBound(to: CChar.self), integer: 0,
            length: isText ? UInt32(bytes.count) : 0,
            kind: isText ? ES_TEXT.rawValue : ES_ARRAY.rawValue)
    }
}
