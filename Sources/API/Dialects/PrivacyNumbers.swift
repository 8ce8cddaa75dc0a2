import HTTPServer
import Metering
import Query

/// The questions of one report of organization metrics; writes their answers.
struct PrivacyNumbers {
    static let needs: [MeterNeed] = {
        let scopes = [[], ["project"]]
        func count(_ name: String, by: [String] = [], _ windows: [Window] = [.day]) -> MeterNeed {
            MeterNeed(name, .count, windows, by: by, scopes: scopes)
        }
        return [
            count("sessions"), count("consents"), count("consent_browsers", by: ["browser"]),
            count("consent_systems", by: ["os"]), count("consent_countries", by: ["country"]),
            count("consent_kinds", by: ["consent"]),
            count("consent_categories", by: ["categories.key", "categories.value"]),
            MeterNeed("consent_users", .distinct, [.day], scopes: scopes),
            count("compliance_requests", [.day, .all]),
            count("compliance_countries", by: ["country"]),
            count("compliance_types", by: ["requestType"]),
            MeterNeed(
                "compliance_statuses", .level, [.day], by: ["requestType", "status"],
                scopes: scopes),
            count("resolutions"), MeterNeed("resolution_seconds", .sum, [.day], scopes: scopes),
            MeterNeed("resolution_steps", .histogram, [.day], scopes: scopes),
            MeterNeed("resolution_min", .extreme, [.day], scopes: scopes),
            MeterNeed("resolution_max", .extreme, [.day], scopes: scopes),
        ]
    }()

    /// The meters whose days must be kept for the range that is asked for.
    static let dailyMeters = needs.map(\.name)

    typealias Table = Question<Breakdown>

    let inquiry: Inquiry
    private let range: TimeRange
    private let sessions: Question<[Int64]>
    private let consents: Question<[Int64]>
    private let requests: Question<[Int64]>
    private let browsers: Table
    private let systems: Table
    private let countries: Table
    private let kinds: Table
    private let categories: Table
    private let users: Question<Int64>
    private let totalRequests: Question<Int64>
    private let requestCountries: Table
    private let types: Table
    private let statuses: Table
    private let resolved: Question<Int64>
    private let resolvedSeconds: Question<Int64>
    private let resolutionSteps: Question<Histogram>
    private let resolutionMin: Question<Int64?>
    private let resolutionMax: Question<Int64?>

    init(inquiry: Inquiry, engine: QueryEngine, range: TimeRange, scopes: [CellScope]) {
        var inquiry = inquiry
        self.range = range
        // The range and the period just before it are read as one series.
        let both = TimeRange(start: range.previous.start, end: range.end)
        sessions = inquiry.days("sessions", both, scopes: scopes)
        consents = inquiry.days("consents", both, scopes: scopes)
        requests = inquiry.days("compliance_requests", both, scopes: scopes)
        func table(_ name: String) -> Table {
            inquiry.table(name, engine.coverage(of: [name], range), scopes: scopes)
        }
        browsers = table("consent_browsers")
        systems = table("consent_systems")
        countries = table("consent_countries")
        kinds = table("consent_kinds")
        categories = table("consent_categories")
        users = inquiry.distinct(
            "consent_users", engine.coverage(of: ["consent_users"], range), scopes: scopes)
        totalRequests = inquiry.total("compliance_requests", scopes: scopes)
        requestCountries = table("compliance_countries")
        types = table("compliance_types")
        statuses = table("compliance_statuses")
        let resolutions = engine.coverage(of: ["resolutions", "resolution_seconds"], range)
        resolved = inquiry.sum("resolutions", resolutions, scopes: scopes)
        resolvedSeconds = inquiry.sum("resolution_seconds", resolutions, scopes: scopes)
        resolutionSteps = inquiry.histogram("resolution_steps", resolutions, scopes: scopes)
        resolutionMin = inquiry.extreme("resolution_min", resolutions, scopes: scopes)
        resolutionMax = inquiry.extreme("resolution_max", resolutions, scopes: scopes)
        self.inquiry = inquiry
    }

    // MARK: Writing

    func write(_ answers: Answers, _ json: inout JSONWriter) {
        json.object { json in
            let sessions = Comparison(answers[sessions])
            json.object("sessions") {
                $0.days("dailySessionCounts", range, sessions.current, named: "count")
                $0.member("dateRangeTotal", integer: sessions.total)
                $0.trend(sessions)
            }
            json.object("consentEvents") { writeConsent(answers, &$0) }
            json.object("complianceRequests") { writeRequests(answers, &$0) }
        }
    }

    private func writeConsent(_ answers: Answers, _ json: inout JSONWriter) {
        let events = Comparison(answers[consents])
        let kinds = answers[kinds]
        func count(_ kind: String) -> Int64 { kinds[[Array(kind.utf8)]] }
        let categories = Dictionary(grouping: answers[categories].rows) { $0.members.first ?? [] }
        json.counts("browserCounts", answers[browsers], named: "browser")
        json.object("categoryStats") { json in
            for name in categories.keys.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
                json.name(name)
                json.object { json in
                    for value in ["granted", "denied"] {
                        let cell = categories[name]?.first { $0.members.last == Array(value.utf8) }
                        json.member(value, integer: cell?.number ?? 0)
                    }
                }
            }
        }
        json.days("dailyEventCounts", range, events.current, named: "count")
        json.member("fullConsent", integer: count("full"))
        json.counts("geographyCounts", answers[countries], named: "country")
        json.member("noConsent", integer: count("none"))
        json.counts("osCounts", answers[systems], named: "os")
        json.member("partialConsent", integer: count("partial"))
        json.member("totalCategories", integer: Int64(categories.count))
        json.member("totalEvents", integer: events.total)
        json.member("totalUsers", integer: answers[users])
        json.trend(events)
        json.trendData(events, range)
    }

    private func writeRequests(_ answers: Answers, _ json: inout JSONWriter) {
        let requests = Comparison(answers[requests])
        json.days("dailyRequestCounts", range, requests.current, named: "count")
        json.member("dateRangeTotal", integer: requests.total)
        json.counts("geographyCounts", answers[requestCountries], named: "country")
        json.object("resolutionMetrics") { writeResolutions(answers, &$0) }
        var byStatus: [[UInt8]: Int64] = [:]
        var byType: [[UInt8]: [[UInt8]: Int64]] = [:]
        for row in answers[statuses].rows where row.members.count == 2 {
            byStatus[row.members[1], default: 0] += row.number
            byType[row.members[0], default: [:]][row.members[1]] = row.number
        }
        json.name("statusStats")
        json.countObject(byStatus)
        json.object("statusByType") { json in
            for (type, counts) in byType.sorted(by: {
                $0.key.lexicographicallyPrecedes($1.key)
            }) {
                json.name(type)
                json.countObject(counts)
            }
        }
        json.member("totalRequests", integer: answers[totalRequests])
        json.trend(requests)
        json.trendData(requests, range)
        var created: [[UInt8]: Int64] = [:]
        for row in answers[types].rows { created[row.members.first ?? []] = row.number }
        json.name("typeStats")
        json.countObject(created)
    }

    /// Days with two decimals; 0 where nothing was resolved.
    private func writeResolutions(_ answers: Answers, _ json: inout JSONWriter) {
        let least = answers[resolutionMin] ?? 0
        let greatest = max(least, answers[resolutionMax] ?? 0)
        let middle = answers[resolutionSteps].medianTimesFour ?? 0
        // The middle of a step may be outside the range of the values.
        let median = min(max(middle, 4 * least), 4 * greatest)
        // One division, so that the mean is rounded only once.
        let count = answers[resolved]
        json.member(
            "avgResolutionDays",
            hundredths: Rounded.ratio(answers[resolvedSeconds], times: 100, by: 86_400 * count))
        json.member(
            "medianResolutionDays", hundredths: Rounded.ratio(median, times: 25, by: 86_400))
        json.member("minResolutionDays", hundredths: Rounded.ratio(least, times: 100, by: 86_400))
        json.member(
            "maxResolutionDays", hundredths: Rounded.ratio(greatest, times: 100, by: 86_400))
    }
}

/// A daily series of a range and of the same number of days before it.
private struct Comparison {
    let previous: [Int64]
    let current: [Int64]

    init(_ both: [Int64]) {
        previous = Array(both.prefix(both.count / 2))
        current = Array(both.suffix(both.count / 2))
    }

    var total: Int64 { current.reduce(0, &+) }
    var previousTotal: Int64 { previous.reduce(0, &+) }
}

extension JSONWriter {
    fileprivate mutating func trend(_ comparison: Comparison) {
        let (current, previous) = (comparison.total, comparison.previousTotal)
        object("trend") {
            $0.member("current", integer: current)
            $0.member("previous", integer: previous)
            $0.member("change", integer: current &- previous)
            if previous == 0 {
                $0.memberNull("changePercentage")
            } else {
                let tenths = Rounded.ratio(current &- previous, times: 1_000, by: previous)
                $0.member("changePercentage", hundredths: tenths * 10)
            }
        }
    }

    fileprivate mutating func trendData(_ comparison: Comparison, _ range: TimeRange) {
        object("trendData") { json in
            json.object("previousPeriod") {
                $0.member("startDate", string: TimeText.second(range.previous.start))
                $0.member("endDate", string: TimeText.second(range.previous.end))
            }
            json.array("daily") { list in
                for (index, date) in range.dates.enumerated() {
                    list.object {
                        $0.member("date", string: date)
                        $0.member("count", integer: comparison.current[index])
                        $0.member("previousCount", integer: comparison.previous[index])
                    }
                }
            }
        }
    }

    /// Writes `[{NAME, count}]` in the order of rankings.
    fileprivate mutating func counts(
        _ listName: String, _ table: Breakdown, named name: String
    ) {
        array(listName) { list in
            for row in table.ranked {
                list.object {
                    $0.member(name, string: row.members.first ?? [])
                    $0.member("count", integer: row.number)
                }
            }
        }
    }

    /// Writes `{NAME: count}`, ordered by name.
    fileprivate mutating func countObject(_ counts: [[UInt8]: Int64]) {
        object { json in
            for (name, count) in counts.sorted(by: {
                $0.key.lexicographicallyPrecedes($1.key)
            }) {
                json.name(name)
                json.integer(count)
            }
        }
    }
}
