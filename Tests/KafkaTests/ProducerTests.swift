import Foundation
import Kafka
import Testing

@Suite struct ProducerTests {
    @Test func reportsCarryTheCallersNumberPartitionAndOffset() throws {
        let fixture = try TopicFixture()
        let reports = Log<DeliveryReport>()
        let producer = try Producer(fixture.configuration) { reports.append($0) }
        for number in 0..<10 {
            #expect(
                try producer.produce(
                    topic: fixture.topic, partition: 1, key: nil, value: [1],
                    opaque: UInt64(number)))
        }
        #expect(producer.flush(timeoutMilliseconds: 10_000))
        #expect(reports.elements.map(\.opaque) == Array(0..<10))
        #expect(reports.elements.map(\.offset) == Array(0..<10))
        #expect(reports.elements.allSatisfy { $0.partition == 1 && $0.error == nil })
        #expect(producer.deliveredCount == 10 && producer.failedCount == 0)
    }

    @Test func aFullQueueIsSaidAtOnceAndEmptyingItHelps() throws {
        let fixture = try TopicFixture()
        var configuration = fixture.configuration
        configuration.properties = [
            ("queue.buffering.max.messages", "10"), ("linger.ms", "50"),
            ("compression.type", "gzip"),
        ]
        let producer = try Producer(configuration)
        let topic = try producer.topic(fixture.topic)
        var accepted = 0
        while accepted < 100, try producer.produce(to: topic, key: nil, value: nil) {
            accepted += 1
        }
        #expect(accepted == 10)
        #expect(producer.queuedCount == 10)
        #expect(producer.flush(timeoutMilliseconds: 10_000))
        #expect(try producer.produce(to: topic, key: nil, value: nil))
        #expect(producer.flush(timeoutMilliseconds: 10_000))
        #expect(producer.deliveredCount == 11)
    }

    @Test func aRecordThatCannotArriveIsReportedWithItsReason() throws {
        let fixture = try TopicFixture()
        var configuration = fixture.configuration
        configuration.properties = [("enable.idempotence", "false"), ("message.timeout.ms", "500")]
        let reports = Log<DeliveryReport>()
        let producer = try Producer(configuration) { reports.append($0) }
        #expect(try producer.produce(topic: fixture.topic, partition: 0, key: nil, value: [1]))
        #expect(producer.flush(timeoutMilliseconds: 10_000))
        try fixture.cluster.setBroker(1, isUp: false)
        #expect(
            try producer.produce(
                topic: fixture.topic, partition: 0, key: nil, value: [2], opaque: 7))
        #expect(producer.flush(timeoutMilliseconds: 10_000))
        #expect(producer.failedCount == 1)
        #expect(reports.elements.last?.opaque == 7)
        #expect(reports.elements.last?.error?.isRetriable == true)
        let large = [UInt8](repeating: 0, count: 2_000_000)
        #expect(
            code { () throws(KafkaError) in
                _ = try producer.produce(topic: fixture.topic, key: nil, value: large)
            } == .messageTooLarge)
    }

    @Test func aProducerWithUnsentRecordsEndsWithoutWaiting() throws {
        let start = Date()
        do {
            let producer = try Producer(ClientConfiguration(bootstrap: "127.0.0.1:1"))
            #expect(try producer.produce(topic: "events", key: nil, value: [1]))
        }
        #expect(Date().timeIntervalSince(start) < 5)
    }
}

@Suite struct ConfigurationTests {
    private func code(of properties: [(name: String, value: String)]) -> KafkaError? {
        do throws(KafkaError) {
            _ = try Consumer(
                ClientConfiguration(bootstrap: "127.0.0.1:1", properties: properties))
            return nil
        } catch {
            return error
        }
    }

    @Test func unknownInvalidAndFixedPropertiesAreRefusedByName() throws {
        let unknown = try #require(code(of: [("no.such.thing", "1")]))
        #expect(unknown.code == .unknownProperty && unknown.message.contains("no.such.thing"))
        let invalid = try #require(code(of: [("session.timeout.ms", "soon")]))
        #expect(invalid.code == .invalidProperty)
        #expect(invalid.message.contains("session.timeout.ms"))
        let fixed = try #require(code(of: [("enable.auto.commit", "true")]))
        #expect(fixed.code == .fixedProperty && fixed.message.contains("enable.auto.commit"))
        for name in ["group.protocol", "group.remote.assignor"] {
            let error = try #require(code(of: [(name, "consumer")]))
            #expect(error.code == .fixedProperty && error.message.contains(name))
        }
        #expect(code(of: [("max.poll.interval.ms", "1000")])?.code == .invalidProperty)
        #expect(code(of: [("client.id", "x"), ("queued.min.messages", "1000")]) == nil)
        let configuration = ClientConfiguration(
            bootstrap: "x:1", properties: [("auto.offset.reset", "latest")])
        #expect(throws: KafkaError.self) { try configuration.validate() }
        #expect(throws: KafkaError.self) { try ClientConfiguration(bootstrap: "").validate() }
    }

    @Test func logLinesComeToTheClosureAndErrorsToTheBatch() throws {
        let lines = Log<String>()
        let configuration = ClientConfiguration(
            bootstrap: "127.0.0.1:1",
            log: { level, facility, text in lines.append("\(level) \(facility) \(text)") })
        let consumer = try Consumer(configuration)
        let said = consumer.read { transcript in
            transcript.events.contains {
                if case .error(let error) = $0 { error.code == .allBrokersDown } else { false }
            }
        }
        #expect(!said.events.isEmpty)
        #expect(lines.elements.contains { $0.contains("FAIL") })
        #expect(consumer.fatalError == nil)
    }

    @Test func errorsKnowWhetherToTryAgain() {
        #expect(KafkaError(code: .timedOut, message: "").isRetriable)
        #expect(!KafkaError(code: .fencedInstance, message: "").isRetriable)
        #expect(!KafkaError(code: .timedOut, message: "", isFatal: true).isRetriable)
        #expect("\(KafkaError.Code.queueFull)" == "_QUEUE_FULL")
        #expect("\(TopicPartition(topic: "a", partition: 3))" == "a/3")
    }
}
