import Metering
import Query
import Zones

/// One question of OpenMeter's API, whichever version and form it came in.
struct OpenMeterQuestion {
    /// What a client calls the parts, for texts about them.
    struct Names {
        let from: String
        let to: String
        let size: String
        let zone: String
        let groupBy: String
        let filters: String
        /// Each length of windows with its name on the wire; the first ones are OpenMeter's own.
        let sizes: [(name: String, step: CalendarStep)]
        /// The operators begin with `$`.
        let hasDollars: Bool

        /// Version 1.
        static let first = Names(
            from: "from", to: "to", size: "windowSize", zone: "windowTimeZone", groupBy: "groupBy",
            filters: "filterGroupBy",
            sizes: [
                ("MINUTE", .minute), ("HOUR", .hour), ("DAY", .day), ("MONTH", .month),
                ("WEEK", .week),
            ], hasDollars: true)
        /// Version 3.
        static let third = Names(
            from: "from", to: "to", size: "granularity", zone: "time_zone",
            groupBy: "group_by_dimensions", filters: "filters",
            sizes: [
                ("PT1M", .minute), ("PT1H", .hour), ("P1D", .day), ("P1M", .month), ("P7D", .week),
            ], hasDollars: false)
    }

    let meter: OpenMeterMeter
    let names: Names
    /// Seconds since 1970, and the text of the request, which the answer repeats.
    private(set) var from: (second: Int64, text: [UInt8])?
    private(set) var to: (second: Int64, text: [UInt8])?
    private(set) var step = CalendarStep.none
    /// The word for `step` in the request.
    private(set) var size: String?
    private(set) var zone = Zone.utc
    /// The subjects that are asked for; nil: all that the key may see.
    private(set) var subjects: [[UInt8]]?
    /// Dimensions of the rows without `subject`.
    private(set) var keys: [String] = []
    /// Whether rows are told apart by subject.
    private(set) var hasSubject = false
    private(set) var filters: [DimensionFilter] = []

    /// The most entries of a list.
    static let mostEntries = 100

    init(_ meter: OpenMeterMeter, _ names: Names) {
        self.meter = meter
        self.names = names
    }

    // MARK: Parts

    mutating func set(from text: [UInt8]) throws(Problem) {
        from = (try OpenMeterQuestion.second(names.from, text), text)
    }

    mutating func set(to text: [UInt8]) throws(Problem) {
        to = (try OpenMeterQuestion.second(names.to, text), text)
    }

    /// Refuses an empty range.
    func checkRange() throws(Problem) {
        guard let from, let to, from.second >= to.second else { return }
        throw Problem.invalid(names.from, "must be before \(names.to)")
    }

    /// Whole seconds since 1970, rounded down.
    static func second(_ name: String, _ text: [UInt8]) throws(Problem) -> Int64 {
        guard let nanoseconds = TimeText.nanoseconds(rfc3339: text) else {
            throw Problem.invalid(name, "is not a time of RFC 3339 with a zone", rule: "format")
        }
        return Metering.floorDivide(nanoseconds, 1_000_000_000)
    }

    mutating func set(size text: [UInt8]) throws(Problem) {
        let word = String(decoding: text, as: UTF8.self)
        guard let known = names.sizes.first(where: { $0.name == word }) else {
            throw Problem.invalid(
                names.size,
                "must be one of: \(names.sizes.map(\.name).joined(separator: ", "))",
                rule: "invalid_window_size")
        }
        size = word
        step = known.step
    }

    mutating func set(zone text: [UInt8]) throws(Problem) {
        do throws(ZoneDatabase.Fault) {
            zone = try ZoneDatabase.system.zone(
                named: String(decoding: text.prefix(64), as: UTF8.self))
        } catch {
            throw Problem.invalid(
                names.zone, "must be a time zone like Europe/Berlin; \(error.text)",
                rule: "invalid_time_zone")
        }
    }

    /// Asks for these subjects only, and tells them apart.
    mutating func set(subjects list: [[UInt8]], name: String = "subject") throws(Problem) {
        try OpenMeterQuestion.check(list, name)
        subjects = subjects.map { before in before.filter { list.contains($0) } } ?? list
        hasSubject = true
    }

    mutating func set(groupBy list: [[UInt8]]) throws(Problem) {
        try OpenMeterQuestion.check(list, names.groupBy)
        for text in list {
            let key = String(decoding: text, as: UTF8.self)
            if key == "subject" {
                hasSubject = true
            } else if key == "customer_id" {
                throw Problem.invalid(
                    names.groupBy, "customer_id cannot be asked for: there are no customers here",
                    rule: "invalid_group_by")
            } else if !meter.hasKey(key) {
                throw Problem.invalid(
                    names.groupBy, "\(key.prefix(64)) is no dimension of \(meter.name)",
                    rule: "invalid_group_by")
            } else if !keys.contains(key) {
                keys.append(key)
            }
        }
    }

    /// Adds a condition for a dimension of the meter.
    mutating func add(filter: DimensionFilter) throws(Problem) {
        guard meter.hasKey(filter.dimension) else {
            throw Problem.invalid(
                names.filters, "\(filter.dimension.prefix(64)) is no dimension of \(meter.name)",
                rule: "invalid_dimension_filter")
        }
        filters.append(filter)
    }

    /// Customers are not known, so that each of them is an unknown one.
    static func refuseCustomers() -> Problem {
        Problem(404, "There are no customers here: ask by subject, which is the organization")
    }

    private static func check(_ list: [[UInt8]], _ name: String) throws(Problem) {
        guard list.count <= mostEntries else {
            throw Problem.invalid(name, "has more than \(mostEntries) entries", rule: "max_items")
        }
    }
}

/// What is wrong with one part of a request.
public struct InvalidParameter: Sendable, Hashable {
    /// Where it was given.
    public enum Source: String, Sendable {
        /// In the path.
        case path
        /// In the query.
        case query
        /// In the body.
        case body
        /// In a header.
        case header
    }
    /// Its name.
    public var field: String
    /// A word for what it must be.
    public var rule: String?
    /// Text for people.
    public var reason: String
    /// Where it was given.
    public var source: Source
}

extension Problem {
    /// 400 because of one part; the text begins with its name.
    static func invalid(
        _ field: String, _ reason: String, rule: String? = nil,
        source: InvalidParameter.Source = .query
    ) -> Problem {
        var problem = Problem(400, "\(field) \(reason)")
        problem.invalidParameter = InvalidParameter(
            field: field, rule: rule, reason: reason, source: source)
        return problem
    }
}
