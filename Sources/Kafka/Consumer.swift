internal import CRdkafka
internal import Synchronization

/// Reads records from Kafka on one thread, from offsets that the caller names.
///
/// Every method is called on the same thread, also from inside the rebalance handler. The
/// consumer never stores an offset and never resets one: with a group it is told its partitions
/// (`RebalanceEvent`), and nothing is delivered until `assign` says where to begin. Without a
/// group it reads whatever `assign` names.
///
/// Never seek, never resume: to go on after `pause`, or to go elsewhere, `assign` again. A
/// record may still come twice or come from a partition that moved, so callers compare each
/// offset with the one they expect; offsets above it are gaps and legal.
public struct Consumer: ~Copyable {
    /// The offset that stands for the begin of the log in `assign`.
    public static let beginning = Int64(RD_KAFKA_OFFSET_BEGINNING)
    /// The offset that stands for the end of the log in `assign`.
    public static let end = Int64(RD_KAFKA_OFFSET_END)

    let core: ConsumerCore

    /// Makes a consumer; no broker is asked yet.
    ///
    /// The handler is called on the caller's thread inside `nextBatch` and `close`. On
    /// `assigned` it may call `assign` at once or leave that for later; on `revoked` it commits,
    /// within a deadline far below `max.poll.interval.ms`, and forgets the partitions. It is not
    /// called when the consumer ends without `close`.
    public init(
        _ configuration: ClientConfiguration, settings: ConsumerSettings = ConsumerSettings(),
        onRebalance: @escaping (RebalanceEvent) -> Void = { _ in }
    ) throws(KafkaError) {
        core = try ConsumerCore(configuration, settings: settings, onRebalance: onRebalance)
    }

    /// Replaces the rebalance handler, for owners that exist only after their consumer.
    public func setRebalanceHandler(_ handler: @escaping (RebalanceEvent) -> Void) {
        core.onRebalance = handler
    }

    // MARK: Partitions

    /// Joins the group for these topics; a subscription is never changed.
    ///
    /// Call `waitForTopics` first: a missing topic is an error there and silence here.
    public func subscribe(_ topics: [String]) throws(KafkaError) {
        try requireGroup("subscribe")
        let list = PartitionList(topics.map { TopicPartition(topic: $0, partition: -1) })
        try KafkaError.check(
            list.pass { rd_kafka_subscribe(core.handle, $0) }, "subscribe to \(topics)")
    }

    /// Leaves the subscription; the handler gets `revoked` in one of the next batches.
    public func unsubscribe() throws(KafkaError) {
        core.waker.end()
        try KafkaError.check(rd_kafka_unsubscribe(core.handle), "unsubscribe")
    }

    /// Reads exactly these partitions from exactly these offsets, paused ones too.
    ///
    /// Replaces the assignment as a whole. With a group the partitions have to be among those
    /// of the last `assigned` event.
    public func assign(_ partitions: [(TopicPartition, offset: Int64)]) throws(KafkaError) {
        try core.assign(partitions)
    }

    /// Reads nothing any more, without leaving the group.
    public func unassign() throws(KafkaError) {
        core.waker.end()
        core.hold()
        core.assigned = []
        try KafkaError.check(rd_kafka_assign(core.handle, nil), "unassign")
    }

    /// Stops fetching these partitions and drops what was fetched of them.
    public func pause(_ partitions: [TopicPartition]) throws(KafkaError) {
        guard !partitions.isEmpty else { return }
        let list = PartitionList(partitions)
        core.paused.formUnion(partitions)
        try KafkaError.check(list.pass { rd_kafka_pause_partitions(core.handle, $0) }, "pause")
        try list.checkElements("pause")
    }

    /// The partitions of the last assignment.
    public var assignment: [TopicPartition] {
        core.assigned
    }

    // MARK: Records

    /// Waits for records until there are `maximum` of them or the time is over.
    ///
    /// Serves rebalances, errors and log lines as well, so it must be called also where nothing
    /// is wanted (after `pause`). The batch must end before the next call.
    public func nextBatch(maximum: Int, timeoutMilliseconds: Int32) -> RecordBatch {
        core.nextBatch(maximum: maximum, timeoutMilliseconds: timeoutMilliseconds)
    }

    /// The number that records of this topic carry.
    public func topicID(of topic: String) -> Int32 {
        core.topics.id(named: topic, client: core.handle)
    }

    /// The topic behind a record's number.
    public func topicName(_ id: Int32) -> String {
        core.topics.names.indices.contains(Int(id)) ? core.topics.names[Int(id)] : ""
    }

    /// The error that ended this consumer for good, if there is one.
    public var fatalError: KafkaError? {
        Client(handle: core.handle).fatalError
    }

    // MARK: The helper thread

    /// Lets the helper thread wake the fetchers when they should go on; call it while the lane has lag.
    ///
    /// Cheap when it is already so. Does nothing on libraries that need no help.
    public func startWaking() {
        core.startWaking()
    }

    /// Lets the helper thread rest.
    public func stopWaking() {
        core.waker.idle()
    }

    // MARK: The end

    /// Leaves the group on the caller's thread, serving the last `revoked`.
    ///
    /// False means that the library did not finish in time; the consumer is then left to the
    /// end of the process, which should come soon. Without `close` a consumer just goes, and
    /// the group notices after the session timeout.
    @discardableResult
    public func close(timeoutMilliseconds: Int32 = 10_000) throws(KafkaError) -> Bool {
        try core.close(timeoutMilliseconds: timeoutMilliseconds)
    }

    func requireGroup(_ call: StaticString) throws(KafkaError) {
        guard core.hasGroup else {
            throw KafkaError(code: .state, message: "\(call) needs a consumer group")
        }
    }
}

extension ConsumerCore {
    fileprivate func assign(
        _ partitions: [(TopicPartition, offset: Int64)]
    ) throws(KafkaError) {
        let list = PartitionList(capacity: partitions.count)
        for (partition, offset) in partitions { list.add(partition, offset: offset) }
        hold()
        try wakeFromPause()
        try KafkaError.check(list.pass { rd_kafka_assign(handle, $0) }, "assign")
        assigned = partitions.map(\.0)
        damaged = []
        wakeTargetsExpire = 0
        letThrough()
    }

    /// Takes back the pauses, which outlive their assignment.
    ///
    /// That happens while nothing is assigned, because the resume of a partition that is running
    /// may start it from an old position.
    private func wakeFromPause() throws(KafkaError) {
        guard !paused.isEmpty else { return }
        try KafkaError.check(assignNothing(), "assign")
        let list = PartitionList(paused.sorted())
        try KafkaError.check(list.pass { rd_kafka_resume_partitions(handle, $0) }, "end of pause")
        paused = []
    }

    fileprivate func startWaking() {
        guard Waker.isNeeded, !assigned.isEmpty else { return }
        let now = monotonicMilliseconds()
        if waker.isActive, now < wakeTargetsExpire { return }
        if now >= wakeTargetsExpire || wakeTargets.isEmpty {
            wakeTargets = findWakeTargets()
            wakeTargetsExpire = now + 60_000
        }
        waker.work(on: wakeTargets, client: handle, queue: queue)
    }

    /// One partition of each leader; where the leaders are unknown, one of each topic.
    private func findWakeTargets() -> [Waker.Target] {
        var targets: [Waker.Target] = []
        var leaders: Set<Int32> = []
        for topic in Set(assigned.map(\.topic)).sorted() {
            let ours = assigned.filter { $0.topic == topic }
            let known =
                (try? Client(handle: handle).leaders(of: topic, timeoutMilliseconds: 500)) ?? []
            for partition in ours {
                let index = Int(partition.partition)
                let leader = known.indices.contains(index) ? known[index] : -1
                guard leaders.insert(leader).inserted else { continue }
                targets.append(
                    Waker.Target(
                        topic: Array(topic.utf8CString), partition: partition.partition))
            }
        }
        return targets
    }
}
