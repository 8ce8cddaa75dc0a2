import API
import Foundation
import Query
import Testing

/// Two organizations: nothing of one may ever be in an answer to the other.
@Suite struct TenantTests {
    private let mine = "11111111-1111-4111-8111-111111111111"
    private let other = "22222222-2222-4222-8222-222222222222"

    private func world() throws -> TestService {
        let service = try TestService()
        for (organization, factor) in [(mine, 1), (other, 77_000)] {
            try service.directory(
                organization, "organization",
                ["slug": #""slug-\#(factor)""#, "name": #""name-\#(factor)""#])
            try service.directory(organization, "user:u", ["name": #""user-\#(factor)""#])
            try service.add(
                organization, "totals", ["buckets": factor, "projects": factor])
            try service.add(organization, "tokens:day:2026-03", ["09": factor])
            try service.add(organization, "sessions:day:2026-03", ["09": factor])
            try service.add(organization, "interactions:day:2026-03", ["09": factor])
            try service.add(organization, "agent_activity:grid:1", ["09": factor])
            try service.rank(organization, "agent_tokens:month:2026-03", ["a": factor])
            for subject in ["user", "project"] {
                try service.rank(
                    organization, "\(subject)_interactions:day:2026-03-09", ["u": factor])
            }
            try service.add(organization, "connections_opened:all", ["s:p:d": factor])
            try service.set(
                organization, "connection_activity:all", "s:p:d",
                try TestService.digits(TestService.now))
        }
        return service
    }

    private func headers(_ service: TestService) throws -> [String: [String: String]] {
        let token = try signed(
            #"{"organization_id": "\#(mine)", "exp": 1893456000}"#, key: TestService.secret)
        return [
            "overview": ["X-API-Key": try service.key(mine, ["overview"])],
            "workspace": [
                "Authorization": "Bearer " + (try service.key(mine, ["workspace"])),
                "x-org": "slug-1",
            ],
            "connections": ["Authorization": try service.key(mine, ["connections"])],
            "privacy": ["x-api-key": try service.key(mine, ["privacy"])],
            "identity": ["Authorization": "Bearer \(token)"],
            "operations": ["Authorization": "Bearer " + (try service.key(mine, ["operations"]))],
        ]
    }

    private var routes: [(dialect: String, path: String)] {
        let workspace = "/api/v1/app/organization/analytics/"
        return [
            ("overview", "/api/analytics/overview"), ("workspace", workspace + "totals"),
            ("workspace", workspace + "ranking/active-users"),
            ("workspace", workspace + "ranking/active-projects"),
            ("workspace", workspace + "timeseries?type=interactions"),
            ("connections", "/api/connection-analytics/summary"),
            ("privacy", "/organizations/\(mine)/metrics"),
            ("identity", "/api/v1/analytics/tokens"),
            ("identity", "/api/v1/analytics/agents/activity"),
            ("identity", "/api/v1/analytics/agents"), ("operations", "/v1/meters/buckets"),
            ("operations", "/v1/meters/tokens"),
        ]
    }

    /// Parameters that name the other organization are refused, headers change nothing.
    @Test func strayIdentifiers() throws {
        let service = try world()
        let headers = try headers(service)
        for (dialect, path) in routes {
            let own = headers[dialect] ?? [:]
            let plain = try service.get(path, own)
            #expect(plain.status == 200, "\(path)")
            #expect(!plain.body.contains("77000"), "\(path)")
            #expect(!plain.body.contains(other), "\(path)")
            let mark = path.contains("?") ? "&" : "?"
            for name in [
                "organization", "organizationId", "organization_id", "org", "org_id", "tenantId",
                "organizationid", "x-org", "subject", "%6Frganization",
            ] {
                let answer = try service.get("\(path)\(mark)\(name)=\(other)", own)
                #expect(answer.status == (dialect == "privacy" ? 422 : 400), "\(path) \(name)")
                #expect(answer.body.contains("unknown parameter"), "\(path) \(name)")
            }
            var more = own
            for name in ["X-Organization", "X-Tenant", "X-Org-Id", "X-Odometer-Organization"] {
                more[name] = other
            }
            #expect(try service.get(path, more).body == plain.body)
        }
    }

    @Test func otherPathsAndSlugs() throws {
        let service = try world()
        let headers = try headers(service)
        let privacy = headers["privacy"] ?? [:]
        let refused = try service.get("/organizations/\(other)/metrics", privacy)
        #expect(refused.status == 403)
        // Of an organization that does not exist nothing else is said.
        let unknown = try service.get(
            "/organizations/33333333-3333-4333-8333-333333333333/metrics", privacy)
        #expect((unknown.status, unknown.body) == (refused.status, refused.body))
        for path in [
            "/organizations/\(mine)%2F..%2F\(other)/metrics", "/organizations/\(other)%00/metrics",
            "/organizations/\(mine)/../\(other)/metrics", "/organizations/\(mine)%3A/metrics",
            "/organizations//metrics", "/organizations/\(other)/metrics/",
        ] {
            if let answer = try? service.get(path, privacy) {
                #expect([404, 422].contains(answer.status), "\(path)")
            }
        }
        var workspace = headers["workspace"] ?? [:]
        for slug in ["slug-77000", "SLUG-1", "slug-1 ", mine, other, "slug-1,slug-77000"] {
            workspace["x-org"] = slug
            let answer = try service.get("/api/v1/app/organization/analytics/totals", workspace)
            #expect(answer.status == (slug == "slug-1 " ? 200 : 403), "\(slug)")
        }
    }

    /// A key opens its dialects and no others.
    @Test func keysOfOtherDialects() throws {
        let service = try world()
        let headers = try headers(service)
        for (dialect, path) in routes {
            for (name, own) in headers where name != dialect {
                var all: [String: String] = ["x-org": "slug-1"]
                let secret = (own["X-API-Key"] ?? own["x-api-key"] ?? own["Authorization"]) ?? ""
                let bare = secret.replacingOccurrences(of: "Bearer ", with: "")
                all["X-API-Key"] = bare
                all["Authorization"] = "Bearer \(bare)"
                #expect(try service.get(path, all).status == 401, "\(name) at \(path)")
            }
        }
    }
}
