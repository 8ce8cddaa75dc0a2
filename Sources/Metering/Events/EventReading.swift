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
    /// Nil: the event is not accepted, or no meter takes its type. Duplicates are not looked for.
    /// The record's `partitionSlot` and `attributes` are not used: `binary` holds the headers of an
    /// event in binary mode, nil in structured mode.
    public mutating func read(_ record: FoldRecord, _ binary: BinaryAttributes?) -> EventReading? {
        var record = record
        record.attributes = binary == nil ? -1 : 0
        let outcome = withUnsafePointer(to: binary ?? BinaryAttributes()) { attributes in
            examineEnvelope(record, attributes)
        }
        guard outcome == .accepted, examineFields(record) == .accepted else { return nil }
        return EventReading(
            subject: scratch.subject,
            identity: identityHash.hash(scratch.subject, scratch.source, scratch.id))
    }
}
