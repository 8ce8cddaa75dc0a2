/// A header of a record; its bytes are borrowed and belong to the maker of the record.
public struct WorkloadHeader {
    /// The header's name.
    public let name: UnsafeRawBufferPointer
    /// The header's value; nil: null.
    public let value: UnsafeRawBufferPointer?

    /// Makes a header out of borrowed bytes.
    public init(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer?) {
        self.name = name
        self.value = value
    }
}

/// A generated record; its bytes are valid until the generator makes the next one.
public struct WorkloadRecord {
    /// The record's key: the organization's id.
    public let key: UnsafeRawBufferPointer
    /// The record's value; nil: null.
    public let value: UnsafeRawBufferPointer?
    /// The headers; empty in the structured content mode.
    public let headers: [WorkloadHeader]
    /// The event's time, since 1970; nil when the event has none.
    public let eventMilliseconds: Int64?
    /// The type of the event.
    public let kind: EventKind
    /// The time of the stream, since 1970; never falls from record to record, also when events are
    /// late.
    public let streamMilliseconds: Int64
    /// Whether it may change a number: it is neither a repetition nor an odd record.
    public let isCountable: Bool
}

/// Where the parts of a record end in the generator's buffer: subject, id, time, value.
struct RecordFrame {
    var subjectEnd = 0
    var idEnd = 0
    var timeEnd = 0
    var valueEnd = 0
    var hasValue = true
    var isBinary = false
    var hasVersion = true
    var eventMilliseconds: Int64?
    var kind = EventKind.unknown
    var isOdd = false
}
