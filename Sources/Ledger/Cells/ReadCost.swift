/// What queries cost Redis, in microseconds.
enum ReadCost {
    /// Most that one round trip may cost.
    static let budget = 5_000.0
    /// Hashes and sorted sets with more members are read in pieces.
    static let largestWhole = 10_000
    /// Unions of more sketches are merged here, not in Redis.
    static let mostCounted = 8
    /// Unions of more sketches are read in pieces.
    static let mostMerged = 600
    /// The score of one member.
    static let lookup = 0.45
    /// One dense sketch in a union that Redis makes.
    static let dense = 27.0
    /// One dense sketch that Redis only hands over: 12 KB.
    static let denseTransfer = 8.0

    /// Whether Redis counts a union of these sketches; else it hands them over.
    static func isCounted(_ keys: [[UInt8]]) -> Bool { keys.count <= mostCounted }

    /// A union of so many sketches, each taken as large as it can be, so that their
    /// sizes are not asked for.
    static func union(_ count: Int) -> Double {
        1 + (count <= mostCounted ? dense : denseTransfer) * Double(count)
    }

    /// A hash or a sorted set of so many members.
    static func members(_ count: Int) -> Double { 1 + 0.5 * Double(count) }

    /// The sum of so many sorted sets with so many members together.
    static func sum(sets: Int, members: Int) -> Double {
        1 + 0.3 * Double(sets) + 0.25 * Double(members)
    }
}
