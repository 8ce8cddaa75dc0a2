import API
import Foundation
import Query
import Redis
import Testing

/// A request that comes again reads in one round trip, and nothing of what it was told before is told again.
@Suite struct PrefetchTests {
    private let root = "/api/v1/app/organization/analytics/"
    private let ranking = "/api/v1/app/organization/analytics/ranking/active-users?limit=2"

    private func open() throws -> (House, [String: String]) {
        let house = try House()
        house.asksAgain = false
        let key = try house.key("org-w", ["workspace"], role: .admin)
        try house.directory("org-w", "organization", ["slug": #""aurora-labs""#])
        try house.rank("org-w", "user_interactions:day:2026-03-09", ["u1": 5, "u2": 3, "u3": 1])
        try house.directory("org-w", "user:u1", ["name": #""Ada""#])
        try house.directory("org-w", "user:u3", ["name": #""Cleo""#])
        return (house, ["Authorization": "Bearer \(key)", "x-org": "aurora-labs"])
    }

    /// Calls of each command since the last reset.
    private func calls(_ house: House) throws -> [String: Int] {
        var calls: [String: Int] = [:]
        let text = try house.run("INFO", "commandstats").text ?? ""
        for line in text.split(whereSeparator: \.isNewline) where line.hasPrefix("cmdstat_") {
            let parts = line.dropFirst("cmdstat_".count).split(separator: ":")
            let count = parts[1].split(separator: ",")[0].split(separator: "=")[1]
            calls[String(parts[0])] = Int(count)
        }
        return calls
    }

    private func learned(
        _ house: House, _ target: String, _ headers: [String: String]
    ) throws -> Answer {
        let first = try house.get(target, headers)
        #expect(first.status == 200, "\(first.body)")
        return first
    }

    @Test func oneRoundTrip() throws {
        let (house, headers) = try open()
        let first = try learned(house, ranking, headers)
        try house.run("CONFIG", "RESETSTAT")
        let second = try house.get(ranking, headers)
        #expect(second.body == first.body)
        let calls = try calls(house)
        // Credential, slug, both rankings, the rows' profiles and the fields of the marks; nothing
        // is asked for its size.
        #expect(calls["multi"] == 1 && calls["exec"] == 1, "\(calls)")
        #expect(calls["zcard"] == nil && calls["hlen"] == nil, "\(calls)")
        #expect(calls["hmget"] == 5, "\(calls)")
    }

    @Test func everyChangeIsSeen() throws {
        let (house, headers) = try open()
        let totals = root + "totals"
        _ = try learned(house, totals, headers)
        #expect(try house.get(totals, headers).body.contains(#""threads_total":0"#))
        try house.add("org-w", "totals", ["threads": 7])
        #expect(try house.get(totals, headers).body.contains(#""threads_total":7"#))
        // Another order of the rows needs other profiles.
        let before = try learned(house, ranking, headers)
        #expect(before.body.contains("Ada") && !before.body.contains("Cleo"))
        try house.rank("org-w", "user_interactions:day:2026-03-09", ["u3": 9])
        for _ in 0..<3 {
            let after = try house.get(ranking, headers)
            #expect(after.body.contains("Cleo") && after.body.contains("Ada"), "\(after.body)")
        }
        // What has grown beyond the room that was left is read whole.
        for number in 10..<400 {
            try house.run(
                "ZADD", House.key("org-w", "user_interactions:day:2026-03-09"), "\(number)",
                "v\(number)")
        }
        for _ in 0..<3 {
            let after = try house.get(ranking, headers)
            #expect(after.body.contains(#""id":"v399""#) && after.body.contains(#""id":"v398""#))
        }
        // Tomorrow other cells are asked for.
        try house.setNow("2026-05-01T00:00:01Z")
        for _ in 0..<2 { #expect(try house.get(ranking, headers).body == "[]") }
    }

    @Test func growingTableIsReadWhole() throws {
        let house = try House()
        house.asksAgain = false
        let organization = "1c9a7c4e-0c5d-4b9e-8f7a-2f9d1c0b7a11"
        let key = try house.key(organization, ["privacy"])
        try house.directory(organization, "organization", ["name": #""A""#])
        let table = House.key(organization, "consent_browsers:day:2026-03-09")
        try house.run("HSET", table, "b0", "1")
        let target = "/organizations/\(organization)/metrics"
        _ = try learned(house, target, ["x-api-key": key])
        for number in 1...300 { try house.run("HSET", table, "b\(number)", "1") }
        for _ in 0..<3 {
            let body = try house.get(target, ["x-api-key": key]).body
            #expect(body.components(of: #""browser":"b"#) == 301)
        }
    }

    /// Where twice the room of so many tables would hold Redis too long, a quarter more is left to each.
    @Test func manyTablesInOneRoundTrip() throws {
        let house = try House()
        house.asksAgain = false
        let organization = "1c9a7c4e-0c5d-4b9e-8f7a-2f9d1c0b7a11"
        let key = try house.key(organization, ["privacy"])
        try house.directory(organization, "organization", ["name": #""A""#])
        let tables = [
            "consent_browsers", "consent_systems", "consent_countries", "consent_kinds",
            "consent_categories", "compliance_countries", "compliance_types", "compliance_statuses",
        ]
        for day in 8...28 {
            for table in tables {
                let name = House.key(
                    organization, "\(table):day:2026-02-\(day < 10 ? "0" : "")\(day)")
                try house.run(
                    ["HSET", name] + (1...20).flatMap { ["b\($0)", "1"] })
            }
        }
        let target = "/organizations/\(organization)/metrics"
        let first = try learned(house, target, ["x-api-key": key])
        try house.run("CONFIG", "RESETSTAT")
        #expect(try house.get(target, ["x-api-key": key]).body == first.body)
        var calls = try calls(house)
        #expect(calls["multi"] == 1 && calls["hlen"] == nil, "\(calls)")
        // 20 members have room for 29; with more the table is asked for its size again, and read whole.
        let grown = House.key(organization, "consent_browsers:day:2026-02-10")
        try house.run(["HSET", grown] + (21...40).flatMap { ["b\($0)", "1"] })
        let second = try house.get(target, ["x-api-key": key])
        #expect(second.body.components(of: #""browser":"b"#) == 40)
        calls = try self.calls(house)
        #expect(calls["hlen"] ?? 0 > 0, "\(calls)")
    }

    @Test func nobodyGetsInByIt() throws {
        let (house, headers) = try open()
        let totals = root + "totals"
        _ = try learned(house, totals, headers)
        let hash = try #require(
            try house.run("KEYS", "odo:1:{dir}:credential:*").elements.first?.text)
        try house.run("HSET", hash, "revokedAt", #""2026-01-01T00:00:00Z""#)
        #expect(try house.get(totals, headers).status == 401)
        try house.run("HDEL", hash, "revokedAt")
        #expect(try house.get(totals, headers).status == 200)
        // The key is another organization's now: its numbers are read, and the slug is not its own.
        try house.run("HSET", hash, "organization", #""org-x""#)
        #expect(try house.get(totals, headers).status == 403)
        try house.directory("org-x", "organization", ["slug": #""aurora-labs""#])
        try house.add("org-x", "totals", ["threads": 70])
        for _ in 0..<2 {
            #expect(try house.get(totals, headers).body.contains(#""threads_total":70"#))
        }
        try house.run("DEL", hash)
        #expect(try house.get(totals, headers).status == 401)
    }

    @Test func `a key that is no longer valid causes no reads in advance`() throws {
        let (house, headers) = try open()
        _ = try learned(house, ranking, headers)
        let hash = try #require(
            try house.run("KEYS", "odo:1:{dir}:credential:*").elements.first?.text)
        try house.run("HSET", hash, "revokedAt", #""2026-01-01T00:00:00Z""#)
        // This one is still read at once, as the key was valid the last time.
        #expect(try house.get(ranking, headers).status == 401)
        try house.run("CONFIG", "RESETSTAT")
        for _ in 0..<3 { #expect(try house.get(ranking, headers).status == 401) }
        let calls = try calls(house)
        #expect(calls["multi"] == nil && calls["hmget"] == 3, "\(calls)")
    }

    @Test func `made-up keys do not push out what is known`() throws {
        let (house, headers) = try open()
        _ = try learned(house, ranking, headers)
        for _ in 0..<1_100 {
            let unknown = try KeyMaker.make(
                organization: "org-w", role: .admin, dialects: ["workspace"], createdAt: 0)
            let headers = ["Authorization": "Bearer \(unknown.secret)", "x-org": "aurora-labs"]
            #expect(try house.get(ranking, headers).status == 401)
        }
        try house.run("CONFIG", "RESETSTAT")
        #expect(try house.get(ranking, headers).status == 200)
        let calls = try calls(house)
        #expect(calls["zcard"] == nil && calls["hmget"] == 5, "\(calls)")
    }

    @Test func failuresAreSaid() throws {
        let (house, headers) = try open()
        let totals = root + "totals"
        _ = try learned(house, totals, headers)
        try house.run("HSET", House.marks("org-w"), "!torn", "half a commit")
        #expect(try house.get(totals, headers).status == 503)
        try house.run("HSET", House.marks("org-w"), "!torn", "")
        #expect(try house.get(totals, headers).status == 200)
        try house.run("DEL", House.key("org-w", "totals"))
        try house.run("SET", House.key("org-w", "totals"), "a text")
        #expect(try house.get(totals, headers).status == 503)
        try house.run("DEL", House.key("org-w", "totals"))
        for _ in 0..<3 { #expect(try house.get(totals, headers).status == 200) }
        // A Redis that was emptied holds no ledger, whatever was read before.
        try house.run("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        #expect(try house.get(totals, headers).status == 200)
        try house.run("FLUSHALL")
        try house.run("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        #expect(try house.get(totals, headers).status == 503)
    }

    /// Where the right to one command is missing, requests are answered step by step.
    @Test func withoutRights() throws {
        let house = try House()
        house.asksAgain = false
        let organization = "1c9a7c4e-0c5d-4b9e-8f7a-2f9d1c0b7a11"
        let key = try house.key(organization, ["privacy"])
        try house.directory(organization, "organization", ["name": #""A""#])
        try house.run("ACL", "SETUSER", "default", "-hrandfield")
        let target = "/organizations/\(organization)/metrics"
        for _ in 0..<4 {
            #expect(try house.get(target, ["x-api-key": key]).status == 200)
        }
    }
}

extension String {
    fileprivate func components(of part: String) -> Int {
        var count = 0
        var rest = self[...]
        while let found = rest.range(of: part) {
            count += 1
            rest = rest[found.upperBound...]
        }
        return count
    }
}
