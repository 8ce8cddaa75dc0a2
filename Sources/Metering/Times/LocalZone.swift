/// The zone of times that are written without one.
///
/// The rules of zones are in another room; here is only what is asked of them. Safe on every
/// thread.
public struct LocalZone: Sendable {
    /// What a local time means.
    public struct Meaning: Sendable, Equatable {
        /// How often clocks show the time.
        public enum Count: UInt8, Sendable { case once, twice, never }
        /// Seconds since 1970 of the time that is taken: of two the first; of one that clocks leave
        /// out the one later by the gap.
        public var second: Int64
        /// How often clocks show it.
        public var count: Count

        /// A meaning of these parts.
        public init(second: Int64, count: Count) {
            self.second = second
            self.count = count
        }
    }

    /// Its name in the tz database, or `UTC`.
    public let name: String
    private let resolve: @Sendable (Int64) -> Meaning

    /// A zone by its name and by what it makes of a local time: the seconds that the same date and
    /// time of day would be since 1970 in UTC.
    public init(name: String, meaning: @escaping @Sendable (Int64) -> Meaning) {
        self.name = name
        resolve = meaning
    }

    /// UTC, whose local times are all there, and once.
    public static let utc = LocalZone(name: "UTC") { Meaning(second: $0, count: .once) }

    func meaning(ofLocal second: Int64) -> Meaning { resolve(second) }
}

extension LocalZone: Equatable {
    /// Whether they have one name: its rules are those of the system.
    public static func == (one: LocalZone, other: LocalZone) -> Bool { one.name == other.name }
}

/// Local times that were read and that are not clear, because clocks were changed.
public struct ClockChanges: Sendable, Equatable {
    /// Times that clocks show twice.
    public var twice: Int64 = 0
    /// Times that clocks leave out.
    public var never: Int64 = 0

    /// None.
    public init() {}

    mutating func add(_ count: LocalZone.Meaning.Count) {
        switch count {
        case .once: break
        case .twice: twice += 1
        case .never: never += 1
        }
    }

    /// Adds those of another.
    public mutating func add(_ other: ClockChanges) {
        twice += other.twice
        never += other.never
    }
}
