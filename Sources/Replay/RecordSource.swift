/// A record to be sent.
public struct SourceRecord: Sendable {
    /// The key; nil = none, then any partition takes the record.
    public var key: [UInt8]?
    /// The value; nil = null.
    public var value: [UInt8]?
    /// Headers in their order.
    public var headers: [(name: String, value: [UInt8]?)]
    /// When it happened by the source's own time, milliseconds since 1970; nil = not known.
    public var time: Int64?
    /// The organization it belongs to, by which its shard is known; nil = not known.
    public var subject: [UInt8]?
    /// Whether it may change a number; false where the source knows that it is a repetition or will be refused.
    public var changesCells = true

    /// A record of these parts; the key is its subject unless another one is set.
    public init(
        key: [UInt8]?, value: [UInt8]?, headers: [(name: String, value: [UInt8]?)] = [],
        time: Int64? = nil
    ) {
        self.key = key
        self.value = value
        self.headers = headers
        self.time = time
        subject = key
    }
}

/// Something that gives records one after the other.
public protocol RecordSource: ~Copyable {
    /// The next record, or nil after the last one.
    mutating func next() throws(ReplayError) -> SourceRecord?
}

/// A source that cannot be copied, held where a copy is needed: any source, chosen at run time.
public final class HeldSource<Source: RecordSource & ~Copyable>: RecordSource {
    private var source: Source

    /// Takes a source over.
    public init(_ source: consuming Source) { self.source = source }

    /// The source's next record.
    public func next() throws(ReplayError) -> SourceRecord? { try source.next() }

    /// A look at the source.
    public func look<Result>(_ body: (borrowing Source) -> Result) -> Result { body(source) }
}
