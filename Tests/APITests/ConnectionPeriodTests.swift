import API
import Foundation
import Metering
import Redis
import Testing

@Suite struct ConnectionPeriodTests {
    private let path = "/api/connection-analytics/summary"
    private let organization = "org-periods"

    private func second(_ text: String) throws -> Int64 {
        try TestService.nanoseconds(text) / 1_000_000_000
    }

    private func connection(
        _ group: [String], _ opened: String, closed: String?
    ) throws -> [ConnectionEvent] {
        let start = try second(opened)
        var events = [ConnectionEvent(kind: "opened", group: group, second: start, key: "k")]
        if let closed {
            let end = try second(closed)
            events.append(
                ConnectionEvent(
                    kind: "closed", group: group, second: end, key: "k",
                    duration: Int(end - start)))
        }
        return events
    }

    private func check(
        _ service: TestService, _ world: ConnectionWorld, _ headers: [String: String],
        _ query: String,
        _ start: String, _ end: String
    ) throws {
        let answer = try service.get("\(path)?\(query)", headers)
        #expect(answer.headers["X-Odometer-Range"] == "\(start)/\(end)", "\(query)")
        #expect(
            answer.json == sortedJSON(world.rows(organization, try .covering(start, end))),
            "\(query)")
    }

    /// A connection that was over two minutes ago is no part of the last minute.
    @Test func minutesAreExact() throws {
        let service = try TestService()
        let now = try second(TestService.now)
        var world = ConnectionWorld()
        let group = ["ws", "p", "d"]
        world.events += try connection(
            group, "2026-03-09T14:00:05Z", closed: "2026-03-09T14:00:15Z")
        world.events += try connection(
            group, "2026-03-09T14:05:59Z", closed: "2026-03-09T14:06:00Z")
        try world.seed(service, organization, now: now)
        let headers = ["Authorization": try service.key(organization, ["connections"])]
        try service.setNow("2026-03-09T14:08:31Z")
        #expect(try service.get(path + "?minutes=1", headers).json == "[]")
        try service.setNow(TestService.now)
        let one = "\(path)?minutes=1"
        #expect(try service.get(one, headers).body.contains(#""newConnectionsInPeriod":0"#))
        #expect(try service.get(one, headers).body.contains(#""totalConnectionTimeSeconds":1"#))
        let filter = "serviceName=ws&protocolName=p&dataCenter=d"
        for (minutes, start) in [(1, "14:06"), (2, "14:05"), (7, "14:00"), (6, "14:01")] {
            for query in ["minutes=\(minutes)", "minutes=\(minutes)&\(filter)"] {
                try check(
                    service, world, headers, query, "2026-03-09T\(start):00Z",
                    "2026-03-09T14:08:00Z")
            }
        }
    }

    /// An event of a clock that is ahead of ours, or of a period that ended long ago, is left out.
    @Test func eventsAfterThePeriod() throws {
        let service = try TestService()
        let now = try second(TestService.now)
        var world = ConnectionWorld()
        let group = ["ws", "p", "d"]
        world.events += try connection(group, "2026-03-09T13:50:05Z", closed: nil)
        world.events += try connection(
            group, "2026-03-09T14:08:05Z", closed: "2026-03-09T14:09:07Z")
        world.events += try connection(["rest", "p", "d"], "2026-03-09T14:09:05Z", closed: nil)
        try world.seed(service, organization, now: now)
        let headers = ["Authorization": try service.key(organization, ["connections"])]
        let filter = "serviceName=ws&protocolName=p&dataCenter=d"
        for (minutes, from) in [(1, "14:06"), (18, "13:49"), (120, "12:07")] {
            let start = "2026-03-09T\(from):00Z"
            try check(
                service, world, headers, "minutes=\(minutes)", start, "2026-03-09T14:08:00Z")
            var mine = world
            mine.events.removeAll { $0.group != group }
            try check(
                service, mine, headers, "minutes=\(minutes)&\(filter)", start,
                "2026-03-09T14:08:00Z")
        }
    }

    /// Days of keys are kept for ever.
    ///
    /// Where a catalog keeps them 400 days, what is older is answered
    /// by months, every number alike.
    @Test(arguments: [true, false]) func daysThatAreGone(isKept: Bool) throws {
        var catalog = try TestService.catalog()
        let place = try #require(catalog.meters.firstIndex { $0.name == "connection_keys" })
        if !isKept { catalog.meters[place].retention[.day] = .seconds(400 * 86_400) }
        let service = try TestService(catalog: catalog)
        let now = try second(TestService.now)
        var world = ConnectionWorld()
        let group = ["ws", "p", "d"]
        world.events += try connection(
            group, "2024-06-05T10:00:00Z", closed: "2024-06-05T11:00:00Z")
        world.events += try connection(
            group, "2024-06-20T10:00:00Z", closed: "2024-06-20T11:00:00Z")
        try world.seed(service, organization, now: now)
        let headers = ["Authorization": try service.key(organization, ["connections"])]
        try check(
            service, world, headers, "timeStart=2024-06-10T00:00:00Z&timeEnd=2024-06-25T00:00:00Z",
            isKept ? "2024-06-10T00:00:00Z" : "2024-06-01T00:00:00Z",
            isKept ? "2024-06-25T00:00:00Z" : "2024-07-01T00:00:00Z")
    }

    /// A period that was over before anything was counted has no rows, however long it is.
    @Test func periodsBeforeTheFirstEvent() throws {
        let service = try TestService()
        var world = ConnectionWorld()
        world.events += try connection(["ws", "p", "d"], "2026-03-01T00:00:00Z", closed: nil)
        try world.seed(service, organization, now: try second(TestService.now))
        let headers = ["Authorization": try service.key(organization, ["connections"])]
        for end in ["2026-03-01", "2026-02-15", "2025-12-31"] {
            let answer = try service.get("\(path)?timeEnd=\(end)T00:00:00Z", headers)
            #expect(answer.body == "[]", "\(end): \(answer.body)")
        }
        let later = try service.get("\(path)?timeEnd=2026-03-01T00:15:00Z", headers)
        #expect(later.body.contains(#""newConnectionsInPeriod":1"#))
    }

    /// A ledger in which the windows of single groups begin in the middle of a day.
    @Test func windowsThatWereAddedLater() throws {
        let service = try TestService()
        let now = try second(TestService.now)
        var old = ConnectionWorld()
        var new = ConnectionWorld()
        old.events += try connection(["ws", "p", "d"], "2026-03-09T13:40:05Z", closed: nil)
        new.events += try connection(["ws", "p", "d"], "2026-03-09T13:50:05Z", closed: nil)
        new.events += try connection(["rest", "p", "d"], "2026-03-09T13:50:05Z", closed: nil)
        try old.seed(service, organization, now: now, hasGroups: false)
        try new.seed(service, organization, now: now)
        var world = old
        world.events += new.events
        let headers = ["Authorization": try service.key(organization, ["connections"])]
        try check(
            service, world, headers, "minutes=30", "2026-03-09T13:30:00Z", "2026-03-09T14:15:00Z")
        try service.setNow("2026-03-10T00:10:00Z")
        try check(
            service, world, headers, "minutes=5", "2026-03-10T00:05:00Z", "2026-03-10T00:11:00Z")
    }

    /// Five groups over a day, with something in every quarter-hour: what reaches Redis.
    @Test(arguments: ["minutes=1440", "minutes=60", "minutes=1"])
    func commands(query: String) throws {
        let service = try TestService()
        service.asksAgain = false
        let now = try second(TestService.now)
        var world = ConnectionWorld()
        for index in 0..<120 {
            let group = ["service-\(index % 5)", "p", "d"]
            let opened = now - 86_400 - 300 + Int64(index) * 720
            world.events.append(
                ConnectionEvent(kind: "opened", group: group, second: opened, key: "k\(index)"))
            world.events.append(
                ConnectionEvent(
                    kind: "closed", group: group, second: opened + 400, key: "k\(index)",
                    duration: 400))
        }
        try world.seed(service, organization, now: now)
        let headers = ["Authorization": try service.key(organization, ["connections"])]
        var bodies: [String] = []
        for name in ["first", "second"] {
            try service.run("CONFIG", "RESETSTAT")
            bodies.append(try service.get("\(path)?\(query)", headers).json)
            let stats = try #require(try service.run("INFO", "commandstats").text)
            let calls = stats.split(whereSeparator: \.isNewline).compactMap { line -> Int? in
                guard line.hasPrefix("cmdstat_"), !line.hasPrefix("cmdstat_config") else {
                    return nil
                }
                return line.split(separator: "=").dropFirst().first
                    .flatMap { $0.split(separator: ",").first }.flatMap { Int($0) }
            }
            #expect(calls.reduce(0, +) <= 100, "\(name): \(stats)")
            #expect(calls.reduce(0, +) > 10, "\(stats)")
        }
        #expect(bodies[0] == bodies[1])
    }
}
