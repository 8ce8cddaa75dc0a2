/// What counting would make of one structured event, apart from duplicates.
public struct EventVerdict: Sendable {
    /// Every outcome except `duplicate`.
    public let outcome: Outcome
    /// What is wrong and where, as a dead letter says it; nil where the event is not rejected.
    public let detail: String?
    /// What exactly is wrong; `none` where the event is not rejected.
    public let rejection: Rejection
    /// The organization; empty where the envelope could not be read.
    public let subject: [UInt8]
    /// The event's id; empty where the envelope could not be read.
    public let id: [UInt8]
}

extension Program {
    /// Reads one structured event as `run` does, and counts nothing.
    ///
    /// `timestampMilliseconds` is the timestamp that its record will have. The catalog must
    /// have no `plainEventsObstacle`.
    public mutating func verdict(
        on event: UnsafeRawBufferPointer, timestampMilliseconds: Int64
    ) -> EventVerdict {
        let record = FoldRecord(
            offset: 0, timestampMilliseconds: timestampMilliseconds, value: event, key: nil,
            partitionSlot: 0)
        scratch.eventIndex = -1
        var outcome = examineEnvelope(record, nil)
        // The texts are in the event or in the scanner, which the next scan changes.
        let hasEnvelope = outcome != .malformed
        let subject = hasEnvelope ? Array(scratch.subject) : []
        let id = hasEnvelope ? Array(scratch.id) : []
        if outcome == .accepted { outcome = examineFields(record) }
        guard outcome.isRejected else {
            return EventVerdict(
                outcome: outcome, detail: nil, rejection: .none, subject: subject, id: id)
        }
        let rejected = RejectedRecord(
            index: 0, outcome: outcome, rejection: scratch.rejection, field: scratch.rejectedField,
            event: scratch.event, isBinary: false, names: rejectionNames)
        return EventVerdict(
            outcome: outcome, detail: rejected.detail, rejection: scratch.rejection,
            subject: subject, id: id)
    }
}

extension MeterCatalog {
    /// Why a CloudEvent by itself does not say what this catalog counts of its record; nil: it
    /// does.
    ///
    /// That is so where records are JSON, their envelope is that of CloudEvents, and every field is
    /// in the event.
    public var plainEventsObstacle: String? {
        if records != .json { return "its records are not JSON (records: \(records.rawValue))" }
        if envelope != .cloudEvents {
            return "it has an envelope of its own, so its events are no CloudEvents with the "
                + "organization in subject"
        }
        for event in events {
            for field in event.fields where field.places.contains(where: \.isOutsideEvent) {
                return "its field \(event.name).\(field.name) is not in the event but in the "
                    + "record's key, headers or timestamp"
            }
        }
        return nil
    }
}

extension Place {
    /// Whether it needs more of a record than one event.
    fileprivate var isOutsideEvent: Bool {
        switch self {
        case .pointer, .entry, .constant: false
        case .header, .key, .keyMember, .record, .outer: true
        }
    }
}
