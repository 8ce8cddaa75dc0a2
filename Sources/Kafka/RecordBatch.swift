/// The records and events of one call of `nextBatch`, in the order of delivery.
///
/// A consumer has at most one batch at a time. The end of the batch frees the messages; until then
/// the fetch buffers stay in memory and the consumer cannot close. Bind it to a name, and it lives
/// until the end of the scope; a temporary (`nextBatch(…).records`) ends at once, and its records
/// with it.
public struct RecordBatch: ~Copyable {
    /// All records; the buffer is valid until the batch ends.
    public let records: UnsafeBufferPointer<Record>
    /// Events besides the records, in the order of arrival.
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

    /// Whether there are no records.
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
