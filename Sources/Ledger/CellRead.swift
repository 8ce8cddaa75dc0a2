/// One thing to read from Redis.
public enum CellRead: Sendable, Hashable {
    /// All fields of a hash.
    case hash([UInt8])
    /// These fields of a hash.
    case fields([UInt8], [[UInt8]])
    /// How many fields a hash has.
    case size([UInt8])
    /// All members of a sorted set.
    case ranking([UInt8])
    /// How many different values the union of these HyperLogLogs holds.
    case distinct([[UInt8]])
}

/// What stood there.
public enum CellValue: Sendable {
    /// Fields and values, in no order.
    case hash([(field: [UInt8], value: [UInt8])])
    /// A value for each field asked for, nil where absent.
    case fields([[UInt8]?])
    /// Members and scores, in no order.
    case ranking([(member: [UInt8], score: Int64)])
    /// The number of different values, or of fields.
    case count(Int64)
}

/// What a list of reads found.
public struct CellSnapshot: Sendable {
    /// One value a read, in the same order.
    public var values: [CellValue]
    /// Kafka timestamp (ms) of the newest record in the organization's shard; nil before the first.
    public var asOf: Int64?
    /// Whether everything was read at one moment.
    public var isAtomic: Bool
}

/// Why nothing could be read.
public struct CellReadError: Error, Sendable, CustomStringConvertible {
    /// The kind of failure.
    public enum Code: Sendable, Hashable {
        /// Redis cannot be reached or does not answer as it should.
        case unavailable
        /// Redis holds no ledger under this prefix and generation, or one of another layout.
        case ledgerAbsent
        /// The shard needs a rebuild; its numbers are not to be trusted.
        case torn
        /// The time allowed has passed.
        case timeout
    }

    /// The kind of failure.
    public let code: Code
    /// Text for people.
    public let message: String

    /// An error with these parts.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The message.
    public var description: String { message }
}
