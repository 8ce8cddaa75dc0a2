/// A record to be sent.
public struct SourceRecord: Sendable {
    /// The key; nil: none, and the record goes to any partition.
    public var key: [UInt8]?
    /// The value; nil: null.
    public var value: [UInt8]?
    /// Headers in their order.
    public var headers: [(name: String, value: [UInt8]?)]
    /// When it happened by the source's own time, since 1970; nil when that is not known.
    public var timeMilliseconds: Int64?
    /// The id of its organization, which tells its shard; nil when that is not known.
    public var subject: [UInt8]?
    /// Whether it may change a number; false when the source knows that it is a repetition or will
    /// be rejected.
    public var changesCells = true

    /// Makes a record of these parts; the key is its subject unless another one is set.
    public init(
        key: [UInt8]?, value: [UInt8]?, headers: [(name: String, value: [UInt8]?)] = [],
        timeMilliseconds: Int64? = nil
    ) {
        self.key = key
        self.value = value
        self.headers = headers
        self.timeMilliseconds = timeMilliseconds
        subject = key
    }
}

/// Gives records one after the other.
public protocol RecordSource: ~Copyable {
    /// The next record, or nil after the last one.
    mutating func next() throws(ReplayError) -> SourceRecord?
}

/// Holds a source that cannot be copied, so that it can be used as `any RecordSource`.
public final class HeldSource<Source: RecordSource & ~Copyable>: RecordSource {
    private var source: Source

    /// Takes over a source.
    public init(_ source: consuming Source) { self.source = source }

    /// The source's next record.
    public func next() throws(ReplayError) -> SourceRecord? { try source.next() }

    /// Lets the closure read the source's state.
    public func look<Result>(_ body: (borrowing Source) -> Result) -> Result { body(source) }
}
