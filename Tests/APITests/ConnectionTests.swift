import API
import Foundation
import Query
import Redis
import Testing

@Suite struct ConnectionTests {
    private let path = "/api/connection-analytics/summary"
    private let organization = "a1b2c3d4-e5f6-7890-abcd-ef1234567890"

    /// Asked for → really answered, with and without the windows of single groups.
    ///
    /// Minutes are kept for 26 hours, quarter-hours for 92 days, before that UTC days. Without the
    /// groups' windows no minutes, but where nothing happened none are needed.
    private static let periods = [
        ("minutes=1", "2026-03-09T14:06/2026-03-09T14:08", "2026-03-09T14:00/2026-03-09T14:15"),
        (
            "minutes=60", "2026-03-09T13:07/2026-03-09T14:08",
            "2026-03-09T13:00/2026-03-09T14:15"
        ),
        (
            "minutes=1440", "2026-03-08T14:07/2026-03-09T14:08",
            "2026-03-08T14:00/2026-03-09T14:15"
        ),
        (
            "minutes=43200", "2026-02-07T14:00/2026-03-09T14:08",
            "2026-02-07T14:00/2026-03-09T14:08"
        ),
        (
            "minutes=525600", "2025-03-09T00:00/2026-03-09T14:08",
            "2025-03-09T00:00/2026-03-09T14:08"
        ),
        (
            "timeStart=2026-03-08T10:01:00Z&timeEnd=2026-03-08T22:44:59.5Z",
            "2026-03-08T10:00/2026-03-08T22:45", "2026-03-08T10:00/2026-03-08T22:45"
        ),
        (
            "timeStart=2026-03-08T13:01:10Z&timeEnd=2026-03-09T13:22:30Z",
            "2026-03-08T13:01/2026-03-09T13:23", "2026-03-08T13:00/2026-03-09T13:30"
        ),
        (
            "timeStart=2026-03-09T01:01:00Z&timeEnd=2026-03-09T02:02:00Z",
            "2026-03-09T01:01/2026-03-09T02:02", "2026-03-09T01:00/2026-03-09T02:15"
        ),
        (
            "timeStart=2026-01-20T11:00:00%2B02:00&timeEnd=2026-03-02T00:00:00Z",
            "2026-01-20T09:00/2026-03-02T00:00", "2026-01-20T09:00/2026-03-02T00:00"
        ),
        (
            "timeStart=2025-10-10T10:10:10Z&timeEnd=2025-12-01T05:00:00Z",
            "2025-10-10T00:00/2025-12-02T00:00", "2025-10-10T00:00/2025-12-02T00:00"
        ),
        (
            "timeStart=2025-07-07T00:00:00Z", "2025-07-07T00:00/2026-03-09T14:08",
            "2025-07-07T00:00/2026-03-09T14:08"
        ),
        (
            "timeEnd=2026-02-01T12:00:00Z", "1700-01-01T00:00/2026-02-01T12:00",
            "1700-01-01T00:00/2026-02-01T12:00"
        ),
        (
            "timeStart=1990-01-01T00:00:00Z&timeEnd=1991-01-01T00:00:00Z",
            "1990-01-01T00:00/1991-01-01T00:00", "1990-01-01T00:00/1991-01-01T00:00"
        ),
    ]

    @Test(arguments: [true, false])
    func periodsAgainstEveryEvent(hasGroups: Bool) throws {
        let service = try TestService()
        let now = try TestService.nanoseconds(TestService.now) / 1_000_000_000
        let world = ConnectionWorld.random(now)
        try world.seed(service, organization, now: now, hasGroups: hasGroups)
        let headers = ["Authorization": try service.key(organization, ["connections"])]
        expect(try service.get(path, headers), 200, world.rows(organization, nil))
        let everything = try service.get(path, headers)
        #expect(everything.headers["X-Odometer-Range"] == nil)
        #expect(everything.headers["X-Odometer-Snapshot"] == nil)
        for (query, minutes, quarters) in ConnectionTests.periods {
            let ends = (hasGroups ? minutes : quarters).split(separator: "/").map { "\($0):00Z" }
            let answer = try service.get("\(path)?\(query)", headers)
            #expect(
                answer.headers["X-Odometer-Range"] == ends.joined(separator: "/"), "\(query)")
            let expected = world.rows(organization, try .covering(ends[0], ends[1]))
            #expect(answer.json == sortedJSON(expected), "\(query)")
            // A period that ended in the middle of events may be more than one reading.
            if !query.contains("timeEnd=2026-03-09T13") {
                #expect(answer.headers["X-Odometer-Snapshot"] == nil, "\(query)")
            }
        }
    }

    /// Of a period that has not begun nothing is known: a client whose clock is ahead gets no rows.
    @Test func periodsInTheFuture() throws {
        let service = try TestService()
        try service.add(organization, "connections_open:all", ["s:p:d": 1])
        try service.set(
            organization, "connection_activity:all", "s:p:d",
            try TestService.digits(TestService.now))
        let headers = ["Authorization": try service.key(organization, ["connections"])]
        for query in [
            "timeStart=2026-03-09T14:07:32Z", "timeStart=2026-03-12T00:00:00Z",
            "timeStart=2026-03-09T14:15:00Z&timeEnd=2026-03-09T14:15:00Z",
            "timeStart=2026-03-12T00:00:00Z&timeEnd=2026-03-13T00:00:00Z",
        ] {
            expect(try service.get("\(path)?\(query)", headers), 200, "[]")
        }
        #expect(
            try service.get(path + "?timeStart=2026-03-12T00:00:00Z", headers)
                .headers["X-Odometer-Range"] == "2026-03-12T00:00:00Z/2026-03-12T00:00:00Z")
        // The present second has begun.
        let now = try service.get(path + "?timeStart=2026-03-09T14:07:31Z", headers)
        #expect(now.body.contains(#""totalConnections":1"#))
    }

    @Test func filters() throws {
        let service = try TestService()
        let now = try TestService.nanoseconds(TestService.now) / 1_000_000_000
        let world = ConnectionWorld.random(now)
        try world.seed(service, organization, now: now)
        let headers = [
            "Authorization": "Bearer " + (try service.key(organization, ["connections"]))
        ]
        func filtered(_ matches: ([String]) -> Bool) -> String {
            var some = world
            some.events = world.events.filter { matches($0.group) }
            return some.rows(organization, nil)
        }
        expect(
            try service.get(path + "?serviceName=rest", headers), 200, filtered { $0[0] == "rest" })
        expect(
            try service.get(path + "?protocolName=FIX", headers), 200, filtered { $0[1] == "FIX" })
        expect(
            try service.get(path + "?dataCenter=eu%2F1", headers), 200,
            filtered { $0[2] == "eu/1" })
        expect(
            try service.get(
                path + "?serviceName=rest&protocolName=REST&dataCenter=eu/2", headers), 200,
            filtered { $0 == ["rest", "REST", "eu/2"] })
        for query in ["serviceName=REST", "dataCenter=eu", "protocolName=*"] {
            expect(try service.get("\(path)?\(query)", headers), 200, "[]")
        }
    }

    /// A closing without its opening makes a level negative in Redis; nothing is shown below 0.
    @Test func negativeLevel() throws {
        let service = try TestService()
        try service.add(organization, "connections_open:all", ["s:p:d": -2, "t:p:d": 3])
        try service.set(
            organization, "connection_activity:all", "s:p:d",
            try TestService.digits(TestService.now))
        let headers = ["Authorization": try service.key(organization, ["connections"], role: .read)]
        let answer = try service.get(path + "?minutes=5", headers)
        // Open since ever, nothing known about when: three connections overlap every period.
        #expect(
            answer.json
                == sortedJSON(
                    """
                    [{"organizationId": "\(organization)", "serviceName": "t", "protocolName": "p",
                      "dataCenter": "d", "totalConnections": 3, "newConnectionsInPeriod": 0,
                      "uniqueApiKeys": 0, "averageConnectionDurationSeconds": 0,
                      "totalConnectionTimeSeconds": 0, "firstConnection": null,
                      "lastConnection": null, "lastActivity": null}]
                    """))
    }

    /// Groups are remembered in the order in which Redis names them;
    /// whatever changes there is seen.
    @Test func groupsThatComeAndGo() throws {
        let service = try TestService()
        let headers = ["Authorization": try service.key(organization, ["connections"])]
        let tables = ["connections_open:all", "connection_activity:all"]
        func add(_ group: String) throws {
            try service.set(organization, tables[0], group, "1")
            try service.set(organization, tables[1], group, try TestService.digits(TestService.now))
        }
        func remove(_ group: String) throws {
            for table in tables {
                try service.run("HDEL", TestService.key(organization, table), group)
            }
        }
        func shown(_ query: String = "minutes=5") throws -> [String] {
            let body = try service.get("\(path)?\(query)", headers).body
            let rows = try JSONSerialization.jsonObject(with: Data(body.utf8))
            return try #require(rows as? [[String: Any]]).map {
                "\($0["serviceName"] ?? "") \($0["dataCenter"] ?? "")"
            }
        }
        #expect(try shown() == [])
        try add("b:p:2")
        #expect(try shown() == ["b 2"])
        try add("a:p:1")
        #expect(try shown() == ["a 1", "b 2"])
        try add("b:p:1")
        #expect(try shown() == ["a 1", "b 1", "b 2"])
        try remove("b:p:2")
        #expect(try shown() == ["a 1", "b 1"])
        // The same names in another order, a name that is none of ours between them.
        try remove("a:p:1")
        try service.set(organization, tables[1], "x:y", try TestService.digits(TestService.now))
        try add("a:p:1")
        try add("c:p:%3A")
        #expect(try shown() == ["a 1", "b 1", "c :"])
        #expect(try shown("minutes=5&serviceName=c") == ["c :"])
        #expect(try shown("minutes=5&serviceName=a&protocolName=p&dataCenter=1") == ["a 1"])
        for table in ["connections_open:all", "connection_lives:all"] {
            try service.run("DEL", TestService.key(organization, table))
        }
        #expect(try shown() == [])
    }

    @Test(
        arguments: [
            ("minutes=0", "minutes must be from 1 to 525600"),
            ("minutes=525601", "minutes must be from 1 to 525600"),
            ("minutes=1e3", "minutes is not an integer"),
            (
                "minutes=5&timeStart=2026-03-09T00:00:00Z",
                "minutes cannot stand together with timeStart or timeEnd"
            ),
            (
                "minutes=5&timeEnd=2026-03-09T00:00:00Z",
                "minutes cannot stand together with timeStart or timeEnd"
            ),
            ("timeStart=2026-03-09", "timeStart is not an RFC 3339 time with a zone"),
            ("timeStart=2026-03-09T00:00:00", "timeStart is not an RFC 3339 time with a zone"),
            ("timeEnd=2026-02-29T00:00:00Z", "timeEnd is not an RFC 3339 time with a zone"),
            ("timeEnd=2026-02-28T24:00:00Z", "timeEnd is not an RFC 3339 time with a zone"),
            (
                "timeStart=2026-03-09T15:00:00Z&timeEnd=2026-03-09T14:00:00Z",
                "timeStart is after timeEnd"
            ),
            ("serviceName=a&serviceName=b", "serviceName is given more than once"),
            ("serviceName=", "serviceName is empty"), ("dataCenter", "dataCenter is empty"),
            ("timeStart=", "timeStart is empty"),
            (
                "ServiceName=x",
                #"unknown parameter \"ServiceName\" (did you mean serviceName?)"#
            ),
            (
                "serviceName[]=x",
                #"unknown parameter \"serviceName[]\" (did you mean serviceName?)"#
            ),
            (
                "start=2026-03-09T15:00:00Z",
                #"unknown parameter \"start\"; known are: serviceName, protocolName, dataCenter, timeStart, timeEnd, minutes"#
            ),
        ])
    func badParameters(query: String, message: String) throws {
        let service = try TestService()
        let headers = ["Authorization": try service.key(organization, ["connections"])]
        expect(
            try service.get("\(path)?\(query)", headers), 400,
            #"{"error":"Bad Request","message":"\#(message)"}"#)
    }

    @Test func keys() throws {
        let service = try TestService()
        expect(
            try service.get(path + "?minutes=0"), 401,
            #"{"error":"Unauthorized","message":"Invalid or missing API key"}"#)
        let writer = try service.key(organization, ["connections"], role: .write)
        expect(
            try service.get(path, ["Authorization": writer]), 403,
            #"{"error":"Forbidden","message":"Write keys cannot read connection analytics"}"#)
        let reader = try service.key(organization, ["connections"], role: .read)
        expect(try service.get(path, ["Authorization": "bearer \(reader)"]), 200, "[]")
    }
}
