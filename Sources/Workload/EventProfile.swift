/// The shape of a generated stream: how many events, over which time, of which organizations, and
/// how many odd records.
public struct EventProfile: Sendable {
    /// The number of records over which the span is spread.
    public var events = 1_000_000
    /// The event time of the last record, milliseconds since 1970.
    public var endMilliseconds: Int64
    /// How long before the end the first event happened, in milliseconds.
    public var spanMilliseconds: Int64 = 90 * 86_400_000
    /// The number of organizations; their shares follow Zipf's law with the exponent
    /// `skewQuarters` / 4.
    public var organizations = 100
    /// Four times the exponent; 0: all shares are equal; 4: the first is twice the second.
    public var skewQuarters = 4
    /// The weights of the hours of the day (UTC); empty: all are equal.
    public var hourWeights: [Double] = []
    /// The weights of the days of the week, Sunday first; empty: all are equal.
    public var weekdayWeights: [Double] = []
    /// Repeated times with more events than usual; nil: none.
    public var burst: EventBurst?
    /// Users of each organization.
    public var users = 50
    /// Projects of each organization; every eleventh has an id with bytes that must be escaped.
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
    public var latestArrivalMilliseconds: Int64 = 3 * 86_400_000
    /// How much before the stream's time an event happened at most, in milliseconds.
    public var jitterMilliseconds: Int64 = 30_000
    /// Share of records that are sent once more.
    public var duplicateShare = 0.01
    /// Share of records that are malformed.
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
    /// How many organizations there may be, and how many users, projects, agents and so on.
    public static let populationRange = 1...10_000_000

    /// Makes the default shape: 90 days that end at the given time.
    public init(endMilliseconds: Int64) {
        self.endMilliseconds = endMilliseconds
    }
}

/// Repeated times with more events than usual.
public struct EventBurst: Sendable, Equatable {
    /// From the beginning of a burst to the beginning of the next.
    public var everyMilliseconds: Int64
    /// How long a burst lasts.
    public var lengthMilliseconds: Int64
    /// How many times as many events as usual happen in it.
    public var factor: Double

    /// Makes a burst of these parts.
    public init(everyMilliseconds: Int64, lengthMilliseconds: Int64, factor: Double) {
        self.everyMilliseconds = everyMilliseconds
        self.lengthMilliseconds = lengthMilliseconds
        self.factor = factor
    }
}
