import CEventScan

/// Reading and checking one record: bytes to fields.
extension Program {
    static var maximumValueBytes: Int { 1_048_576 }
    static var maximumTextBytes: Int { 256 }

    /// Checks 1 to 9 of `schemas/events/README.md`; `accepted` means valid, duplicates are judged later.
    ///
    /// Leaves id, source, subject, time, event and field values in `scratch`.
    mutating func examineEnvelope(
        _ record: FoldRecord, _ attributes: UnsafePointer<BinaryAttributes>?
    ) -> Outcome {
        scratch.rejection = .none
        scratch.event = -1
        let isBinary = record.attributes >= 0
        if let problem = scan(record, isBinary) { return reject(.malformed, problem) }
        let envelopeProblem: Rejection? =
            if isBinary, let attributes {
                readAttributes(attributes[Int(record.attributes)])
            } else {
                readEnvelope()
            }
        if let envelopeProblem { return reject(.malformed, envelopeProblem) }
        if !scratch.hasOwnTime {
            guard let time = nanoseconds(milliseconds: record.timestamp) else {
                return reject(.malformed, .noTime)
            }
            scratch.time = time
        }
        scratch.event = types.event(of: scratch.type)
        guard scratch.event >= 0 else { return .ignored }
        let longest = max(scratch.id.count, scratch.source.count, scratch.subject.count)
        if longest > Self.maximumTextBytes {
            scratch.rejectedField =
                scratch.id.count == longest ? 0 : scratch.source.count == longest ? 1 : 2
            return reject(.badField, .longAttribute)
        }
        if let problem = examineData(record, isBinary: isBinary) {
            return reject(.badField, problem)
        }
        return .accepted
    }

    /// The rest of it, for a record whose envelope was accepted: fields and bounds of time.
    @inline(__always)
    mutating func examineFields(_ record: FoldRecord) -> Outcome {
        if scratch.time < notBefore {
            return reject(.badField, scratch.hasOwnTime ? .past : .pastRecord)
        }
        if let problem = readFields(record.timestamp) { return reject(.badField, problem) }
        guard record.timestamp >= 0 else { return .accepted }
        if isBeyondBound(scratch.time, record.timestamp) { return reject(.future, .future) }
        if isLate(record.timestamp) { return reject(.late, .late) }
        return .accepted
    }

    private mutating func reject(_ outcome: Outcome, _ rejection: Rejection) -> Outcome {
        scratch.rejection = rejection
        return outcome
    }

    /// Parses the value; nil when it is one JSON text (or, in binary mode, none).
    private mutating func scan(_ record: FoldRecord, _ isBinary: Bool) -> Rejection? {
        guard let value = record.value else {
            guard isBinary else { return .tombstone }
            return scanNothing()
        }
        if record.valueCount > Self.maximumValueBytes { return .oversized }
        if record.valueCount == 0 { return isBinary ? scanNothing() : .emptyValue }
        let result = es_scan(
            scanner, value.assumingMemoryBound(to: CChar.self), record.valueCount,
            isBinary ? dataNode : 0, isBinary ? 0 : 1)
        return rejection(of: result)
    }

    /// What a result of the scanner means.
    @inline(__always)
    func rejection(of result: Int32) -> Rejection? {
        switch es_result(UInt32(result)) {
        case ES_OK: return nil
        case ES_TOO_DEEP: return .tooDeep
        case ES_DUPLICATE_MEMBER: return .duplicateMember
        case ES_NOT_AN_OBJECT: return .notAnObject
        default: return .notJSON
        }
    }

    /// Makes all slots absent: an event without data.
    private mutating func scanNothing() -> Rejection? {
        var empty: (CChar, CChar) = (123, 125)
        _ = withUnsafePointer(to: &empty) {
            $0.withMemoryRebound(to: CChar.self, capacity: 2) { es_scan(scanner, $0, 2, -1, 0) }
        }
        return nil
    }

    // MARK: Envelope

    mutating func readEnvelope() -> Rejection? {
        if envelope.specversion >= 0 {
            guard isVersion1(text(slots[Int(envelope.specversion)])) else { return .specversion }
        }
        guard let id = attribute(envelope.id, envelope.constants.id) else { return .id }
        guard let source = attribute(envelope.source, envelope.constants.source) else {
            return .source
        }
        guard let type = attribute(envelope.type, envelope.constants.type) else { return .type }
        guard let subject = attribute(envelope.subject, envelope.constants.subject) else {
            return .subject
        }
        scratch.id = id
        scratch.source = source
        scratch.type = type
        scratch.subject = subject
        return readTime(slots[Int(envelope.time)])
    }

    /// Whether it is `1.0`, the only version of CloudEvents that is read.
    @inline(__always)
    private func isVersion1(_ version: UnsafeRawBufferPointer?) -> Bool {
        guard let version, version.count == 3 else { return false }
        return version[0] == UInt8(ascii: "1") && version[1] == UInt8(ascii: ".")
            && version[2] == UInt8(ascii: "0")
    }

    @inline(__always)
    private func attribute(_ slot: Int32, _ constant: FixedText?) -> UnsafeRawBufferPointer? {
        if slot < 0 { return constant?.bytes }
        guard let bytes = text(slots[Int(slot)]), bytes.count > 0 else { return nil }
        return bytes
    }

    @inline(__always)
    private func text(_ value: es_value) -> UnsafeRawBufferPointer? {
        guard value.kind == ES_TEXT.rawValue else { return nil }
        return UnsafeRawBufferPointer(start: value.pointer, count: Int(value.length))
    }

    private mutating func readTime(_ value: es_value) -> Rejection? {
        scratch.hasOwnTime = false
        if value.kind == ES_ABSENT.rawValue || value.kind == ES_NULL.rawValue { return nil }
        let time: Int64?
        switch envelope.timeFormat {
        case .rfc3339: time = text(value).flatMap { Timestamp.nanoseconds($0, &scratch.date) }
        case .unix where value.kind == ES_INTEGER.rawValue:
            time = nanoseconds(milliseconds: value.integer.multipliedReportingOverflow(by: 1_000))
        case .unixMilliseconds where value.kind == ES_INTEGER.rawValue:
            time = nanoseconds(milliseconds: value.integer, isRecord: false)
        default: time = nil
        }
        guard let time else { return .time }
        scratch.time = time
        scratch.hasOwnTime = true
        return nil
    }

    private mutating func readAttributes(_ binary: BinaryAttributes) -> Rejection? {
        guard isVersion1(binary.specversion) else { return .specversion }
        guard let id = usable(binary.id) else { return .id }
        guard let source = usable(binary.source) else { return .source }
        guard let type = usable(binary.type) else { return .type }
        guard let subject = usable(binary.subject) else { return .subject }
        scratch.id = id
        scratch.source = source
        scratch.type = type
        scratch.subject = subject
        scratch.hasOwnTime = false
        guard let time = binary.time else { return nil }
        guard let read = Timestamp.nanoseconds(time) else { return .time }
        scratch.time = read
        scratch.hasOwnTime = true
        return nil
    }

    private func usable(_ bytes: UnsafeRawBufferPointer?) -> UnsafeRawBufferPointer? {
        guard let bytes, bytes.count > 0, UTF8Check.isValid(bytes) else { return nil }
        return bytes
    }

    /// Nanoseconds of a record timestamp within the years that a time may have, else nil.
    private func nanoseconds(milliseconds: Int64, isRecord: Bool = true) -> Int64? {
        guard milliseconds >= (isRecord ? 0 : Timestamp.firstSecond * 1_000),
            milliseconds < Timestamp.endSecond * 1_000
        else { return nil }
        return milliseconds * 1_000_000
    }

    private func nanoseconds(milliseconds product: (partialValue: Int64, overflow: Bool)) -> Int64?
    {
        product.overflow ? nil : nanoseconds(milliseconds: product.partialValue, isRecord: false)
    }

    // MARK: Fields

    private mutating func readFields(_ timestamp: Int64) -> Rejection? {
        let event = events[scratch.event]
        for index in 0..<event.fieldCount {
            let rule = fields[event.firstField + index]
            if rule.fanOut >= 0 {
                if let problem = readFanOut(rule, into: index) {
                    return inField(event.firstField + index, problem)
                }
                continue
            }
            let value = slots[Int(rule.slot)]
            if value.kind == ES_ABSENT.rawValue || value.kind == ES_NULL.rawValue {
                if rule.isRequired { return inField(event.firstField + index, .missingField) }
                scratch.fields[Int(index)] = FieldValue(
                    pointer: rule.defaultText.pointer, count: rule.defaultText.count,
                    isPresent: false, hasValue: rule.kind == .text || rule.hasDefaultInteger,
                    integer: rule.defaultInteger)
                continue
            }
            if let problem = readField(rule, value, timestamp, into: index) {
                return inField(event.firstField + index, problem)
            }
        }
        return nil
    }

    /// Remembers which field is wrong, for the dead letter and the log.
    private mutating func inField(_ field: Int32, _ problem: Rejection) -> Rejection {
        scratch.rejectedField = field
        return problem
    }

    @inline(__always)
    private mutating func readField(
        _ rule: FieldRule, _ value: es_value, _ timestamp: Int64, into index: Int32
    ) -> Rejection? {
        var read = FieldValue(
            pointer: UnsafeRawPointer(value.pointer),
            count: Int32(truncatingIfNeeded: value.length),
            isPresent: true, hasValue: true, integer: value.integer)
        switch rule.kind {
        case .text:
            guard let bytes = text(value) else { return .wrongType }
            if bytes.count > Self.maximumTextBytes { return .longText }
            if rule.valueCount > 0, !isPermitted(bytes, rule) { return .unknownValue }
        case .integer:
            if value.kind == ES_NUMBER.rawValue { return .notAnInteger }
            if value.kind != ES_INTEGER.rawValue { return .wrongType }
            if rule.isUnsigned, value.integer < 0 { return .negativeAmount }
            if value.integer.magnitude > rule.maximum { return .beyondMaximum }
        case .time:
            guard let bytes = text(value) else { return .wrongType }
            guard let time = Timestamp.nanoseconds(bytes) else { return .badTime }
            if rule.isClauseTime, timestamp >= 0, isBeyondBound(time, timestamp) {
                return .futureTime
            }
            if rule.isClauseTime, time < notBefore { return .pastTime }
            read.integer = time
        }
        scratch.fields[Int(index)] = read
        return nil
    }

    private mutating func isPermitted(_ bytes: UnsafeRawBufferPointer, _ rule: FieldRule) -> Bool {
        for index in rule.firstValue..<(rule.firstValue + rule.valueCount)
        where values[index].bytes.isEqual(to: bytes) {
            return true
        }
        return false
    }

    private mutating func readFanOut(_ rule: FieldRule, into index: Int32) -> Rejection? {
        let fan = fans + Int(rule.fanOut)
        scratch.fields[Int(index)] = FieldValue(
            pointer: nil, count: 0, isPresent: false, hasValue: false, integer: 0)
        let kind = fan.pointee.kind
        if kind == ES_ABSENT.rawValue || kind == ES_NULL.rawValue {
            return rule.isRequired ? .missingField : nil
        }
        guard kind == ES_OBJECT.rawValue || kind == ES_ARRAY.rawValue else { return .wrongType }
        let count = Int(fan.pointee.count)
        guard count <= Int(ES_MAX_ENTRIES) else { return .tooManyEntries }
        for entry in 0..<count {
            let one = self.entry(of: rule.fanOut, entry)
            guard let value = text(one.value) else { return .wrongType }
            if value.count > Self.maximumTextBytes || Int(one.key.length) > Self.maximumTextBytes {
                return .longText
            }
            if rule.valueCount > 0, !isPermitted(value, rule) { return .unknownValue }
        }
        scratch.fields[Int(index)].isPresent = true
        scratch.fields[Int(index)].hasValue = count > 0
        return nil
    }

    /// Entry `index` of a fan-out.
    @inline(__always)
    func entry(of fanOut: Int32, _ index: Int) -> es_entry {
        let base = UnsafeRawPointer(fans + Int(fanOut))
        let offset = MemoryLayout<es_fan_out>.offset(of: \.entries) ?? 8
        return (base + offset).assumingMemoryBound(to: es_entry.self)[index]
    }

    // MARK: Bounds

    /// Whether a time lies beyond a record's timestamp by more than the bound.
    @inline(__always)
    func isBeyondBound(_ nanoseconds: Int64, _ timestamp: Int64) -> Bool {
        let (limit, overflow) = timestamp.addingReportingOverflow(futureBoundMilliseconds)
        if overflow { return false }
        let milliseconds = floorDivide(nanoseconds, 1_000_000)
        return milliseconds > limit
            || (milliseconds == limit && nanoseconds > milliseconds * 1_000_000)
    }

    /// Whether some clause takes the event and every window of every such clause has expired.
    private mutating func isLate(_ timestamp: Int64) -> Bool {
        let event = events[scratch.event]
        if event.isNeverLate || event.instructionCount == 0 { return false }
        var isTaken = false
        for index in event.firstInstruction..<(event.firstInstruction + event.instructionCount) {
            let one = UnsafePointer(instructions.base + Int(index))
            guard takes(one, event) else { continue }
            isTaken = true
            let second = windowSecond(of: one, event)
            for place in one.pointee
                .firstWindow..<(one.pointee.firstWindow + one.pointee.windowCount)
            {
                let rule = windows[place]
                let number = scratch.number(rule.window, ofSecond: second)
                if !isExpired(rule, number, timestamp) { return false }
            }
        }
        return isTaken
    }

    /// Whether end + retention of a window is not after the record's timestamp.
    @inline(__always)
    func isExpired(_ rule: WindowRule, _ number: Int32, _ timestamp: Int64) -> Bool {
        guard rule.retention >= 0, timestamp >= 0 else { return false }
        return rule.window.end(of: number) + rule.retention <= timestamp / 1_000
    }

    /// Whether a clause does something with the event at hand.
    @inline(__always)
    func takes(_ one: UnsafePointer<Instruction>, _ event: EventRule) -> Bool {
        for need in one.pointee.firstNeed..<(one.pointee.firstNeed + one.pointee.needCount)
        where !scratch.fields[Int(needs[need] - event.firstField)].isPresent {
            return false
        }
        guard hasValue(one.pointee.amountField, event), hasValue(one.pointee.timeField, event),
            hasValue(one.pointee.valueField, event)
        else { return false }
        return hasValue(one.pointee.fanOut, event)
    }

    @inline(__always)
    private func hasValue(_ field: Int32, _ event: EventRule) -> Bool {
        field < 0 || scratch.fields[Int(field - event.firstField)].hasValue
    }

    /// The second whose windows a clause writes.
    @inline(__always)
    func windowSecond(of one: UnsafePointer<Instruction>, _ event: EventRule) -> Int64 {
        let time =
            one.pointee.timeField >= 0
            ? scratch.fields[Int(one.pointee.timeField - event.firstField)].integer : scratch.time
        return floorDivide(time, 1_000_000_000)
    }
}

/// Validity of UTF-8, for header values: JSON texts are checked by the scanner.
enum UTF8Check {
    static func isValid(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var index = 0
        while index < bytes.count {
            let first = bytes[index]
            if first < 0x80 {
                index += 1
                continue
            }
            let length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2
            guard first >= 0xC2, first <= 0xF4, index + length <= bytes.count else { return false }
            for next in 1..<length where bytes[index + next] & 0xC0 != 0x80 { return false }
            let second = bytes[index + 1]
            switch first {
            case 0xE0 where second < 0xA0, 0xED where second > 0x9F, 0xF0 where second < 0x90,
                0xF4 where second > 0x8F:
                return false
            default: index += length
            }
        }
        return true
    }
}
