import Workload

/// Reckons what the routes of the five documents must answer about one organization, from the
/// oracle's cells and the documents' words alone.
///
/// Every request names its range of whole UTC days, so that no answer depends on when it is asked
/// for; two routes of the identity document always speak of today and have an answer for each day
/// that today may be. What does not follow from the events is `ExpectedJSON.leftOut`: everything
/// that the directory says (names, profiles, the plan with its limit and percentage), the calls of
/// the billing month (whose first day the directory says) and the numbers of the last 24 hours,
/// which move every minute.
struct RouteReckoning {
    /// A range is never longer, and never begins earlier before today: all day cells still stand.
    static let mostDays: Int64 = 360

    let cells: OrganizationCells
    /// All days on which something happened, at most `mostDays` of them.
    let whole: Range<Int64>
    /// Those days without their first and last third; nil where there are less than three.
    let inner: Range<Int64>?
    /// The days, since 1970, that may be today when the answers are asked for.
    let todays: [Int64]
    private(set) var routes: [ExpectedRoute] = []
    private(set) var unreckoned: [UnreckonedRoute] = []
    private let meters: [String: OracleMeter]
    private let later: Set<[UInt8]>

    var organization: String { cells.organization }
    /// The ranges that are asked for.
    var ranges: [Range<Int64>] { [whole] + (inner.map { [$0] } ?? []) }

    /// - Parameters:
    ///   - prefix: of key names, with its generation and the colon behind it.
    ///   - later: meters that count only a part of the log.
    ///   - now: seconds since 1970.
    init(
        _ organization: String, _ meters: [OracleMeter], later: Set<[UInt8]>, now: Int64,
        prefix: String, _ cells: borrowing ExpectedCells
    ) {
        self.meters = Dictionary(meters.map { ($0.name, $0) }, uniquingKeysWith: { one, _ in one })
        self.later = later
        let needed = RouteReckoning.needs.values.flatMap { $0 }.map { Array($0.meter.utf8) }
        self.cells = OrganizationCells(
            organization, meters: Set(needed), prefix: prefix, cells)
        // Clocks may differ a little, and a comparison takes its time.
        todays = Set([now - 300, now, now + 3_600].map { $0 / 86_400 }).sorted()
        let today = now / 86_400
        let first = max(self.cells.days?.lowerBound ?? today, today - Self.mostDays + 1)
        let end = max(first, self.cells.days?.upperBound ?? first) + 1
        whole = first..<min(end, first + Self.mostDays)
        let third = Int64(whole.count / 3)
        inner = third > 0 ? whole.lowerBound + third..<whole.upperBound - third : nil
    }

    /// All routes of an organization.
    mutating func reckon() {
        reckonOverview()
        reckonWorkspace()
        reckonConnections()
        reckonMetrics()
        reckonIdentity()
    }

    /// What each path's answer is made of.
    static let needs: [String: [RouteNeed]] = [
        overviewPath: overviewNeeds, totalsPath: totalsNeeds, seriesPath: seriesNeeds,
        usersPath: rankingNeeds("user"), projectsPath: rankingNeeds("project"),
        connectionsPath: connectionsNeeds, metricsPath: metricsNeeds, tokensPath: tokensNeeds,
        activityPath: activityNeeds, agentsPath: agentsNeeds,
    ]

    /// Whether the catalog has what the route needs; tells where it has not.
    mutating func isReckonable(_ path: String) -> Bool {
        let hindrances = (Self.needs[path] ?? []).compactMap { $0.hindrance(meters, later: later) }
        guard let reason = hindrances.first else { return true }
        leaveOut(path, reason)
        return false
    }

    mutating func leaveOut(_ path: String, _ reason: String) {
        unreckoned.append(
            UnreckonedRoute(organization: organization, path: path, reason: reason))
    }

    /// Expects a body as the answer to a request.
    mutating func expect(
        _ document: ExpectedRoute.Document, _ path: String,
        _ parameters: [(name: String, value: String)] = [], bodies: [ExpectedJSON]
    ) {
        let query = parameters.map { "\($0.name)=\(Self.encoded($0.value))" }
        routes.append(
            ExpectedRoute(
                organization: organization, document: document,
                target: path + (query.isEmpty ? "" : "?" + query.joined(separator: "&")),
                bodies: bodies))
    }

    /// A value of a query: all bytes but letters, digits and `-._~` as `%XX`.
    private static func encoded(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF")
        return text.utf8.reduce(into: "") { encoded, byte in
            switch byte {
            case 48...57, 65...90, 97...122, 0x2D, 0x2E, 0x5F, 0x7E:
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            default: encoded += "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
            }
        }
    }

    // MARK: Parts of several documents

    /// `[{date, NAME}]`, one a day.
    static func daily(
        _ days: Range<Int64>, _ numbers: [Int64], named name: String
    ) -> ExpectedJSON {
        .list(
            zip(days, numbers).map { day, number in
                .object(["date": .text(oracleDate(ofDay: day)), name: .integer(number)])
            })
    }

    /// When a day begins, in RFC 3339.
    static func midnight(_ day: Int64) -> String {
        oracleTime(nanoseconds: day * 86_400_000_000_000)
    }
}
