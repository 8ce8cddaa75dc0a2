import Foundation
import Metering
import Query
import Redis
import TestSupport
import Testing

/// What a family's keys cost to read: a key that several meters are asked for is read once.
@Suite struct FamilyReadTests {
    private let organization = "1c9a7c4e-0c5d-4b9e-8f7a-2f9d1c0b7a11"

    private func calls(_ service: TestService) throws -> [String: Int] {
        let text = try service.run("INFO", "commandstats").text ?? ""
        var calls: [String: Int] = [:]
        for line in text.split(separator: "\r\n") {
            let parts = line.split(separator: ":")
            guard parts.count == 2, parts[0].hasPrefix("cmdstat_"),
                let count = parts[1].split(separator: ",").first?.dropFirst("calls=".count)
            else { continue }
            calls[String(parts[0].dropFirst("cmdstat_".count))] = Int(count)
        }
        return calls
    }

    /// A day of the five tables of consents and the three of requests is two keys.
    @Test func tablesOfAFamilyAreReadOnce() throws {
        let service = try TestService()
        service.asksAgain = false
        let key = try service.key(organization, ["privacy"])
        try service.directory(organization, "organization", ["name": #""A""#])
        for meter in ["consent_browsers", "consent_countries", "compliance_countries"] {
            try service.add(organization, "\(meter):day:2026-03-08", ["DE": 3, "x": 4])
        }
        let days = "startDate=2026-03-08T00:00:00Z&endDate=2026-03-09T00:00:00Z"
        let target = "/organizations/\(organization)/metrics?\(days)"
        // The first request looks for the ledger.
        _ = try service.get(target, ["x-api-key": key])
        try service.run("CONFIG", "RESETSTAT")
        let body = try service.get(target + "&project=", ["x-api-key": key]).body
        let calls = try calls(service)
        // The tables of two families, and the steps of resolutions.
        #expect(calls["hlen"] == 3, "\(calls)")
        #expect(body.contains("browserCounts"))
        let whole = try service.get(target, ["x-api-key": key]).body
        #expect(whole.contains(#""browser":"DE""#) && whole.contains(#""browser":"x""#), "\(whole)")
        #expect(!whole.contains("consent_browsers"))
    }

    /// Few windows of a family's series are read by name, many with the whole key.
    @Test(arguments: [1, 2, 14, 31])
    func windowsOfASeriesAreReadByNameOrWithTheirKey(days: Int) throws {
        let service = try TestService()
        service.asksAgain = false
        let key = try service.key(organization, ["operations"])
        for day in 1...31 {
            let field = day < 10 ? "0\(day)" : "\(day)"
            try service.add(organization, "interactions:day:2026-01", [field: 1])
            try service.add(organization, "agent_flows:day:2026-01", [field: 100])
        }
        let end = days == 31 ? "2026-02-01" : "2026-01-\(days < 9 ? "0" : "")\(days + 1)"
        let range = "window=day&start=2026-01-01T00:00:00Z&end=\(end)T00:00:00Z"
        let target = "/v1/meters/interactions?\(range)"
        let body = try service.get(target, ["Authorization": "Bearer \(key)"])
        #expect(body.status == 200, "\(body.body)")
        #expect(body.body.components(of: #""value":1"#) == days, "\(body.body)")
    }
}
