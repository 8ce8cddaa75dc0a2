import API
import Foundation
import Query
import Testing

/// Two organizations: nothing of one may ever stand in an answer to the other.
@Suite struct TenantTests {
    private let mine = "11111111-1111-4111-8111-111111111111"
    private let other = "22222222-2222-4222-8222-222222222222"

    private func world() throws -> House {
        let house = try House()
        for (organization, factor) in [(mine, 1), (other, 77_000)] {
            try house.directory(
                organization, "organization",
                ["slug": #""slug-\#(factor)""#, "name": #""name-\#(factor)""#])
            try house.directory(organization, "user:u", ["name": #""user-\#(factor)""#])
            try house.add(
                organization, "totals", ["buckets": factor, "projects": factor])
            try house.add(organization, "tokens:day:2026-03", ["09": factor])
            try house.add(organization, "sessions:day:2026-03", ["09": factor])
            try house.add(organization, "interactions:day:2026-03", ["09": factor])
            try house.add(organization, "agent_activity:grid:1", ["09": factor])
            try house.rank(organization, "agent_tokens:month:2026-03", ["a": factor])
            for subject in ["user", "project"] {
                try house.rank(
                    organization, "\(subject)_interactions:day:2026-03-09", ["u": factor])
            }
            try house.add(organization, "connections_opened:all", ["s:p:d": factor])
            try house.set(
                organization, "connection_activity:all", "s:p:d", try House.digits(House.now))
        }
        return house
    }

    private func headers(_ house: House) throws -> [String: [String: String]] {
        let token = try signed(
            #"{"organization_id": "\#(mine)", "exp": 1893456000}"#, key: House.secret)
        return [
            "overview": ["X-API-Key": try house.key(mine, ["overview"])],
            "workspace": [
                "Authorization": "Bearer " + (try house.key(mine, ["workspace"])),
                "x-org": "slug-1",
            ],
            "connections": ["Authorization": try house.key(mine, ["connections"])],
            "privacy": ["x-api-key": try house.key(mine, ["privacy"])],
            "identity": ["Authorization": "Bearer \(token)"],
            "operations": ["Authorization": "Bearer " + (try house.key(mine, ["operations"]))],
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
        let house = try world()
        let headers = try headers(house)
        for (dialect, path) in routes {
            let own = headers[dialect] ?? [:]
            let plain = try house.get(path, own)
            #expect(plain.status == 200, "\(path)")
            #expect(!plain.body.contains("77000"), "\(path)")
            #expect(!plain.body.contains(other), "\(path)")
            let mark = path.contains("?") ? "&" : "?"
            for name in [
                "organization", "organizationId", "organization_id", "org", "org_id", "tenantId",
                "organizationid", "x-org", "subject", "%6Frganization",
            ] {
                let answer = try house.get("\(path)\(mark)\(name)=\(other)", own)
                #expect(answer.status == (dialect == "privacy" ? 422 : 400), "\(path) \(name)")
                #expect(answer.body.contains("unknown parameter"), "\(path) \(name)")
            }
            var more = own
            for name in ["X-Organization", "X-Tenant", "X-Org-Id", "X-Odometer-Organization"] {
                more[name] = other
            }
            #expect(try house.get(path, more).body == plain.body)
        }
    }

    @Test func otherPathsAndSlugs() throws {
        let house = try world()
        let headers = try headers(house)
        let privacy = headers["privacy"] ?? [:]
        let refused = try house.get("/organizations/\(other)/metrics", privacy)
        #expect(refused.status == 403)
        // Of an organization that does not exist nothing else is said.
        let unknown = try house.get(
            "/organizations/33333333-3333-4333-8333-333333333333/metrics", privacy)
        #expect((unknown.status, unknown.body) == (refused.status, refused.body))
        for path in [
            "/organizations/\(mine)%2F..%2F\(other)/metrics", "/organizations/\(other)%00/metrics",
            "/organizations/\(mine)/../\(other)/metrics", "/organizations/\(mine)%3A/metrics",
            "/organizations//metrics", "/organizations/\(other)/metrics/",
        ] {
            if let answer = try? house.get(path, privacy) {
                #expect([404, 422].contains(answer.status), "\(path)")
            }
        }
        var workspace = headers["workspace"] ?? [:]
        for slug in ["slug-77000", "SLUG-1", "slug-1 ", mine, other, "slug-1,slug-77000"] {
            workspace["x-org"] = slug
            let answer = try house.get("/api/v1/app/organization/analytics/totals", workspace)
            #expect(answer.status == (slug == "slug-1 " ? 200 : 403), "\(slug)")
        }
    }

    /// A key opens its dialects and no others.
    @Test func keysOfOtherDialects() throws {
        let house = try world()
        let headers = try headers(house)
        for (dialect, path) in routes {
            for (name, own) in headers where name != dialect {
                var all: [String: String] = ["x-org": "slug-1"]
                let secret = (own["X-API-Key"] ?? own["x-api-key"] ?? own["Authorization"]) ?? ""
                let bare = secret.replacingOccurrences(of: "Bearer ", with: "")
                all["X-API-Key"] = bare
                all["Authorization"] = "Bearer \(bare)"
                #expect(try house.get(path, all).status == 401, "\(name) at \(path)")
            }
        }
    }
}
