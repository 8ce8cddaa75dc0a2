/// The records of one call, in the order of delivery, and what else there was to say.
///
/// Each consumer has at most one batch at a time. Its end gives the messages back; a batch
/// that is kept pins the fetch buffers and keeps the consumer from closing. Bind it to a name
/// and it lives to the end of the scope; a temporary (`nextBatch(…).records`) ends at once, and
/// its records with it.
public struct RecordBatch: ~Copyable {
    /// All records; the buffer ends with the batch.
    public let records: UnsafeBufferPointer<Record>
    /// What else there was to say, in the order of arrival.
    public let events: [ConsumerEvent]
    private let core: ConsumerCore

    init(core: ConsumerCore, records: UnsafeBufferPointer<Record>, events: [ConsumerEvent]) {
        self.core = core
        self.records = records
        self.events = events
    }

    deinit {
        core.release(count: records.count)
    }

    /// How many records there are.
    @inlinable public var count: Int { records.count }

    /// Whether there is no record.
    @inlinable public var isEmpty: Bool { records.isEmpty }

    /// One record.
    @inlinable public subscript(index: Int) -> Record {
        precondition(index >= 0 && index < records.count, "record index")
        return records[index]
    }

    /// The headers of one record.
    public func headers(of index: Int) -> RecordHeaders {
        self[index].headers
    }
}
