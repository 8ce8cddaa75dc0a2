import Catalog
import Foundation
import Kafka
import Ledger
import Metering
import Pipeline
import Redis
import Testing

/// The whole machine against a mock cluster and a private Redis.
@Suite(.serialized) struct SupervisorTests {
    static let meters = """
        version: 1
        events:
          token.issued: {fields: {agent: {at: /data/agent, required: true}}}
        meters:
          tokens: {kind: count, windows: [day, all], on: [{event: token.issued}]}
          agent_tokens: {kind: ranking, by: [agent], windows: [month], on: [{event: token.issued}]}
          agent_activity: {kind: grid, on: [{event: token.issued}]}
        """

    static func catalog() throws -> MeterCatalog {
        try CatalogReader.read(files: [(name: "test.yaml", text: Array(meters.utf8))])
    }

    static func event(_ id: Int, organization: String, agent: String, time: String) -> String {
        """
        {"specversion":"1.0","id":"\(id)","source":"/t","type":"token.issued","time":"\(time)",\
        "subject":"\(organization)","data":{"agent":"\(agent)"}}
        """
    }

    static func configuration(
        _ cluster: borrowing MockCluster, _ redis: TestRedis
    ) throws
        -> PipelineConfiguration
    {
        PipelineConfiguration(
            client: ClientConfiguration(bootstrap: cluster.bootstrap), redis: redis.configuration,
            catalog: try catalog(), commitIntervalMilliseconds: 50, dedupeWindow: 1_024)
    }

    static func makeTopics(_ cluster: borrowing MockCluster, partitions: Int) throws {
        try cluster.createTopic("usage-events", partitions: partitions)
        try cluster.createTopic("usage-directory", partitions: 1)
        try cluster.createTopic("usage-dead-letters", partitions: 1)
    }

    static func produce(_ values: [(key: String, value: String?)], to bootstrap: String) throws {
        let producer = try Producer(ClientConfiguration(bootstrap: bootstrap))
        for (key, value) in values {
            _ = try producer.produce(
                topic: "usage-events", key: Array(key.utf8), value: value.map { Array($0.utf8) })
        }
        #expect(producer.flush(timeoutMilliseconds: 10_000))
    }

    static func wait(_ seconds: Double = 60, for condition: () throws -> Bool) rethrows -> Bool {
        let deadline = Date().addingTimeInterval(seconds)
        while Date() < deadline {
            if try condition() { return true }
            usleep(20_000)
        }
        return false
    }

    @Test func countsEventsOnceAndSendsTheRestToTheDeadLetters() throws {
        let redis = try TestRedis()
        let cluster = try MockCluster()
        try Self.makeTopics(cluster, partitions: 4)
        let now = ISO8601DateFormatter().string(from: Date())
        var values: [(key: String, value: String?)] = []
        for index in 0..<500 {
            let organization = "org \(index % 7)"
            values.append(
                (
                    organization,
                    Self.event(
                        index, organization: organization, agent: "a:\(index % 3)", time: now)
                ))
        }
        values.append(values[3])
        values.append(("x", nil))
        values.append(("x", "{\"specversion\":"))
        try Self.produce(values, to: cluster.bootstrap)

        let supervisor = Supervisor(try Self.configuration(cluster, redis)) { event in
            if event.level != .information { print(event.name, event.message) }
        }
        try supervisor.start()
        var connection = try redis.connect()
        let layout = KeyLayout()
        let key = layout.cellKey(
            organization: Array("org 3".utf8), meter: "tokens", shape: .series, window: .all,
            number: 0)
        let isCounted = try Self.wait {
            try connection.command([Array("HGET".utf8), key, Array("tokens".utf8)]).text == "71"
        }
        #expect(isCounted, "tokens of org 3: \(supervisor.metrics)")
        #expect(Self.wait { supervisor.metrics.outcomes.map(\.count) == [500, 1, 0, 2, 0, 0, 0] })
        #expect(supervisor.isReady)
        #expect(supervisor.stop(deadlineMilliseconds: 10_000))
        #expect(supervisor.metrics.deadLetters == 2)
        #expect(supervisor.metrics.lag == 0)
    }
}

extension PipelineMetrics {
    var lag: Int64 { partitions.reduce(0) { $0 + $1.lag } }
}
