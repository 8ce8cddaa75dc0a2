/// What is counted: event types with their fields, and the meters that they feed.
///
/// A plain value. The room Catalog makes it from YAML, `Program` lowers it to instructions, and
/// queries look up windows and scopes of meters in it. `schemas/catalog.md` is the grammar.
public struct MeterCatalog: Sendable, Equatable {
    /// Where a structured event keeps its CloudEvents attributes.
    public var envelope: Envelope
    /// What records are written in.
    public var records = RecordFormat.json
    /// The earliest time that an event may have.
    public var notBefore: EarliestTime
    /// Event types in the order of the files.
    public var events: [EventDeclaration]
    /// Meters in the order of the files.
    public var meters: [MeterDeclaration]
    /// Meters without cells of their own, in the order of the files; counting ignores them.
    public var derived: [DerivedMeter]

    /// A catalog of these parts; nothing is checked here.
    public init(
        envelope: Envelope = .cloudEvents, notBefore: EarliestTime = .standard,
        events: [EventDeclaration] = [], meters: [MeterDeclaration] = [],
        derived: [DerivedMeter] = []
    ) {
        self.envelope = envelope
        self.notBefore = notBefore
        self.events = events
        self.meters = meters
        self.derived = derived
    }

    /// The meter with that name, or nil.
    public func meter(_ name: String) -> MeterDeclaration? { meters.first { $0.name == name } }
    /// The event declaration with that name, or nil.
    public func event(_ name: String) -> EventDeclaration? { events.first { $0.name == name } }
}

/// The earliest time that an event may have: the start of a UTC day of `Timestamp.years`.
///
/// An earlier time is a producer's mistake: most often it sent seconds instead of milliseconds, or
/// its clock began at 1970.
public struct EarliestTime: Sendable, Equatable {
    /// Days since 1970-01-01.
    public let day: Int32
    /// The start of the year 2000.
    public static let standard = EarliestTime(
        day: CivilDate(year: 2_000, monthOfYear: 1, dayOfMonth: 1).dayNumber)

    private init(day: Int32) { self.day = day }

    /// The start of a year (`1995`) or of a day (`1995-07-01`); nil where the text is neither.
    public init?(_ text: String) {
        let isYear = text.utf8.count == 4
        let date = Array("\(text)\(isYear ? "-01-01" : "")T00:00:00Z".utf8)
        guard isYear || text.utf8.count == 10,
            let start = date.withUnsafeBytes({ Timestamp.nanoseconds($0) })
        else { return nil }
        day = Int32(floorDivide(start, 86_400_000_000_000))
    }

    /// Nanoseconds since 1970.
    var nanoseconds: Int64 { Int64(day) * 86_400_000_000_000 }
}

/// One event type and the fields that some meter may ask for.
public struct EventDeclaration: Sendable, Equatable {
    /// Name by which meters refer to it.
    public var name: String
    /// The CloudEvents `type` on the wire.
    public var type: String
    /// Its fields.
    public var fields: [FieldDeclaration]

    /// An event type of these parts.
    public init(name: String, type: String, fields: [FieldDeclaration]) {
        self.name = name
        self.type = type
        self.fields = fields
    }
    /// The field with that name, or nil.
    public func field(_ name: String) -> FieldDeclaration? { fields.first { $0.name == name } }
}

/// One meter.
public struct MeterDeclaration: Sendable, Equatable {
    /// Which value an extreme keeps.
    public enum Keep: String, Sendable {
        /// The value of the earliest event; ties: the bytewise greater value.
        case first
        /// The value of the latest event; ties: the bytewise greater value.
        case last
        /// The least value.
        case min
        /// The greatest value.
        case max
    }
    /// How long after its end a window is kept.
    public enum Retention: Sendable, Equatable {
        /// For ever.
        case forever
        /// That many seconds.
        case seconds(Int64)
    }
    /// Name: `[a-z][a-z0-9_]*`, unique in the catalog.
    public var name: String
    /// Its kind.
    public var kind: MeterKind
    /// For an extreme: which value is kept.
    public var keep: Keep?
    /// Dimensions in the key's name, one list for each set of cells; `[]`: the whole organization.
    public var scopes: [[String]]
    /// Dimensions in the member.
    public var by: [String]
    /// Windows kept.
    public var windows: [Window]
    /// Field whose value is kept or put in a step; "time": the event time.
    ///
    /// For extremes and histograms only.
    public var value: String?
    /// Field whose different values are counted.
    ///
    /// For distinct counts only.
    public var of: String?
    /// How long windows are kept where it differs from `MeterKind.defaultRetention(of:)`.
    public var retention: [Window: Retention]
    /// Whether a negative amount is taken.
    public var isSigned: Bool
    /// How many values are kept apart where it differs from `Most.standard`.
    public var most: Most?
    /// The family whose meters keep their cells in common keys; nil: its cells have their own.
    public var family: String?
    /// Whether it is also counted over all organizations, and lists them; see `Across`.
    public var isAcross: Bool
    /// Which events feed it, and how.
    public var clauses: [Clause]

    /// A meter of these parts.
    public init(
        name: String, kind: MeterKind, keep: Keep? = nil, scopes: [[String]] = [[]],
        by: [String] = [], windows: [Window], value: String? = nil, of: String? = nil,
        retention: [Window: Retention] = [:], isSigned: Bool = false, most: Most? = nil,
        family: String? = nil, isAcross: Bool = false, clauses: [Clause]
    ) {
        self.name = name
        self.kind = kind
        self.keep = keep
        self.scopes = scopes
        self.by = by
        self.windows = windows
        self.value = value
        self.of = of
        self.retention = retention
        self.isSigned = isSigned
        self.most = most
        self.family = family
        self.isAcross = isAcross
        self.clauses = clauses
    }

    /// How long windows of that length are kept.
    public func retention(of window: Window) -> Retention {
        retention[window] ?? kind.defaultRetention(of: window)
    }
}

/// One event type that feeds a meter, and how.
public struct Clause: Sendable, Equatable {
    /// What is added.
    public enum Amount: Sendable, Equatable {
        /// Always this number.
        case constant(Int64)
        /// The field's value, or its negative.
        case field(String, negated: Bool)
    }
    /// Name of the event declaration.
    public var event: String
    /// What is added.
    public var amount: Amount
    /// Field with the window's time; nil: the event time.
    public var time: String?
    /// Dimension → field of this event where their names differ.
    public var bindings: [String: String]
    /// Optional fields without which this clause does nothing.
    public var needs: [String]
    /// What must hold, all of it, else this clause does nothing.
    public var conditions: [Condition]

    /// A clause of these parts.
    public init(
        event: String, amount: Amount = .constant(1), time: String? = nil,
        bindings: [String: String] = [:], needs: [String] = [], conditions: [Condition] = []
    ) {
        self.event = event
        self.amount = amount
        self.time = time
        self.bindings = bindings
        self.needs = needs
        self.conditions = conditions
    }
}
