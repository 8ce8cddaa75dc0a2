import Foundation
import Kafka
import Testing

private let bootstrap = ProcessInfo.processInfo.environment["KAFKA_BOOTSTRAP"]

/// What a probe says of a partition, with the record's bytes copied out.
private enum Said: Equatable {
    case record(Int64, String)
    case end(Int64)
    case outOfRange
}

extension RecordProbe {
    /// Asks and waits for all answers, ten seconds at most.
    fileprivate func look(
        _ places: [(TopicPartition, offset: Int64)]
    ) throws(KafkaError) -> [TopicPartition: Said] {
        var said: [TopicPartition: Said] = [:]
        try ask(places)
        for _ in 0..<100 {
            let isDone = try receive(timeoutMilliseconds: 100) { partition, answer in
                switch answer {
                case .record(let record):
                    said[partition] = .record(
                        record.offset,
                        record.value.map { String(decoding: $0, as: UTF8.self) } ?? "")
                case .end(let offset): said[partition] = .end(offset)
                case .outOfRange: said[partition] = .outOfRange
                }
            }
            if isDone { return said }
        }
        return said
    }
}

/// A probe reads single records.
@Suite struct RecordProbeTests {
    @Test func itFindsRecordsEndsAndPlacesOutsideOfTheLogAgainAndAgain() throws {
        let fixture = try TopicFixture(partitions: 3)
        try fixture.fill(0, 0..<50)
        try fixture.fill(1, 0..<5)
        let probe = try RecordProbe(fixture.configuration)
        let (a, b, c) = (fixture.partition(0), fixture.partition(1), fixture.partition(2))
        for offset in [Int64(49), 0, 7] {
            #expect(
                try probe.look([(a, offset), (b, 5), (c, 0)])
                    == [a: .record(offset, "\(offset)"), b: .end(5), c: .end(0)])
        }
        #expect(try probe.look([(a, 51), (b, 4)]) == [a: .outOfRange, b: .record(4, "4")])
        #expect(try probe.look([]) == [:])
    }

    @Test(
        .enabled(if: bootstrap != nil, "set KAFKA_BOOTSTRAP=host:port to run against a real broker")
    )
    func itSeesAtOnceThatATopicWasMadeAgainUnderItsName() throws {
        let configuration = ClientConfiguration(bootstrap: bootstrap ?? "")
        let topic = "probe-\(UUID().uuidString)"
        let admin = try Admin(configuration)
        let partition = TopicPartition(topic: topic, partition: 0)
        func fill(_ word: String, _ count: Int) throws {
            let producer = try Producer(configuration)
            for number in 0..<count {
                _ = try producer.produce(
                    topic: topic, partition: 0, key: nil, value: Array("\(word)\(number)".utf8))
            }
            #expect(producer.flush(timeoutMilliseconds: 30_000))
            #expect(producer.deliveredCount == UInt64(count))
        }
        try admin.createTopic(topic, partitions: 1)
        try fill("a", 100)
        let probe = try RecordProbe(configuration)
        #expect(try probe.look([(partition, 99)]) == [partition: .record(99, "a99")])
        try admin.deleteTopic(topic)
        try admin.createTopic(topic, partitions: 1)
        // Until a loaded broker has taken the old log away, it takes records for it: "b" too.
        let other = try RecordProbe(configuration)
        for _ in 0..<100
        where (try? other.look([(partition, 99)])) != [partition: .outOfRange] {}
        try fill("b", 300)
        // A broker under load may need a while until it serves the new
        // log; it never serves the old one.
        var said = try probe.look([(partition, 99)])
        for _ in 0..<10 where said.isEmpty || said == [partition: .outOfRange] {
            said = try probe.look([(partition, 99)])
        }
        #expect(said == [partition: .record(99, "b99")])
    }
}
