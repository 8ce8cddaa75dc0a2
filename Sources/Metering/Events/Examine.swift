import CEventScan

/// Reads and checks one record: bytes to fields.
extension Program {
    /// The first checks of `schemas/events/README.md`: those of the record and its envelope.
    ///
    /// `accepted` means valid so far: fields, times and duplicates are checked later. Leaves id,
    /// source, subject, time and event in `scratch`.
    mutating func examineEnvelope(
        _ record: FoldRecord, _ attributes: UnsafePointer<BinaryAttributes>?
    ) -> Outcome {
        scratch.rejection = .none
        scratch.event = -1
        let isBinary = record.attributes >= 0
        if let rejection = scan(record, isBinary) {
            let isIgnored = rejection == .tombstone && envelope.ignoresTombstones
            return reject(isIgnored ? .ignored : .malformed, rejection)
        }
        if looksElsewhere { lookElsewhere(record) }
        let envelopeRejection: Rejection? =
            if isBinary, let attributes {
                readAttributes(attributes[Int(record.attributes)])
            } else {
                readEnvelope()
            }
        if let envelopeRejection { return reject(.malformed, envelopeRejection) }
        if !scratch.hasOwnTime {
            guard let time = nanoseconds(milliseconds: record.timestampMilliseconds) else {
                return reject(.malformed, .noTime)
            }
            scratch.timeNanoseconds = time
        }
        scratch.event = types.event(of: scratch.type)
        guard scratch.event >= 0 else { return .ignored }
        let longest = max(scratch.id.count, scratch.source.count, scratch.subject.count)
        if longest > EventLimits.textBytes {
            scratch.rejectedField =
                scratch.id.count == longest ? 0 : scratch.source.count == longest ? 1 : 2
            return reject(.badField, .longAttribute)
        }
        if let rejection = examineData(record, isBinary: isBinary) {
            return reject(.badField, rejection)
        }
        if looksElsewhere, scratch.insideRejection != .none {
            return reject(.badField, scratch.insideRejection)
        }
        return .accepted
    }

    /// The other checks, for a record whose envelope was accepted: fields and bounds of time.
    @inline(__always)
    mutating func examineFields(_ record: FoldRecord) -> Outcome {
        if scratch.timeNanoseconds < notBeforeNanoseconds {
            return reject(.badField, scratch.hasOwnTime ? .past : .pastRecord)
        }
        if let rejection = readFields(record.timestampMilliseconds) {
            return reject(.badField, rejection)
        }
        guard record.timestampMilliseconds >= 0 else { return .accepted }
        if isBeyondBound(scratch.timeNanoseconds, record.timestampMilliseconds) {
            return reject(.future, .future)
        }
        if isLate(record.timestampMilliseconds) { return reject(.late, .late) }
        return .accepted
    }

    private mutating func reject(_ outcome: Outcome, _ rejection: Rejection) -> Outcome {
        scratch.rejection = rejection
        return outcome
    }

    /// Parses the value; nil when it is one JSON text or, in binary mode, empty.
    private mutating func scan(_ record: FoldRecord, _ isBinary: Bool) -> Rejection? {
        guard let value = record.value else {
            guard isBinary else { return .tombstone }
            return scanNothing()
        }
        if record.valueByteCount > EventLimits.valueBytes { return .oversized }
        if record.schema != -1 { return scanFramed(record, isBinary: isBinary) }
        if record.valueByteCount == 0 { return isBinary ? scanNothing() : .emptyValue }
        let result = es_scan(
            scanner, value.assumingMemoryBound(to: CChar.self), record.valueByteCount,
            isBinary ? dataNode : 0, isBinary ? 0 : 1)
        return rejection(of: result)
    }

    /// The rejection that a result of the scanner means; nil when the text is fine.
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

    /// Marks all slots as absent, as for an event without data.
    private mutating func scanNothing() -> Rejection? {
        var empty = (CChar(UInt8(ascii: "{")), CChar(UInt8(ascii: "}")))
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
        return readTime()
    }

    /// Whether a `specversion` is `1.0`, the only version of CloudEvents that is read.
    @inline(__always)
    private func isVersion1(_ version: UnsafeRawBufferPointer?) -> Bool {
        guard let version, version.count == 3 else { return false }
        return version[0] == UInt8(ascii: "1") && version[1] == UInt8(ascii: ".")
            && version[2] == UInt8(ascii: "0")
    }

    @inline(__always)
    private mutating func attribute(
        _ slot: Int32, _ constant: FixedText?
    ) -> UnsafeRawBufferPointer? {
        if slot < 0 {
            return slot == -1 ? constant?.bytes : otherAttribute(-2 - slot, isBinary: false)
        }
        guard let bytes = text(slots[Int(slot)]), bytes.count > 0 else { return nil }
        return bytes
    }

    @inline(__always)
    func text(_ value: es_value) -> UnsafeRawBufferPointer? {
        guard value.kind == ES_TEXT.rawValue else { return nil }
        return UnsafeRawBufferPointer(start: value.pointer, count: Int(value.length))
    }

    /// The text of a moment of Avro or Protobuf.
    @inline(never)
    func timeText(_ value: es_value) -> UnsafeRawBufferPointer? {
        value.kind == ES_TIME.rawValue ? value.bytes : nil
    }

    private mutating func readTime() -> Rejection? {
        scratch.hasOwnTime = false
        guard envelope.time >= 0 else { return readOtherTime(isBinary: false) }
        let value = slots[Int(envelope.time)]
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
        guard let time else {
            return envelope.timeFormat == .rfc3339 && value.kind != ES_TIME.rawValue
                ? .time : readOtherTime(isBinary: false)
        }
        scratch.timeNanoseconds = time
        scratch.hasOwnTime = true
        return nil
    }

    private mutating func readAttributes(_ binary: BinaryAttributes) -> Rejection? {
        guard isVersion1(binary.specversion) else { return .specversion }
        guard let id = attribute(binary.id, envelope.id, envelope.constants.id) else {
            return .id
        }
        guard let source = attribute(binary.source, envelope.source, envelope.constants.source)
        else { return .source }
        guard let type = attribute(binary.type, envelope.type, envelope.constants.type) else {
            return .type
        }
        guard let subject = attribute(binary.subject, envelope.subject, envelope.constants.subject)
        else { return .subject }
        scratch.id = id
        scratch.source = source
        scratch.type = type
        scratch.subject = subject
        scratch.hasOwnTime = false
        guard let time = binary.time else {
            return envelope.hasTimeOutside ? readOtherTime(isBinary: true) : nil
        }
        guard let read = Timestamp.nanoseconds(time) else { return .time }
        scratch.timeNanoseconds = read
        scratch.hasOwnTime = true
        return nil
    }

    /// An attribute of a record in binary mode: its header or, without one, what the envelope says
    /// of it that is not in the value.
    private mutating func attribute(
        _ header: UnsafeRawBufferPointer?, _ slot: Int32, _ constant: FixedText?
    ) -> UnsafeRawBufferPointer? {
        guard let header else {
            if slot == -1 { return constant?.bytes }
            return slot < -1 ? otherAttribute(-2 - slot, isBinary: true) : nil
        }
        return header.count > 0 && UTF8Check.isValid(header) ? header : nil
    }

    /// Nanoseconds since 1970; nil outside the years that a time may have.
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

    private mutating func readFields(_ timestampMilliseconds: Int64) -> Rejection? {
        let event = events[scratch.event]
        for index in 0..<event.fieldCount {
            let rule = fields[event.firstField + index]
            if rule.slot < 0 {
                let rejection =
                    rule.fanOut >= 0
                    ? readFanOut(rule, into: index)
                    : readOther(rule, timestampMilliseconds, into: index)
                if let rejection { return inField(event.firstField + index, rejection) }
                continue
            }
            let value = slots[Int(rule.slot)]
            if value.kind == ES_ABSENT.rawValue || value.kind == ES_NULL.rawValue {
                if rule.isRequired { return inField(event.firstField + index, .missingField) }
                scratch.fields[Int(index)] = rule.absent
                continue
            }
            if let rejection = readField(rule, value, timestampMilliseconds, into: index) {
                return inField(event.firstField + index, rejection)
            }
        }
        return nil
    }

    /// Remembers which field is wrong, for the dead letter and the log.
    private mutating func inField(_ field: Int32, _ rejection: Rejection) -> Rejection {
        scratch.rejectedField = field
        return rejection
    }

    @inline(__always)
    private mutating func readField(
        _ rule: FieldRule, _ value: es_value, _ timestampMilliseconds: Int64, into index: Int32
    ) -> Rejection? {
        var read = FieldValue(
            pointer: UnsafeRawPointer(value.pointer),
            count: Int32(truncatingIfNeeded: value.length),
            isPresent: true, hasValue: true, integer: value.integer)
        switch rule.kind {
        case .text:
            guard let bytes = text(value) ?? timeText(value) else { return .wrongType }
            if bytes.count > EventLimits.textBytes { return .longText }
            if rule.valueCount > 0, !isPermitted(bytes, rule) { return .unknownValue }
        case .integer:
            if value.kind == ES_NUMBER.rawValue { return .notAnInteger }
            if value.kind != ES_INTEGER.rawValue { return .wrongType }
            if rule.isUnsigned, value.integer < 0 { return .negativeAmount }
            if value.integer.magnitude > rule.maximum { return .beyondMaximum }
        case .time:
            guard let bytes = text(value) ?? timeText(value) else { return .wrongType }
            let moment = value.kind == ES_TIME.rawValue ? value.integer : nil
            guard let time = moment ?? Timestamp.nanoseconds(bytes) else { return .badTime }
            if let rejection = boundsRejection(of: time, rule, timestampMilliseconds) {
                return rejection
            }
            read.integer = time
        // Read by `readOther`.
        case .decimal, .boolean: return .wrongType
        }
        scratch.fields[Int(index)] = read
        return nil
    }

    mutating func isPermitted(_ bytes: UnsafeRawBufferPointer, _ rule: FieldRule) -> Bool {
        for index in rule.firstValue..<(rule.firstValue + rule.valueCount)
        where values[index].bytes.isEqual(to: bytes) {
            return true
        }
        return false
    }

    // MARK: Bounds

    /// What is wrong with a time that a clause may take.
    @inline(__always)
    func boundsRejection(
        of time: Int64, _ rule: FieldRule, _ timestampMilliseconds: Int64
    ) -> Rejection? {
        guard rule.isClauseTime else { return nil }
        if timestampMilliseconds >= 0, isBeyondBound(time, timestampMilliseconds) {
            return .futureTime
        }
        return time < notBeforeNanoseconds ? .pastTime : nil
    }

    /// Whether a time is later than a record's timestamp by more than the future bound.
    @inline(__always)
    func isBeyondBound(_ nanoseconds: Int64, _ timestampMilliseconds: Int64) -> Bool {
        let (limit, overflow) = timestampMilliseconds.addingReportingOverflow(
            futureBoundMilliseconds)
        if overflow { return false }
        let milliseconds = floorDivide(nanoseconds, 1_000_000)
        return milliseconds > limit
            || (milliseconds == limit && nanoseconds > milliseconds * 1_000_000)
    }

    /// Whether some clause takes the event and every window of every such clause has expired.
    private mutating func isLate(_ timestampMilliseconds: Int64) -> Bool {
        let event = events[scratch.event]
        if event.isNeverLate || event.instructionCount == 0 { return false }
        var isTaken = false
        for index in event.firstInstruction..<(event.firstInstruction + event.instructionCount) {
            let instruction = UnsafePointer(instructions.base + Int(index))
            // Cells over all organizations have the same windows, and the list says nothing.
            guard instruction.pointee.owner == .subject, takes(instruction, event) else {
                continue
            }
            isTaken = true
            let second = windowSecond(of: instruction, event)
            for windowIndex in instruction.pointee.windowIndices {
                let rule = windows[windowIndex]
                let number = scratch.number(rule.window, ofSecond: second)
                if !isExpired(rule, number, timestampMilliseconds) { return false }
            }
        }
        return isTaken
    }

    /// Whether a window's retention had ended at the time of the record's timestamp.
    @inline(__always)
    func isExpired(_ rule: WindowRule, _ number: Int32, _ timestampMilliseconds: Int64) -> Bool {
        guard rule.retentionSeconds >= 0, timestampMilliseconds >= 0 else { return false }
        return rule.window.end(of: number) + rule.retentionSeconds <= timestampMilliseconds / 1_000
    }

    /// Whether the current event has what an instruction needs.
    @inline(__always)
    func takes(_ instruction: UnsafePointer<Instruction>, _ event: EventRule) -> Bool {
        for index in instruction.pointee.needIndices
        where !scratch.field(needs[index], of: event).isPresent {
            return false
        }
        guard hasValue(instruction.pointee.amountField, event),
            hasValue(instruction.pointee.timeField, event),
            hasValue(instruction.pointee.valueField, event)
        else { return false }
        return hasValue(instruction.pointee.fanOut, event)
    }

    @inline(__always)
    private func hasValue(_ field: Int32, _ event: EventRule) -> Bool {
        field < 0 || scratch.field(field, of: event).hasValue
    }

    /// The second whose windows an instruction changes.
    @inline(__always)
    func windowSecond(of instruction: UnsafePointer<Instruction>, _ event: EventRule) -> Int64 {
        let time =
            instruction.pointee.timeField >= 0
            ? scratch.field(instruction.pointee.timeField, of: event).integer
            : scratch.timeNanoseconds
        return floorDivide(time, 1_000_000_000)
    }
}
