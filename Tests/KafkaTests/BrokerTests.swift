import Foundation
import Kafka
import Testing

private let bootstrap = ProcessInfo.processInfo.environment["KAFKA_BOOTSTRAP"]

/// What only a real broker can show; runs where KAFKA_BOOTSTRAP names one.
@Suite(
    .enabled(if: bootstrap != nil, "set KAFKA_BOOTSTRAP=host:port to run against a real broker"),
    .serialized)
struct BrokerTests {
    let configuration = ClientConfiguration(bootstrap: bootstrap ?? "")
    let topic = "test-\(UUID().uuidString)"

    private func fill(_ count: Int, timestamp: (Int) -> Int64?) throws {
        let producer = try Producer(configuration)
        for number in 0..<count {
            #expect(
                try producer.produce(
                    topic: topic, partition: Int32(number % 2), key: nil,
                    value: Array("\(number)".utf8), timestamp: timestamp(number)))
        }
        #expect(producer.flush(timeoutMilliseconds: 30_000))
        #expect(producer.deliveredCount == UInt64(count))
    }

    @Test func aMissingTopicIsNeitherFoundNorCreated() throws {
        let consumer = try Consumer(configuration)
        let producer = try Producer(configuration)
        for _ in 0..<3 {
            #expect(throws: KafkaError.self) {
                _ = try producer.partitionCount(of: topic, timeoutMilliseconds: 2_000)
            }
            #expect(throws: KafkaError.self) {
                try consumer.waitForTopics([topic], timeoutMilliseconds: 500)
            }
        }
    }

    @Test func topicsOffsetsByTimeDeletedRecords() throws {
        let admin = try Admin(configuration)
        let settings = [(name: "retention.ms", value: "-1")]
        try admin.createTopic(topic, partitions: 2, configuration: settings)
        #expect(
            code { () throws(KafkaError) in try admin.createTopic(topic, partitions: 2) }
                == .topicAlreadyExists)
        #expect(throws: KafkaError.self) {
            try admin.createTopic(
                "x-\(topic)", partitions: 1, configuration: [("no.such.setting", "1")])
        }
        let consumer = try Consumer(configuration)
        try consumer.waitForTopics([topic], timeoutMilliseconds: 10_000)
        #expect(try consumer.partitionCount(of: topic, timeoutMilliseconds: 5_000) == 2)
        try fill(20) { 1_700_000_000_000 + Int64($0) * 1_000 }
        let both = [0, 1].map { TopicPartition(topic: topic, partition: $0) }
        let offsets = try consumer.offsets(
            forTime: 1_700_000_010_000, of: both, timeoutMilliseconds: 10_000)
        #expect(offsets == [5, 5])
        let never = try consumer.offsets(
            forTime: 1_900_000_000_000, of: both, timeoutMilliseconds: 10_000)
        #expect(never == [nil, nil])
        try admin.deleteRecords(before: [(both[0], 4)])
        let log = try consumer.watermarks(of: both[0], timeoutMilliseconds: 5_000)
        #expect(log.low == 4 && log.high == 10)
        let logs = try consumer.watermarks(of: [both[1], both[0]], timeoutMilliseconds: 5_000)
        #expect(logs.map { $0.low } == [0, 4] && logs.map { $0.high } == [10, 10])
        try consumer.assign([(both[0], 2)])
        let said = consumer.read { !$0.events.isEmpty }
        guard case .partitionError(both[0], let error) = said.events.first else {
            Issue.record("\(said)")
            return
        }
        #expect(error.code == .autoOffsetReset)
        #expect(consumer.clusterID(timeoutMilliseconds: 5_000)?.isEmpty == false)
    }

    @Test func aGroupMemberIsSilentUntilItAssignsGoesOnAfterAPauseAndCloses() throws {
        try Admin(configuration).createTopic(topic, partitions: 2)
        try fill(40) { _ in nil }
        let both = [0, 1].map { TopicPartition(topic: topic, partition: $0) }
        let seen = Log<RebalanceEvent>()
        let settings = ConsumerSettings(group: "group-\(topic)", instance: "a")
        let consumer = try Consumer(configuration, settings: settings) { seen.append($0) }
        try consumer.waitForTopics([topic], timeoutMilliseconds: 10_000)
        try consumer.subscribe([topic])
        var early = consumer.read(seconds: 30) { _ in seen.elements.contains(.assigned(both)) }
        for _ in 0..<5 { consumer.take(100, into: &early) }
        #expect(early == Transcript())
        try consumer.assign([(both[0], 13), (both[1], 19)])
        consumer.startWaking()
        let first = consumer.read { $0.ends >= 2 }
        #expect(first.offsets(0) == Array(13..<20) && first.offsets(1) == [19])
        try consumer.pause(both)
        try fill(4) { _ in nil }
        var paused = Transcript()
        for _ in 0..<3 { consumer.take(100, into: &paused) }
        #expect(paused.records.isEmpty)
        try consumer.assign([(both[0], 18), (both[1], 20)])
        let second = consumer.read { $0.ends >= 2 }
        #expect(second.offsets(0) == Array(18..<22) && second.offsets(1) == Array(20..<22))
        try consumer.commitHint([(both[0], 22, "origin=0")])
        #expect(try consumer.close())
        #expect(seen.elements.last == .revoked(both, isLost: false))
        let witness = try Consumer(
            configuration, settings: ConsumerSettings(group: "group-\(topic)"))
        let committed = try witness.committed(both, timeoutMilliseconds: 10_000)
        #expect(committed[0]?.offset == 22 && committed[0]?.metadata == "origin=0")
        #expect(committed[1] == nil)
    }

    @Test func twoMembersWithOneInstanceIdTheOlderOneLearnsThatItIsFenced() throws {
        try Admin(configuration).createTopic(topic, partitions: 2)
        var quick = configuration
        quick.properties = [("heartbeat.interval.ms", "200"), ("session.timeout.ms", "6000")]
        let settings = ConsumerSettings(group: "group-\(topic)", instance: "same")
        let seen = Log<RebalanceEvent>()
        let older = try Consumer(quick, settings: settings) { seen.append($0) }
        try older.waitForTopics([topic], timeoutMilliseconds: 10_000)
        try older.subscribe([topic])
        _ = older.read(seconds: 20) { _ in !seen.elements.isEmpty }
        let newer = try Consumer(quick, settings: settings)
        try newer.subscribe([topic])
        let deadline = Date().addingTimeInterval(20)
        var said = Transcript()
        var ignored = Transcript()
        while older.fatalError == nil, Date() < deadline {
            newer.take(50, into: &ignored)
            older.take(50, into: &said)
        }
        #expect(older.fatalError?.code == .fencedInstance)
        #expect(older.fatalError?.isFatal == true)
        for _ in 0..<3 { older.take(50, into: &said) }
        let isSaid = said.events.contains {
            if case .error(let error) = $0 { error.isFatal } else { false }
        }
        #expect(isSaid)
        #expect(try newer.close())
    }
}
