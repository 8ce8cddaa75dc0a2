internal import CRdkafka
internal import Synchronization

/// Reads records from Kafka on one thread, from offsets that the caller names.
///
/// Every method must be called on the same thread, which may also be inside the rebalance handler.
/// The consumer never stores or resets an offset. With a group, it learns its partitions
/// (`RebalanceEvent`), and no record comes until `assign` says where to begin. Without a group, it
/// reads what `assign` names.
///
/// There is no seek and no resume: to continue after `pause`, or at another offset, call `assign`
/// again. A record may still come twice, or come from a partition that was revoked. So callers must
/// compare each offset with the one that they expect; a higher one is a permitted gap.
public struct Consumer: ~Copyable {
    /// The offset that means the beginning of the log in `assign`.
    public static let beginning = Int64(RD_KAFKA_OFFSET_BEGINNING)
    /// The offset that means the end of the log in `assign`.
    public static let end = Int64(RD_KAFKA_OFFSET_END)

    let core: ConsumerCore

    /// Makes a consumer; no broker is asked yet.
    ///
    /// The handler is called on the caller's thread inside `nextBatch` and `close`. On `assigned`
    /// it may call `assign` at once or later. On `revoked` it must commit, in much less time than
    /// `max.poll.interval.ms`, and forget the partitions. It is not called when the consumer ends
    /// without `close`.
    public init(
        _ configuration: ClientConfiguration, settings: ConsumerSettings = ConsumerSettings(),
        onRebalance: @escaping (RebalanceEvent) -> Void = { _ in }
    ) throws(KafkaError) {
        core = try ConsumerCore(configuration, settings: settings, onRebalance: onRebalance)
    }

    /// Replaces the rebalance handler, for owners that are made after their consumer.
    public func setRebalanceHandler(_ handler: @escaping (RebalanceEvent) -> Void) {
        core.onRebalance = handler
    }

    // MARK: Partitions

    /// Joins the group for these topics; a subscription is never changed.
    ///
    /// Call `waitForTopics` first: it throws for a missing topic; this does not.
    public func subscribe(_ topics: [String]) throws(KafkaError) {
        try requireGroup("subscribe")
        let list = PartitionList(topics.map { TopicPartition(topic: $0, partition: -1) })
        try KafkaError.check(
            list.pass { rd_kafka_subscribe(core.handle, $0) }, "subscribe to \(topics)")
    }

    /// Ends the subscription; the handler gets `revoked` in one of the next batches.
    public func unsubscribe() throws(KafkaError) {
        core.waker.end()
        try KafkaError.check(rd_kafka_unsubscribe(core.handle), "unsubscribe")
    }

    /// Reads exactly these partitions from exactly these offsets, also if they were paused.
    ///
    /// Replaces the assignment as a whole. With a group, the partitions must be among those of the
    /// last `assigned` event.
    public func assign(_ partitions: [(TopicPartition, offset: Int64)]) throws(KafkaError) {
        try core.assign(partitions)
    }

    /// Stops reading, without leaving the group.
    public func unassign() throws(KafkaError) {
        core.waker.end()
        core.hold()
        core.assigned = []
        try KafkaError.check(rd_kafka_assign(core.handle, nil), "unassign")
    }

    /// Stops fetching these partitions and drops their fetched records.
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
    /// Also serves rebalances, errors and log lines, so it must be called even where no record is
    /// wanted (after `pause`). The batch must end before the next call.
    public func nextBatch(maximum: Int, timeoutMilliseconds: Int32) -> RecordBatch {
        core.nextBatch(maximum: maximum, timeoutMilliseconds: timeoutMilliseconds)
    }

    /// The `topicID` of this topic's records.
    public func topicID(of topic: String) -> Int32 {
        core.topics.id(named: topic, client: core.handle)
    }

    /// The topic with this `topicID`; empty where there is none.
    public func topicName(_ id: Int32) -> String {
        core.topics.names.indices.contains(Int(id)) ? core.topics.names[Int(id)] : ""
    }

    /// The fatal error after which this consumer does nothing more; nil: there was none.
    public var fatalError: KafkaError? {
        Client(handle: core.handle).fatalError
    }

    // MARK: The helper thread

    /// Lets the helper thread (`Waker`) wake the fetchers; call it while the lane has lag.
    ///
    /// Costs little where it does so already. Does nothing with libraries that need no help.
    public func startWaking() {
        core.startWaking()
    }

    /// Stops the helper thread's work until `startWaking`.
    public func stopWaking() {
        core.waker.idle()
    }

    // MARK: The end

    /// Leaves the group on the caller's thread, and serves the last `revoked`.
    ///
    /// False: the library did not finish in time. The consumer then stays until the end of the
    /// process, which should be soon. Without `close`, the group notices the end of a consumer only
    /// after the session timeout.
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
        wakeTargetsExpireMilliseconds = 0
        letThrough()
    }

    /// Ends all pauses; in the library they would outlive their assignment.
    ///
    /// This happens while nothing is assigned: to resume an assigned partition may start it from an
    /// old position.
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
        if waker.isActive, now < wakeTargetsExpireMilliseconds { return }
        if now >= wakeTargetsExpireMilliseconds || wakeTargets.isEmpty {
            wakeTargets = findWakeTargets()
            wakeTargetsExpireMilliseconds = now + 60_000
        }
        waker.work(on: wakeTargets, client: handle, queue: queue)
    }

    /// One partition of each leader; where the leaders are unknown, one partition in all.
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
