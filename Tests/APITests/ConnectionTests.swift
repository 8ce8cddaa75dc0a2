import API
import Foundation
import Query
import Redis
import Testing

/// One connection event of the little world that these tests count by hand.
private struct ConnectionEvent {
    var kind: String
    var group: [String]
    var second: Int64
    var key: String
    var duration = 0
}

/// Writes the cells of events by the names of schemas/redis.md, and answers by looking at every event.
private struct ConnectionWorld {
    var events: [ConnectionEvent] = []
    private let formatter: DateFormatter

    init() {
        formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(secondsFromGMT: 0)
    }

    private func label(_ second: Int64, _ format: String) -> String {
        formatter.dateFormat = format
        return formatter.string(from: Date(timeIntervalSince1970: Double(second)))
    }

    func seed(_ house: House, _ organization: String, now: Int64) throws {
        for event in events {
            let field = event.group.joined(separator: ":")
            let scope =
                "service=\(event.group[0]):protocol=\(event.group[1]):dataCenter=\(event.group[2]):"
            var windows = [
                "all", "month:" + label(event.second, "yyyy-MM"),
                "day:" + label(event.second, "yyyy-MM-dd"),
            ]
            let quarter = event.second - event.second % 900
            if quarter + 900 + 92 * 86_400 > now {
                windows.append("quarter:" + label(quarter, "yyyy-MM-dd'T'HHmm"))
            }
            for window in windows {
                if event.kind != "active" {
                    try house.add(
                        organization, "connections_\(event.kind):\(window)", [field: 1])
                }
                if event.kind == "closed" {
                    try house.add(
                        organization, "connection_seconds:\(window)", [field: event.duration])
                }
                let time = String(UInt64(bitPattern: event.second * 1_000_000_000) ^ (1 << 63))
                if event.kind == "opened" {
                    try extreme(house, organization, "connection_first:\(window)", field, time, <)
                    try extreme(house, organization, "connection_last:\(window)", field, time, >)
                }
                try extreme(house, organization, "connection_activity:\(window)", field, time, >)
                try house.distinct(
                    organization, "\(scope)connection_keys:\(window)", [event.key])
            }
            if event.kind != "active" {
                try house.add(
                    organization, "connections_open:all", [field: event.kind == "opened" ? 1 : -1])
            }
        }
    }

    private func extreme(
        _ house: House, _ organization: String, _ rest: String, _ field: String, _ value: String,
        _ isBetter: (String, String) -> Bool
    ) throws {
        let key = House.key(organization, rest)
        if let old = try house.run("HGET", key, field).text, !isBetter(value, old) { return }
        try house.set(organization, rest, field, value)
    }

    /// The rows of [start, end), counted from the events.
    func rows(_ organization: String, _ range: Range<Int64>?) -> String {
        let groups = Set(events.map(\.group)).sorted { $0.lexicographicallyPrecedes($1) }
        let rows = groups.compactMap { group -> String? in
            let mine = events.filter { $0.group == group }
            let inside = mine.filter { range?.contains($0.second) ?? true }
            let before = mine.filter { (range?.lowerBound ?? .min) > $0.second }
            let opened = inside.filter { $0.kind == "opened" }
            let closed = inside.filter { $0.kind == "closed" }
            let open =
                before.filter { $0.kind == "opened" }.count
                - before.filter { $0.kind == "closed" }.count
            let total = max(0, open) + opened.count
            guard total > 0 else { return nil }
            let seconds = closed.reduce(0) { $0 + $1.duration }
            let average =
                closed.isEmpty ? 0 : (Double(seconds) / Double(closed.count)).rounded()
            func tick(_ second: Int64?) -> String {
                second.map { "\"" + label($0, "yyyy-MM-dd'T'HH:mm:ss") + ".0000000Z\"" } ?? "null"
            }
            return """
                {"organizationId": "\(organization)", "serviceName": "\(group[0])",
                 "protocolName": "\(group[1])", "dataCenter": "\(group[2])",
                 "totalConnections": \(total), "newConnectionsInPeriod": \(opened.count),
                 "uniqueApiKeys": \(Set(inside.map(\.key)).count),
                 "averageConnectionDurationSeconds": \(Int(average)),
                 "totalConnectionTimeSeconds": \(seconds),
                 "firstConnection": \(tick(opened.map(\.second).min())),
                 "lastConnection": \(tick(opened.map(\.second).max())),
                 "lastActivity": \(tick(inside.map(\.second).max()))}
                """
        }
        return "[\(rows.joined(separator: ","))]"
    }
}

extension Range where Bound == Int64 {
    fileprivate static func covering(_ start: String, _ end: String) throws -> Range<Int64> {
        try House.nanoseconds(start) / 1_000_000_000..<House.nanoseconds(end) / 1_000_000_000
    }
}

@Suite struct ConnectionTests {
    private let path = "/api/connection-analytics/summary"
    private let organization = "a1b2c3d4-e5f6-7890-abcd-ef1234567890"

    /// Connections of four groups over 300 days, some still open, from a fixed seed.
    private func world() throws -> ConnectionWorld {
        var world = ConnectionWorld()
        var state: UInt64 = 42
        func next(_ bound: Int64) -> Int64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int64(state >> 33) % bound
        }
        let now = try House.nanoseconds(House.now) / 1_000_000_000
        let groups = [
            ["ws", "WebSocket", "us/1"], ["rest", "REST", "eu/2"], ["rest", "REST", "eu/1"],
            ["fix", "FIX", "ap/3"],
        ]
        for index in 0..<70 {
            let group = groups[Int(next(4))]
            let age = index < 30 ? next(86_400) : next(300 * 86_400)
            let key = "key-\(next(9))"
            world.events.append(
                ConnectionEvent(kind: "opened", group: group, second: now - age, key: key))
            if age > 60, next(3) > 0 {
                let life = 1 + next(min(age - 1, 200_000))
                world.events.append(
                    ConnectionEvent(
                        kind: "active", group: group, second: now - age + next(life),
                        key: "key-\(next(9))"))
                world.events.append(
                    ConnectionEvent(
                        kind: "closed", group: group, second: now - age + life, key: key,
                        duration: Int(life)))
            }
        }
        return world
    }

    @Test func periodsAgainstEveryEvent() throws {
        let house = try House()
        let world = try world()
        let now = try House.nanoseconds(House.now) / 1_000_000_000
        try world.seed(house, organization, now: now)
        let headers = ["Authorization": try house.key(organization, ["connections"])]
        expect(try house.get(path, headers), 200, world.rows(organization, nil))
        let everything = try house.get(path, headers)
        #expect(everything.headers["X-Odometer-Range"] == nil)
        #expect(everything.headers["X-Odometer-Snapshot"] == nil)
        // Asked for → really answered: quarter-hours for 92 days, before that UTC days.
        for (query, start, end) in [
            ("minutes=1", "2026-03-09T14:00:00Z", "2026-03-09T14:15:00Z"),
            ("minutes=60", "2026-03-09T13:00:00Z", "2026-03-09T14:15:00Z"),
            ("minutes=1440", "2026-03-08T14:00:00Z", "2026-03-09T14:15:00Z"),
            ("minutes=43200", "2026-02-07T14:00:00Z", "2026-03-09T14:15:00Z"),
            ("minutes=525600", "2025-03-09T00:00:00Z", "2026-03-09T14:15:00Z"),
            (
                "timeStart=2026-03-08T10:01:00Z&timeEnd=2026-03-08T22:44:59.5Z",
                "2026-03-08T10:00:00Z", "2026-03-08T22:45:00Z"
            ),
            (
                "timeStart=2026-01-20T11:00:00%2B02:00&timeEnd=2026-03-02T00:00:00Z",
                "2026-01-20T09:00:00Z", "2026-03-02T00:00:00Z"
            ),
            (
                "timeStart=2025-10-10T10:10:10Z&timeEnd=2025-12-01T05:00:00Z",
                "2025-10-10T00:00:00Z", "2025-12-02T00:00:00Z"
            ),
            ("timeStart=2025-07-07T00:00:00Z", "2025-07-07T00:00:00Z", "2026-03-09T14:15:00Z"),
            ("timeEnd=2026-02-01T12:00:00Z", "1700-01-01T00:00:00Z", "2026-02-01T12:00:00Z"),
            (
                "timeStart=1990-01-01T00:00:00Z&timeEnd=1991-01-01T00:00:00Z",
                "1990-01-01T00:00:00Z", "1991-01-01T00:00:00Z"
            ),
        ] {
            let answer = try house.get("\(path)?\(query)", headers)
            #expect(answer.headers["X-Odometer-Range"] == "\(start)/\(end)", "\(query)")
            let expected = world.rows(organization, try .covering(start, end))
            #expect(answer.json == sortedJSON(expected), "\(query)")
            #expect(answer.headers["X-Odometer-Snapshot"] == nil, "\(query)")
        }
    }

    /// Of a period that has not begun nothing is known: a client whose clock is ahead gets no rows.
    @Test func periodsInTheFuture() throws {
        let house = try House()
        try house.add(organization, "connections_open:all", ["s:p:d": 1])
        try house.set(
            organization, "connection_activity:all", "s:p:d", try House.digits(House.now))
        let headers = ["Authorization": try house.key(organization, ["connections"])]
        for query in [
            "timeStart=2026-03-09T14:07:32Z", "timeStart=2026-03-12T00:00:00Z",
            "timeStart=2026-03-09T14:15:00Z&timeEnd=2026-03-09T14:15:00Z",
            "timeStart=2026-03-12T00:00:00Z&timeEnd=2026-03-13T00:00:00Z",
        ] {
            expect(try house.get("\(path)?\(query)", headers), 200, "[]")
        }
        #expect(
            try house.get(path + "?timeStart=2026-03-12T00:00:00Z", headers)
                .headers["X-Odometer-Range"] == "2026-03-12T00:00:00Z/2026-03-12T00:00:00Z")
        // The present second has begun.
        let now = try house.get(path + "?timeStart=2026-03-09T14:07:31Z", headers)
        #expect(now.body.contains(#""totalConnections":1"#))
    }

    @Test func filters() throws {
        let house = try House()
        let world = try world()
        let now = try House.nanoseconds(House.now) / 1_000_000_000
        try world.seed(house, organization, now: now)
        let headers = ["Authorization": "Bearer " + (try house.key(organization, ["connections"]))]
        func filtered(_ matches: ([String]) -> Bool) -> String {
            var some = world
            some.events = world.events.filter { matches($0.group) }
            return some.rows(organization, nil)
        }
        expect(
            try house.get(path + "?serviceName=rest", headers), 200, filtered { $0[0] == "rest" })
        expect(
            try house.get(path + "?protocolName=FIX", headers), 200, filtered { $0[1] == "FIX" })
        expect(
            try house.get(path + "?dataCenter=eu%2F1", headers), 200,
            filtered { $0[2] == "eu/1" })
        expect(
            try house.get(
                path + "?serviceName=rest&protocolName=REST&dataCenter=eu/2", headers), 200,
            filtered { $0 == ["rest", "REST", "eu/2"] })
        for query in ["serviceName=REST", "dataCenter=eu", "protocolName=*"] {
            expect(try house.get("\(path)?\(query)", headers), 200, "[]")
        }
    }

    /// A closing without its opening makes a level negative in Redis; nothing is shown below 0.
    @Test func negativeLevel() throws {
        let house = try House()
        try house.add(organization, "connections_open:all", ["s:p:d": -2, "t:p:d": 3])
        try house.set(
            organization, "connection_activity:all", "s:p:d", try House.digits(House.now))
        let headers = ["Authorization": try house.key(organization, ["connections"], role: .read)]
        let answer = try house.get(path + "?minutes=5", headers)
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

    /// Groups are remembered in the order in which Redis names them; whatever changes there is seen.
    @Test func groupsThatComeAndGo() throws {
        let house = try House()
        let headers = ["Authorization": try house.key(organization, ["connections"])]
        let tables = ["connections_open:all", "connection_activity:all"]
        func add(_ group: String) throws {
            try house.set(organization, tables[0], group, "1")
            try house.set(organization, tables[1], group, try House.digits(House.now))
        }
        func remove(_ group: String) throws {
            for table in tables { try house.run("HDEL", House.key(organization, table), group) }
        }
        func shown(_ query: String = "minutes=5") throws -> [String] {
            let body = try house.get("\(path)?\(query)", headers).body
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
        try house.set(organization, tables[1], "x:y", try House.digits(House.now))
        try add("a:p:1")
        try add("c:p:%3A")
        #expect(try shown() == ["a 1", "b 1", "c :"])
        #expect(try shown("minutes=5&serviceName=c") == ["c :"])
        #expect(try shown("minutes=5&serviceName=a&protocolName=p&dataCenter=1") == ["a 1"])
        for table in tables { try house.run("DEL", House.key(organization, table)) }
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
        let house = try House()
        let headers = ["Authorization": try house.key(organization, ["connections"])]
        expect(
            try house.get("\(path)?\(query)", headers), 400,
            #"{"error":"Bad Request","message":"\#(message)"}"#)
    }

    @Test func keys() throws {
        let house = try House()
        expect(
            try house.get(path + "?minutes=0"), 401,
            #"{"error":"Unauthorized","message":"Invalid or missing API key"}"#)
        let writer = try house.key(organization, ["connections"], role: .write)
        expect(
            try house.get(path, ["Authorization": writer]), 403,
            #"{"error":"Forbidden","message":"Write keys cannot read connection analytics"}"#)
        let reader = try house.key(organization, ["connections"], role: .read)
        expect(try house.get(path, ["Authorization": "bearer \(reader)"]), 200, "[]")
    }
}
