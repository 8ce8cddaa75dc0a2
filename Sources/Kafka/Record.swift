internal import CRdkafka
internal import Glibc

/// One record in the fetch buffer; its pointers are valid until its batch ends.
public struct Record {
    /// The offset in the partition.
    public let offset: Int64
    /// Kafka's timestamp in milliseconds since 1970; -1: none.
    public let timestamp: Int64
    /// The partition.
    public let partition: Int32
    /// The consumer's number for the topic; see `Consumer.topicName`.
    public let topicID: Int32
    /// The key; nil: null, which is not the same as empty.
    public let key: UnsafeRawBufferPointer?
    /// The value; nil: null (a tombstone, or an event with headers only).
    public let value: UnsafeRawBufferPointer?
    /// The library's message, from which headers are read; nil only in records made by tests.
    public let message: UnsafeRawPointer?

    /// Makes a record from its parts; not used by consumers.
    public init(
        topicID: Int32, partition: Int32, offset: Int64, timestamp: Int64,
        key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer?,
        message: UnsafeRawPointer? = nil
    ) {
        self.offset = offset
        self.timestamp = timestamp
        self.partition = partition
        self.topicID = topicID
        self.key = key
        self.value = value
        self.message = message
    }

    init(_ source: UnsafeMutablePointer<rd_kafka_message_t>, topicID: Int32) {
        offset = source.pointee.offset
        partition = source.pointee.partition
        self.topicID = topicID
        var kind = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE
        timestamp = rd_kafka_message_timestamp(source, &kind)
        key = source.pointee.key.map {
            UnsafeRawBufferPointer(start: $0, count: source.pointee.key_len)
        }
        value = source.pointee.payload.map {
            UnsafeRawBufferPointer(start: $0, count: source.pointee.len)
        }
        message = UnsafeRawPointer(source)
    }

    /// The record's headers; valid as long as the batch.
    public var headers: RecordHeaders {
        RecordHeaders(message)
    }
}

/// One header; its bytes are valid until the batch ends.
public struct RecordHeader {
    /// The name, as it is on the wire.
    public let name: UnsafeRawBufferPointer
    /// The value; nil: null.
    public let value: UnsafeRawBufferPointer?
}

/// The headers of one record in their order; a name may come more than once.
public struct RecordHeaders: Sequence, IteratorProtocol {
    private let list: OpaquePointer?
    private var index = 0

    init(_ message: UnsafeRawPointer?) {
        var list: OpaquePointer?
        if let message, !Self.hasNone(message.assumingMemoryBound(to: rd_kafka_message_t.self)) {
            let error = rd_kafka_message_headers(
                message.assumingMemoryBound(to: rd_kafka_message_t.self), &list)
            if error != RD_KAFKA_RESP_ERR_NO_ERROR { list = nil }
        }
        self.list = list
    }

    /// Whether a record certainly has no header.
    ///
    /// The library would first make a list of headers. On the wire, the number of headers follows
    /// the value, and librdkafka 2.0.2 leaves both where they were received. In older formats some
    /// other byte follows: if it is 0, the record has no headers anyway; else the library is asked.
    /// The byte is read only where it is in the same page as the value: after the end of a buffer
    /// there may be no memory.
    @inline(__always)
    private static func hasNone(_ message: UnsafePointer<rd_kafka_message_t>) -> Bool {
        guard keepsReceivedBuffer, let value = message.pointee.payload, message.pointee.len > 0
        else { return false }
        let end = UnsafeRawPointer(value) + message.pointee.len
        return UInt(bitPattern: end) & 4_095 != 0 && end.load(as: UInt8.self) == 0
    }

    /// Whether values stay in the received buffer; known only of the version whose source was read.
    private static let keepsReceivedBuffer = rd_kafka_version() == 0x0200_02ff

    /// Whether there is certainly none.
    public var isEmpty: Bool { list == nil }

    /// The next header; nil after the last.
    public mutating func next() -> RecordHeader? {
        guard let list else { return nil }
        var name: UnsafePointer<CChar>?
        var value: UnsafeRawPointer?
        var size = 0
        let error = rd_kafka_header_get_all(list, index, &name, &value, &size)
        guard error == RD_KAFKA_RESP_ERR_NO_ERROR, let name else { return nil }
        index += 1
        return RecordHeader(
            name: UnsafeRawBufferPointer(start: name, count: strlen(name)),
            value: value.map { UnsafeRawBufferPointer(start: $0, count: size) })
    }
}
