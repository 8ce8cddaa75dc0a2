import HTTPServer
import Metering
import Query

/// Organization overview: what exists now, calls of the billing month, the last 24 hours.
public struct OverviewDialect: Dialect {
    /// Its name in credentials and in configuration.
    public let name = "overview"
    /// Keys with a brand of their own; admin keys only.
    public let keys: DialectKeys? = DialectKeys(brand: "dakkio", isForAdminsOnly: true)
    /// Request headers that its answers depend on.
    public let credentialHeaders = "X-API-Key"
    /// A key in a header of its own.
    public let scheme = CredentialScheme.apiKey
    /// What every key is told that is not an admin's.
    public let operatorRefusal = "Only Admin keys can access organization analytics"
    /// All of its paths are below it.
    public let root = "/api/analytics"
    /// Its paths.
    public var routes: [DialectRoute] {
        [
            DialectRoute(
                "overview", root + "/overview", needs: OverviewDialect.needs, answer: overview)
        ]
    }

    private static let needs: [MeterNeed] =
        ["buckets", "data_sources", "alert_rules", "data_points", "storage_bytes"].map {
            MeterNeed($0, .level, [.all])
        } + [
            MeterNeed("api_keys", .count, [.all]), MeterNeed("api_calls", .count, [.day]),
            MeterNeed("data_points_ingested", .sum, [.minute]),
            MeterNeed("alerts_triggered", .count, [.minute]),
            MeterNeed("last_ingestion", .extreme, [.all]),
            MeterNeed("last_alert", .extreme, [.all]),
        ]

    /// The dialect.
    public init() {}

    private func overview(_ call: borrowing Call) throws(Problem) -> Reply {
        let credential = try call.requireCredential(
            call.request.headers.single("X-API-Key").value, for: self,
            message: "Invalid or missing API key")
        guard credential.role == .admin else {
            throw Problem(403, operatorRefusal)
        }
        try Parameters.refuseAll(of: call.request, badStatus: 400)
        try call.requireMeters()
        let numbers = OverviewNumbers(
            inquiry: call.worker.inquiry(credential.organization), engine: call.worker.engine)
        return numbers.reply(try call.answer(numbers.inquiry))
    }

    /// `{error, message}`.
    public func body(of problem: Problem) -> [UInt8] { plainErrorBody(problem) }
}

/// The questions of one overview; writes their answers.
private struct OverviewNumbers {
    let inquiry: Inquiry
    private let nowSeconds: Int64
    private let calls: Question<[Int64]>
    private let totals: [(name: String, question: Question<Int64>)]
    private let storage: Question<Int64>
    private let lastIngestion: Question<Int64?>
    private let lastAlert: Question<Int64?>
    private let points: Question<Int64>
    private let alerts: Question<Int64>
    private let profile: Question<Profile?>
    private let plan: Question<Profile?>

    private static let profileMembers = ProfileMembers(["name", "billingDay"])
    private static let planMembers = ProfileMembers([
        "name", "maxBuckets", "maxRetentionDays", "maxApiCalls",
    ])

    init(inquiry: Inquiry, engine: QueryEngine) {
        var inquiry = inquiry
        let nowSeconds = engine.clock.seconds
        self.nowSeconds = nowSeconds
        totals = [
            ("buckets", inquiry.total("buckets")), ("dataSources", inquiry.total("data_sources")),
            ("dataPoints", inquiry.total("data_points")),
            ("alertRules", inquiry.total("alert_rules")), ("apiKeys", inquiry.total("api_keys")),
        ]
        storage = inquiry.total("storage_bytes")
        lastIngestion = inquiry.extreme("last_ingestion", .allTime)
        lastAlert = inquiry.extreme("last_alert", .allTime)
        // The billing day comes with the same read, so it is not known yet. The billing month
        // cannot begin before the first day of last month.
        let lastMonth = TimeRange.month(of: TimeRange.month(of: nowSeconds).start - 1)
        calls = inquiry.days(
            "api_calls",
            TimeRange(start: lastMonth.start, end: TimeRange.days(1, until: nowSeconds).end))
        let minutes = engine.coverage(
            of: ["data_points_ingested", "alerts_triggered"], .lastDay(until: nowSeconds))
        points = inquiry.sum("data_points_ingested", minutes)
        alerts = inquiry.sum("alerts_triggered", minutes)
        profile = inquiry.profile("organization", members: OverviewNumbers.profileMembers)
        plan = inquiry.profile("plan", members: OverviewNumbers.planMembers)
        self.inquiry = inquiry
    }

    func reply(_ answers: Answers) -> Reply {
        let profile = answers[profile]
        let plan = answers[plan]
        let billingDay = profile?.integer("billingDay").flatMap { (1...28).contains($0) ? $0 : nil }
        let month = TimeRange.billingMonth(of: nowSeconds, billingDay: Int32(billingDay ?? 1))
        let calls = answers[calls].suffix(Int(month.dayCount)).reduce(0, &+)
        let limit = max(0, plan?.integer("maxApiCalls") ?? 0)
        let percentage = Rounded.ratio(calls, times: 1_000, by: limit)
        let storage = answers[storage]
        return Reply(answers) { json in
            json.beginObject()
            json.object("overview") { json in
                json.object("organization") {
                    $0.member("_id", string: inquiry.organization)
                    $0.member("name", json: profile?["name"])
                }
                json.object("totals") {
                    for (name, question) in totals { $0.member(name, integer: answers[question]) }
                }
                json.object("usage") {
                    $0.member("apiCallsThisMonth", integer: calls)
                    $0.member("apiCallsLimit", integer: limit)
                    $0.member("apiCallsPercentage", hundredths: percentage * 10)
                    $0.member("storageUsedBytes", integer: storage)
                    $0.member("storageUsedFormatted", string: Rounded.byteSize(storage))
                }
                json.object("plan") { $0.members(OverviewNumbers.planMembers, of: plan) }
                json.object("recentActivity") { writeActivity(&$0, answers) }
            }
            json.endObject()
        }
    }

    private func writeActivity(_ json: inout JSONWriter, _ answers: Answers) {
        for (name, question) in [
            ("lastDataIngestion", lastIngestion), ("lastAlertTriggered", lastAlert),
        ] {
            json.name(name)
            if let time = answers[question] {
                json.string(TimeText.wholeSecond(nanoseconds: time))
            } else {
                json.null()
            }
        }
        json.member("dataPointsLast24h", integer: answers[points])
        json.member("alertsTriggeredLast24h", integer: answers[alerts])
    }
}
