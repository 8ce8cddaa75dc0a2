/// A header of a record; the bytes belong to whoever made it and are borrowed.
public struct WorkloadHeader {
    /// The header's name.
    public let name: UnsafeRawBufferPointer
    /// The header's value; nil is a null value.
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
    /// The record's value; nil is a null value.
    public let value: UnsafeRawBufferPointer?
    /// The headers: none in the structured content mode.
    public let headers: [WorkloadHeader]
    /// The event time in milliseconds since 1970; nil where the event has none.
    public let eventTime: Int64?
    /// The type of the event.
    public let kind: EventKind
    /// Where the stream stands, in milliseconds since 1970: rises from record to record, also where events are late.
    public let streamTime: Int64
    /// Whether it may be counted: neither a repetition nor an odd record.
    public let isCountable: Bool
}

/// Where the parts of a record stand in the generator's buffer: subject, id, time, value.
struct RecordFrame {
    var subjectEnd = 0
    var idEnd = 0
    var timeEnd = 0
    var valueEnd = 0
    var hasValue = true
    var isBinary = false
    var hasVersion = true
    var eventTime: Int64?
    var kind = EventKind.unknown
    var isOdd = false
}
