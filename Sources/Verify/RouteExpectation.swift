import Workload

/// Computes what the routes of the five documents must answer about one organization, from the
/// oracle's cells and the text of the documents alone.
///
/// Every request names a range of whole UTC days, so no answer depends on the time of asking. Two
/// routes of the identity document always cover today; for them there is one answer for each day
/// that may be today. What does not follow from the events is `ExpectedJSON.leftOut`: everything
/// from the directory (names, profiles, the plan with its limit and percentage), the calls of the
/// billing month (its first day is in the directory) and the numbers of the last 24 hours, which
/// change every minute.
struct RouteExpectation {
    /// A range has at most this many days and begins at most this long ago: all its day cells
    /// exist.
    static let mostDays: Int64 = 360

    let cells: OrganizationCells
    /// All days on which something happened, at most `mostDays` of them.
    let whole: Range<Int64>
    /// Those days without their first and last third; nil when there are fewer than three.
    let inner: Range<Int64>?
    /// The days, since 1970, that may be today when the answers are asked for.
    let todays: [Int64]
    private(set) var routes: [ExpectedRoute] = []
    private(set) var unchecked: [UncheckedRoute] = []
    private let meters: [String: OracleMeter]
    private let later: Set<[UInt8]>

    var organization: String { cells.organization }
    /// The ranges that are asked for.
    var ranges: [Range<Int64>] { [whole] + (inner.map { [$0] } ?? []) }

    /// - Parameters:
    ///   - later: meters that were added later and have counted only a part of the log.
    ///   - nowSeconds: seconds since 1970.
    ///   - prefix: how key names begin: prefix, generation and the colon after it.
    ///   - shards: how many the ledger has.
    init(
        _ organization: String, _ meters: [OracleMeter], later: Set<[UInt8]>, nowSeconds: Int64,
        prefix: String, shards: Int, _ cells: borrowing ExpectedCells
    ) {
        self.meters = Dictionary(
            meters.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        self.later = later
        let needed = RouteExpectation.needs.values.flatMap { $0 }.map { Array($0.meter.utf8) }
        self.cells = OrganizationCells(
            organization, meters: Set(needed),
            families: Set(meters.compactMap { $0.family.map { Array($0.utf8) } }),
            prefix: prefix, shards: shards, cells)
        // Clocks may differ a little, and a comparison takes its time.
        todays = Set([nowSeconds - 300, nowSeconds, nowSeconds + 3_600].map { $0 / 86_400 })
            .sorted()
        let today = nowSeconds / 86_400
        let first = max(self.cells.days?.lowerBound ?? today, today - Self.mostDays + 1)
        let end = max(first, self.cells.days?.upperBound ?? first) + 1
        whole = first..<min(end, first + Self.mostDays)
        let third = Int64(whole.count / 3)
        inner = third > 0 ? whole.lowerBound + third..<whole.upperBound - third : nil
    }

    /// Computes the answers of all routes.
    mutating func expectAll() {
        expectOverview()
        expectWorkspace()
        expectConnections()
        expectMetrics()
        expectIdentity()
    }

    /// The meters from which each path's answer is computed.
    static let needs: [String: [RouteNeed]] = [
        overviewPath: overviewNeeds, totalsPath: totalsNeeds, seriesPath: seriesNeeds,
        usersPath: rankingNeeds("user"), projectsPath: rankingNeeds("project"),
        connectionsPath: connectionsNeeds, metricsPath: metricsNeeds, tokensPath: tokensNeeds,
        activityPath: activityNeeds, agentsPath: agentsNeeds,
    ]

    /// Whether the catalog has what the route needs; notes the route in `unchecked` when it has
    /// not.
    mutating func canExpect(_ path: String) -> Bool {
        let reasons = (Self.needs[path] ?? []).compactMap {
            $0.reason(against: meters, later: later)
        }
        guard let reason = reasons.first else { return true }
        leaveOut(path, reason)
        return false
    }

    mutating func leaveOut(_ path: String, _ reason: String) {
        unchecked.append(
            UncheckedRoute(organization: organization, path: path, reason: reason))
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

    /// A query value: every byte except letters, digits and `-._~` as `%XX`.
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

    /// `[{date, NAME}]`, one entry a day.
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
