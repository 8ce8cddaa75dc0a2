/// A catalog as the oracle reads it: plain declarations, merged from all files.
public struct OracleCatalog: Sendable {
    /// What records are written in.
    public var records = OracleRecordFormat.json
    /// Where events have their attributes; nil: as CloudEvents 1.0 does.
    public var envelope: OracleEnvelope?
    /// Whether null values are ignored.
    public var ignoresTombstones = false
    /// Pointer to a text that holds JSON, in which other pointers go on; nil: there is none.
    public var inside: String?
    /// Where a record has its events; nil: it is one.
    public var each: OracleEach?
    /// The earliest time that an event may have, in seconds since 1970; by default the year 2000.
    public var earliestSeconds: Int64 = 946_684_800
    /// The declared events, each name once; fields from several files are merged.
    public var events: [OracleEvent] = []
    /// The declared meters.
    public var meters: [OracleMeter] = []

    /// Makes an empty catalog.
    public init() {}

    /// Finds out the decimals of each meter's numbers; all events must be declared.
    public mutating func setScales() {
        for place in meters.indices { meters[place].scale = scale(of: meters[place]) }
    }

    /// Decimals of a meter's numbers, by the fields that it takes them from.
    private func scale(of meter: OracleMeter) -> Int {
        for clause in meter.clauses {
            var names = [meter.value]
            if case .field(let name, _) = clause.amount { names.append(name) }
            let fields = events.first { $0.name == clause.event }?.fields ?? []
            for field in fields where field.kind == .decimal && names.contains(field.name) {
                return field.scale
            }
        }
        return 0
    }

    /// When a year (`1995`) or a day (`1995-07-01`) begins, in seconds since 1970; nil for any
    /// other text.
    public static func earliestSeconds(_ text: String) -> Int64? {
        let time = "\(text)\(text.utf8.count == 4 ? "-01-01" : "")T00:00:00Z"
        return Array(time.utf8).withUnsafeBytes { TimeText.nanoseconds($0) }
            .map { floorDivided($0, 1_000_000_000) }
    }
}

/// Where a record has several events.
public enum OracleEach: Sendable, Equatable {
    /// One in each line.
    case lines
    /// In the arrays at these pointers, each within the entries of the one before; the first may be
    /// empty, which is the value itself.
    case arrays([String])
}

/// Where an event has an attribute.
public enum OraclePlace: Sendable, Equatable {
    /// A JSON pointer from the root of the structured event.
    case pointer(String)
    /// A fixed text.
    case constant(String)
    /// The value of the entry with a name, in a list at a pointer.
    ///
    /// The name is at `key` of an entry.
    case entry(list: String, key: String, value: String, name: String)
    /// A header by its name.
    case header(String)
    /// The whole key.
    case key
    /// A pointer into the key, which is JSON.
    case keyMember(String)
    /// The record's partition and offset, and the event's number in it.
    case record
    /// A pointer or entry in the entry of the list at that pointer which contains the event; nil:
    /// in the record's value.
    indirect case outer(String?, OraclePlace)
    /// The first of several places that is there; with `any` a number, true or false counts by its
    /// text, too.
    indirect case first([OraclePlace], any: Bool)
}

/// An envelope that a catalog declares instead of CloudEvents.
public struct OracleEnvelope: Sendable, Equatable {
    /// The place of the id.
    public var id: OraclePlace
    /// The place of the source.
    public var source: OraclePlace
    /// The place of the type.
    public var type: OraclePlace
    /// The place of the subject.
    public var subject: OraclePlace
    /// The place of the time.
    public var time: OraclePlace
    /// How the time is written.
    public var timeRule: OracleTimeRule

    /// Makes an envelope, by default that of CloudEvents.
    public init(
        id: OraclePlace = .pointer("/id"), source: OraclePlace = .pointer("/source"),
        type: OraclePlace = .pointer("/type"), subject: OraclePlace = .pointer("/subject"),
        time: OraclePlace = .pointer("/time"), timeRule: OracleTimeRule = OracleTimeRule()
    ) {
        self.id = id
        self.source = source
        self.type = type
        self.subject = subject
        self.time = time
        self.timeRule = timeRule
    }
}

/// The declaration of an event.
public struct OracleEvent: Sendable, Equatable {
    /// The name by which meters know it.
    public var name: String
    /// The type on the wire.
    public var type: String
    /// What meters may use of it.
    public var fields: [OracleField]

    /// Makes a declaration; the type is the name unless given.
    public init(_ name: String, type: String? = nil, fields: [OracleField] = []) {
        self.name = name
        self.type = type ?? name
        self.fields = fields
    }
}

/// A window of time.
public enum OracleWindow: String, Sendable, CaseIterable {
    case minute
    case quarter
    case day
    case month
    case all
}

/// The declaration of a meter.
public struct OracleMeter: Sendable {
    /// What a meter counts, and how.
    public enum Kind: String, Sendable {
        case count
        case sum
        case level
        case extreme
        case distinct
        case histogram
        case ranking
        case grid
    }

    /// Which value an extreme keeps.
    public enum Keep: String, Sendable {
        case min
        case max
        case first
        case last
    }

    /// How long windows are kept.
    public enum Retention: Sendable, Equatable {
        case forever
        case seconds(Int64)
    }

    /// Its name.
    public var name: String
    /// Its kind.
    public var kind: Kind
    /// Whether it is also counted over all organizations.
    public var isAcross = false
    /// The windows it keeps.
    public var windows: [OracleWindow]
    /// What it counts.
    public var clauses: [OracleClause]
    /// Its scopes, each a list of dimensions; the empty list is the organization.
    public var scopes: [[String]] = [[]]
    /// The dimensions in the member's name.
    public var by: [String] = []
    /// Which value an extreme keeps; nil for other kinds.
    public var keep: Keep?
    /// The value of an extreme or histogram: a field, or `time`.
    public var value: String?
    /// The field whose different values are counted.
    public var of: String?
    /// Retentions that differ from the default.
    public var retention: [OracleWindow: Retention] = [:]
    /// The family with whose meters it shares keys; nil: none.
    public var family: String?
    /// Whether negative amounts are taken.
    public var isSigned = false
    /// Decimals of its numbers, once `OracleCatalog.setScales` has found them.
    public var scale = 0
    /// The most values of `by` that one key keeps apart; nil: no limit.
    public var mostMembers: Int?
    /// The most values of each scope that one organization keeps apart; nil: no limit.
    public var mostScopes: Int?

    /// Makes a meter with the defaults of the catalog.
    public init(
        _ name: String, _ kind: Kind, windows: [OracleWindow] = [], on clauses: [OracleClause]
    ) {
        self.name = name
        self.kind = kind
        self.windows = windows
        self.clauses = clauses
        mostMembers = kind == .ranking ? 1_000_000 : 10_000
        mostScopes = 10_000
    }

    /// Whether a key has a member for each value of `by`; only then `mostMembers` applies.
    public var isTable: Bool {
        switch kind {
        case .count, .sum, .level, .extreme, .ranking: !by.isEmpty
        case .distinct, .histogram, .grid: false
        }
    }

    /// Whether neighbouring windows are members of one key.
    public var isSeries: Bool {
        switch kind {
        case .count, .sum, .level, .extreme: by.isEmpty
        case .distinct, .histogram, .ranking, .grid: false
        }
    }

    /// What the members of its cells begin with in the keys of its family; empty without one.
    public var head: [UInt8] { family == nil ? [] : Array("\(name):".utf8) }

    /// Whether an extreme keeps the later or larger of two values.
    public var keepsLarger: Bool { keep == .max || keep == .last }
}

/// One entry of a meter's `on`.
public struct OracleClause: Sendable {
    /// What is added.
    public enum Amount: Sendable, Equatable {
        case constant(Int64)
        case field(String, isNegated: Bool)
    }

    /// The name of the event.
    public var event: String
    /// What is added.
    public var amount: Amount
    /// The field that gives the window's time; nil: the event's time.
    public var time: String?
    /// Dimensions that take their value from a field of another name.
    public var with: [String: String]
    /// Fields without which the clause does nothing.
    public var needs: [String]
    /// Fields that must have one of some values, or none of them.
    public var when: [(field: String, values: [String], isNot: Bool)] = []
    /// Fields that must be beyond a bound: a number, or a time of RFC 3339.
    ///
    /// `order` is `gt`, `gte`, `lt` or `lte`.
    public var bounds: [(field: String, order: String, bound: String)] = []

    /// Makes a clause.
    public init(
        _ event: String, amount: Amount = .constant(1), time: String? = nil,
        with: [String: String] = [:], needs: [String] = []
    ) {
        self.event = event
        self.amount = amount
        self.time = time
        self.with = with
        self.needs = needs
    }
}

/// Why the oracle cannot use a catalog.
public struct OracleError: Error, CustomStringConvertible, Sendable {
    /// What is wrong, with the names of meter and field.
    public let message: String

    /// Makes an error.
    public init(_ message: String) {
        self.message = message
    }

    /// The message.
    public var description: String { message }
}
