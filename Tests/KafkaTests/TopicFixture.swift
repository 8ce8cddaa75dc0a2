import Foundation
import Kafka
import Testing

/// A mock cluster with one topic, and the shortest ways to write to it and read from it.
final class TopicFixture {
    let cluster: MockCluster
    let topic = "events"

    init(brokers: Int = 1, partitions: Int = 2) throws {
        cluster = try MockCluster(brokers: brokers)
        try cluster.createTopic(topic, partitions: partitions)
    }

    var configuration: ClientConfiguration {
        ClientConfiguration(bootstrap: cluster.bootstrap)
    }

    func partition(_ number: Int32) -> TopicPartition {
        TopicPartition(topic: topic, partition: number)
    }

    /// Writes values `from..<to` of a partition, each as its own decimal text.
    func fill(_ partition: Int32, _ range: Range<Int>) throws {
        let producer = try Producer(configuration)
        for number in range {
            #expect(
                try producer.produce(
                    topic: topic, partition: partition, key: Array("k\(number)".utf8),
                    value: Array("\(number)".utf8)))
        }
        #expect(producer.flush(timeoutMilliseconds: 10_000))
        #expect(producer.deliveredCount == UInt64(range.count))
    }
}

/// A record with its bytes copied out of the batch.
struct Taken: Equatable {
    var partition: Int32
    var offset: Int64
    var value: String?
}

/// What a consumer has said so far.
struct Transcript: Equatable {
    var records: [Taken] = []
    var events: [ConsumerEvent] = []

    func offsets(_ partition: Int32) -> [Int64] {
        records.filter { $0.partition == partition }.map(\.offset)
    }

    var ends: Int {
        events.count { if case .endOfPartition = $0 { true } else { false } }
    }
}

extension Consumer {
    /// Takes batches until the condition holds; fails the test after ten seconds.
    borrowing func read(
        seconds: Double = 10, location: SourceLocation = #_sourceLocation,
        until done: (Transcript) -> Bool
    ) -> Transcript {
        var transcript = Transcript()
        let deadline = Date().addingTimeInterval(seconds)
        while !done(transcript) {
            guard Date() < deadline else {
                Issue.record("not reached; said so far: \(transcript)", sourceLocation: location)
                break
            }
            take(100, into: &transcript)
        }
        return transcript
    }

    borrowing func take(_ timeout: Int32, into transcript: inout Transcript) {
        let batch = nextBatch(maximum: 100, timeoutMilliseconds: timeout)
        for record in batch.records {
            transcript.records.append(
                Taken(
                    partition: record.partition, offset: record.offset,
                    value: record.value.map { String(decoding: $0, as: UTF8.self) }))
        }
        transcript.events += batch.events
    }
}

/// Collects what callbacks say, from any thread.
final class Log<Element: Sendable>: @unchecked Sendable {
    private let lock = NSLock()
    private var list: [Element] = []

    func append(_ element: Element) {
        lock.withLock { list.append(element) }
    }

    var elements: [Element] {
        lock.withLock { list }
    }
}

/// The code of the error that the body throws, or nil.
func code(_ body: () throws(KafkaError) -> Void) -> KafkaError.Code? {
    do {
        try body()
        return nil
    } catch {
        return error.code
    }
}
