import API
import Foundation
import Query
import Redis
import Testing

/// A request that comes again reads in one round trip, and nothing of what it
/// was told before is told again.
@Suite struct PrefetchTests {
    private let root = "/api/v1/app/organization/analytics/"
    private let ranking = "/api/v1/app/organization/analytics/ranking/active-users?limit=2"

    private func open() throws -> (TestService, [String: String]) {
        let service = try TestService()
        service.asksAgain = false
        let key = try service.key("org-w", ["workspace"], role: .admin)
        try service.directory("org-w", "organization", ["slug": #""aurora-labs""#])
        try service.rank("org-w", "user_interactions:day:2026-03-09", ["u1": 5, "u2": 3, "u3": 1])
        try service.directory("org-w", "user:u1", ["name": #""Ada""#])
        try service.directory("org-w", "user:u3", ["name": #""Cleo""#])
        return (service, ["Authorization": "Bearer \(key)", "x-org": "aurora-labs"])
    }

    /// Calls of each command since the last reset.
    private func calls(_ service: TestService) throws -> [String: Int] {
        var calls: [String: Int] = [:]
        let text = try service.run("INFO", "commandstats").text ?? ""
        for line in text.split(whereSeparator: \.isNewline) where line.hasPrefix("cmdstat_") {
            let parts = line.dropFirst("cmdstat_".count).split(separator: ":")
            let count = parts[1].split(separator: ",")[0].split(separator: "=")[1]
            calls[String(parts[0])] = Int(count)
        }
        return calls
    }

    private func learned(
        _ service: TestService, _ target: String, _ headers: [String: String]
    ) throws -> Answer {
        let first = try service.get(target, headers)
        #expect(first.status == 200, "\(first.body)")
        return first
    }

    @Test func oneRoundTrip() throws {
        let (service, headers) = try open()
        let first = try learned(service, ranking, headers)
        try service.run("CONFIG", "RESETSTAT")
        let second = try service.get(ranking, headers)
        #expect(second.body == first.body)
        let calls = try calls(service)
        // Credential, slug, both rankings, the rows' profiles and the fields of the marks; nothing
        // is asked for its size.
        #expect(calls["multi"] == 1 && calls["exec"] == 1, "\(calls)")
        #expect(calls["zcard"] == nil && calls["hlen"] == nil, "\(calls)")
        #expect(calls["hmget"] == 5, "\(calls)")
    }

    @Test func everyChangeIsSeen() throws {
        let (service, headers) = try open()
        let totals = root + "totals"
        _ = try learned(service, totals, headers)
        #expect(try service.get(totals, headers).body.contains(#""threads_total":0"#))
        try service.add("org-w", "totals", ["threads": 7])
        #expect(try service.get(totals, headers).body.contains(#""threads_total":7"#))
        // Another order of the rows needs other profiles.
        let before = try learned(service, ranking, headers)
        #expect(before.body.contains("Ada") && !before.body.contains("Cleo"))
        try service.rank("org-w", "user_interactions:day:2026-03-09", ["u3": 9])
        for _ in 0..<3 {
            let after = try service.get(ranking, headers)
            #expect(after.body.contains("Cleo") && after.body.contains("Ada"), "\(after.body)")
        }
        // What has grown beyond the room that was left is read whole.
        for number in 10..<400 {
            try service.run(
                "ZADD", TestService.key("org-w", "user_interactions:day:2026-03-09"), "\(number)",
                "v\(number)")
        }
        for _ in 0..<3 {
            let after = try service.get(ranking, headers)
            #expect(after.body.contains(#""id":"v399""#) && after.body.contains(#""id":"v398""#))
        }
        // Tomorrow other cells are asked for.
        try service.setNow("2026-05-01T00:00:01Z")
        for _ in 0..<2 { #expect(try service.get(ranking, headers).body == "[]") }
    }

    @Test func growingTableIsReadWhole() throws {
        let service = try TestService()
        service.asksAgain = false
        let organization = "1c9a7c4e-0c5d-4b9e-8f7a-2f9d1c0b7a11"
        let key = try service.key(organization, ["privacy"])
        try service.directory(organization, "organization", ["name": #""A""#])
        let table = TestService.key(organization, "consent_browsers:day:2026-03-09")
        try service.run("HSET", table, "b0", "1")
        let target = "/organizations/\(organization)/metrics"
        _ = try learned(service, target, ["x-api-key": key])
        for number in 1...300 { try service.run("HSET", table, "b\(number)", "1") }
        for _ in 0..<3 {
            let body = try service.get(target, ["x-api-key": key]).body
            #expect(body.components(of: #""browser":"b"#) == 301)
        }
    }

    /// Where twice the room of so many tables would hold Redis too long,
    /// a quarter more is left to each.
    @Test func manyTablesInOneRoundTrip() throws {
        let service = try TestService()
        service.asksAgain = false
        let organization = "1c9a7c4e-0c5d-4b9e-8f7a-2f9d1c0b7a11"
        let key = try service.key(organization, ["privacy"])
        try service.directory(organization, "organization", ["name": #""A""#])
        let tables = [
            "consent_browsers", "consent_systems", "consent_countries", "consent_kinds",
            "consent_categories", "compliance_countries", "compliance_types", "compliance_statuses",
        ]
        for day in 8...28 {
            for table in tables {
                let name = TestService.key(
                    organization, "\(table):day:2026-02-\(day < 10 ? "0" : "")\(day)")
                try service.run(
                    ["HSET", name] + (1...30).flatMap { ["b\($0)", "1"] })
            }
        }
        let target = "/organizations/\(organization)/metrics"
        let first = try learned(service, target, ["x-api-key": key])
        try service.run("CONFIG", "RESETSTAT")
        #expect(try service.get(target, ["x-api-key": key]).body == first.body)
        var calls = try calls(service)
        #expect(calls["multi"] == 1 && calls["hlen"] == nil, "\(calls)")
        // The 150 members of a day's five tables have room for 191; with more the key is asked for
        // its size again, and read whole.
        let grown = TestService.key(organization, "consent_browsers:day:2026-02-10")
        try service.run(["HSET", grown] + (31...80).flatMap { ["b\($0)", "1"] })
        let second = try service.get(target, ["x-api-key": key])
        #expect(second.body.components(of: #""browser":"b"#) == 80)
        calls = try self.calls(service)
        #expect(calls["hlen"] ?? 0 > 0, "\(calls)")
    }

    @Test func nobodyGetsInByIt() throws {
        let (service, headers) = try open()
        let totals = root + "totals"
        _ = try learned(service, totals, headers)
        let hash = try #require(
            try service.run("KEYS", "odo:1:{dir}:credential:*").elements.first?.text)
        try service.run("HSET", hash, "revokedAt", #""2026-01-01T00:00:00Z""#)
        #expect(try service.get(totals, headers).status == 401)
        try service.run("HDEL", hash, "revokedAt")
        #expect(try service.get(totals, headers).status == 200)
        // The key is another organization's now: its numbers are read, and the slug is not its own.
        try service.run("HSET", hash, "organization", #""org-x""#)
        #expect(try service.get(totals, headers).status == 403)
        try service.directory("org-x", "organization", ["slug": #""aurora-labs""#])
        try service.add("org-x", "totals", ["threads": 70])
        for _ in 0..<2 {
            #expect(try service.get(totals, headers).body.contains(#""threads_total":70"#))
        }
        try service.run("DEL", hash)
        #expect(try service.get(totals, headers).status == 401)
    }

    @Test func aKeyThatIsNoLongerValidCausesNoReadsInAdvance() throws {
        let (service, headers) = try open()
        _ = try learned(service, ranking, headers)
        let hash = try #require(
            try service.run("KEYS", "odo:1:{dir}:credential:*").elements.first?.text)
        try service.run("HSET", hash, "revokedAt", #""2026-01-01T00:00:00Z""#)
        // This one is still read at once, as the key was valid the last time.
        #expect(try service.get(ranking, headers).status == 401)
        try service.run("CONFIG", "RESETSTAT")
        for _ in 0..<3 { #expect(try service.get(ranking, headers).status == 401) }
        let calls = try calls(service)
        #expect(calls["multi"] == nil && calls["hmget"] == 3, "\(calls)")
    }

    @Test func madeUpKeysDoNotPushOutWhatIsKnown() throws {
        let (service, headers) = try open()
        _ = try learned(service, ranking, headers)
        for _ in 0..<1_100 {
            let unknown = try KeyMaker.make(
                organization: "org-w", role: .admin, dialects: ["workspace"],
                createdAtNanoseconds: 0)
            let headers = ["Authorization": "Bearer \(unknown.secret)", "x-org": "aurora-labs"]
            #expect(try service.get(ranking, headers).status == 401)
        }
        try service.run("CONFIG", "RESETSTAT")
        #expect(try service.get(ranking, headers).status == 200)
        let calls = try calls(service)
        #expect(calls["zcard"] == nil && calls["hmget"] == 5, "\(calls)")
    }

    @Test func failuresAreSaid() throws {
        let (service, headers) = try open()
        let totals = root + "totals"
        _ = try learned(service, totals, headers)
        try service.run("HSET", TestService.marks("org-w"), "!torn", "half a commit")
        #expect(try service.get(totals, headers).status == 503)
        try service.run("HSET", TestService.marks("org-w"), "!torn", "")
        #expect(try service.get(totals, headers).status == 200)
        try service.run("DEL", TestService.key("org-w", "totals"))
        try service.run("SET", TestService.key("org-w", "totals"), "a text")
        #expect(try service.get(totals, headers).status == 503)
        try service.run("DEL", TestService.key("org-w", "totals"))
        for _ in 0..<3 { #expect(try service.get(totals, headers).status == 200) }
        // A Redis that was emptied holds no ledger, whatever was read before.
        try service.run("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        #expect(try service.get(totals, headers).status == 200)
        try service.run("FLUSHALL")
        try service.run("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        #expect(try service.get(totals, headers).status == 503)
    }

    /// Where the right to one command is missing, requests are answered step by step.
    @Test func withoutRights() throws {
        let service = try TestService()
        service.asksAgain = false
        let organization = "1c9a7c4e-0c5d-4b9e-8f7a-2f9d1c0b7a11"
        let key = try service.key(organization, ["privacy"])
        try service.directory(organization, "organization", ["name": #""A""#])
        try service.run("ACL", "SETUSER", "default", "-hrandfield")
        let target = "/organizations/\(organization)/metrics"
        for _ in 0..<4 {
            #expect(try service.get(target, ["x-api-key": key]).status == 200)
        }
    }
}

extension String {
    func components(of part: String) -> Int {
        var count = 0
        var rest = self[...]
        while let found = rest.range(of: part) {
            count += 1
            rest = rest[found.upperBound...]
        }
        return count
    }
}
