import API
import Foundation
import HTTPServer
import Printing
import Query
import Redis
import Synchronization
import TestSupport
import Testing
import Workload

@testable import Laboratory
@testable import Verify
@testable import odometer

/// The routes of the five documents over HTTP, from the oracle's cells in a Redis of our own,
/// against what is computed from the same cells: both sides read the layout with code of their own.
@Suite(.serialized) struct RouteAnswerTests {
    private static let secret = "a secret of more than thirty-two bytes"

    @Test(arguments: [false, true])
    func everyRouteIsCheckedAndASpoiledCellIsFound(isCluster: Bool) throws {
        let redis = isCluster ? nil : try TestRedis()
        let cluster = isCluster ? try TestCluster() : nil
        let url = redis?.url ?? cluster?.url ?? ""
        let ledger = try GeneratedLedger(redis: url, events: 8_000)
        let server = try answering(url)
        try server.start()
        defer { server.stop() }
        let check = AnswerCheck(
            host: "127.0.0.1", port: UInt16(server.port),
            readers: try ledger.organizations.map { try ledger.reader($0, Self.secret) })

        let report = check.run(ledger.answers, ledger.routes, ledger.unchecked)
        #expect(report.differences == [])
        #expect(report.skipped == [])
        // Of each organization 34 requests to ten routes, and the meters with a number of all time.
        #expect(report.compared == 2 * (34 + 18))

        for (spoiled, paths) in ledger.spoilings {
            var connection = try Connection(RedisConfiguration(url: url))
            for command in spoiled { try connection.command(command.map { Array($0.utf8) }) }
            let report = check.run([], ledger.routes, [])
            let found = Set(report.differences.map { Self.path(of: $0) })
            #expect(found == Set(paths), "\(spoiled): \(report.differences)")
            for var back in spoiled {
                back[back[0] == "ZINCRBY" ? 2 : 3] = "-1"
                try connection.command(back.map { Array($0.utf8) })
            }
        }
        #expect(check.run([], ledger.routes, []).differences == [])
        // They live as long as the ledger.
        withExtendedLifetime((redis, cluster)) {}
    }

    /// The path in `ORGANIZATION GET PATH?QUERY: …`.
    private static func path(of difference: String) -> String {
        let words = difference.split(separator: " ")
        return words.count < 3 ? "" : String(words[2].prefix { $0 != "?" && $0 != ":" })
    }

    private func answering(_ url: String) throws -> Answering {
        let settings = try Settings(
            options: Options.configurable,
            flags: [
                "redis": [url], "listen": ["127.0.0.1:0"], "rate-limit": ["0"],
                "http-threads": ["1"],
            ], environment: ["ODOMETER_JWT_SECRET": Self.secret]
        ) { _ in [] }
        let log = Log(isJSON: false, least: .error)
        return try Answering(
            settings, parts: try MachineParts(settings, log: log), trouble: { _ in nil }, log: log
        )
    }
}

/// Cells of generated events as the oracle has them, with what opens
/// the routes of two organizations.
private struct GeneratedLedger {
    let organizations: [String]
    private(set) var answers: [ExpectedAnswer] = []
    private(set) var routes: [ExpectedRoute] = []
    private(set) var unchecked: [UncheckedRoute] = []
    private let url: String
    /// Fewer than a new ledger has: the answering half takes the ledger's number.
    private static let shards = 64

    init(redis url: String, events: Int) throws {
        self.url = url
        let now = ValueText.now()
        let catalog = try CatalogText.read(ShippedMeters.files)
        var oracle = try Oracle(
            catalog: catalog,
            settings: OracleSettings(
                prefix: "odo", generation: 1, shards: Self.shards, dedupeWindow: 1 << 20,
                futureBoundMilliseconds: 300_000))
        let partition = oracle.addPartition(topic: "usage-events", number: 0)
        var profile = EventProfile(endMilliseconds: now)
        profile.events = events
        profile.organizations = 3
        // So long that a whole month is among the days, which is read by other windows than days.
        profile.spanMilliseconds = 70 * 86_400_000
        var generator = EventGenerator(seed: 5, profile: profile)
        var counts: [String: Int] = [:]
        for offset in 0..<events {
            generator.withNext { record in
                counts[String(decoding: record.key, as: UTF8.self), default: 0] += 1
                oracle.feed(
                    partition, offset: Int64(offset), timestamp: now, value: record.value,
                    headers: record.headers)
            }
        }
        oracle.sortCells()
        organizations = counts.sorted { $0.value > $1.value }.prefix(2).map(\.key)
        var reader = try LedgerReader(RedisConfiguration(url: url), prefix: "odo", generation: 1)
        try write(oracle.cells, &reader.connection)
        answers = ExpectedAnswer.all(
            organizations, catalog.meters, "odo:1:", shards: Self.shards, oracle.cells)
        for organization in organizations {
            var expectation = RouteExpectation(
                organization, catalog.meters, later: [], nowSeconds: now / 1_000, prefix: "odo:1:",
                shards: Self.shards, oracle.cells)
            expectation.expectAll()
            unchecked += expectation.unchecked
            for var route in expectation.routes {
                route.bodies = try route.bodies.map { body in
                    try reader.counting(body, "odo:verify:{0}:test")
                }
                routes.append(route)
            }
        }
    }

    private func write(
        _ cells: borrowing ExpectedCells, _ connection: inout Connection
    ) throws {
        try connection.command(
            "HSET", "odo:1:{dir}:ledger", "layout", "1", "shards", "\(Self.shards)", "hash",
            "fnv1a32",
            "directory:usage-directory", "1")
        for shard in 0..<Self.shards {
            let start = oracleKeyStart("odo:1:", shard: shard, shards: Self.shards)
            try connection.command("HSET", start + "marks", "!contract", "1:a")
        }
        for key in 0..<cells.keyCount {
            let name = cells.name(key)
            switch cells.shape(key) {
            case .distinct:
                try connection.command([Array("PFADD".utf8), name] + cells.values(key))
            case .hash, .sortedSet:
                let isHash = cells.shape(key) == .hash
                var command = [Array((isHash ? "HSET" : "ZADD").utf8), name]
                for (field, value) in cells.cells(key) {
                    let text = Array(Comparison.text(value).utf8)
                    command += isHash ? [field, text] : [text, field]
                }
                if command.count > 2 { try connection.command(command) }
            }
            if let expiry = cells.expirySeconds(key) {
                try connection.command([Array("EXPIREAT".utf8), name, Array("\(expiry)".utf8)])
            }
        }
    }

    private func key(_ organization: String, _ rest: String) -> String {
        let shard = Array(organization.utf8).withUnsafeBytes {
            oracleShard(of: $0, shards: Self.shards)
        }
        let start = oracleKeyStart("odo:1:", shard: shard, shards: Self.shards)
        return "\(start)\(organization):\(rest)"
    }

    /// Makes keys and a profile for an organization.
    func reader(_ organization: String, _ secret: String) throws -> AnswerCheck.Reader {
        var connection = try Connection(RedisConfiguration(url: url))
        try connection.command(
            "HSET", key(organization, "directory:organization"), "@offset", "0", "name",
            "\"Acme\"", "slug", "\"acme\"")
        func made(_ dialects: [String]) throws -> String {
            let key = try NewCredential.make(
                organization: organization, dialects: dialects, role: .admin)
            for (name, json) in key.members {
                try connection.command([
                    Array("HSET".utf8), Array("odo:1:{dir}:credential:\(key.hash)".utf8),
                    Array(name.utf8), json,
                ])
            }
            return key.secret
        }
        let others = ["workspace", "connections", "privacy"]
        let shared = try made(others + ["operations"])
        var keys = Dictionary(uniqueKeysWithValues: others.map { ($0, shared) })
        keys["overview"] = try made(["overview"])
        return AnswerCheck.Reader(
            organization: organization, key: shared, keys: keys, slug: "acme",
            token: TokenSigner.token(
                organization: organization, secret: Array(secret.utf8), seconds: 600))
    }

    /// Commands that add one to cells, and the paths whose answers are then other.
    ///
    /// A month is spoiled with its day: on a month's last day it is read instead.
    var spoilings: [([[String]], [String])] {
        let organization = organizations[1]
        let today = oracleDate(ofDay: ValueText.now() / 86_400_000)
        let (month, day) = (String(today.prefix(7)), String(today.suffix(2)))
        let analytics = "/api/v1/app/organization/analytics"
        let metrics = "/organizations/\(organization)/metrics"
        func add(_ rest: String, _ field: String) -> [String] {
            ["HINCRBY", key(organization, rest), field, "1"]
        }
        func series(_ meter: String, family: String? = nil) -> [[String]] {
            let (name, head) = (family ?? meter, family == nil ? "" : "\(meter):")
            return [
                add("\(name):day:\(month)", head + day),
                add("\(name):month:\(month.prefix(4))", head + month.suffix(2)),
            ]
        }
        func ranking(_ meter: String) -> [[String]] {
            ["day:\(today)", "month:\(month)"].map {
                ["ZINCRBY", key(organization, "\(meter):\($0)"), "1", "nobody"]
            }
        }
        return [
            ([add("totals", "buckets")], ["/api/analytics/overview"]),
            ([add("totals", "interactions")], [analytics + "/totals"]),
            (series("threads_created"), [analytics + "/totals", analytics + "/timeseries"]),
            (ranking("user_interactions"), [analytics + "/ranking/active-users"]),
            (ranking("project_agent_flows"), [analytics + "/ranking/active-projects"]),
            ([add("connections_open:all", "a:b:c")], ["/api/connection-analytics/summary"]),
            (series("sessions", family: "privacy"), [metrics]),
            (
                ["day:\(today)", "month:\(month)"].map {
                    add("project=:consent_values:\($0)", "consent_kinds:full")
                }, [metrics]
            ),
            ([add("tokens:day:\(month)", day)], ["/api/v1/analytics/tokens"]),
            ([add("agent_activity:grid:3", "07")], ["/api/v1/analytics/agents/activity"]),
            (ranking("agent_tokens"), ["/api/v1/analytics/agents"]),
        ]
    }
}
