/// What makes an accepted event the same event when it comes again.
public struct EventReading {
    /// The organization; valid until the program reads another record.
    public let subject: UnsafeRawBufferPointer
    /// The hash of subject, source and id by which duplicates are found.
    public let identity: (UInt64, UInt64)
}

extension Program {
    /// Reads one record as `run` does, but counts nothing.
    ///
    /// Calls `take` for each of its events; with nil where an event is not accepted, where no meter
    /// takes its type, and once for a record that is rejected because of its list. Duplicates are
    /// not looked for. The record's `partitionSlot` and `attributes` are not used: `headers` says
    /// what they are.
    public mutating func read(
        _ record: FoldRecord, _ headers: BinaryAttributes, _ take: (EventReading?) -> Void
    ) {
        var record = record
        record.attributes = headers.isBatch ? FoldRecord.batch : headers.isBinary ? 0 : -1
        if record.attributes < firstSingle { return readEvents(record, take) }
        record.attributes = max(-1, record.attributes)
        let outcome = withUnsafePointer(to: headers) { examineEnvelope(record, $0) }
        guard outcome == .accepted, examineFields(record) == .accepted else { return take(nil) }
        take(
            EventReading(
                subject: scratch.subject,
                identity: identityHash.hash(scratch.subject, scratch.source, scratch.id)))
    }

    private mutating func readEvents(_ record: FoldRecord, _ take: (EventReading?) -> Void) {
        held.begin()
        let outcome = readList(record, nil, nil)
        scratch.eventIndex = -1
        guard outcome == .accepted else { return take(nil) }
        var start = 0
        for event in held.events {
            held.bytes[start..<event.bytesEnd].withUnsafeBytes { subject in
                take(
                    event.outcome == .accepted
                        ? EventReading(subject: subject, identity: event.identity) : nil)
            }
            start = event.bytesEnd
        }
    }
}
