/// The shape of a generated stream: how much, over which time, of whom, and how many odd records.
public struct EventProfile: Sendable {
    /// The number of records over which the span is spread.
    public var events = 1_000_000
    /// The event time of the last record, milliseconds since 1970.
    public var end: Int64
    /// How long before the end the first event happened, in milliseconds.
    public var span: Int64 = 90 * 86_400_000
    /// The number of organizations; their shares follow Zipf's law with the exponent `skewQuarters` / 4.
    public var organizations = 100
    /// Four times the exponent: 0 = all alike, 4 = the first has twice as much as the second.
    public var skewQuarters = 4
    /// How much happens in each hour of the day (UTC), in proportion; none = always alike.
    public var hourWeights: [Double] = []
    /// How much happens on each day of the week, Sunday first, in proportion; none = always alike.
    public var weekdayWeights: [Double] = []
    /// When far more happens than usual; nil = never.
    public var burst: EventBurst?
    /// Users of each organization.
    public var users = 50
    /// Projects of each organization; every eleventh has an awkward id.
    public var projects = 12
    /// Agents of each organization.
    public var agents = 8
    /// API keys of each organization.
    public var apiKeys = 6
    /// Connections that are open at one time.
    public var openConnections = 2_000
    /// Compliance requests that are open at one time.
    public var openRequests = 500
    /// Share of records in the binary content mode.
    public var binaryShare = 0.1
    /// Share of events that arrive minutes to days after they happened.
    public var lateArrivalShare = 0.03
    /// How much later such an event arrives at most, in milliseconds.
    public var latestArrival: Int64 = 3 * 86_400_000
    /// How much before the stream's time an event happened at most, in milliseconds.
    public var jitter: Int64 = 30_000
    /// Share of records that are sent once more.
    public var duplicateShare = 0.01
    /// Share of records that are no event.
    public var malformedShare = 0.001
    /// Share of events with a field that breaks its rule.
    public var badFieldShare = 0.001
    /// Share of events from the future.
    public var futureShare = 0.0005
    /// Share of events of a type that no catalog knows.
    public var unknownTypeShare = 0.002
    /// Share of events without a time of their own.
    public var timelessShare = 0.002
    /// Share of times written with an offset from UTC.
    public var zonedShare = 0.03

    /// How many events may be generated.
    public static let eventRange = 1...10_000_000_000
    /// How many there may be of organizations, and of each kind of thing that they have.
    public static let populationRange = 1...10_000_000

    /// Makes the default shape: 90 days that end at the given time.
    public init(end: Int64) {
        self.end = end
    }
}

/// Times of far more events than usual, again and again.
public struct EventBurst: Sendable, Equatable {
    /// From the begin of one to the begin of the next, in milliseconds.
    public var every: Int64
    /// How long it lasts, in milliseconds.
    public var length: Int64
    /// How much more happens in it.
    public var factor: Double

    /// A burst of these parts.
    public init(every: Int64, length: Int64, factor: Double) {
        self.every = every
        self.length = length
        self.factor = factor
    }
}
