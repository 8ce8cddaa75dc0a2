import Foundation
import Kafka
import Ledger
import Redis
import Testing

@testable import Pipeline

/// Samples of topics of the mock cluster; producers that disagree are records in given partitions.
@Suite struct KeyReaderTests {
    private let now = ISO8601DateFormatter().string(from: Date())

    /// The findings about keys by topic and check.
    private func findings(
        _ cluster: borrowing MockCluster, _ topics: [String], partitions: Int,
        dedupeWindow: Int64 = 1_000
    ) throws -> [String: Finding] {
        let configuration = PipelineConfiguration(
            client: ClientConfiguration(bootstrap: cluster.bootstrap),
            redis: RedisConfiguration(),
            catalog: try SupervisorTests.catalog(), dedupeWindow: dedupeWindow)
        let facts = topics.map { name in
            var facts = TopicFacts(name: name, role: .events)
            facts.partitions = partitions
            return facts
        }
        let found = Checkup.keys(try Consumer(configuration.client), configuration, facts)
        return Dictionary(uniqueKeysWithValues: found.map { ("\($0.subject) \($0.check)", $0) })
    }

    private func put(_ key: String, _ partitioner: Partitioner, _ partitions: Int) -> Int32 {
        Array(key.utf8).withUnsafeBytes { Int32(partitioner.hash($0) % UInt32(partitions)) }
    }

    /// Writes an event of `org-N` for each number, with the subject as the key.
    private func write(
        _ numbers: Range<Int>, by partitioner: Partitioner, of partitions: Int, to topic: String,
        _ producer: borrowing Producer
    ) throws {
        for number in numbers {
            let name = "org-\(number % 100)"
            let value = SupervisorTests.event(number, organization: name, agent: "a", time: now)
            _ = try producer.produce(
                topic: topic, partition: put(name, partitioner, partitions), key: Array(name.utf8),
                value: Array(value.utf8))
        }
        #expect(producer.flush(timeoutMilliseconds: 10_000))
    }

    @Test func theSameEventsByTwoClientsAreFoundTwice() throws {
        let cluster = try MockCluster()
        try SupervisorTests.makeTopics(cluster, partitions: 12)
        try cluster.createTopic("sound", partitions: 12)
        let producer = try Producer(ClientConfiguration(bootstrap: cluster.bootstrap))
        try write(0..<100, by: .murmur2, of: 12, to: "usage-events", producer)
        try write(0..<100, by: .crc32, of: 12, to: "usage-events", producer)
        try write(0..<100, by: .crc32, of: 12, to: "sound", producer)
        let twice = (0..<100).count {
            put("org-\($0)", .murmur2, 12) != put("org-\($0)", .crc32, 12)
        }
        let found = try findings(cluster, ["usage-events", "sound"], partitions: 12)
        #expect(found.count == 5)
        for check in ["topic-partitioner", "topic-keys", "topic-subjects", "topic-repeats"] {
            #expect(found["usage-events \(check)"]?.grade == .warning, "\(check)")
        }
        #expect(
            found["usage-events topic-keys"]?.message.contains("\(twice) of 100 sampled keys")
                == true)
        #expect(
            found["usage-events topic-subjects"]?.message.contains(
                "\(twice) of 100 sampled subjects") == true)
        #expect(
            found["usage-events topic-repeats"]?.message.contains(
                "\(twice) sampled events are in several partitions") == true)
        #expect(found["sound topic-partitioner"]?.grade == .ok)
        #expect(
            found["sound topic-partitioner"]?.message
                == "sound: 100 keys of 100 sampled records are where \(Partitioner.crc32.text) puts them"
        )
        // Who asks for no duplicates loses none.
        let without = try findings(cluster, ["usage-events"], partitions: 12, dedupeWindow: 0)
        #expect(without.count == 1 && without["kafka topic-partitioner"]?.grade == .ok)
    }

    /// Each event of a batch has a subject of its own.
    @Test func eventsOfBatchesAreReadOneByOne() throws {
        let cluster = try MockCluster()
        try SupervisorTests.makeTopics(cluster, partitions: 4)
        let producer = try Producer(ClientConfiguration(bootstrap: cluster.bootstrap))
        let type = Array("application/cloudevents-batch+json".utf8)
        func batch(_ names: String..., partition: Int32) throws {
            let events = names.map {
                SupervisorTests.event(1, organization: $0, agent: "a", time: now)
            }
            _ = try producer.produce(
                topic: "usage-events", partition: partition, key: Array("k".utf8),
                value: Array("[\(events.joined(separator: ","))]".utf8),
                headers: [(name: "content-type", value: Optional(type))])
        }
        try batch("org-1", "org-2", "org-3", partition: 0)
        try batch("org-3", "org-4", partition: 2)
        try batch(partition: 2)
        #expect(producer.flush(timeoutMilliseconds: 10_000))
        let found = try findings(cluster, ["usage-events"], partitions: 4)
        #expect(
            found["usage-events topic-subjects"]?.message.contains("1 of 4 sampled subjects")
                == true, "\(found)")
        #expect(
            found["usage-events topic-repeats"]?.message.contains(
                "1 sampled events are in several partitions") == true)
    }

    /// Events in both modes, without a key, that random partitions get.
    @Test func subjectsAreReadAsTheCatalogSays() throws {
        let cluster = try MockCluster()
        try SupervisorTests.makeTopics(cluster, partitions: 4)
        let producer = try Producer(ClientConfiguration(bootstrap: cluster.bootstrap))
        let structured = SupervisorTests.event(1, organization: "both \u{7}", agent: "a", time: now)
        let headers = [
            ("ce_specversion", "1.0"), ("ce_id", "1"), ("ce_source", "/t"), ("ce_time", now),
            ("ce_type", "token.issued"), ("ce_subject", "both \u{7}"),
            ("content-type", "application/json"),
        ].map { (name: $0.0, value: Optional(Array($0.1.utf8))) }
        for partition: Int32 in [0, 0] {
            _ = try producer.produce(
                topic: "usage-events", partition: partition, key: nil,
                value: Array(structured.replacing("\u{7}", with: "\\u0007").utf8))
        }
        _ = try producer.produce(
            topic: "usage-events", partition: 2, key: nil, value: Array(#"{"agent":"a"}"#.utf8),
            headers: headers)
        // Refused, so in none of the numbers.
        for partition: Int32 in 0..<4 {
            _ = try producer.produce(
                topic: "usage-events", partition: partition, key: nil, value: Array("none".utf8))
        }
        #expect(producer.flush(timeoutMilliseconds: 10_000))
        let found = try findings(cluster, ["usage-events"], partitions: 4)
        #expect(found.count == 3)
        #expect(found["usage-events topic-partitioner"]?.grade == .ok)
        let subjects = try #require(found["usage-events topic-subjects"])
        #expect(
            subjects.message.hasPrefix(
                "usage-events: 1 of 1 sampled subjects are in several partitions, as \"both \\x07\" in 0 and 2: "
            ), "\(subjects.message)")
        #expect(subjects.grade == .warning && subjects.remedy?.contains("7 of 7") == true)
        #expect(
            found["usage-events topic-repeats"]?.message.contains("1 sampled events") == true)
    }

    /// What was written before the producers were corrected is not judged for ever.
    @Test func onlyTheNewestRecordsOfEachPartitionAreRead() throws {
        let cluster = try MockCluster()
        try SupervisorTests.makeTopics(cluster, partitions: 2)
        let producer = try Producer(ClientConfiguration(bootstrap: cluster.bootstrap))
        try write(0..<100, by: .crc32, of: 2, to: "usage-events", producer)
        try write(0..<100, by: .murmur2, of: 2, to: "usage-events", producer)
        #expect(
            try findings(cluster, ["usage-events"], partitions: 2)["usage-events topic-keys"] != nil
        )
        try write(1_000..<4_000, by: .murmur2, of: 2, to: "usage-events", producer)
        let found = try findings(cluster, ["usage-events"], partitions: 2)
        #expect(found.count == 1)
        #expect(
            found["usage-events topic-partitioner"]?.message
                == "usage-events: 100 keys of 2000 sampled records are where "
                + "\(Partitioner.murmur2.text) puts them")
    }

    @Test func aTopicThatCannotBeReadIsALine() throws {
        let cluster = try MockCluster()
        try SupervisorTests.makeTopics(cluster, partitions: 4)
        let producer = try Producer(ClientConfiguration(bootstrap: cluster.bootstrap))
        try write(0..<100, by: .murmur2, of: 4, to: "usage-events", producer)
        // Fetch (1) is refused with TOPIC_AUTHORIZATION_FAILED (29).
        cluster.failRequests(
            ofKind: 1, with: Array(repeating: KafkaError.Code(rawValue: 29), count: 100))
        let found = try findings(cluster, ["usage-events"], partitions: 4)
        #expect(found.count == 1)
        let finding = try #require(found["usage-events topic-partitioner"])
        #expect(finding.grade == .warning && finding.remedy != nil)
        #expect(
            finding.message.contains("its keys cannot be sampled: usage-events/"),
            "\(finding.message)")
    }
}
