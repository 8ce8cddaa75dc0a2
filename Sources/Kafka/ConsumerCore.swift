internal import CRdkafka

/// The state behind a `Consumer`; used only by the thread that calls it.
///
/// Its `deinit` destroys everything in the right order. A batch keeps it alive, so no message lives
/// longer than its client.
final class ConsumerCore {
    /// Older libraries may deliver records of a partition that was revoked in the same call.
    private static let oldestVersion: Int32 = 0x0200_02ff

    let handle: OpaquePointer
    let queue: OpaquePointer
    let box: CallbackBox
    let hasGroup: Bool
    let waker = Waker()
    var onRebalance: (RebalanceEvent) -> Void
    var topics = TopicTable()
    var assigned: [TopicPartition] = []
    /// Partitions that were paused and not assigned since.
    var paused: Set<TopicPartition> = []
    var wakeTargets: [Waker.Target] = []
    var wakeTargetsExpireMilliseconds: Int64 = 0
    private(set) var isClosed = false
    private var isClosing = false

    /// Partitions of which the library has dropped records.
    ///
    /// Until the next assignment, none of their records gets through.
    var damaged: Set<TopicPartition> = []

    /// While true, no record gets through.
    ///
    /// Partitions were assigned or revoked, and the lane has not said yet at which offsets to
    /// continue.
    private var isHeld = true
    private var isBatchOut = false

    private var capacity = 0
    private var messages: UnsafeMutablePointer<UnsafeMutablePointer<rd_kafka_message_t>?>
    private var records: UnsafeMutablePointer<Record>

    init(
        _ configuration: ClientConfiguration, settings: ConsumerSettings,
        onRebalance: @escaping (RebalanceEvent) -> Void
    ) throws(KafkaError) {
        guard rd_kafka_version() >= Self.oldestVersion else {
            throw KafkaError(
                code: .state,
                message: "librdkafka \(String(cString: rd_kafka_version_str())) is too old; "
                    + "2.0.2 is the oldest that keeps records of lost partitions out of a batch")
        }
        _ = ClientMemory.isKept
        let box = CallbackBox(log: configuration.log)
        var builder = try settings.build(configuration)
        installConsumerCallbacks(on: builder.conf)
        let handle = try builder.make(RD_KAFKA_CONSUMER, box: box)
        // Errors, logs and commit results come through the consumer's queue from here on.
        let redirect = rd_kafka_poll_set_consumer(handle)
        guard redirect == RD_KAFKA_RESP_ERR_NO_ERROR,
            let queue = rd_kafka_queue_get_consumer(handle)
        else {
            rd_kafka_destroy_flags(handle, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE)
            throw KafkaError(redirect, "consumer queue")
        }
        self.handle = handle
        self.queue = queue
        self.box = box
        hasGroup = settings.group != nil
        self.onRebalance = onRebalance
        messages = .allocate(capacity: 0)
        records = .allocate(capacity: 0)
        box.consumer = self
    }

    /// In this order: helper thread, the callbacks' way to this object, topics, queue, client,
    /// buffers.
    deinit {
        waker.end()
        box.consumer = nil
        topics.destroyAll()
        rd_kafka_queue_destroy(queue)
        // To destroy a client that did not close in time may block for ever, so it stays until the
        // end of the process.
        if isClosed || !isClosing {
            rd_kafka_destroy_flags(handle, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE)
        } else {
            _ = Unmanaged.passRetained(box)
        }
        messages.deallocate()
        records.deallocate()
    }

    // MARK: Batches

    func nextBatch(maximum: Int, timeoutMilliseconds: Int32) -> RecordBatch {
        precondition(!isBatchOut, "a consumer has one batch at a time")
        precondition(maximum > 0, "a batch takes at least one record")
        reserve(maximum)
        let taken = rd_kafka_consume_batch_queue(queue, timeoutMilliseconds, messages, maximum)
        var events: [ConsumerEvent] = []
        if taken < 0 {
            events.append(.error(KafkaError(rd_kafka_last_error(), "consume")))
        }
        let kept = sift(max(taken, 0), into: &events)
        for error in box.takeErrors() { events.append(.error(error)) }
        isBatchOut = true
        return RecordBatch(
            core: self, records: UnsafeBufferPointer(start: records, count: kept), events: events)
    }

    /// Moves the messages with records to the front of `messages`, in order; returns how many.
    private func sift(_ taken: Int, into events: inout [ConsumerEvent]) -> Int {
        let messages = messages
        let records = records
        let isHeld = isHeld
        var lastTopic: OpaquePointer?
        var lastID: Int32 = -1
        var kept = 0
        for index in 0..<taken {
            if index + 8 < taken { fetch(messages[index + 8]) }
            guard let message = messages[index] else { continue }
            guard message.pointee.err == RD_KAFKA_RESP_ERR_NO_ERROR, !isHeld else {
                note(message, in: &events)
                rd_kafka_message_destroy(message)
                continue
            }
            if !damaged.isEmpty, damaged.contains(partition(of: message)) {
                rd_kafka_message_destroy(message)
                continue
            }
            if message.pointee.rkt != lastTopic || lastTopic == nil {
                lastTopic = message.pointee.rkt
                lastID = topics.id(of: lastTopic, client: handle)
            }
            messages[kept] = message
            let record = Record(message, topicID: lastID)
            // The next read is of the byte after the value, which says whether there are headers.
            if let value = record.value, let start = value.baseAddress {
                odometer_kafka_prefetch(start + value.count)
            }
            (records + kept).initialize(to: record)
            kept += 1
        }
        return kept
    }

    /// Prefetches the two cache lines of a message that are read; another thread has written them.
    @inline(__always)
    private func fetch(_ message: UnsafeMutablePointer<rd_kafka_message_t>?) {
        guard let message else { return }
        odometer_kafka_prefetch(message)
        odometer_kafka_prefetch(UnsafeRawPointer(message) + 64)
    }

    func release(count: Int) {
        for index in 0..<count {
            if let message = messages[index] { rd_kafka_message_destroy(message) }
        }
        isBatchOut = false
    }

    /// Makes an event of an error message; errors of revoked partitions are dropped.
    private func note(
        _ message: UnsafeMutablePointer<rd_kafka_message_t>, in events: inout [ConsumerEvent]
    ) {
        let code = message.pointee.err
        guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { return }
        if code == RD_KAFKA_RESP_ERR__FATAL, let fatal = Client(handle: handle).fatalError {
            events.append(.error(fatal))
            return
        }
        // The library looks for a group's coordinator even without a subscription. A Kafka user who
        // only reads needs no right on groups, so this error means nothing.
        if !hasGroup, code == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED { return }
        let text = rd_kafka_message_errstr(message).map { String(cString: $0) } ?? ""
        let error = KafkaError(code: .init(code), message: text)
        guard message.pointee.rkt != nil else {
            events.append(.error(error))
            return
        }
        guard !isHeld else { return }
        let partition = partition(of: message)
        if error.code.dropsRecords { damaged.insert(partition) }
        if code == RD_KAFKA_RESP_ERR__PARTITION_EOF {
            events.append(.endOfPartition(partition, offset: message.pointee.offset))
        } else {
            events.append(.partitionError(partition, error))
        }
    }

    private func partition(of message: UnsafeMutablePointer<rd_kafka_message_t>) -> TopicPartition {
        TopicPartition(
            topic: rd_kafka_topic_name(message.pointee.rkt).map { String(cString: $0) } ?? "",
            partition: message.pointee.partition)
    }

    private func reserve(_ maximum: Int) {
        guard maximum > capacity else { return }
        messages.deallocate()
        records.deallocate()
        messages = .allocate(capacity: maximum)
        messages.initialize(repeating: nil, count: maximum)
        records = .allocate(capacity: maximum)
        capacity = maximum
    }

    // MARK: Holding records back

    /// Lets no record through from now on, not even those that the current call has taken.
    func hold() {
        isHeld = true
    }

    /// Lets records through again, from the offsets that were just assigned.
    ///
    /// Records that the current call had taken before are not among them. The library removes them
    /// from the array when it comes to the barrier of the new assignment, which is before the first
    /// new record. To remove them here by address would be wrong: the library frees them, and a new
    /// record may get the address of an old one.
    func letThrough() {
        isHeld = false
    }

    // MARK: Closing

    /// Leaves the group and serves the last rebalance; false where the time was not enough.
    func close(timeoutMilliseconds: Int32) throws(KafkaError) -> Bool {
        precondition(!isBatchOut, "a batch keeps the consumer from closing")
        guard !isClosed else { return true }
        waker.end()
        isClosing = true
        guard let last = rd_kafka_queue_new(handle) else {
            throw KafkaError(RD_KAFKA_RESP_ERR__STATE, "close")
        }
        defer { rd_kafka_queue_destroy(last) }
        if let error = rd_kafka_consumer_close_queue(handle, last) {
            defer { rd_kafka_error_destroy(error) }
            throw KafkaError(rd_kafka_error_code(error), "close")
        }
        let deadline = monotonicMilliseconds() + Int64(timeoutMilliseconds)
        // This call serves the callbacks too. A call that only serves them would leak records that
        // arrive now.
        var rest: UnsafeMutablePointer<rd_kafka_message_t>?
        while rd_kafka_consumer_closed(handle) == 0, monotonicMilliseconds() < deadline {
            let count = rd_kafka_consume_batch_queue(last, 10, &rest, 1)
            if count == 1, let message = rest { rd_kafka_message_destroy(message) }
        }
        isClosed = rd_kafka_consumer_closed(handle) != 0
        return isClosed
    }
}
