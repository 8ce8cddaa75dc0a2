import API
import Foundation
import Metering
import Query
import Testing

@Suite struct PrivacyTests {
    private static let known = "startDate, endDate, project"
    private let organization = "497f6eca-6276-4993-bfeb-53cbbbba6f08"
    private var path: String { "/organizations/\(organization)/metrics" }
    private let twoDays = "?startDate=2026-02-01T10:00:00Z&endDate=2026-02-02T10:00:00Z"

    private func open(
        hasProfile: Bool = true, catalog: MeterCatalog? = nil
    ) throws -> (TestService, [String: String]) {
        let service = try TestService(catalog: catalog)
        if hasProfile { try service.directory(organization, "organization", ["name": #""N""#]) }
        return (service, ["x-api-key": try service.key(organization, ["privacy"], role: .read)])
    }

    /// Everything of one project (`project=web:`), or of all (nothing).
    private func seed(_ service: TestService, _ scope: String, times: Int) throws {
        func add(_ rest: String, _ fields: [String: Int]) throws {
            try service.add(organization, scope + rest, fields.mapValues { $0 * times })
        }
        try add("sessions:day:2026-01", ["30": 2, "31": 3])
        try add("sessions:day:2026-02", ["01": 4, "02": 2, "03": 90])
        try add("consents:day:2026-02", ["01": 3])
        for (day, browser) in [("01", "Firefox"), ("02", "Safari"), ("02", "Chrome")] {
            try add("consent_browsers:day:2026-02-\(day)", [browser: browser == "Safari" ? 2 : 1])
        }
        try add("consent_systems:day:2026-02-01", ["Linux": 3])
        try add("consent_countries:day:2026-02-02", ["DE": 1, "FR": 2])
        try add("consent_kinds:day:2026-02-01", ["full": 1, "none": 1])
        try add("consent_kinds:day:2026-02-02", ["full": 1, "partial": 4])
        try add("consent_categories:day:2026-02-01", ["ads:granted": 2, "ads:denied": 1])
        try add("consent_categories:day:2026-02-02", ["stats%3Aall:denied": 5])
        try add("compliance_requests:day:2026-02", ["02": 3])
        try add("compliance_requests:day:2026-01", ["30": 1, "31": 1])
        try add("totals", ["compliance_requests": 50])
        try add("compliance_countries:day:2026-02-02", ["unknown": 3])
        try add("compliance_types:day:2026-02-02", ["erasure": 2, "access": 1])
        try add(
            "compliance_statuses:day:2026-02-02",
            ["erasure:open": 1, "erasure:done": 1, "access:open": 1, "access:lost": -1])
        try add("resolutions:day:2026-02", ["01": 2, "02": 1])
        try add("resolution_seconds:day:2026-02", ["01": 345_600, "02": 100])
    }

    private func body(times: Int, users: Int, trend: String, resolution: String) -> String {
        func n(_ value: Int) -> Int { value * times }
        return """
            {"sessions": {
              "dailySessionCounts": [{"date": "2026-02-01", "count": \(n(4))},
                                     {"date": "2026-02-02", "count": \(n(2))}],
              "dateRangeTotal": \(n(6)),
              "trend": {"current": \(n(6)), "previous": \(n(5)), "change": \(n(1)),
                        "changePercentage": 20}},
             "consentEvents": {
              "browserCounts": [{"browser": "Safari", "count": \(n(2))},
                {"browser": "Chrome", "count": \(n(1))}, {"browser": "Firefox", "count": \(n(1))}],
              "categoryStats": {"ads": {"granted": \(n(2)), "denied": \(n(1))},
                                "stats:all": {"granted": 0, "denied": \(n(5))}},
              "dailyEventCounts": [{"date": "2026-02-01", "count": \(n(3))},
                                   {"date": "2026-02-02", "count": 0}],
              "fullConsent": \(n(2)),
              "geographyCounts": [{"country": "FR", "count": \(n(2))},
                                  {"country": "DE", "count": \(n(1))}],
              "noConsent": \(n(1)),
              "osCounts": [{"os": "Linux", "count": \(n(3))}],
              "partialConsent": \(n(4)), "totalCategories": 2, "totalEvents": \(n(3)),
              "totalUsers": \(users),
              "trend": {"current": \(n(3)), "previous": 0, "change": \(n(3)),
                        "changePercentage": null},
              "trendData": {"previousPeriod": {"startDate": "2026-01-30T00:00:00Z",
                                               "endDate": "2026-02-01T00:00:00Z"},
                "daily": [{"date": "2026-02-01", "count": \(n(3)), "previousCount": 0},
                          {"date": "2026-02-02", "count": 0, "previousCount": 0}]}},
             "complianceRequests": {
              "dailyRequestCounts": [{"date": "2026-02-01", "count": 0},
                                     {"date": "2026-02-02", "count": \(n(3))}],
              "dateRangeTotal": \(n(3)),
              "geographyCounts": [{"country": "unknown", "count": \(n(3))}],
              "resolutionMetrics": \(resolution),
              "statusStats": {"open": \(n(2)), "done": \(n(1))},
              "statusByType": {"erasure": {"open": \(n(1)), "done": \(n(1))},
                               "access": {"open": \(n(1))}},
              "totalRequests": \(n(50)),
              "trend": \(trend),
              "trendData": {"previousPeriod": {"startDate": "2026-01-30T00:00:00Z",
                                               "endDate": "2026-02-01T00:00:00Z"},
                "daily": [{"date": "2026-02-01", "count": 0, "previousCount": \(n(1))},
                          {"date": "2026-02-02", "count": \(n(3)), "previousCount": \(n(1))}]},
              "typeStats": {"erasure": \(n(2)), "access": \(n(1))}}}
            """
    }

    @Test func wholeBody() throws {
        let (service, headers) = try open()
        try seed(service, "", times: 1)
        try service.distinct(organization, "consent_users:day:2026-02-01", ["u1", "u2"])
        try service.distinct(organization, "consent_users:day:2026-02-02", ["u2", "u3"])
        // Resolved after 1, 2 days and 100 s; the steps of 86,400 and 172,800 are 661 and 725.
        try service.add(organization, "resolution_steps:day:2026-02-01", ["724": 1, "788": 1])
        try service.add(organization, "resolution_steps:day:2026-02-02", ["100": 1])
        let digits = { (value: UInt64) in "0\(value + (1 << 63))" }
        for day in ["01", "02"] {
            try service.set(
                organization, "resolution_min:day:2026-02", day, digits(day == "01" ? 86_400 : 100))
            try service.set(
                organization, "resolution_max:day:2026-02", day,
                digits(day == "01" ? 259_200 : 100))
        }
        let answer = try service.get(path + twoDays, headers)
        expect(
            answer, 200,
            body(
                times: 1, users: 3,
                trend: #"{"current":3,"previous":2,"change":1,"changePercentage":50}"#,
                resolution: """
                    {"avgResolutionDays": 1.33, "medianResolutionDays": 1,
                     "minResolutionDays": 0, "maxResolutionDays": 3}
                    """))
        #expect(
            answer.headers["X-Odometer-Range"] == "2026-02-01T00:00:00Z/2026-02-03T00:00:00Z")
        #expect(answer.headers["X-Odometer-Snapshot"] == nil)
    }

    @Test func projects() throws {
        let (service, headers) = try open()
        try seed(service, "", times: 100)
        try seed(service, "project=web:", times: 1)
        try seed(service, "project=a%20b%3Ac:", times: 1)
        try service.distinct(
            organization, "project=web:consent_users:day:2026-02-01", ["u1", "u2"])
        try service.distinct(
            organization, "project=a%20b%3Ac:consent_users:day:2026-02-02", ["u2", "u4"])
        let resolution = """
            {"avgResolutionDays": 1.33, "medianResolutionDays": 0, "minResolutionDays": 0,
             "maxResolutionDays": 0}
            """
        expect(
            try service.get(path + twoDays + "&project=web&project=a+b:c&project=web", headers),
            200,
            body(
                times: 2, users: 3,
                trend: #"{"current":6,"previous":4,"change":2,"changePercentage":50}"#,
                resolution: resolution))
        expect(
            try service.get(path + twoDays + "&project=web", headers), 200,
            body(
                times: 1, users: 2,
                trend: #"{"current":3,"previous":2,"change":1,"changePercentage":50}"#,
                resolution: resolution))
        // As PHP and axios write arrays.
        for query in ["project[]=web&project[]=a+b:c", "project[0]=a+b:c&project%5B1%5D=web"] {
            let both = try service.get(path + twoDays + "&project=web&project=a+b:c", headers)
            expect(try service.get(path + twoDays + "&" + query, headers), 200, both.body)
        }
        // What was counted without a project has the empty one.
        try service.add(organization, "project=:sessions:day:2026-02", ["01": 7])
        for query in ["project=", "project[]", "project[0]="] {
            let none = try service.get(path + twoDays + "&" + query, headers)
            #expect(none.body.contains(#""dateRangeTotal":7"#), "\(query)")
        }
        let unknown = try service.get(path + twoDays + "&project=nobody", headers)
        #expect(unknown.status == 200)
        #expect(unknown.body.contains(#""totalRequests":0"#))
        #expect(unknown.body.contains(#""browserCounts":[]"#))
        #expect(unknown.body.contains(#""categoryStats":{}"#))
    }

    @Test func defaultRange() throws {
        let (service, headers) = try open()
        try service.add(organization, "sessions:day:2026-02", ["07": 5, "08": 1])
        let answer = try service.get(path, headers)
        #expect(
            answer.headers["X-Odometer-Range"] == "2026-02-08T00:00:00Z/2026-03-10T00:00:00Z")
        #expect(
            answer.body.contains(
                #""dateRangeTotal":1,"trend":{"current":1,"previous":5,"change":-4,"changePercentage":-80}"#
            ))
        let day = try service.get(
            path + "?startDate=2026-02-08T00:00:00Z&endDate=2026-02-08T00:00:00Z", headers)
        #expect(
            day.body.hasPrefix(
                #"{"sessions":{"dailySessionCounts":[{"date":"2026-02-08","count":1}],"#))
        let long = try service.get(
            path + "?startDate=2025-03-09T00:00:00Z&endDate=2026-03-10T00:00:00Z", headers)
        #expect(long.status == 200)
        #expect(long.headers["X-Odometer-Snapshot"] == nil)
    }

    @Test func startInTheFuture() throws {
        let (service, headers) = try open()
        let answer = try service.get(path + "?startDate=2026-04-01T10:00:00Z", headers)
        #expect(answer.status == 200)
        #expect(
            answer.headers["X-Odometer-Range"] == "2026-04-01T00:00:00Z/2026-04-02T00:00:00Z")
        #expect(
            answer.body.hasPrefix(
                #"{"sessions":{"dailySessionCounts":[{"date":"2026-04-01","count":0}],"#))
    }

    @Test(
        arguments: [
            ("startDate=x", "startDate is not an RFC 3339 time with a zone"),
            ("endDate=2026-02-30T00:00:00Z", "endDate is not an RFC 3339 time with a zone"),
            (
                "startDate=2026-02-02T00:00:01Z&endDate=2026-02-02T00:00:00Z",
                "startDate is after endDate"
            ),
            (
                "startDate=2025-03-09T00:00:00Z&endDate=2026-03-10T00:00:01Z",
                "startDate and endDate are more than 366 days apart"
            ),
            (
                "endDate=2026-02-02T00:00:00Z&endDate=2026-02-02T00:00:00Z",
                "endDate is given more than once"
            ),
            ("startDate=", "startDate is empty"),
            ("Project=a", #"unknown parameter \"Project\" (did you mean project?)"#),
            ("projects=a", #"unknown parameter \"projects\" (did you mean project?)"#),
            (
                "project[a]=b",
                #"unknown parameter \"project[a]\"; known are: \#(PrivacyTests.known)"#
            ),
            ("project[=b", #"unknown parameter \"project[\" (did you mean project?)"#),
            (
                "start=2026-02-02T00:00:01Z",
                #"unknown parameter \"start\"; known are: \#(PrivacyTests.known)"#
            ),
            (
                (0...20).map { "project[]=\($0)" }.joined(separator: "&"),
                "project is given more than 20 times"
            ),
            (
                (0...20).map { "project=\($0)" }.joined(separator: "&"),
                "project is given more than 20 times"
            ),
        ])
    func badParameters(query: String, message: String) throws {
        let (service, headers) = try open()
        expect(
            try service.get("\(path)?\(query)", headers), 422,
            #"{"statusCode":422,"error":"Unprocessable Entity","message":"\#(message)"}"#)
    }

    /// Days of users are kept for ever, as the other numbers of the answer.
    @Test func oldDays() throws {
        let (service, headers) = try open()
        let key = "consent_users:day:2025-01-05"
        try service.distinct(organization, key, ["a", "b"])
        try service.distinct(organization, "consent_users:month:2025-01", ["a", "b", "c"])
        let days = try service.get(
            path + "?startDate=2025-01-05T00:00:00Z&endDate=2025-01-06T00:00:00Z", headers)
        #expect(days.status == 200 && days.body.contains(#""totalUsers":2,"#))
    }

    /// Where a catalog keeps them 400 days, only whole months can be answered before that.
    @Test func oldRange() throws {
        var catalog = try TestService.catalog()
        let place = try #require(catalog.meters.firstIndex { $0.name == "consent_users" })
        catalog.meters[place].retention[.day] = .seconds(400 * 86_400)
        let (service, headers) = try open(catalog: catalog)
        let month = try service.get(
            path + "?startDate=2025-01-01T00:00:00Z&endDate=2025-02-01T00:00:00Z", headers)
        #expect(month.status == 200)
        let days = try service.get(
            path + "?startDate=2025-01-05T00:00:00Z&endDate=2025-01-06T00:00:00Z", headers)
        #expect(days.status == 422)
        #expect(days.body.contains("single days are kept from 2025-02-02 on"))
    }

    /// 401, then 422, then 403, then 404.
    @Test func orderOfChecks() throws {
        let (service, headers) = try open(hasProfile: false)
        let other = "/organizations/00000000-0000-0000-0000-000000000000/metrics"
        let unauthorized = #"{"statusCode":401,"error":"Unauthorized","message":"Unauthorized"}"#
        let forbidden = #"{"statusCode":403,"error":"Forbidden","message":"Forbidden"}"#
        for target in ["/organizations/x/metrics", other, path, path + "?startDate=x"] {
            expect(try service.get(target), 401, unauthorized)
        }
        expect(
            try service.get("/organizations/x/metrics?startDate=x", headers), 422,
            #"{"statusCode":422,"error":"Unprocessable Entity","message":"organizationId is not a UUID"}"#
        )
        expect(
            try service.get(other + "?startDate=x", headers), 422,
            #"{"statusCode":422,"error":"Unprocessable Entity","message":"startDate is not an RFC 3339 time with a zone"}"#
        )
        expect(
            try service.get(other + "?startdate=2026-02-02T00:00:00Z", headers), 422,
            #"{"statusCode":422,"error":"Unprocessable Entity","message":"unknown parameter \"startdate\" (did you mean startDate?)"}"#
        )
        expect(try service.get(other, headers), 403, forbidden)
        let writer = try service.key(organization, ["privacy"], role: .write)
        expect(try service.get(path, ["x-api-key": writer]), 403, forbidden)
        expect(
            try service.get(path, headers), 404,
            #"{"statusCode":404,"error":"Not Found","message":"Not Found"}"#)
        try service.directory(organization, "organization", [:])
        #expect(try service.get(path, headers).status == 200)
        #expect(
            try service.get("/organizations/\(organization.uppercased())/metrics", headers).status
                == 200)
    }
}
