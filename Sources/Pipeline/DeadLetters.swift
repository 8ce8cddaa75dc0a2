internal import Kafka
internal import Ledger
internal import Metering
internal import Synchronization

/// Sends rejected records to the dead-letter topic and knows when they are acknowledged.
///
/// A letter is kept until Kafka has acknowledged it, so that one that fails is sent again from here and nothing
/// has to be read again. A broker judges a request as a whole: a letter that was refused among others is sent
/// alone before it is made shorter, and one that is refused alone in its shortest form is given up.
/// The producer is made with the first record. One lane; its thread.
final class DeadLetters: LaneDeadLetters {
    private let client: ClientConfiguration
    private let topic: String?
    private var producer: Producer?
    private var reports = Reports()
    private var book = LetterBook()
    private var limits = LetterLimits()

    /// Not handed to the client yet, in the order in which they came.
    private var ready: [DeadLetter] = []
    /// Refused among others, or to be sent in another form: each goes alone.
    private var alone: [DeadLetter] = []
    /// With the client, by the number that its report will carry.
    private var onWay: [UInt64: DeadLetter] = [:]
    private var nextNumber: UInt64 = 1
    /// The number of the letter that goes alone now: nothing else is sent before its report.
    private var aloneOnWay: UInt64?
    private var wantedOnWay = 0
    private var heldBytes = 0
    /// Not before this is anything sent after a failure that is not about one letter.
    private var retryAt: Int64 = 0
    private var failure: String?
    /// When a letter was acknowledged or given up last, or began to wait after none had.
    private var progressAt: Int64 = 0

    private(set) var delivered: Int64 = 0
    private(set) var givenUp: Int64 = 0
    private(set) var lastGivenUp: String?

    /// Letters, and bytes of them, at which the lane stops to take more.
    private static let mostWaiting = 10_000
    private static let mostBytes = 64 << 20
    /// Milliseconds without an acknowledgement after which waiting is a trouble.
    private static let patience: Int64 = 5_000
    private static let retryPause: Int64 = 500

    init(client: ClientConfiguration, topic: String?) {
        self.client = client
        self.topic = topic
    }

    private var now: Int64 { SteadyClock.milliseconds }

    var waiting: Int { ready.count + alone.count + wantedOnWay }
    var isFull: Bool { waiting > Self.mostWaiting || heldBytes > Self.mostBytes }

    var problem: String? {
        guard waiting > 0 else { return nil }
        if let failure { return failure }
        guard now - progressAt > Self.patience else { return nil }
        return "Kafka has acknowledged none of \(waiting) for \((now - progressAt) / 1_000) s"
    }

    // MARK: The lane's calls

    func send(_ record: Record, topicName: String, _ rejected: RejectedRecord) {
        guard topic != nil else { return }
        let place = LetterPlace(
            topicID: record.topicID, partition: record.partition, offset: record.offset)
        let fingerprint = Fingerprint(
            offset: record.offset, timestamp: record.timestamp, key: record.key,
            value: record.value)
        switch book.state(of: place, fingerprint) {
        case .done: return
        case .waiting: return want(place)
        case nil: break
        }
        book.begin(place, fingerprint)
        noteBegin()
        let letter = Self.letter(record, place, topicName: topicName, rejected)
        heldBytes += letter.byteCount
        ready.append(letter)
        serve()
    }

    func deliver(waitMilliseconds: Int32) -> Bool {
        // Letters that go alone need a round trip each: without some patience each would take a turn of the lane.
        let wait = alone.isEmpty ? Int64(waitMilliseconds) : max(20, Int64(waitMilliseconds))
        let end = now + wait
        while true {
            serve()
            guard waiting > 0 else { return true }
            let left = max(0, end - now)
            if onWay.isEmpty {
                if left > 0 { pause(milliseconds: UInt32(min(20, left))) }
            } else {
                producer?.poll(timeoutMilliseconds: Int32(left))
                takeReports()
            }
            if left == 0 {
                serve()
                return waiting == 0
            }
        }
    }

    func abandon() {
        for letter in ready + alone {
            book.drop(letter.place)
            heldBytes -= letter.byteCount
        }
        ready = []
        alone = []
        for number in onWay.keys { onWay[number]?.isWanted = false }
        wantedOnWay = 0
    }

    func forget(where isPassed: (LetterPlace) -> Bool) { book.forget(where: isPassed) }

    /// The lane waits again for a letter that is still with the client.
    private func want(_ place: LetterPlace) {
        guard let number = onWay.first(where: { $0.value.place == place })?.key,
            onWay[number]?.isWanted == false
        else { return }
        noteBegin()
        onWay[number]?.isWanted = true
        wantedOnWay += 1
    }

    /// A letter begins to wait.
    private func noteBegin() {
        guard waiting == 0 else { return }
        progressAt = now
        failure = nil
    }

    private static func letter(
        _ record: Record, _ place: LetterPlace, topicName: String, _ rejected: RejectedRecord
    ) -> DeadLetter {
        DeadLetter(
            place: place, key: Array("\(topicName)/\(record.partition)/\(record.offset)".utf8),
            reason: rejected.outcome.name,
            own: [
                ("reason", Array(rejected.outcome.name.utf8)),
                ("detail", Array(rejected.detail.utf8)),
                ("topic", Array(topicName.utf8)),
                ("partition", Array("\(record.partition)".utf8)),
                ("offset", Array("\(record.offset)".utf8)),
                ("timestamp", Array("\(record.timestamp)".utf8)),
            ],
            originalKey: record.key.map { Array($0) },
            originalHeaders: record.headers.map { header in
                (
                    "original-" + String(decoding: header.name, as: UTF8.self),
                    header.value.map { Array($0) }
                )
            }, value: record.value.map { Array($0) }, timestamp: record.timestamp)
    }

    // MARK: Sending

    /// Hands over what may go now.
    private func serve() {
        guard aloneOnWay == nil, !ready.isEmpty || !alone.isEmpty, now >= retryAt else { return }
        do throws(KafkaError) {
            let (producer, topic) = try opened()
            guard alone.isEmpty else {
                // A report about one request must be a report about one letter.
                guard onWay.isEmpty else { return }
                var letter = alone[0]
                letter.isAlone = true
                let number = nextNumber
                guard try handOver(&letter, producer, topic) else { return }
                alone.removeFirst()
                if onWay[number] != nil { aloneOnWay = number }
                return
            }
            var count = 0
            defer { ready.removeFirst(count) }
            while count < ready.count, try handOver(&ready[count], producer, topic) { count += 1 }
        } catch { fail(error) }
    }

    /// Gives a letter to the client; false = its queue is full.
    private func handOver(
        _ letter: inout DeadLetter, _ producer: Producer, _ topic: String
    ) throws(KafkaError) -> Bool {
        letter.shorten(below: limits.refusedSize(now: now))
        if letter.refusedTimes == 0 { letter.hasRecordTime = limits.isClockRefused }
        while true {
            do throws(KafkaError) {
                let isQueued = try producer.produce(
                    topic: topic, key: letter.key, value: letter.sentValue,
                    headers: letter.sentHeaders,
                    timestamp: letter.hasRecordTime && letter.timestamp >= 0
                        ? letter.timestamp : nil, opaque: nextNumber)
                guard isQueued else { return false }
                onWay[nextNumber] = letter
                nextNumber += 1
                wantedOnWay += 1
                return true
            } catch {
                guard error.code == .messageTooLarge else { throw error }
                // Said by the client itself, and so about this letter alone.
                guard shorten(&letter, error) else {
                    giveUp(letter, error)
                    return true
                }
            }
        }
    }

    private func opened() throws(KafkaError) -> (Producer, String) {
        if let fatal = producer?.fatalError {
            // Nothing that it holds arrives any more, or it is not known whether it has.
            ready = onWay.sorted { $0.key < $1.key }.map(\.value).filter(\.isWanted) + ready
            for letter in onWay.values where !letter.isWanted { release(letter) }
            for index in ready.indices { ready[index].isAlone = false }
            onWay = [:]
            wantedOnWay = 0
            aloneOnWay = nil
            producer = nil
            throw fatal
        }
        if let producer, let topic { return (producer, topic) }
        var configuration = client
        // Never given up by time: the lane waits.
        configuration.properties += [
            ("message.timeout.ms", "0"), ("message.max.bytes", "2097152"),
            // Commits wait for the acknowledgements: no lingering.
            ("linger.ms", "0"),
        ]
        let reports = Reports()
        let made = try Producer(configuration) { report in reports.add(report) }
        self.reports = reports
        producer = made
        return (made, topic ?? "")
    }

    // MARK: Reports

    private func takeReports() {
        for report in reports.take() {
            guard let letter = onWay.removeValue(forKey: report.opaque) else { continue }
            if letter.isWanted { wantedOnWay -= 1 }
            if report.opaque == aloneOnWay { aloneOnWay = nil }
            guard let error = report.error else {
                delivered += 1
                failure = nil
                finish(letter)
                continue
            }
            guard letter.isWanted else {
                release(letter)
                continue
            }
            judge(letter, error)
        }
    }

    /// What becomes of a letter that did not arrive.
    private func judge(_ letter: DeadLetter, _ error: KafkaError) {
        var letter = letter
        guard error.code.concernsRecord else {
            letter.isAlone = false
            ready.append(letter)
            return fail(error)
        }
        guard letter.isAlone else { return alone.append(letter) }
        if error.code == .invalidTimestamp {
            letter.refusedTimes += 1
            if !letter.hasRecordTime { limits.isClockRefused = true }
            guard letter.refusedTimes < 2, letter.timestamp >= 0 else {
                return giveUp(letter, error)
            }
            letter.hasRecordTime.toggle()
        } else if !shorten(&letter, error) {
            return giveUp(letter, error)
        }
        alone.insert(letter, at: 0)
    }

    /// Takes the next shorter form; false = there is none.
    private func shorten(_ letter: inout DeadLetter, _ error: KafkaError) -> Bool {
        guard let next = letter.nextForm else { return false }
        // Not in its shortest form: that would make all later ones as short, for nothing.
        if error.code.isAboutSize { limits.refuse(size: letter.size, now: now) }
        letter.form = next
        return true
    }

    private func fail(_ error: KafkaError) {
        failure = error.message
        retryAt = now + Self.retryPause
    }

    private func giveUp(_ letter: DeadLetter, _ error: KafkaError) {
        givenUp += 1
        lastGivenUp =
            "\(String(decoding: letter.key, as: UTF8.self)) (\(letter.reason)) has no dead letter: "
            + "refused also in its shortest form: \(error.message)"
        finish(letter)
    }

    private func finish(_ letter: DeadLetter) {
        progressAt = now
        heldBytes -= letter.byteCount
        book.finish(letter.place)
    }

    private func release(_ letter: DeadLetter) {
        heldBytes -= letter.byteCount
        book.drop(letter.place)
    }
}

/// Delivery reports between the client's callback and the lane.
private final class Reports: Sendable {
    private let list = Mutex<[DeliveryReport]>([])

    func add(_ report: DeliveryReport) { list.withLock { $0.append(report) } }
    func take() -> [DeliveryReport] {
        list.withLock { list in
            let taken = list
            list = []
            return taken
        }
    }
}

/// What the dead-letter topic did not take, so that the next letters are not refused first.
struct LetterLimits {
    /// The topic's limit may be raised: after this many milliseconds a large letter is tried whole again.
    private static let memory: Int64 = 600_000
    private var least = Int.max
    private var learnedAt: Int64 = 0
    /// Whether this machine's clock is too far from the brokers': then a letter has its record's time, which they
    /// took once.
    var isClockRefused = false

    /// Messages of this size or more were refused lately; in bytes, never 0.
    mutating func refusedSize(now: Int64) -> Int {
        if least < Int.max, now - learnedAt > Self.memory { least = Int.max }
        return least
    }

    /// A message of this size was refused by itself.
    mutating func refuse(size: Int, now: Int64) {
        guard size > 0, size < least else { return }
        least = size
        learnedAt = now
    }
}
