import Glibc
public import Kafka

/// How far a replay is.
public struct ReplayProgress: Sendable, Equatable {
    /// Records that Kafka has acknowledged.
    public var delivered: UInt64 = 0
    /// Records handed to the client.
    public var sent: UInt64 = 0
    /// Milliseconds since the start.
    public var milliseconds: Int64 = 0

    /// Acknowledged records a second so far.
    public var rate: Double {
        milliseconds == 0 ? 0 : Double(delivered) * 1_000 / Double(milliseconds)
    }
}

/// Sends the records of a source to a topic: idempotent, in order for each key, as fast as Kafka
/// takes them or at a rate.
public final class Replayer {
    private let producer: Producer
    private let topic: ProducerTopic
    private let clock = ReplayClock()
    private var progress = ReplayProgress()

    /// A sender to one topic; batches are packed with lz4 unless the configuration says otherwise.
    public init(_ configuration: ClientConfiguration, topic: String) throws(ReplayError) {
        var configuration = configuration
        let defaults = [
            ("compression.codec", "lz4"), ("linger.ms", "20"), ("batch.size", "1000000"),
            ("queue.buffering.max.messages", "200000"), ("queue.buffering.max.kbytes", "131072"),
        ]
        configuration.properties = defaults + configuration.properties
        do throws(KafkaError) {
            producer = try Producer(configuration)
            self.topic = try producer.topic(topic)
        } catch {
            throw ReplayError(.sink, error.description)
        }
    }

    /// Number of partitions of the topic; throws where it does not exist.
    public func partitionCount() throws(ReplayError) -> Int {
        do throws(KafkaError) {
            return try producer.partitionCount(of: topic.name, timeoutMilliseconds: 10_000)
        } catch {
            throw ReplayError(.sink, "\(topic.name): \(error.message)")
        }
    }

    /// Sends everything that the source gives and waits for the acknowledgements.
    ///
    /// - Parameters:
    ///   - rate: records a second; nil = as fast as possible.
    ///   - onProgress: called about once a second; an answer of false ends the replay.
    public func run(
        _ source: inout some RecordSource & ~Copyable, rate: Double? = nil,
        onProgress: (ReplayProgress) -> Bool
    ) throws(ReplayError) -> ReplayProgress {
        var nextReport: Int64 = 1_000
        while let record = try source.next() {
            if let rate { wait(until: Double(progress.sent) / rate) }
            try send(record)
            if progress.sent.isMultiple(of: 256) || rate != nil {
                producer.poll()
                if clock.milliseconds >= nextReport {
                    nextReport = clock.milliseconds + 1_000
                    guard onProgress(current()) else { break }
                }
            }
        }
        try finish(onProgress)
        return current()
    }

    /// Hands one record to the client; waits while its queue is full.
    public func send(_ record: SourceRecord, partition: Int32? = nil) throws(ReplayError) {
        while try !take(record, partition) {
            producer.poll(timeoutMilliseconds: 100)
            try checkDeliveries()
        }
        progress.sent += 1
    }

    private func take(_ record: SourceRecord, _ partition: Int32?) throws(ReplayError) -> Bool {
        do throws(KafkaError) {
            return try producer.produce(
                topic: topic.name, partition: partition, key: record.key, value: record.value,
                headers: record.headers)
        } catch {
            throw ReplayError(.sink, error.description)
        }
    }

    /// Serves acknowledgements without waiting.
    public func poll() { producer.poll() }

    /// How far it is now.
    public func current() -> ReplayProgress {
        progress.delivered = producer.deliveredCount
        progress.milliseconds = clock.milliseconds
        return progress
    }

    /// Waits until Kafka has acknowledged everything, as long as it goes on acknowledging.
    public func finish(_ onProgress: (ReplayProgress) -> Bool = { _ in true }) throws(ReplayError) {
        var silent = 0
        var last = producer.deliveredCount
        while !producer.flush(timeoutMilliseconds: 1_000) {
            try checkDeliveries()
            silent = producer.deliveredCount == last ? silent + 1 : 0
            last = producer.deliveredCount
            guard silent < 30 else {
                throw ReplayError(.sink, "\(topic.name): no acknowledgement for 30 s")
            }
            guard onProgress(current()) else { break }
        }
        try checkDeliveries()
    }

    private func checkDeliveries() throws(ReplayError) {
        if let error = producer.fatalError { throw ReplayError(.sink, error.description) }
        guard producer.failedCount == 0 else {
            throw ReplayError(
                .sink, "\(topic.name): Kafka did not take \(producer.failedCount) records")
        }
    }

    private func wait(until seconds: Double) {
        while true {
            let left = seconds * 1_000 - Double(clock.milliseconds)
            guard left > 1 else { return }
            producer.poll(timeoutMilliseconds: Int32(min(left, 100)))
        }
    }
}

/// Milliseconds since it was made, on the monotonic clock.
struct ReplayClock {
    private let start = ReplayClock.now()

    var milliseconds: Int64 { ReplayClock.now() - start }

    private static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
    }
}
