import Workload

/// Connection analytics: one row for each service, protocol and data center.
extension RouteExpectation {
    static let connectionsPath = "/api/connection-analytics/summary"
    private static let group = ["service", "protocol", "dataCenter"]
    static let connectionsNeeds: [RouteNeed] = {
        let windows = [OracleWindow.day, .all]
        func extreme(_ name: String, _ keep: OracleMeter.Keep) -> RouteNeed {
            RouteNeed(name, .extreme, windows, by: group, keep: keep)
        }
        return [
            RouteNeed("connections_open", .level, [.all], by: group),
            RouteNeed("connections_opened", .count, windows, by: group),
            RouteNeed("connections_closed", .count, windows, by: group),
            RouteNeed("connection_seconds", .sum, windows, by: group),
            extreme("connection_first", .min), extreme("connection_last", .max),
            extreme("connection_activity", .max),
            RouteNeed("connection_keys", .distinct, windows, scopes: [group]),
        ]
    }()

    /// Periods are whole days: the quarter-hours from which the product answers add up to the same.
    mutating func expectConnections() {
        guard canExpect(Self.connectionsPath) else { return }
        let everything = connections(nil)
        expect(.connections, Self.connectionsPath, bodies: [Self.list(everything)])
        for days in ranges {
            let period: [(name: String, value: String)] = [
                ("timeStart", Self.midnight(days.lowerBound)),
                ("timeEnd", Self.midnight(days.upperBound)),
            ]
            expect(
                .connections, Self.connectionsPath, period, bodies: [Self.list(connections(days))])
        }
        guard let first = everything.first?.group else { return }
        let filters = ["serviceName", "protocolName", "dataCenter"]
        // An empty filter is refused, although the text of an event may be empty.
        for (place, name) in filters.enumerated() where !first[place].isEmpty {
            expect(
                .connections, Self.connectionsPath,
                [(name, String(decoding: first[place], as: UTF8.self))],
                bodies: [Self.list(everything.filter { $0.group[place] == first[place] })])
        }
    }

    private struct Row {
        let group: [[UInt8]]
        let body: ExpectedJSON
    }

    private static func list(_ rows: [Row]) -> ExpectedJSON { .list(rows.map(\.body)) }

    /// The rows of a period; without one, of all time.
    private func connections(_ days: Range<Int64>?) -> [Row] {
        let opened = cells.table("connections_opened", days)
        let closed = cells.table("connections_closed", days)
        let seconds = cells.table("connection_seconds", days)
        let first = cells.extremeTable("connection_first", days, min)
        let last = cells.extremeTable("connection_last", days, max)
        let activity = cells.extremeTable("connection_activity", days, max)
        let openAtStart = days.map { openConnections(at: $0.lowerBound) } ?? [:]
        let groups = Set(opened.keys).union(openAtStart.keys).union(closed.keys)
        return groups.sorted(by: Self.precedes).compactMap { group in
            let total = max((openAtStart[group] ?? 0) + (opened[group] ?? 0), closed[group] ?? 0)
            guard total > 0, group.count == 3 else { return nil }
            let scope = OrganizationCells.scope(
                zip(Self.group, group).map { (name: $0, value: $1) })
            let duration = seconds[group] ?? 0
            func time(_ table: [[[UInt8]]: Int64]) -> ExpectedJSON {
                table[group].map { .text(oracleTime(nanoseconds: $0, decimals: true)) } ?? .null
            }
            let body: [String: ExpectedJSON] = [
                "organizationId": .text(organization), "serviceName": .text(group[0]),
                "protocolName": .text(group[1]), "dataCenter": .text(group[2]),
                "totalConnections": .integer(total),
                "newConnectionsInPeriod": .integer(opened[group] ?? 0),
                "uniqueApiKeys": .distinct(cells.values("connection_keys", days, scopes: [scope])),
                "averageConnectionDurationSeconds": .integer(
                    ExpectedJSON.rounded(duration, times: 1, by: Int128(closed[group] ?? 0))),
                "totalConnectionTimeSeconds": .integer(duration),
                "firstConnection": time(first), "lastConnection": time(last),
                "lastActivity": time(activity),
            ]
            return Row(group: group, body: .object(body))
        }
    }

    /// How many connections were open when a day began: those open now, minus those opened since,
    /// plus those closed since.
    ///
    /// Like every level, a number below 0 counts as 0.
    private func openConnections(at day: Int64) -> [[[UInt8]]: Int64] {
        var open = cells.levels("connections_open", nil)
        // Nothing happens later than the last day of all.
        let end = max(day, (cells.days?.upperBound ?? day)) + 1
        for (group, count) in cells.table("connections_opened", day..<end) {
            open[group, default: 0] -= count
        }
        for (group, count) in cells.table("connections_closed", day..<end) {
            open[group, default: 0] += count
        }
        return open.mapValues { max(0, $0) }
    }

    /// Orders by service, then protocol, then data center, each byte by byte.
    private static func precedes(_ left: [[UInt8]], _ right: [[UInt8]]) -> Bool {
        for (part, otherPart) in zip(left, right) where part != otherPart {
            return part.lexicographicallyPrecedes(otherPart)
        }
        return left.count < right.count
    }
}
