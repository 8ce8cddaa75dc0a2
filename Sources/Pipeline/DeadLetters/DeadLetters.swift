internal import Kafka
internal import Ledger
internal import Metering
internal import Synchronization

/// Sends rejected records to the dead-letter topic and knows when they are acknowledged.
///
/// A letter is kept until Kafka has acknowledged it; if sending fails it is sent again from here,
/// and its record is not read again. A broker accepts or refuses a request as a whole. So a letter
/// that was refused together with others is first sent alone; only then it is made shorter, and
/// when even its shortest form is refused, it is given up. The producer is made with the first
/// letter. It belongs to one lane's thread.
final class DeadLetters: LaneDeadLetters {
    private let client: ClientConfiguration
    private let topic: String?
    private var producer: Producer?
    private var reports = Reports()
    private var book = LetterBook()
    private var limits = LetterLimits()

    /// Letters that the client does not have yet, in the order in which they came.
    private var ready: [DeadLetter] = []
    /// Letters that are sent alone: refused together with others, or to be tried in another form.
    private var alone: [DeadLetter] = []
    /// Letters that the client has, by the number that their delivery report will carry.
    private var onWay: [UInt64: DeadLetter] = [:]
    private var nextNumber: UInt64 = 1
    /// The number of the letter that is on its way alone: nothing else is sent before its report.
    private var aloneOnWay: UInt64?
    /// How many letters on their way the lane waits for.
    private var wantedOnWay = 0
    private var heldBytes = 0
    /// When the next letter may be sent after an error that is not about one letter.
    private var retryAt: Milliseconds = 0
    /// The latest such error; nil after a letter was acknowledged.
    private var lastError: String?
    /// When a letter was last acknowledged or given up, or began to wait when no other did.
    private var progressAt: Milliseconds = 0

    private(set) var delivered: Int64 = 0
    private(set) var givenUp: Int64 = 0
    private(set) var lastGivenUp: String?

    /// With more letters or bytes of them than these the lane takes no more records.
    private static let mostWaiting = 10_000
    private static let mostBytes = 64 << 20
    /// Waiting for so long without an acknowledgement is a trouble.
    private static let patience: Milliseconds = 5_000
    private static let retryPause: Milliseconds = 500

    init(client: ClientConfiguration, topic: String?) {
        self.client = client
        self.topic = topic
    }

    private var now: Milliseconds { SteadyClock.milliseconds }

    var waiting: Int { ready.count + alone.count + wantedOnWay }
    var isFull: Bool { waiting > Self.mostWaiting || heldBytes > Self.mostBytes }

    var trouble: String? {
        guard waiting > 0 else { return nil }
        if let lastError { return lastError }
        guard now - progressAt > Self.patience else { return nil }
        return "Kafka has acknowledged none of \(waiting) for \((now - progressAt) / 1_000) s"
    }

    // MARK: The lane's calls

    func send(_ record: Record, topicName: String, _ rejected: RejectedRecord) {
        guard topic != nil else { return }
        let address = LetterAddress(
            topicID: record.topicID, partition: record.partition, offset: record.offset)
        let fingerprint = Fingerprint(
            offset: record.offset, timestamp: record.timestamp, key: record.key,
            value: record.value)
        switch book.state(of: address, fingerprint) {
        case .done: return
        case .waiting: return want(address)
        case nil: break
        }
        book.begin(address, fingerprint)
        noteBegin()
        let letter = Self.letter(record, address, topicName: topicName, rejected)
        heldBytes += letter.byteCount
        ready.append(letter)
        serve()
    }

    func deliver(waitMilliseconds: Int32) -> Bool {
        // Letters that are sent alone need a round trip each; without a wait each would take a
        // whole turn of the lane.
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
            book.drop(letter.address)
            heldBytes -= letter.byteCount
        }
        ready = []
        alone = []
        for number in onWay.keys { onWay[number]?.isWanted = false }
        wantedOnWay = 0
    }

    func forget(where isPassed: (LetterAddress) -> Bool) { book.forget(where: isPassed) }

    /// Waits again for a letter that the client still has.
    private func want(_ address: LetterAddress) {
        guard let number = onWay.first(where: { $0.value.address == address })?.key,
            onWay[number]?.isWanted == false
        else { return }
        noteBegin()
        onWay[number]?.isWanted = true
        wantedOnWay += 1
    }

    /// Notes that a letter begins to wait.
    private func noteBegin() {
        guard waiting == 0 else { return }
        progressAt = now
        lastError = nil
    }

    private static func letter(
        _ record: Record, _ address: LetterAddress, topicName: String, _ rejected: RejectedRecord
    ) -> DeadLetter {
        DeadLetter(
            address: address, key: Array("\(topicName)/\(record.partition)/\(record.offset)".utf8),
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

    /// Gives the client the letters that may be sent now.
    private func serve() {
        guard aloneOnWay == nil, !ready.isEmpty || !alone.isEmpty, now >= retryAt else { return }
        do throws(KafkaError) {
            let (producer, topic) = try opened()
            guard alone.isEmpty else {
                // The request of a letter that is sent alone must hold no other letter.
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

    /// Gives a letter to the client; false when the client's queue is full.
    private func handOver(
        _ letter: inout DeadLetter, _ producer: Producer, _ topic: String
    ) throws(KafkaError) -> Bool {
        letter.shorten(belowBytes: limits.refusedBytes(now: now))
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
                // The client itself refuses it, so the error is about this letter alone.
                guard shorten(&letter, error) else {
                    giveUp(letter, error)
                    return true
                }
            }
        }
    }

    /// The producer and the topic; makes a new producer at first and after a fatal error.
    private func opened() throws(KafkaError) -> (Producer, String) {
        if let fatal = producer?.fatalError {
            // What it still has will not arrive, or nobody will know whether it has.
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
        // Letters are never given up because of time: the lane waits.
        configuration.properties += [
            ("message.timeout.ms", "0"), ("message.max.bytes", "2097152"),
            // Commits wait for the acknowledgements, so no time is spent on larger batches.
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
                lastError = nil
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

    /// Decides what becomes of a letter that did not arrive.
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

    /// Takes the next shorter form; false when there is none.
    private func shorten(_ letter: inout DeadLetter, _ error: KafkaError) -> Bool {
        guard let next = letter.nextForm else { return false }
        // The size of a shortest form is not noted: no later letter can get below it.
        if error.code.isAboutSize { limits.refuse(bytes: letter.messageBytes, now: now) }
        letter.form = next
        return true
    }

    private func fail(_ error: KafkaError) {
        lastError = error.message
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
        book.finish(letter.address)
    }

    private func release(_ letter: DeadLetter) {
        heldBytes -= letter.byteCount
        book.drop(letter.address)
    }
}

/// Delivery reports on their way from the client's callback to the lane.
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
