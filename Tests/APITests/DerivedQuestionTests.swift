import API
import Catalog
import Foundation
import HTTPServer
import Query
import Testing

/// Ratios, uniques, percentiles and ranks: answers that are made of several cells or meters.
@Suite struct DerivedQuestionTests {
    private static let catalog = """
        version: 1
        events: {e: {fields: {
          cost: {at: /data/cost, is: decimal, scale: 2, required: true}, shop: {at: /data/shop},
          ms: {at: /data/ms, is: integer, required: true}, user: {at: /data/user}}}}
        meters:
          spent: {kind: sum, signed: true, windows: [day, all], by: [shop], on: [{event: e, amount: cost}]}
          orders: {kind: count, windows: [quarter, day, all], by: [shop], on: [{event: e}]}
          slow: {kind: count, windows: [day], on: [{event: e, when: {field: ms, gt: 500}}]}
          average: {kind: ratio, of: spent, to: orders}
          slow_part: {kind: ratio, of: slow, to: orders}
          times: {kind: histogram, value: ms, per: [organization, shop], windows: [day], on: [{event: e}]}
          costs: {kind: histogram, value: cost, windows: [day], on: [{event: e}]}
          buyers: {kind: unique, of: user, exact: 3, windows: [day, all], per: [organization, shop], on: [{event: e}]}
        """
    private let service: TestService
    private let headers: [String: String]
    private let days = "from=2026-03-08&to=2026-03-10"

    init() throws {
        service = try TestService(
            catalog: CatalogReader.check(files: [("a.yaml", Array(Self.catalog.utf8))]))
        headers = ["Authorization": "Bearer \(try service.key("o", ["operations"], role: .read))"]
    }

    private func ask(_ target: String) throws -> Answer {
        try service.send(.get, "/v1/meters/\(target)", headers)
    }

    /// What the rows say of a member, as JSON.
    private func values(_ answer: Answer, _ name: String = "value") throws -> [String] {
        try #require(answer.status == 200, "\(answer.body)")
        let object = try JSONSerialization.jsonObject(with: Data(answer.body.utf8))
        let rows = try #require((object as? [String: Any])?["data"] as? [[String: Any]])
        return rows.map { row in
            row[name].map { $0 is NSNull ? "null" : "\($0)" } ?? "absent"
        }
    }

    private func refusal(_ target: String) throws -> String {
        let answer = try ask(target)
        #expect(answer.status == 400, "\(answer.body)")
        return answer.body
    }

    // MARK: Ratios

    @Test func ratios() throws {
        try service.add("o", "spent:day:2026-03-08", ["a": 1_000, "b": -250])
        try service.add("o", "orders:day:2026-03-08", ["a": 3, "b": 2, "c": 1])
        try service.add("o", "spent:day:2026-03-09", ["a": 100, "d": 5])
        let by = "average/query?\(days)&by=shop"
        // Members that one of the two has not are there; without an order nothing is divided.
        #expect(
            try ask(by + "&order=name&numbers=text").body.contains(
                #""by":{"shop":"a"},"value":"3.66666666666667"}"#))
        #expect(
            try values(ask(by + "&order=name&numbers=text"))
                == ["3.66666666666667", "-1.25", "0", "null"])
        #expect(try values(ask(by)) == ["3.66666666666667", "0", "-1.25", "null"])
        #expect(
            try values(ask(by + "&order=value&fill=null")) == [
                "-1.25", "0", "3.66666666666667", "null",
            ])
        #expect(try values(ask("average/query?\(days)&numbers=text")) == ["1.425"])
        #expect(try values(ask(by + "&filter=shop=a&numbers=text")) == ["3.66666666666667"])
        let daily = "average/query?\(days)&window=day&filter=shop=a&numbers=text"
        #expect(try values(ask(daily)) == ["3.33333333333333", "null"])
        let compared = try ask(
            "average/query?from=2026-03-09&to=2026-03-10&compare=previous&by=shop")
        #expect(compared.body.contains(#""compare":{"start":"2026-03-08T00:00:00Z""#))
        #expect(compared.body.contains(#""value":3.33333333333333}"#))
        #expect(try ask(by + "&order=name&format=csv").body.contains(",a,3.66666666666667\r\n"))
        #expect(try ask(by + "&order=name&format=csv").body.contains(",d,\r\n"))
    }

    @Test func ratiosOfAllTime() throws {
        try service.add("o", "spent:all", ["a": 1_000])
        try service.add("o", "orders:all", ["a": 8])
        #expect(try values(ask("average/query")) == ["1.25"])
        let listed = try service.send(.get, "/v1/meters", headers)
        #expect(
            listed.body.contains(
                #"{"name":"average","kind":"ratio","windows":["day","all"],"by":["shop"],"per":[[]],"#
                    + #""from":["spent","orders"]}"#))
        #expect(try refusal("average").contains("average is a ratio, which has no cells"))
    }

    /// What one of the two meters lacks is named.
    @Test func whatARatioLacks() throws {
        #expect(
            try refusal("slow_part/query?\(days)&by=shop").contains("slow has no dimension shop"))
        #expect(
            try refusal("average/query?\(days)&window=hour").contains(
                "average (of spent and orders) keeps the windows day"))
        #expect(
            try refusal("average/query?percentile=50").contains("percentiles are of histograms"))
        #expect(try refusal("average/query?by=shop&rest=true").contains("not added up"))
    }

    // MARK: Percentiles

    @Test func percentiles() throws {
        try service.add("o", "times:day:2026-03-08", ["5": 1, "128": 2])
        try service.add("o", "times:day:2026-03-09", ["7": 97])
        try service.add("o", "shop=x:times:day:2026-03-09", ["9": 1])
        let asked = "times/query?\(days)&percentile=50,95&percentile=99.90&percentile=0"
        let whole = try ask(asked)
        #expect(
            whole.body.contains(
                #""value":100,"percentiles":{"50":7,"95":7,"99.9":128,"0":5}}"#), "\(whole.body)")
        #expect(whole.body.contains(#""exact":false,"error":0.008"#))
        #expect(!whole.body.contains("steps"))
        let daily = try ask("times/query?\(days)&window=day&percentile=100,1")
        #expect(
            try values(daily, "percentiles").map { $0.filter { "0123456789".contains($0) } }.count
                == 2)
        #expect(daily.body.contains(#""percentiles":{"100":128,"1":5}"#))
        #expect(daily.body.contains(#""percentiles":{"100":7,"1":7}"#))
        let exact = try ask("times/query?\(days)&percentile=50&by=shop&filter=shop=x&filter=shop=y")
        #expect(exact.body.contains(#""by":{"shop":"x"},"value":1,"percentiles":{"50":9}"#))
        #expect(exact.body.contains(#""by":{"shop":"y"},"value":0,"percentiles":{"50":null}"#))
        #expect(exact.body.contains(#""exact":true,"error":null"#))
        #expect(
            try ask("times/query?\(days)&percentile=50,99.9&format=csv").body
                == "start,end,label,value,p50,p99.9\r\n2026-03-08T00:00:00Z,2026-03-10T00:00:00Z,,"
                + "100,7,128\r\n")
    }

    @Test func percentilesOfDecimals() throws {
        try service.add("o", "costs:day:2026-03-08", ["125": 1, "1000": 1])
        let answer = try ask("costs/query?\(days)&percentile=50,100")
        // Step 1000 begins at 104 · 2^14.
        #expect(
            answer.body.contains(#""percentiles":{"50":1.25,"100":17121.27}"#), "\(answer.body)")
        let posted = try service.send(
            .post, "/v1/meters/costs/query", headers,
            body: Array(
                #"{"from": "2026-03-08", "to": "2026-03-10", "percentiles": [50.0], "numbers": "text"}"#
                    .utf8))
        #expect(posted.body.contains(#""value":"2","percentiles":{"50":"1.25"}"#), "\(posted.body)")
    }

    @Test(arguments: ["101", "-1", "50,", "5e1", "1.2345", "x", "", ".5", "1..2"])
    func badPercentiles(_ text: String) throws {
        #expect(try refusal("times/query?percentile=\(text)").contains("from 0 to 100"))
    }

    // MARK: Unique

    @Test func uniques() throws {
        try service.add("o", "buyers_values:day:2026-03-08", ["u": 2, "v": 1])
        try service.add("o", "buyers_values:day:2026-03-09", ["u": 1, "w": 1, "x": 4])
        try service.distinct("o", "buyers_estimate:day:2026-03-08", ["u"])
        let exact = try ask("buyers/query?\(days)")
        // The union of both days has more values than one day may; none of them is left out.
        #expect(try values(exact) == ["4"])
        #expect(exact.body.contains(#""exact":true,"error":null"#))
        #expect(try values(ask("buyers/query?\(days)&window=day")) == ["2", "3"])
        try service.add("o", "buyers_values:day:2026-03-09", ["__other__": 1])
        let daily = try ask("buyers/query?\(days)&window=day")
        #expect(try values(daily) == ["2", "0"])
        #expect(try values(daily, "exact") == ["absent", "0"])
        #expect(daily.body.contains(#""exact":false,"error":0.0081"#))
        #expect(try values(ask("buyers/query?\(days)")) == ["1"])
        try service.add("o", "shop=s:buyers_values:day:2026-03-09", ["u": 1])
        #expect(try values(ask("buyers/query?\(days)&by=shop&filter=shop=s")) == ["1"])
        #expect(
            try refusal("buyers/query?\(days)&by=user").contains("buyers_estimate has no dimension")
        )
    }

    // MARK: Ranks

    @Test func ranks() throws {
        try service.add("o", "spent:day:2026-03-09", ["a": 500, "b": 200, "c": 200, "d": 100])
        let asked = "spent/query?\(days)&by=shop&rest=true"
        let first = try ask(asked + "&limit=3")
        #expect(try values(first, "rank") == ["1", "2", "2"])
        #expect(try values(first, "share") == ["0.5", "0.2", "0.2"])
        #expect(first.body.contains(#","total":10.00,"rest":1.00}"#))
        let last = try ask(asked + "&limit=3&offset=3")
        #expect(try values(last, "rank") == ["4"])
        #expect(last.body.contains(#","total":10.00,"rest":9.00}"#))
        // The order of the rows does not matter to their rank.
        #expect(try values(ask(asked + "&order=value"), "rank") == ["4", "2", "2", "1"])
        let one = try ask("spent/query?\(days)&by=shop&member=shop=c&limit=1")
        #expect(one.body.contains(#""by":{"shop":"c"},"value":2.00,"rank":2,"share":0.2}]"#))
        #expect(one.body.contains(#""rows":1,"offset":0,"next":null,"total":10.00,"rest":8.00"#))
        #expect(try values(ask("spent/query?\(days)&by=shop&member=shop=nobody")) == [])
        let csv = try ask(asked + "&limit=1&format=csv")
        #expect(csv.body.hasSuffix(",a,5.00,1,0.5\r\n") && csv.headers["X-Odometer-Rest"] == "5.00")
        #expect(try refusal("spent/query?\(days)&rest=true").contains("rest needs by"))
        #expect(try refusal("spent/query?\(days)&by=shop&member=user=c").contains("each dimension"))
        #expect(try refusal("times/query?\(days)&rest=true").contains("not added up"))
        #expect(try refusal("spent/query?\(days)&by=shop&rest=yes").contains("true or false"))
    }

    @Test func bodies() throws {
        for body in [
            #"{"percentiles": 50}"#, #"{"percentiles": ["50"]}"#, #"{"rest": "true"}"#,
            #"{"member": {"shop": 1}}"#, #"{"percentiles": [101]}"#, #"{"member": []}"#,
            #"{"percentile": [5]}"#,
        ] {
            let answer = try service.send(
                .post, "/v1/meters/spent/query", headers, body: Array(body.utf8))
            #expect(answer.status == 400, "\(body)")
        }
    }
}
