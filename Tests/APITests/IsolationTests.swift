import API
import Foundation
import HTTPServer
import Ingest
import Query
import Synchronization
import Testing

/// Every route, with a key of one organization, and the id of another one wherever an id can be.
///
/// A route that is in no dialect's list of `asks` fails the first test: who adds one says how it is
/// asked, and the others then try it.
@Suite struct IsolationTests {
    private static let mine = "11111111-1111-4111-8111-111111111111"
    private static let other = "22222222-2222-4222-8222-222222222222"
    /// Part of every number and name of the other organization, and of none of the own one.
    private static let mark = "77000"

    /// How a route is asked about the own organization.
    private struct Ask {
        var method = HTTPServer.Method.get
        /// `{mine}` is the organization's id.
        var path: String
        var body = ""
        /// Texts of a body in which `{other}` is the other organization's id.
        var bodies: [String] = []
        /// The same for targets.
        var targets: [String] = []
    }

    private static let workspace = "/api/v1/app/organization/analytics/"
    private static let question = #"{"from": "2026-03-09T00:00:00Z", "to": "2026-03-10T00:00:00Z""#
    private static let event = #"{"specversion": "1.0", "id": "1", "source": "s", "type": "t""#

    /// Routes by `dialect/name`.
    private static let asks: [String: Ask] = [
        "overview/overview": Ask(path: "/api/analytics/overview"),
        "workspace/totals": Ask(path: workspace + "totals"),
        "workspace/active-users": Ask(path: workspace + "ranking/active-users"),
        "workspace/active-projects": Ask(path: workspace + "ranking/active-projects"),
        "workspace/timeseries": Ask(path: workspace + "timeseries?type=interactions"),
        "connections/summary": Ask(path: "/api/connection-analytics/summary"),
        "privacy/metrics": Ask(
            path: "/organizations/{mine}/metrics",
            targets: [
                "/organizations/{other}/metrics", "/organizations/{mine}%2F..%2F{other}/metrics",
                "/organizations/{mine}/../{other}/metrics",
                "/organizations/{mine}/metrics/../../{other}/metrics",
            ]),
        "identity/tokens": Ask(path: "/api/v1/analytics/tokens"),
        "identity/activity": Ask(path: "/api/v1/analytics/agents/activity"),
        "identity/agents": Ask(path: "/api/v1/analytics/agents"),
        "operations/meters": Ask(path: "/v1/meters"),
        "operations/meter": Ask(
            path: "/v1/meters/tokens",
            targets: [
                "/v1/meters/{other}", "/v1/meters/{other}:tokens", "/v1/meters/tokens%3A{other}",
            ]),
        "operations/query": Ask(
            path: "/v1/meters/tokens/query?from=2026-03-09&to=2026-03-10",
            targets: [
                "/v1/meters/tokens/query?from=2026-03-09&to=2026-03-10&subject={other}",
                "/v1/meters/tokens/query?from=2026-03-09&to=2026-03-10&subject=*",
                "/v1/meters/tokens/query?from=2026-03-09&to=2026-03-10&filter=subject={other}",
                "/v1/meters/tokens/query?from=2026-03-09&to=2026-03-10&by=subject",
            ]),
        "operations/query_post": Ask(
            method: .post, path: "/v1/meters/tokens/query", body: question + "}",
            bodies: [
                question + #", "filter": {"subject": "{other}"}}"#,
                question + #", "filter": {"organization": "{other}"}}"#,
                question + #", "by": ["subject"]}"#, question + #", "subject": "{other}"}"#,
                question + #", "subject": ["{mine}", "{other}"]}"#,
                question + #", "subject": "*"}"#,
            ]),
        "operations/queries": Ask(
            method: .post, path: "/v1/query",
            body: question + #", "queries": [{"meter": "tokens"}]}"#,
            bodies: [
                question + #", "queries": [{"meter": "tokens", "organization": "{other}"}]}"#,
                question
                    + #", "queries": [{"meter": "tokens", "filter": {"subject": "{other}"}}]}"#,
                question + #", "subject": "{other}", "queries": [{"meter": "tokens"}]}"#,
                question + #", "queries": [{"meter": "tokens", "subject": "{other}"}]}"#,
            ]),
        "operations/check": Ask(
            method: .post, path: "/v1/check", body: #"{"meter": "tokens"}"#,
            bodies: [
                #"{"meter": "tokens", "subject": "{other}"}"#,
                #"{"checks": [{"meter": "tokens"}, {"meter": "tokens", "subject": "{other}"}]}"#,
                #"{"meter": "tokens", "by": {"subject": "{other}"}}"#,
            ]),
        "operations/subjects": Ask(path: "/v1/meters/tokens/subjects"),
        "operations/events": Ask(
            method: .post, path: "/v1/events", body: event + #", "subject": "{mine}"}"#,
            bodies: [
                event + #", "subject": "{other}"}"#,
                event + #", "subject": "{mine}", "subject": "{other}"}"#,
                event + #", "sub\u006aect": "{other}", "subject": "{mine}"}"#,
                event + #", "subject": ["{other}"]}"#,
                "[" + event + #", "subject": "{mine}"}, "# + event + #", "subject": "{other}"}]"#,
            ]),
        "openmeter/meters": Ask(path: "/api/v1/meters"),
        "openmeter/meters_post": Ask(method: .post, path: "/api/v1/meters", body: "{}"),
        "openmeter/meter": Ask(path: "/api/v1/meters/tokens", targets: ["/api/v1/meters/{other}"]),
        "openmeter/meter_put": Ask(method: .put, path: "/api/v1/meters/tokens", body: "{}"),
        "openmeter/meter_delete": Ask(method: .delete, path: "/api/v1/meters/tokens"),
        "openmeter/query": Ask(
            path: "/api/v1/meters/tokens/query",
            targets: [
                "/api/v1/meters/tokens/query?subject={other}",
                "/api/v1/meters/tokens/query?subject={mine}&subject={other}",
                "/api/v1/meters/tokens/query?groupBy=subject",
                "/api/v1/meters/tokens/query?filterCustomerId={other}",
                "/api/v1/meters/tokens/query?filterGroupBy[subject]={other}",
            ]),
        "openmeter/query_post": Ask(
            method: .post, path: "/api/v1/meters/tokens/query", body: "{}",
            bodies: [
                #"{"subject": ["{other}"]}"#, #"{"subject": ["{mine}", "{other}"]}"#,
                #"{"filterCustomerId": ["{other}"]}"#, #"{"groupBy": ["subject"]}"#,
                #"{"filterGroupBy": {"subject": ["{other}"]}}"#,
            ]),
        "openmeter/subjects": Ask(path: "/api/v1/meters/tokens/subjects"),
        "openmeter/values": Ask(path: "/api/v1/meters/tokens/group-by/subject/values"),
        "openmeter/portal_tokens_post": Ask(
            method: .post, path: "/api/v1/portal/tokens", body: #"{"subject": "{mine}"}"#,
            bodies: [#"{"subject": "{other}"}"#]),
        "openmeter/portal_tokens": Ask(path: "/api/v1/portal/tokens"),
        "openmeter/portal_tokens_invalidate": Ask(
            method: .post, path: "/api/v1/portal/tokens/invalidate",
            body: #"{"subject": "{other}"}"#),
        "openmeter/events_post": Ask(
            method: .post, path: "/api/v1/events", body: event + #", "subject": "{mine}"}"#,
            bodies: [
                event + #", "subject": "{other}"}"#,
                "[" + event + #", "subject": "{mine}"}, "# + event + #", "subject": "{other}"}]"#,
            ]),
        "openmeter_portal/query": Ask(
            path: "/api/v1/portal/meters/tokens/query",
            targets: ["/api/v1/portal/meters/tokens/query?subject={other}"]),
        "openmeter_portal/query_options": Ask(
            method: .options, path: "/api/v1/portal/meters/tokens/query"),
        "openmeter_v3/meters": Ask(path: "/api/v3/openmeter/meters"),
        "openmeter_v3/meters_post": Ask(
            method: .post, path: "/api/v3/openmeter/meters", body: "{}"),
        "openmeter_v3/meter": Ask(path: "/api/v3/openmeter/meters/tokens"),
        "openmeter_v3/meter_put": Ask(
            method: .put, path: "/api/v3/openmeter/meters/tokens", body: "{}"),
        "openmeter_v3/meter_delete": Ask(
            method: .delete, path: "/api/v3/openmeter/meters/tokens"),
        "openmeter_v3/query": Ask(
            method: .post, path: "/api/v3/openmeter/meters/tokens/query", body: "{}",
            bodies: [
                #"{"filters": {"dimensions": {"subject": {"eq": "{other}"}}}}"#,
                #"{"filters": {"dimensions": {"subject": {"in": ["{mine}", "{other}"]}}}}"#,
                #"{"filters": {"dimensions": {"customer_id": {"eq": "{other}"}}}}"#,
                #"{"group_by_dimensions": ["subject"]}"#,
            ]),
        "openmeter_v3/events": Ask(
            path: "/api/v3/openmeter/events",
            targets: ["/api/v3/openmeter/events?filter[subject][eq]={other}"]),
        "openmeter_v3/events_post": Ask(
            method: .post, path: "/api/v3/openmeter/events",
            body: event + #", "subject": "{mine}"}"#,
            bodies: [event + #", "subject": "{other}"}"#]),
    ]

    /// Names under which a request may try to name an organization.
    private static let names = [
        "organization", "organizationId", "organization_id", "org", "tenantId", "subject",
        "customer", "x-org", "Subject", "%6Frganization", "organization[]",
    ]
    private static let headerNames = [
        "X-Organization", "X-Tenant", "X-Org-Id", "X-Odometer-Organization", "X-Subject",
        "ce-subject", "X-Forwarded-Organization",
    ]

    // MARK: The world

    private let log = ListedLog()
    private let service: TestService

    init() throws {
        service = try TestService(events: log)
        for (organization, factor) in [(Self.mine, 1), (Self.other, 77_000)] {
            try service.directory(
                organization, "organization",
                ["slug": #""slug-\#(factor)""#, "name": #""name-\#(factor)""#])
            try service.directory(organization, "user:u", ["name": #""user-\#(factor)""#])
            try service.add(organization, "totals", ["buckets": factor, "projects": factor])
            try service.add(organization, "tokens:day:2026-03", ["09": factor])
            try service.add(organization, "sessions:day:2026-03", ["09": factor])
            try service.add(organization, "interactions:day:2026-03", ["09": factor])
            try service.add(organization, "agent_activity:grid:1", ["09": factor])
            try service.rank(organization, "agent_tokens:month:2026-03", ["a\(factor)": factor])
            for subject in ["user", "project"] {
                try service.rank(
                    organization, "\(subject)_interactions:day:2026-03-09", ["u": factor])
            }
            try service.add(organization, "connections_opened:all", ["s:p:d": factor])
            try service.set(
                organization, "connection_activity:all", "s:p:d",
                try TestService.digits(TestService.now))
        }
    }

    private var dialects: [any Dialect] {
        get throws {
            Dialects.all(
                verifier: try TokenVerifier(algorithm: .hs256, key: TestService.secret),
                portal: try PortalTokens(secret: TestService.secret),
                intake: try EventIntake(
                    catalog: try TestService.catalog(), futureBoundMilliseconds: 0, log: log))
        }
    }

    /// Headers with a credential of an organization; those of identity and portals are tokens.
    private func headers(
        _ dialect: String, _ role: Role, of organization: String = mine
    ) throws -> [String: String] {
        var headers = ["Content-Type": "application/json"]
        let name = dialect.hasPrefix("openmeter") ? "openmeter" : dialect
        switch dialect {
        case "identity":
            let token = try signed(
                #"{"organization_id": "\#(organization)", "exp": 1893456000}"#,
                key: TestService.secret)
            headers["Authorization"] = "Bearer \(token)"
        case "openmeter_portal":
            let made = try service.send(
                .post, "/api/v1/portal/tokens",
                try self.headers("openmeter", .admin, of: organization),
                body: Array(#"{"subject": "\#(organization)"}"#.utf8))
            let object = try JSONSerialization.jsonObject(with: Data(made.body.utf8))
            let token = try #require((object as? [String: Any])?["token"] as? String)
            headers["Authorization"] = "Bearer \(token)"
        default:
            let key = try service.key(organization, [name], role: role)
            headers["Authorization"] = name == "connections" ? key : "Bearer \(key)"
            headers["X-API-Key"] = key
            headers["x-org"] = "slug-1"
        }
        return headers
    }

    private func filled(_ text: String) -> String {
        text.replacing("{mine}", with: Self.mine).replacing("{other}", with: Self.other)
    }

    // MARK: Tests

    @Test func everyRouteIsInTheTable() throws {
        for dialect in try dialects {
            for route in dialect.routes {
                let name = "\(dialect.name)/\(route.name)"
                let ask = Self.asks[name]
                #expect(ask != nil, "\(name) (\(route.pattern)): add it to the table of this test")
                #expect(ask?.method == nil || ask?.method == route.method, "\(name)")
            }
        }
    }

    /// Else the next test could not fail.
    @Test func theMarkIsInTheOtherOrganizationsOwnAnswers() throws {
        for name in [
            "overview/overview", "connections/summary", "privacy/metrics", "identity/tokens",
            "operations/query", "operations/query_post", "operations/queries", "openmeter/query",
            "openmeter/query_post", "openmeter_v3/query", "openmeter_portal/query",
        ] {
            let ask = try #require(Self.asks[name])
            let dialect = String(name.prefix { $0 != "/" })
            let answer = try service.send(
                ask.method, ask.path.replacing("{mine}", with: Self.other),
                try headers(dialect, .admin, of: Self.other), body: Array(ask.body.utf8))
            #expect(answer.status == 200, "\(name): \(answer.body)")
            #expect(answer.body.contains(Self.mark), "\(name): \(answer.body)")
        }
    }

    @Test(arguments: [Role.admin, .read, .write])
    func nothingOfAnotherOrganizationIsAnswered(_ role: Role) throws {
        var asked = 0
        for dialect in try dialects {
            let own = try headers(dialect.name, role)
            for route in dialect.routes {
                let name = "\(dialect.name)/\(route.name)"
                guard let ask = Self.asks[name] else { continue }
                asked += try attack(name, ask, own)
            }
        }
        #expect(asked > 500, "\(asked) requests")
        #expect(log.keys.allSatisfy { $0 == Self.mine }, "\(Set(log.keys))")
    }

    /// Tries one route; how many requests it took.
    private func attack(_ name: String, _ ask: Ask, _ own: [String: String]) throws -> Int {
        let path = filled(ask.path)
        let body = filled(ask.body)
        var count = 1
        let plain = try service.send(ask.method, path, own, body: Array(body.utf8))
        #expect(!plain.body.contains(Self.mark), "\(name)")
        func tries(_ target: String, _ headers: [String: String], _ body: String) throws {
            count += 1
            guard
                let answer = try? service.send(
                    ask.method, target, headers, body: Array(body.utf8))
            else { return }
            #expect(!answer.body.contains(Self.mark), "\(name) \(target) \(body)")
        }
        for parameter in Self.names {
            let mark = path.contains("?") ? "&" : "?"
            try tries("\(path)\(mark)\(parameter)=\(Self.other)", own, body)
        }
        for header in Self.headerNames {
            var headers = own
            headers[header] = Self.other
            count += 1
            let answer = try service.send(ask.method, path, headers, body: Array(body.utf8))
            #expect(answer.status == plain.status, "\(name) \(header)")
            #expect(!answer.body.contains(Self.mark), "\(name) \(header)")
        }
        for slug in ["slug-77000", Self.other] where own["x-org"] != nil {
            var headers = own
            headers["x-org"] = slug
            try tries(path, headers, body)
        }
        for target in ask.targets { try tries(filled(target), own, body) }
        for body in ask.bodies { try tries(path, own, filled(body)) }
        guard body.hasPrefix("{") else { return count }
        for member in ["organization", "organizationId", "subject", "org", "tenant"] {
            try tries(path, own, body.dropLast() + #", "\#(member)": "\#(Self.other)"}"#)
            try tries(path, own, #"{"\#(member)": "\#(Self.other)", "# + body.dropFirst())
        }
        return count
    }
}
