import HTTPServer
import Metering
import Query

/// Identity provider analytics: tokens issued, activity of agents.
public struct IdentityDialect: Dialect {
    /// Its name in credentials and in configuration.
    public let name = "identity"
    /// Request headers that its answers depend on.
    public let credentialHeaders = "Authorization"
    /// A JSON Web Token in `Authorization`.
    public let scheme = CredentialScheme.bearer
    /// None: it is opened by tokens.
    public let keys: DialectKeys? = nil
    /// All of its paths are below it.
    public let root = "/api/v1/analytics"
    /// Its paths.
    public var routes: [DialectRoute] {
        [
            DialectRoute(
                "tokens", root + "/tokens", needs: [MeterNeed("tokens", .count, [.day])],
                answer: tokens),
            DialectRoute(
                "activity", root + "/agents/activity",
                needs: [MeterNeed("agent_activity", .grid)], answer: activity),
            DialectRoute(
                "agents", root + "/agents",
                needs: [MeterNeed("agent_tokens", .ranking, [.month], by: ["agent"])],
                answer: agents),
        ]
    }
    private let verifier: TokenVerifier?

    /// The dialect; without a verifier every token is refused.
    public init(verifier: TokenVerifier?) { self.verifier = verifier }

    /// The organization of the token; counts the request among those of the organization.
    private func enter(_ call: borrowing Call) throws(Problem) -> [UInt8] {
        let token = call.bearerToken()
        guard let token, let verifier,
            let claims = verifier.verify(token, nowSeconds: call.nowSeconds)
        else {
            throw Problem.unauthorized("Missing, invalid or expired token", secret: token)
        }
        try call.charge.begin(token: claims)
        guard let tenant = claims.organization else {
            throw Problem(403, "The token names no organization")
        }
        try call.charge.enter(tenant)
        return tenant
    }

    private func tokens(_ call: borrowing Call) throws(Problem) -> Reply {
        let tenant = try enter(call)
        let parameters = try Parameters(call.request, known: ["days"], badStatus: 400)
        let count = try parameters.integer("days", 1...90) ?? 30
        try call.requireMeters()
        let range = TimeRange.days(count, until: call.nowSeconds)
        var inquiry = call.worker.inquiry(tenant)
        let days = inquiry.days("tokens", range)
        let answers = try call.answer(inquiry)
        return Reply(answers, range: range) { json in
            json.object {
                $0.member("tenantId", string: tenant)
                $0.member("days", integer: count)
                $0.days("data", range, answers[days], named: "count")
            }
        }
    }

    private func activity(_ call: borrowing Call) throws(Problem) -> Reply {
        let tenant = try enter(call)
        try Parameters.refuseAll(of: call.request, badStatus: 400)
        try call.requireMeters()
        var inquiry = call.worker.inquiry(tenant)
        let grid = inquiry.grid("agent_activity")
        let answers = try call.answer(inquiry)
        return Reply(answers) { json in
            json.object {
                $0.member("tenantId", string: tenant)
                $0.array("data") { list in
                    for cell in answers[grid] {
                        list.gridCell(cell) { $0.integer(cell.count) }
                    }
                }
            }
        }
    }

    private func agents(_ call: borrowing Call) throws(Problem) -> Reply {
        let tenant = try enter(call)
        try Parameters.refuseAll(of: call.request, badStatus: 400)
        try call.requireMeters()
        let month = TimeRange.month(of: call.nowSeconds)
        var inquiry = call.worker.inquiry(tenant)
        let ranking = inquiry.ranking(
            "agent_tokens", call.worker.engine.coverage(of: ["agent_tokens"], month))
        let answers = try call.answer(inquiry)
        return Reply(answers, range: month) { json in
            json.object {
                $0.member("tenantId", string: tenant)
                $0.member("month", string: TimeText.month(second: month.start))
                $0.array("data") { list in
                    for agent in answers[ranking].ranked {
                        list.object {
                            $0.member("agentId", string: agent.members.first ?? [])
                            $0.member("tokenCount", integer: agent.number)
                        }
                    }
                }
            }
        }
    }

    /// `{code, message}`.
    public func body(of problem: Problem) -> [UInt8] {
        let code =
            switch problem.status {
            case 400, 422: "VALIDATION_ERROR"
            case 401: "UNAUTHORIZED"
            case 403: "FORBIDDEN"
            case 404: "NOT_FOUND"
            case 405: "METHOD_NOT_ALLOWED"
            case 429: "TOO_MANY_REQUESTS"
            case 501: "NOT_IMPLEMENTED"
            case 503: "UNAVAILABLE"
            default: "INTERNAL_ERROR"
            }
        var json = JSONWriter(capacity: 128)
        json.object {
            $0.member("code", string: code)
            $0.member("message", string: problem.message)
        }
        return json.bytes
    }
}
