import Glibc
public import Kafka

/// How far a replay has come.
public struct ReplayProgress: Sendable, Equatable {
    /// Records that Kafka has acknowledged.
    public var delivered: UInt64 = 0
    /// Records handed to the Kafka client.
    public var sent: UInt64 = 0
    /// The time since the start.
    public var milliseconds: Int64 = 0

    /// Acknowledged records a second so far.
    public var rate: Double {
        milliseconds == 0 ? 0 : Double(delivered) * 1_000 / Double(milliseconds)
    }
}

/// Sends the records of a source to a topic: idempotent, in order for each key, at a pace.
///
/// No record waits for an acknowledgement of another. A record is sent when it is due, or late when
/// the sender cannot keep up or the client's queue is full, but it is never left out. One thread
/// sends; another one takes Kafka's reports, so that the sender does not delay the timing of
/// acknowledgements.
public final class Replayer {
    /// The header that says when a record was due, in microseconds since 1970; records sent at the
    /// pace `flat` have none.
    public static let dueHeader = "odometer-due"
    /// Shorter waits are not worth a sleep: records due within this time are sent together, late by
    /// at most this.
    private static let shortestSleepMicroseconds: Int64 = 250

    let measures: ReplayMeasures
    let clock: ReplayClock
    private let producer: Producer
    private let topic: ProducerTopic
    private let reports: ReplayThread
    private var watcher: MarkWatcher?
    /// Shards of the ledger whose marks are watched; nil without `watch`.
    private var shards: Int?
    private var nextProgressMicroseconds: Int64 = 0

    /// Makes a sender to one topic; batches are compressed with lz4 unless the configuration says
    /// otherwise.
    public init(_ configuration: ClientConfiguration, topic: String) throws(ReplayError) {
        var configuration = configuration
        let defaults = [
            ("compression.codec", "lz4"), ("linger.ms", "20"), ("batch.size", "1000000"),
            ("queue.buffering.max.messages", "200000"), ("queue.buffering.max.kbytes", "131072"),
        ]
        configuration.properties = defaults + configuration.properties
        let clock = ReplayClock()
        let measures = ReplayMeasures(clock: clock)
        let producer: Producer
        do throws(KafkaError) {
            producer = try Producer(configuration) { measures.acknowledged($0) }
            self.topic = try producer.topic(topic)
        } catch {
            throw ReplayError(.sink, error.description)
        }
        self.clock = clock
        self.measures = measures
        self.producer = producer
        reports = ReplayThread {
            producer.poll(timeoutMilliseconds: 20)
            measures.tick()
        }
    }

    deinit {
        watcher?.stop()
        reports.stop()
    }

    /// The number of partitions of the topic; throws when it does not exist.
    public func partitionCount() throws(ReplayError) -> Int {
        do throws(KafkaError) {
            return try producer.partitionCount(of: topic.name, timeoutMilliseconds: 10_000)
        } catch {
            throw ReplayError(.sink, "\(topic.name): \(error.message)")
        }
    }

    /// Measures freshness from now on, by the marks of a ledger; throws when Redis does not answer
    /// now.
    public func watch(_ place: MarkPlace) throws(ReplayError) {
        let partitions = try partitionCount()
        let shards = try place.shards()
        self.shards = shards
        measures.watch(partitions: partitions, shards: shards)
        watcher = try MarkWatcher(
            place, topic: topic.name, partitions: partitions, shards: shards, measures: measures)
    }

    /// Why the marks cannot be read now; nil when they can, or without `watch`.
    public var watchError: String? { watcher?.errorText }

    /// What has been measured so far.
    public var figures: ReplayFigures { measures.figures }

    /// Sends all records of the source and waits for the acknowledgements.
    ///
    /// - Parameters:
    ///   - pace: when the records are due.
    ///   - onProgress: called a few times a second; false ends the replay.
    public func run(
        _ source: inout some RecordSource & ~Copyable, pace: ReplayPace = .flat,
        onProgress: (ReplayProgress) -> Bool
    ) throws(ReplayError) -> ReplayProgress {
        var due = DueTimes(pace)
        let start = clock.now
        while let record = try source.next() {
            let moment = due.next(time: record.timeMilliseconds).map { start + $0 }
            if let moment, moment > clock.now {
                guard wait(until: moment, onProgress) else { break }
            }
            try send(record, due: moment)
            guard clock.now < nextProgressMicroseconds || goesOn(onProgress) else { break }
        }
        try finish(onProgress)
        return current()
    }

    /// Hands one record to the Kafka client, as soon as its queue has room.
    ///
    /// - Parameter due: microseconds on the replay's clock; nil: now.
    public func send(_ record: SourceRecord, due: Int64? = nil) throws(ReplayError) {
        let moment = due ?? clock.now
        var headers = record.headers
        if due != nil {
            let text = Array(String(clock.wallStart + moment).utf8)
            headers.append((name: Replayer.dueHeader, value: text))
        }
        let token = ReplayMeasures.token(due: moment, shard: shard(of: record))
        while try !take(record, headers, token) {
            usleep(500)
            try checkDeliveries()
        }
        measures.sent(due: moment)
    }

    /// The shard whose mark shows a record; nil where it is not waited for.
    private func shard(of record: SourceRecord) -> Int? {
        guard let shards, record.changesCells else { return nil }
        return record.subject.map { UnseenRecords.shard(of: $0, among: shards) }
    }

    private func take(
        _ record: SourceRecord, _ headers: [(name: String, value: [UInt8]?)], _ token: UInt64
    ) throws(ReplayError) -> Bool {
        do throws(KafkaError) {
            return try producer.produce(
                topic: topic.name, key: record.key, value: record.value, headers: headers,
                opaque: token)
        } catch {
            throw ReplayError(.sink, error.description)
        }
    }

    /// How far the replay has come now.
    public func current() -> ReplayProgress {
        let counts = measures.counts
        return ReplayProgress(
            delivered: counts.acknowledged, sent: counts.sent, milliseconds: clock.now / 1_000)
    }

    /// Waits until Kafka has acknowledged everything; throws after 30 s without an acknowledgement.
    public func finish(_ onProgress: (ReplayProgress) -> Bool = { _ in true }) throws(ReplayError) {
        var last = measures.counts.acknowledged
        var since = clock.now
        while !producer.flush(timeoutMilliseconds: 100) {
            try checkDeliveries()
            let delivered = measures.counts.acknowledged
            if delivered != last { (last, since) = (delivered, clock.now) }
            guard clock.now - since < 30_000_000 else {
                throw ReplayError(.sink, "\(topic.name): no acknowledgement for 30 s")
            }
            guard goesOn(onProgress) else { break }
        }
        try checkDeliveries()
    }

    /// Waits until Redis shows everything that was sent.
    ///
    /// - Returns: false when nothing more was shown for `patienceMilliseconds`, or when the replay
    ///   was stopped.
    public func waitUntilSeen(
        patienceMilliseconds: Int64, onProgress: (ReplayProgress) -> Bool = { _ in true }
    ) -> Bool {
        var last = measures.counts.seen
        var since = clock.now
        while measures.waiting.count > 0 {
            let seen = measures.counts.seen
            if seen != last { (last, since) = (seen, clock.now) }
            guard clock.now - since < patienceMilliseconds * 1_000, goesOn(onProgress) else {
                return false
            }
            usleep(10_000)
        }
        return true
    }

    /// Ends the last interval of the timeline, so that `figures` have all of it.
    public func closeTimeline() { measures.tick(isLast: true) }

    /// Sleeps until a record is due; false when the replay was stopped meanwhile.
    func wait(until moment: Int64, _ onProgress: (ReplayProgress) -> Bool) -> Bool {
        while true {
            let now = clock.now
            guard now < moment else { return true }
            clock.sleep(
                until: min(max(moment, now + Replayer.shortestSleepMicroseconds), now + 100_000))
            guard goesOn(onProgress) else { return false }
        }
    }

    /// Calls `onProgress` five times a second; false when it ends the replay.
    func goesOn(_ onProgress: (ReplayProgress) -> Bool) -> Bool {
        let now = clock.now
        guard now >= nextProgressMicroseconds else { return true }
        nextProgressMicroseconds = now + 200_000
        return onProgress(current())
    }

    private func checkDeliveries() throws(ReplayError) {
        if let error = producer.fatalError { throw ReplayError(.sink, error.description) }
        guard producer.failedCount == 0 else {
            throw ReplayError(
                .sink, "\(topic.name): Kafka did not take \(producer.failedCount) records")
        }
    }
}
