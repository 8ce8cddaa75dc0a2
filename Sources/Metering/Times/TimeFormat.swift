/// How a time is written.
public enum TimeFormat: Sendable, Equatable {
    /// What is counted since 1970.
    public enum Unit: Int, Sendable, CaseIterable {
        case seconds = 9
        case milliseconds = 6
        case microseconds = 3
        case nanoseconds = 0

        /// The word in a catalog.
        public var word: String {
            switch self {
            case .seconds: "unix"
            case .milliseconds: "unix-ms"
            case .microseconds: "unix-us"
            case .nanoseconds: "unix-ns"
            }
        }
        /// How people call it.
        var name: String {
            switch self {
            case .seconds: "seconds"
            case .milliseconds: "milliseconds"
            case .microseconds: "microseconds"
            case .nanoseconds: "nanoseconds"
            }
        }
    }

    /// RFC 3339 with a zone, as CloudEvents asks for.
    case rfc3339
    /// ISO 8601 with date and time, extended or basic, with `T` or a space between them.
    case iso8601
    /// A number since 1970, or a text that is one, with a fraction of any length.
    case unix(Unit)
    /// By a pattern of directives.
    case pattern(TimePattern)

    /// What web servers write: `09/Mar/2026:14:15:16 +0000`.
    private static let commonLog = "%d/%b/%Y:%H:%M:%S %z"
    /// The words in a catalog, besides patterns.
    public static let words =
        ["rfc3339", "iso8601"] + Unit.allCases.map(\.word) + ["common-log"]

    /// The format of a word or pattern; nil where the word is unknown.
    public init?(_ text: String) throws(TimePatternError) {
        switch text {
        case "rfc3339": self = .rfc3339
        case "iso8601": self = .iso8601
        case "common-log": self = .pattern(try TimePattern(Self.commonLog))
        default:
            if let unit = Unit.allCases.first(where: { $0.word == text }) {
                self = .unix(unit)
            } else if text.utf8.contains(UInt8(ascii: "%")) {
                self = .pattern(try TimePattern(text))
            } else {
                return nil
            }
        }
    }

    /// The word or pattern.
    public var text: String {
        switch self {
        case .rfc3339: "rfc3339"
        case .iso8601: "iso8601"
        case .unix(let unit): unit.word
        case .pattern(let pattern): pattern.text
        }
    }

    /// What a text that it cannot read is not.
    var description: String {
        switch self {
        case .rfc3339: "RFC 3339 with a zone"
        case .iso8601: "ISO 8601 with date and time"
        case .unix(let unit): "a number of \(unit.name) since 1970 (\(unit.word))"
        case .pattern(let pattern): "like \(pattern.text)"
        }
    }

    /// Whether its times may lack a zone.
    public var mayLackZone: Bool {
        switch self {
        case .rfc3339, .unix: false
        case .iso8601: true
        case .pattern(let pattern): !pattern.hasZone
        }
    }
    /// Whether its times always lack a zone.
    public var lacksZone: Bool {
        if case .pattern(let pattern) = self { !pattern.hasZone } else { false }
    }
}

/// How the times of one place are written.
public struct TimeRule: Sendable, Equatable {
    /// Tried in this order; of several, the first that gives a time not before the catalog's
    /// `not_before`.
    public var formats: [TimeFormat]
    /// The zone of times without one; nil: such a time is refused.
    public var zone: LocalZone?

    /// A rule of these parts, by default that of CloudEvents.
    public init(formats: [TimeFormat] = [.rfc3339], zone: LocalZone? = nil) {
        self.formats = formats
        self.zone = zone
    }

    /// RFC 3339 and nothing else.
    public static let standard = TimeRule()
}

extension MeterCatalog {
    /// Names of the zones of times that are written without one, sorted.
    public var zoneNames: [String] {
        let fields = events.flatMap { $0.fields.map(\.time) }
        return Set((fields + [envelope.timeRule]).compactMap { $0.zone?.name }).sorted()
    }
}
