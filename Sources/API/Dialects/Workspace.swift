import HTTPServer
import Metering
import Query

/// Workspace analytics: totals, rankings of users and projects, daily series.
public struct WorkspaceDialect: Dialect {
    /// The word in credentials and in configuration.
    public let name = "workspace"
    /// Request headers that its answers depend on.
    public let credentialHeaders = "Authorization, x-org"
    /// A token in `Authorization`.
    public let scheme = CredentialScheme.bearer
    /// All of its paths are below it.
    public let root = "/api/v1/app/organization/analytics"
    /// Its paths.
    public let routes: [DialectRoute] = {
        let root = "/api/v1/app/organization/analytics"
        let created = ["projects", "threads", "artifacts"].map {
            MeterNeed("\($0)_created", "count", ["day"])
        }
        let levels = ["projects", "threads", "artifacts"].map { MeterNeed($0, "level", ["all"]) }
        func activity(_ windows: [String]) -> [MeterNeed] {
            ["interactions", "agent_flows"].map { MeterNeed($0, "count", windows) }
        }
        func ranking(_ subject: String) -> [MeterNeed] {
            ["interactions", "agent_flows"].map {
                MeterNeed("\(subject)_\($0)", "ranking", ["day"], by: [subject])
            }
        }
        return [
            DialectRoute(
                "totals", root + "/totals", needs: levels + created + activity(["day", "all"])),
            DialectRoute("active-users", root + "/ranking/active-users", needs: ranking("user")),
            DialectRoute(
                "active-projects", root + "/ranking/active-projects", needs: ranking("project")),
            DialectRoute("timeseries", root + "/timeseries", needs: created + activity(["day"])),
        ]
    }()

    /// Parameters of each route, by its place in `routes`.
    private static let parameterNames = [
        ["start_date", "end_date"], ["start_date", "end_date", "limit"],
        ["start_date", "end_date", "limit"], ["start_date", "end_date", "type"],
    ]
    private static let profileMembers = ProfileMembers(["slug"])
    private static let dateNames = (start: "start_date", end: "end_date")

    /// The dialect.
    public init() {}

    /// The answer to a call.
    public func answer(_ call: borrowing Call) throws(Problem) -> Reply {
        let credential = try call.requireCredential(
            call.bearerToken(), dialect: name, message: "Invalid or missing token")
        let slug: [UInt8]
        switch call.request.headers.single("x-org") {
        case .once(let value) where !value.isEmpty: slug = value
        case .repeated: throw Problem(400, "The header x-org is given more than once")
        default: throw Problem(400, "The header x-org is missing")
        }
        var inquiry = call.worker.inquiry(credential.organization)
        let profile = inquiry.profile("organization", members: WorkspaceDialect.profileMembers)
        guard try call.answer(inquiry)[profile]?.text("slug") == slug, credential.role != .write
        else { throw Problem(403, "Insufficient permissions") }
        let parameters = try Parameters(
            call.request, known: WorkspaceDialect.parameterNames[call.route], badStatus: 400)
        switch call.route {
        case 0: return try totals(call, parameters, credential.organization)
        case 1: return try ranking(call, parameters, credential.organization, .users)
        case 2: return try ranking(call, parameters, credential.organization, .projects)
        default: return try series(call, parameters, credential.organization)
        }
    }

    /// `{error, message}`.
    public func body(of problem: Problem) -> [UInt8] { plainErrorBody(problem) }

    /// The range asked for, and whether it was asked for at all.
    private func range(
        _ call: borrowing Call, _ parameters: Parameters
    ) throws(Problem) -> (TimeRange, isGiven: Bool) {
        let seconds = 0...Timestamp.endSecond - 1
        let start = try parameters.integer("start_date", seconds)
        let end = try parameters.integer("end_date", seconds)
        let range = try parameters.wholeDays(
            start: start, end: end, names: WorkspaceDialect.dateNames, now: call.now)
        return (range, start != nil || end != nil)
    }

    // MARK: Totals

    private func totals(
        _ call: borrowing Call, _ parameters: Parameters, _ organization: [UInt8]
    ) throws(Problem) -> Reply {
        let (range, isGiven) = try range(call, parameters)
        try call.requireMeters()
        var inquiry = call.worker.inquiry(organization)
        var numbers: [(name: String, question: Question<Int64>)] = []
        var answered: TimeRange?
        for (name, now, created) in [
            ("projects_total", "projects", "projects_created"),
            ("threads_total", "threads", "threads_created"),
            ("interactions_total", "interactions", "interactions"),
            ("agent_flows_total", "agent_flows", "agent_flows"),
            ("uploaded_artifacts_total", "artifacts", "artifacts_created"),
        ] {
            if isGiven {
                let coverage = try parameters.exactCoverage(
                    of: [created], range, names: WorkspaceDialect.dateNames, call.worker.engine)
                answered = coverage.range
                numbers.append((name, inquiry.sum(created, coverage)))
            } else {
                numbers.append((name, inquiry.total(now)))
            }
        }
        let answers = try call.answer(inquiry)
        return Reply(answers, range: answered) { json in
            json.object {
                for (name, question) in numbers { $0.field(name, integer: answers[question]) }
            }
        }
    }

    // MARK: Series

    private func series(
        _ call: borrowing Call, _ parameters: Parameters, _ organization: [UInt8]
    ) throws(Problem) -> Reply {
        let meter: String
        switch try parameters.text("type").map({ String(decoding: $0, as: UTF8.self) }) {
        case "interactions": meter = "interactions"
        case "agent_flows": meter = "agent_flows"
        case "threads": meter = "threads_created"
        case "projects": meter = "projects_created"
        case "artifacts": meter = "artifacts_created"
        default:
            throw Problem(
                400, "type must be interactions, agent_flows, threads, projects or artifacts")
        }
        let (range, _) = try range(call, parameters)
        try call.requireMeters([meter])
        _ = try parameters.exactCoverage(
            of: [meter], range, names: WorkspaceDialect.dateNames, call.worker.engine)
        var inquiry = call.worker.inquiry(organization)
        let days = inquiry.days(meter, range)
        let answers = try call.answer(inquiry)
        return Reply(answers, range: range) { $0.dayList(range, answers[days], named: "value") }
    }

    // MARK: Rankings

    private func ranking(
        _ call: borrowing Call, _ parameters: Parameters, _ organization: [UInt8],
        _ subject: RankingSubject
    ) throws(Problem) -> Reply {
        let limit = try parameters.integer("limit", 1...100) ?? 10
        let (range, _) = try range(call, parameters)
        try call.requireMeters()
        let coverage = try parameters.exactCoverage(
            of: [subject.interactions, subject.flows], range, names: WorkspaceDialect.dateNames,
            call.worker.engine)
        let top = try call.topMembers(
            RankingMeters(
                first: subject.interactions, firstCount: "interactions", second: subject.flows,
                secondCount: "agent_flows"),
            coverage, limit: Int(limit), of: organization)
        let rows = RankingRow.top(Int(limit), top.first, top.second)
        var profiles = call.worker.inquiry(organization)
        let found = rows.map { row in
            profiles.profile(subject.dimension, id: row.id, members: subject.members)
        }
        let directory = rows.isEmpty ? nil : try call.answer(profiles)
        var json = JSONWriter()
        json.array { list in
            for (row, question) in zip(rows, found) {
                list.object {
                    $0.object(subject.dimension) {
                        subject.write(directory?[question] ?? nil, row.id, organization, &$0)
                    }
                    $0.field("interactions_created", integer: row.interactions)
                    $0.field("agent_flows_created", integer: row.flows)
                }
            }
        }
        return Reply(
            json.bytes, asOf: top.asOf, isAtomic: top.isAtomic, parked: top.parked,
            range: coverage.range)
    }
}

/// What is ranked.
private struct RankingSubject {
    let dimension: String
    /// Names of the meters.
    let interactions: String
    let flows: String
    let members: ProfileMembers
    let hasOrganization: Bool

    static let users = RankingSubject(
        dimension: "user", interactions: "user_interactions", flows: "user_agent_flows",
        members: ProfileMembers(["account_id", "name", "email", "state", "roles", "created_at"]),
        hasOrganization: true)
    static let projects = RankingSubject(
        dimension: "project", interactions: "project_interactions", flows: "project_agent_flows",
        members: ProfileMembers([
            "name", "goal", "deadline", "visibility", "member_count", "default_member_role",
            "default_role_enabled", "project_context", "answer_context", "is_pinned",
        ]), hasOrganization: false)

    /// The ids are the ones counted; all else is the directory's, or null where it is unknown.
    func write(
        _ profile: Profile?, _ id: [UInt8], _ organization: [UInt8], _ json: inout JSONWriter
    ) {
        json.field("id", string: id)
        if hasOrganization { json.field("org_id", string: organization) }
        json.fields(members, of: profile)
    }
}

/// One member of a ranking by activity.
private struct RankingRow {
    let id: [UInt8]
    let interactions: Int64
    let flows: Int64

    /// The first members by activity, then interactions, then id.
    static func top(
        _ limit: Int, _ interactions: [[[UInt8]]: Int64], _ flows: [[[UInt8]]: Int64]
    ) -> [RankingRow] {
        var rows: [RankingRow] = []
        for (members, count) in interactions {
            if let id = members.first {
                rows.append(RankingRow(id: id, interactions: count, flows: flows[members] ?? 0))
            }
        }
        for (members, count) in flows where interactions[members] == nil {
            if let id = members.first {
                rows.append(RankingRow(id: id, interactions: 0, flows: count))
            }
        }
        rows.removeAll { $0.interactions &+ $0.flows <= 0 }
        rows.sort { left, right in
            let (one, other) = (left.interactions &+ left.flows, right.interactions &+ right.flows)
            if one != other { return one > other }
            if left.interactions != right.interactions {
                return left.interactions > right.interactions
            }
            return left.id.lexicographicallyPrecedes(right.id)
        }
        return Array(rows.prefix(limit))
    }
}
