internal import Kafka
internal import Metering
internal import Synchronization

/// Sends rejected records to the dead-letter topic and knows when they are acknowledged.
///
/// The producer is made with the first record. One lane; its thread.
final class DeadLetters: LaneDeadLetters {
    private let client: ClientConfiguration
    private let topic: String?
    private var producer: Producer?
    private let limits = TopicLimits()
    private var produced: UInt64 = 0
    /// Records on their way at which the lane stops to take more.
    static let mostWaiting = 10_000

    init(client: ClientConfiguration, topic: String?) {
        self.client = client
        self.topic = topic
    }

    /// Dead letters acknowledged.
    var delivered: Int64 { Int64(producer?.deliveredCount ?? 0) }
    /// Dead letters on their way.
    var waiting: Int {
        Int(produced - (producer?.deliveredCount ?? 0) - (producer?.failedCount ?? 0))
    }
    /// Whether one was given up, so that what it stands for must be read again.
    var hasFailed: Bool { (producer?.failedCount ?? 0) > 0 }

    /// Serves acknowledgements for at most so long; true when all are acknowledged, none given up.
    func settle(waitMilliseconds: Int32) -> Bool {
        if let producer, waiting > 0 { producer.poll(timeoutMilliseconds: waitMilliseconds) }
        return waiting == 0 && !hasFailed
    }

    /// Forgets the producer with everything on its way: it will be read and sent again.
    func abandon() {
        producer = nil
        produced = 0
    }

    /// Queues one rejected record; false = the queue is full, or Kafka refuses for now.
    func send(
        _ record: Record, topicName: String, _ rejected: RejectedRecord
    )
        throws(KafkaError) -> Bool
    {
        guard topic != nil else { return true }
        let (producer, target) = try opened()
        let place = "\(topicName)/\(record.partition)/\(record.offset)"
        var headers: [(name: String, value: [UInt8]?)] = [
            ("reason", Array(rejected.outcome.name.utf8)),
            ("detail", Array(rejected.detail.utf8)),
            ("topic", Array(topicName.utf8)), ("partition", Array("\(record.partition)".utf8)),
            ("offset", Array("\(record.offset)".utf8)),
            ("timestamp", Array("\(record.timestamp)".utf8)),
        ]
        if let key = record.key { headers.append(("original-key", Array(key))) }
        for header in record.headers {
            let name = "original-" + String(decoding: header.name, as: UTF8.self)
            headers.append((name, header.value.map { Array($0) }))
        }
        var value = record.value.map { Array($0) }
        if let bytes = value, bytes.count >= limits.size {
            // Did not fit before: the same without value, and with only the headers that we wrote.
            value = nil
            headers = headers.prefix(6) + [("truncated", Array("true".utf8))]
        }
        let opaque = UInt64(value?.count ?? 0)
        do throws(KafkaError) {
            let isQueued = try producer.produce(
                topic: target, key: Array(place.utf8), value: value, headers: headers,
                timestamp: limits.isClockRefused ? record.timestamp : nil, opaque: opaque)
            produced += isQueued ? 1 : 0
            return isQueued
        } catch {
            guard error.code == .messageTooLarge, let size = value?.count else { throw error }
            limits.lower(to: size)
            return try send(record, topicName: topicName, rejected)
        }
    }

    private func opened() throws(KafkaError) -> (Producer, String) {
        if let producer, let topic { return (producer, topic) }
        var configuration = client
        // Never given up by time: the lane waits, and reads again after a failure.
        configuration.properties += [
            ("message.timeout.ms", "0"), ("message.max.bytes", "2097152"),
            // Commits wait for the acknowledgements: no lingering.
            ("linger.ms", "0"),
        ]
        let limits = limits
        let made = try Producer(configuration) { report in
            switch report.error?.code {
            case .messageTooLarge: limits.lower(to: Int(report.opaque))
            case .invalidTimestamp: limits.refuseClock()
            default: break
            }
        }
        producer = made
        return (made, topic ?? "")
    }
}

/// What the dead-letter topic did not take.
private final class TopicLimits: Sendable {
    private let least = Atomic<Int>(Int.max)
    private let refusesClock = Atomic<Bool>(false)

    /// Values of this size or more are left out: one did not fit.
    var size: Int { max(1, least.load(ordering: .relaxed)) }
    func lower(to other: Int) {
        if other < least.load(ordering: .relaxed) { least.store(other, ordering: .relaxed) }
    }

    /// Whether this machine's clock is too far from the brokers': then a dead letter has its record's time,
    /// which they took once.
    var isClockRefused: Bool { refusesClock.load(ordering: .relaxed) }
    func refuseClock() { refusesClock.store(true, ordering: .relaxed) }
}
