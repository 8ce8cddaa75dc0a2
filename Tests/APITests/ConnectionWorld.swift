import API
import Foundation
import Query
import Redis
import Testing

/// One connection event of the little world that these tests count by hand.
struct ConnectionEvent {
    var kind: String
    var group: [String]
    var second: Int64
    var key: String
    var duration = 0
}

/// Writes the cells of events by the names of schemas/redis.md, and
/// answers by looking at every event.
struct ConnectionWorld {
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

    /// `hasGroups`: whether the windows of single groups are there, as in a
    /// ledger that was created with them.
    func seed(
        _ service: TestService, _ organization: String, now: Int64, hasGroups: Bool = true
    ) throws {
        for event in events {
            let field = event.group.joined(separator: ":")
            let scope =
                "service=\(event.group[0]):protocol=\(event.group[1]):dataCenter=\(event.group[2]):"
            if hasGroups { try seedGroup(event, scope, service, organization, now) }
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
                    try service.add(
                        organization, "connections_\(event.kind):\(window)", [field: 1])
                }
                if event.kind == "closed" {
                    try service.add(
                        organization, "connection_seconds:\(window)", [field: event.duration])
                }
                let time = String(UInt64(bitPattern: event.second * 1_000_000_000) ^ (1 << 63))
                if event.kind == "opened" {
                    try extreme(service, organization, "connection_first:\(window)", field, time, <)
                    try extreme(service, organization, "connection_last:\(window)", field, time, >)
                }
                try extreme(service, organization, "connection_activity:\(window)", field, time, >)
                try service.distinct(
                    organization, "\(scope)connection_keys:\(window)", [event.key])
            }
            if event.kind != "active" {
                try service.add(
                    organization, "connections_open:all", [field: event.kind == "opened" ? 1 : -1])
            }
        }
    }

    /// A group's own windows: minutes for 26 hours, quarter-hours for 92 days.
    private func seedGroup(
        _ event: ConnectionEvent, _ scope: String, _ service: TestService, _ organization: String,
        _ now: Int64
    ) throws {
        let time = String(UInt64(bitPattern: event.second * 1_000_000_000) ^ (1 << 63))
        var windows: [(key: String, field: String)] = []
        let quarter = event.second - event.second % 900
        if quarter + 900 + 92 * 86_400 > now {
            windows.append(
                ("quarter:" + label(quarter, "yyyy-MM-dd"), label(quarter, "HHmm")))
        }
        let hasMinute = event.second - event.second % 60 + 60 + 26 * 3_600 > now
        if hasMinute {
            windows.append(
                ("minute:" + label(event.second, "yyyy-MM-dd'T'HH"), label(event.second, "mm")))
        }
        func better(
            _ name: String, _ window: (key: String, field: String),
            _ isBetter: (String, String) -> Bool
        ) throws {
            let rest = "\(scope)connection_group_\(name):\(window.key)"
            try extreme(service, organization, rest, window.field, time, isBetter)
        }
        for window in windows {
            func add(_ name: String, _ amount: Int) throws {
                try service.add(
                    organization, "\(scope)connection_group_\(name):\(window.key)",
                    [window.field: amount])
            }
            if event.kind != "active" { try add(event.kind, 1) }
            if event.kind == "closed" { try add("seconds", event.duration) }
            if event.kind == "opened" { try better("first", window, <) }
        }
        guard hasMinute, let minute = windows.last else { return }
        if event.kind == "opened" { try better("last", minute, >) }
        try better("activity", minute, >)
        try service.distinct(
            organization, "\(scope)connection_group_keys:\(minute.key)\(minute.field)",
            [event.key])
    }

    private func extreme(
        _ service: TestService, _ organization: String, _ rest: String, _ field: String,
        _ value: String,
        _ isBetter: (String, String) -> Bool
    ) throws {
        let key = TestService.key(organization, rest)
        if let old = try service.run("HGET", key, field).text, !isBetter(value, old) { return }
        try service.set(organization, rest, field, value)
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
    static func covering(_ start: String, _ end: String) throws -> Range<Int64> {
        try TestService.nanoseconds(start) / 1_000_000_000..<TestService.nanoseconds(end)
            / 1_000_000_000
    }
}

extension ConnectionWorld {
    /// Connections of four groups over 300 days, some still open, from a fixed seed.
    static func random(_ now: Int64) -> ConnectionWorld {
        var world = ConnectionWorld()
        var state: UInt64 = 42
        func next(_ bound: Int64) -> Int64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int64(state >> 33) % bound
        }
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
}
