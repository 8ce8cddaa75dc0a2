/// One thing to read from Redis: a question about one cell key or a few of them.
public enum CellQuery: Sendable, Hashable {
    /// All members of a hash.
    case hash([UInt8])
    /// All members of a hash that has at most so many by the layout: a series' key, a grid's
    /// weekday.
    case bucket([UInt8], most: Int)
    /// These members of a hash.
    case members([UInt8], [[UInt8]])
    /// How many members a hash has.
    case size([UInt8])
    /// All members of a sorted set.
    case ranking([UInt8])
    /// All members of these sorted sets, each with the sum of its scores; Redis adds them up.
    case rankingSum([[UInt8]])
    /// How many different values the union of these HyperLogLogs holds.
    case distinct([[UInt8]])
    /// The union of these HyperLogLogs itself, to be merged with that of another shard.
    case sketch([[UInt8]])
}

/// The answer to one `CellQuery`.
public enum CellValue: Sendable {
    /// Members and values, in no order.
    case hash([(member: [UInt8], value: [UInt8])])
    /// A value for each member asked for, nil where it is absent.
    case members([[UInt8]?])
    /// Members and scores, in no order.
    case ranking([(member: [UInt8], score: Int64)])
    /// The number of different values, or of members.
    case count(Int64)
}
