import Catalog
import Foundation
import Kafka
import Ledger
import Metering
import Pipeline
import Redis
import TestSupport
import Testing
import Verify

/// One organization sends a new value with each event: its cells stay bounded, its sums and
/// everybody else's numbers exact.
@Suite struct OverflowTests {
    private static let events = 11_000
    private static let neighbours = 40

    private func event(_ number: Int, _ organization: String, _ service: String) -> String {
        """
        {"specversion":"1.0","id":"\(number)","source":"/t","type":"connection.opened",\
        "time":"2026-03-09T14:07:31Z","subject":"\(organization)","data":{"connectionId":"c\(number)",\
        "service":"\(service)","protocol":"tcp","dataCenter":"eu","apiKeyId":"k\(number % 9)"}}
        """
    }

    /// The shipped meters with the limits they have.
    @Test func aStreamOfNewServicesIsCountedUnderOneName() throws {
        let redis = try TestRedis()
        let cluster = try MockCluster()
        try SupervisorTests.makeTopics(cluster, partitions: 2)
        var configuration = try SupervisorTests.configuration(cluster, redis)
        let text = try Checkout.text("schemas/meters/connections.yaml")
        configuration.catalog = try CatalogReader.check(
            files: [(name: "connections.yaml", text: Array(text.utf8))])
        configuration.lanes = 2
        var values: [(key: String, value: String?)] = []
        for number in 0..<Self.events {
            // Its events come in both partitions.
            values.append(("key-\(number % 7)", event(number, "acme", "s\(number)")))
            guard number % (Self.events / Self.neighbours) == 0 else { continue }
            values.append(("n", event(number, "neighbour-\(number % 5)", "web")))
        }
        try SupervisorTests.produce(values, to: cluster.bootstrap)
        let supervisor = Supervisor(configuration) { _ in }
        try supervisor.start()
        defer { supervisor.stop(deadlineMilliseconds: 15_000) }
        let verification = VerificationConfiguration(
            kafka: configuration.client, topics: ["usage-events"], redis: redis.configuration,
            prefix: configuration.layout.prefix, generation: configuration.layout.generation,
            catalogs: [("connections.yaml", text)],
            commitIntervalMilliseconds: configuration.commitIntervalMilliseconds,
            dedupeWindow: configuration.dedupeWindow,
            futureBoundMilliseconds: configuration.futureBoundMilliseconds,
            timeoutMilliseconds: 200_000)
        let report = try Verification.run(verification)
        #expect(report.ending == .equal, "\(report.note ?? "") \(report.differences.prefix(5))")

        var connection = try redis.connect()
        let layout = KeyLayout()
        let key = layout.cellKey(
            organization: Array("acme".utf8), meter: "connection_openings", isFamily: true,
            shape: .table, window: .all, number: 0)
        let cells = try connection.command([Array("HGETALL".utf8), key])
            .elements.compactMap(\.text)
        let openings = Dictionary(
            uniqueKeysWithValues: stride(from: 0, to: cells.count - 1, by: 2).map {
                (cells[$0], cells[$0 + 1])
            })
        // The limit counts the fields of all three meters, and each of them has its rest.
        #expect(openings.count == 10_003)
        let opened = openings.filter { $0.key.hasPrefix("connections_opened:") }
        let rest = opened["connections_opened:__other__:__other__:__other__"].flatMap { Int($0) }
        #expect(rest == Self.events - (opened.count - 1))
        #expect(opened.values.compactMap { Int($0) }.reduce(0, +) == Self.events)
        // Quarter-hours of that day have expired: three windows of each admitted scope are left.
        let keys = try connection.command("DBSIZE").integer ?? 0
        #expect(keys > 30_000 && keys < 31_000)
        #expect((supervisor.metrics.overflows["connection_keys"] ?? 0) > 0)
        #expect((supervisor.metrics.overflows["connection_openings"] ?? 0) > 0)
    }
}
