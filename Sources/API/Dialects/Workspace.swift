import HTTPServer
import Metering
import Query

/// Workspace analytics: totals, rankings of users and projects, daily series.
public struct WorkspaceDialect: Dialect {
    /// Its name in credentials and in configuration.
    public let name = "workspace"
    /// Request headers that its answers depend on.
    public let credentialHeaders = "Authorization, x-org"
    /// A token in `Authorization`.
    public let scheme = CredentialScheme.bearer
    /// All of its paths are below it.
    public let root = "/api/v1/app/organization/analytics"
    /// Its paths.
    public var routes: [DialectRoute] {
        let created = ["projects", "threads", "artifacts"].map {
            MeterNeed("\($0)_created", .count, [.day])
        }
        let levels = ["projects", "threads", "artifacts"].map { MeterNeed($0, .level, [.all]) }
        func activity(_ windows: [Window]) -> [MeterNeed] {
            ["interactions", "agent_flows"].map { MeterNeed($0, .count, windows) }
        }
        func ranking(_ subject: String) -> [MeterNeed] {
            ["interactions", "agent_flows"].map {
                MeterNeed("\(subject)_\($0)", .ranking, [.day], by: [subject])
            }
        }
        return [
            DialectRoute(
                "totals", root + "/totals", needs: levels + created + activity([.day, .all]),
                answer: totals),
            DialectRoute(
                "active-users", root + "/ranking/active-users", needs: ranking("user"),
                answer: activeUsers),
            DialectRoute(
                "active-projects", root + "/ranking/active-projects", needs: ranking("project"),
                answer: activeProjects),
            DialectRoute(
                "timeseries", root + "/timeseries", needs: created + activity([.day]),
                answer: series),
        ]
    }

    private static let profileMembers = ProfileMembers(["slug"])
    private static let dateNames = (start: "start_date", end: "end_date")

    /// The dialect.
    public init() {}

    /// The client's organization and the parameters.
    ///
    /// Throws where the credential does not open the path or a parameter is not known.
    private func open(
        _ call: borrowing Call, parameters known: [String]
    ) throws(Problem) -> (organization: [UInt8], parameters: Parameters) {
        let credential = try call.requireCredential(
            call.bearerToken(), for: self, message: "Invalid or missing token")
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
            call.request, known: ["start_date", "end_date"] + known, badStatus: 400)
        return (credential.organization, parameters)
    }

    /// `{error, message}`.
    public func body(of problem: Problem) -> [UInt8] { plainErrorBody(problem) }

    /// The range of days, and whether the client gave it.
    private func range(
        _ call: borrowing Call, _ parameters: Parameters
    ) throws(Problem) -> (TimeRange, isGiven: Bool) {
        let seconds = 0...Timestamp.endSecond - 1
        let start = try parameters.integer("start_date", seconds)
        let end = try parameters.integer("end_date", seconds)
        let range = try parameters.wholeDays(
            start: start, end: end, names: WorkspaceDialect.dateNames, nowSeconds: call.nowSeconds)
        return (range, start != nil || end != nil)
    }

    // MARK: Totals

    private func totals(_ call: borrowing Call) throws(Problem) -> Reply {
        let (organization, parameters) = try open(call, parameters: [])
        let (range, isGiven) = try range(call, parameters)
        try call.requireMeters()
        var inquiry = call.worker.inquiry(organization)
        var numbers: [(name: String, question: Question<Int64>)] = []
        var answered: TimeRange?
        for (name, level, created) in [
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
                numbers.append((name, inquiry.total(level)))
            }
        }
        let answers = try call.answer(inquiry)
        return Reply(answers, range: answered) { json in
            json.object {
                for (name, question) in numbers { $0.member(name, integer: answers[question]) }
            }
        }
    }

    // MARK: Series

    private func series(_ call: borrowing Call) throws(Problem) -> Reply {
        let (organization, parameters) = try open(call, parameters: ["type"])
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

    private func activeUsers(_ call: borrowing Call) throws(Problem) -> Reply {
        try ranking(call, .users)
    }

    private func activeProjects(_ call: borrowing Call) throws(Problem) -> Reply {
        try ranking(call, .projects)
    }

    private func ranking(
        _ call: borrowing Call, _ subject: RankingSubject
    ) throws(Problem) -> Reply {
        let (organization, parameters) = try open(call, parameters: ["limit"])
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
        let rows = top.rows.map { row in (id: row.members.first ?? [], numbers: row) }
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
                    $0.member("interactions_created", integer: row.numbers.first)
                    $0.member("agent_flows_created", integer: row.numbers.second)
                }
            }
        }
        return Reply(
            json.bytes, asOfMilliseconds: top.asOfMilliseconds, isAtomic: top.isAtomic,
            parked: top.parked,
            range: coverage.range)
    }
}

/// What is ranked: users or projects.
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

    /// Writes the counted id, and the profile's members; null where the directory lacks them.
    func write(
        _ profile: Profile?, _ id: [UInt8], _ organization: [UInt8], _ json: inout JSONWriter
    ) {
        json.member("id", string: id)
        if hasOrganization { json.member("org_id", string: organization) }
        json.members(members, of: profile)
    }
}
