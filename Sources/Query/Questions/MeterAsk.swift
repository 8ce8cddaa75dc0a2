public import Zones

/// A question that cannot be answered as it is asked; the text says what to change.
public struct QuestionError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Text for people.
    public let description: String

    init(_ description: String) { self.description = description }
}

/// What the values of one dimension must be; several of one dimension must all hold.
public struct DimensionFilter: Sendable, Hashable {
    /// Name of the dimension.
    public var dimension: String
    /// The values, any bytes.
    public var values: [[UInt8]]
    /// Whether these values are left out and not chosen.
    public var isExcluding: Bool
    /// A condition for the values instead; `values` is then empty and says nothing.
    public var test: TextTest?

    /// A filter of these parts.
    public init(_ dimension: String, _ values: [[UInt8]], isExcluding: Bool = false) {
        self.dimension = dimension
        self.values = values
        self.isExcluding = isExcluding
    }

    /// A filter that chooses the values of a condition.
    public init(_ dimension: String, test: TextTest) {
        self.init(dimension, [])
        self.test = test
    }
}

/// Whose events a question counts.
public enum Subjects: Sendable, Hashable {
    /// Those of the organization of the inquiry.
    case own
    /// Those of all organizations; the meter must be declared with `across`.
    case all
    /// Those of these organizations: raw ids, each counted once.
    case some([[UInt8]])

    /// The name in `by` of the organization that an event belongs to.
    ///
    /// A row's member is then the raw id. It is no dimension of `Subjects.own`.
    public static let dimension = "subject"
}

/// One question about one meter of one or several organizations.
public struct MeterAsk: Sendable {
    /// The order of the rows; equal ones are in the order of their members' bytes, then of time.
    public enum Order: String, Sendable, CaseIterable {
        /// Oldest bucket first.
        case time
        /// Newest bucket first.
        case timeDescending = "-time"
        /// Least value first; rows without a value are last.
        case value
        /// Greatest value first; rows without a value are last.
        case valueDescending = "-value"
        /// By the members' bytes, then by time.
        case name
    }
    /// The period that each bucket is compared with.
    public enum Compare: String, Sendable, CaseIterable {
        /// The range of the same length just before; of whole months as many months.
        case previous
        /// The same local times a year before; 29 February is 1 March there.
        case year
    }
    /// What a row shows where nothing was counted.
    public enum Fill: String, Sendable, CaseIterable {
        /// 0, where the meter's numbers are added up.
        case zero
        /// Null.
        case null
    }

    /// Name of the meter.
    public var meter: String
    /// Start of the range in seconds since 1970; nil: as much as `CalendarStep` says, or all of
    /// time.
    public var from: Int64?
    /// End of the range; nil: up to now.
    public var to: Int64?
    /// The length of the buckets.
    public var step: CalendarStep
    /// By whose clocks buckets are cut.
    public var zone: Zone
    /// Dimensions of the rows, in their order.
    public var by: [String]
    /// What is counted in.
    public var filters: [DimensionFilter]
    /// The order of the rows; nil: by time, without buckets by value.
    public var order: Order?
    /// Rows of this page.
    public var limit: Int
    /// Rows before this page.
    public var offset: Int
    /// Beside what.
    public var compare: Compare?
    /// What a row shows where nothing was counted.
    public var fill: Fill
    /// Of a histogram: what rows show in place of its steps; empty: the steps.
    public var percentiles: [Percentile] = []
    /// Whether rows have their rank and share, and the answer the sum of all rows.
    public var isRanked = false
    /// The values of one member by dimension; only its row is answered, with its rank among all.
    public var member: [String: [UInt8]]?
    /// The most buckets of the answer.
    public var mostBuckets = QuestionPlan.mostBuckets
    /// Whose events are counted.
    public var subjects: Subjects

    /// A question of these parts.
    public init(
        meter: String, from: Int64? = nil, to: Int64? = nil, step: CalendarStep = .none,
        zone: Zone = .utc, by: [String] = [], filters: [DimensionFilter] = [],
        order: Order? = nil, limit: Int = 1_000, offset: Int = 0, compare: Compare? = nil,
        fill: Fill = .zero, subjects: Subjects = .own
    ) {
        self.meter = meter
        self.from = from
        self.to = to
        self.step = step
        self.zone = zone
        self.by = by
        self.filters = filters
        self.order = order
        self.limit = limit
        self.offset = offset
        self.compare = compare
        self.fill = fill
        self.subjects = subjects
    }
}
