import Glibc
public import Kafka
internal import Synchronization

/// A topic of Kafka as an event log: an idempotent producer that waits for all replicas.
///
/// One thread serves the producer's reports; bodies are handed over on any thread. What waits for
/// acknowledgements is bounded in events and in bytes, so memory is, however long Kafka is away.
public final class KafkaEventLog: EventLog, @unchecked Sendable {
    // Sendable: all that changes is behind the lock of `state`.

    /// What to tell people.
    public enum Change: Sendable {
        /// Acknowledgements do not come any more, and why.
        case lost(String)
        /// They come again.
        case returned
    }

    /// How long a body waits for its acknowledgements.
    public static let patienceMilliseconds: Int64 = 5_000
    /// The most bytes that wait for acknowledgements.
    public static let mostBytes = 64 << 20
    /// The most events that do: as many as the client's queue holds.
    public static let mostEvents = 100_000

    private struct State {
        var producer: Producer?
        var topic: ProducerTopic?
        var bodies: [UInt64: WaitingBody] = [:]
        /// Numbers of bodies in the order of their deadlines, and of the first one that matters.
        var order: [UInt64] = []
        var first = 0
        var nextNumber: UInt64 = 1
        var bytes = 0
        var events = 0
        var isStopping = false
        var isLost = false
        var thread: pthread_t?
    }

    private let configuration: ClientConfiguration
    private let name: String
    private let mostBytes: Int
    private let patienceNanoseconds: UInt64
    private let onChange: @Sendable (Change) -> Void
    private let state = Mutex(State())
    private let reports = DeliveryReports()

    /// A log that takes nothing before `start`.
    ///
    /// The properties of the configuration win over those that are made here, except
    /// `message.timeout.ms`: what is given up is answered as unknown at about the same time.
    public init(
        _ configuration: ClientConfiguration, topic: String,
        patienceMilliseconds: Int64 = KafkaEventLog.patienceMilliseconds,
        mostBytes: Int = KafkaEventLog.mostBytes,
        onChange: @escaping @Sendable (Change) -> Void = { _ in }
    ) {
        var configuration = configuration
        configuration.properties =
            [("acks", "all"), ("partitioner", "murmur2_random"), ("linger.ms", "2")]
            + configuration.properties + [("message.timeout.ms", String(patienceMilliseconds))]
        self.configuration = configuration
        self.mostBytes = mostBytes
        self.onChange = onChange
        name = topic
        patienceNanoseconds = UInt64(patienceMilliseconds) * 1_000_000
    }

    /// Events that wait for acknowledgements, and their bytes.
    public var waiting: (events: Int, bytes: Int) { state.withLock { ($0.events, $0.bytes) } }

    /// Makes the producer, which asks no broker yet, and starts the thread.
    public func start() throws(KafkaError) {
        try open()
        let context = Unmanaged.passRetained(self).toOpaque()
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { context in
                guard let context else { return nil }
                KafkaLibrary.nameThread("ingest-reports")
                Unmanaged<KafkaEventLog>.fromOpaque(context).takeRetainedValue().run()
                return nil
            }, context)
        guard code == 0 else {
            Unmanaged<KafkaEventLog>.fromOpaque(context).release()
            throw KafkaError(code: .state, message: "no thread for the reports of ingest")
        }
        let handle = thread
        state.withLock { $0.thread = handle }
    }

    /// The topic's partitions, asked of Kafka; blocks.
    ///
    /// Throws a retriable error where Kafka does not answer in time.
    public func partitionCount(timeoutMilliseconds: Int32) throws(KafkaError) -> Int {
        guard let producer = state.withLock({ $0.producer }) else { return 0 }
        return try producer.partitionCount(of: name, timeoutMilliseconds: timeoutMilliseconds)
    }

    private func open() throws(KafkaError) {
        let producer = try Producer(configuration) { [reports] in reports.add($0) }
        let topic = try producer.topic(name)
        state.withLock {
            $0.producer = producer
            $0.topic = topic
        }
    }

    // MARK: Sending

    private static let headers: [(name: String, value: [UInt8]?)] = [
        ("content-type", Array("application/cloudevents+json".utf8))
    ]

    /// Takes events, all of them or none; see `EventLog`.
    public func send(
        _ events: [OutgoingEvent], timestampMilliseconds: Int64,
        whenDone: @escaping @Sendable ([EventFate]) -> Void
    ) -> EventLogAnswer {
        precondition(events.count <= 1 << 16, "the number of an event has 16 bits")
        let sizes = events.map { Int32(clamping: $0.key.count + $0.value.count) }
        let bytes = sizes.reduce(0) { $0 + Int($1) }
        let body = WaitingBody(
            sizes: sizes, deadline: KafkaEventLog.now() + patienceNanoseconds, whenDone: whenDone)
        let answer = state.withLock { state -> (Producer, ProducerTopic, UInt64)? in
            guard !state.isStopping, let producer = state.producer, let topic = state.topic,
                state.events == 0
                    || (state.bytes + bytes <= mostBytes
                        && state.events + events.count <= KafkaEventLog.mostEvents)
            else { return nil }
            state.bytes += bytes
            state.events += events.count
            let number = state.nextNumber
            state.nextNumber += 1
            state.bodies[number] = body
            state.order.append(number)
            return (producer, topic, number)
        }
        guard let (producer, topic, number) = answer else {
            return state.withLock { $0.isStopping || $0.producer == nil } ? .closed : .full
        }
        for (index, event) in events.enumerated() {
            let fate = produce(
                event, to: topic, of: producer, timestampMilliseconds,
                opaque: number << 16 | UInt64(index))
            if let fate {
                reports.add(.init(number: number, index: index, fate: fate, error: nil))
            }
        }
        return .taken
    }

    /// Hands an event to the client; the fate where there will be no report of it.
    private func produce(
        _ event: OutgoingEvent, to topic: ProducerTopic, of producer: Producer,
        _ timestampMilliseconds: Int64, opaque: UInt64
    ) -> EventFate? {
        let result = event.key.withUnsafeBytes { key in
            event.value.withUnsafeBytes { value in
                Result { () throws(KafkaError) -> Bool in
                    try producer.produce(
                        to: topic, key: key, value: value, headers: KafkaEventLog.headers,
                        timestamp: timestampMilliseconds, opaque: opaque)
                }
            }
        }
        switch result {
        case .success(let isQueued): return isQueued ? nil : .unknown
        case .failure(let error): return error.code.concernsRecord ? .refused : .unknown
        }
    }

    // MARK: The thread of the reports

    private func run() {
        while true {
            let producer = state.withLock { $0.producer }
            if let producer {
                producer.poll(timeoutMilliseconds: 50)
            } else {
                usleep(200_000)
            }
            let reason = take(reports.take())
            answerLate(producer, reason)
            if let fatal = producer?.fatalError { reopen(fatal) }
            if producer == nil, (try? open()) != nil { onChange(.returned) }
            let isOver = state.withLock { $0.isStopping && $0.bodies.isEmpty }
            if isOver { return }
        }
    }

    /// Notes reports, and answers the bodies that have all of theirs; the reason of the last
    /// failure.
    private func take(_ reports: [DeliveryReports.Item]) -> String? {
        guard !reports.isEmpty else { return nil }
        var reason: String?
        var done: [(WaitingBody, [EventFate])] = []
        let isBack = state.withLock { state in
            var hasArrived = false
            for report in reports {
                if let error = report.error { reason = error }
                if report.fate == .acknowledged { hasArrived = true }
                guard let body = state.bodies[report.number], body.note(report) else { continue }
                state.bytes -= Int(body.sizes[report.index])
                state.events -= 1
                guard body.left == 0 else { continue }
                state.bodies[report.number] = nil
                if let fates = body.answer() { done.append((body, fates)) }
            }
            defer { if hasArrived, reason == nil { state.isLost = false } }
            return hasArrived && reason == nil && state.isLost
        }
        for (body, fates) in done { body.whenDone(fates) }
        if isBack { onChange(.returned) }
        return reason
    }

    /// Answers bodies whose time is over; events without a report are unknown.
    private func answerLate(_ producer: Producer?, _ reason: String?) {
        var done: [(WaitingBody, [EventFate])] = []
        let isNews = state.withLock { state in
            let now = KafkaEventLog.now()
            while state.first < state.order.count {
                let number = state.order[state.first]
                if let body = state.bodies[number] {
                    guard body.deadline <= now else { break }
                    if let fates = body.answer() { done.append((body, fates)) }
                }
                state.first += 1
            }
            if state.first > 1_024 {
                state.order.removeFirst(state.first)
                state.first = 0
            }
            let isNews = !state.isLost && (reason != nil || !done.isEmpty)
            if isNews { state.isLost = true }
            return isNews
        }
        for (body, fates) in done { body.whenDone(fates) }
        let errors = producer?.takeErrors() ?? []
        if isNews {
            onChange(.lost(reason ?? errors.last?.message ?? "no acknowledgement in time"))
        }
    }

    /// Drops a producer that does nothing more; what it had is unknown.
    private func reopen(_ fatal: KafkaError) {
        let done = state.withLock { state in
            state.producer = nil
            state.topic = nil
            defer {
                state.bodies = [:]
                (state.events, state.bytes) = (0, 0)
                state.isLost = true
            }
            return state.bodies.values.compactMap { body in body.answer().map { (body, $0) } }
        }
        for (body, fates) in done { body.whenDone(fates) }
        onChange(.lost(fatal.message))
    }

    /// Takes nothing more, waits for acknowledgements, then answers the rest as unknown.
    ///
    /// Waits at most this long, and for the thread.
    public func stop(milliseconds: Int64) {
        let thread = state.withLock { state in
            state.isStopping = true
            defer { state.thread = nil }
            return state.thread
        }
        guard let thread else { return }
        let end = KafkaEventLog.now() + UInt64(milliseconds) * 1_000_000
        while KafkaEventLog.now() < end, state.withLock({ !$0.bodies.isEmpty }) { usleep(5_000) }
        let done = state.withLock { state in
            defer { state.bodies = [:] }
            return state.bodies.values.compactMap { body in body.answer().map { (body, $0) } }
        }
        for (body, fates) in done { body.whenDone(fates) }
        pthread_join(thread, nil)
        state.withLock {
            $0.topic = nil
            $0.producer = nil
        }
    }

    private static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}

/// A body whose events are on their way; used under the log's lock only.
private final class WaitingBody: @unchecked Sendable {
    let sizes: [Int32]
    let deadline: UInt64
    let whenDone: @Sendable ([EventFate]) -> Void
    /// Events without a report.
    private(set) var left: Int
    private var fates: [EventFate]
    private var hasReport: [Bool]
    private var isAnswered = false

    init(
        sizes: [Int32], deadline: UInt64, whenDone: @escaping @Sendable ([EventFate]) -> Void
    ) {
        self.sizes = sizes
        self.deadline = deadline
        self.whenDone = whenDone
        left = sizes.count
        fates = [EventFate](repeating: .unknown, count: sizes.count)
        hasReport = [Bool](repeating: false, count: sizes.count)
    }

    /// Notes a report; false where the event had one before.
    func note(_ report: DeliveryReports.Item) -> Bool {
        guard fates.indices.contains(report.index), !hasReport[report.index] else { return false }
        hasReport[report.index] = true
        fates[report.index] = report.fate
        left -= 1
        return true
    }

    /// The fates for its answer; nil where it was answered before.
    func answer() -> [EventFate]? {
        guard !isAnswered else { return nil }
        isAnswered = true
        return fates
    }
}

/// Reports on their way from the client's callback to the thread that notes them.
private final class DeliveryReports: Sendable {
    struct Item: Sendable {
        let number: UInt64
        let index: Int
        let fate: EventFate
        let error: String?
    }

    private let items = Mutex<[Item]>([])

    func add(_ report: DeliveryReport) {
        let fate: EventFate =
            switch report.error {
            case nil: .acknowledged
            case .some: .unknown
            }
        add(
            Item(
                number: report.opaque >> 16, index: Int(report.opaque & 0xFFFF), fate: fate,
                error: report.error?.message))
    }

    func add(_ item: Item) { items.withLock { $0.append(item) } }

    func take() -> [Item] {
        items.withLock { items in
            defer { items = [] }
            return items
        }
    }
}
