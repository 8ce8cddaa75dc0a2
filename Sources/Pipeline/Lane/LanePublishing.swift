internal import Kafka
internal import Ledger
internal import Metering
internal import Synchronization

/// The numbers of a lane, ten times a second.
extension Lane {
    /// Publishes a copy of the numbers, and decides whether the lane is catching up.
    func publish(_ now: Milliseconds, force: Bool) {
        guard force || now >= publishAt else { return }
        publishAt = now + 100
        var snapshot = totals
        snapshot.deadLetters = deadLetters.delivered
        snapshot.deadLettersGivenUp = deadLetters.givenUp
        snapshot.connectedLanes = link?.canCommit ?? false ? 1 : 0
        snapshot.joinedLanes = hasJoined ? 1 : 0
        var lag: Int64 = 0
        var age: Int64 = 0
        if let assignment {
            let spread = assignment.add(to: &snapshot)
            lag = spread.lag
            age = assignment.core.leastLastTimestamp.map { world.wallMilliseconds - $0 } ?? 0
            snapshot.parked = parked.counts
            warn(ofShortest: spread.shortest)
        }
        if now - kafkaErrorAt > Self.quietAfter { passed(.kafka, "no error of Kafka for a minute") }
        closeLoops(now)
        let troubles = self.troubles
        snapshot.blockingTroubles = LaneTrouble.allCases.filter(\.blocksCounting).compactMap {
            troubles[$0]
        }
        snapshot.troubles = LaneTrouble.allCases.map { trouble in
            (name: trouble.rawValue, lanes: troubles[trouble] == nil ? 0 : 1)
        }
        snapshot.unchecked = fitness.unchecked
        isCatchingUp = lag > 20_000 && age > 5_000
        let made = snapshot
        published.withLock { $0 = made }
        publishedAt.store(now, ordering: .relaxed)
        // librdkafka 2.0.2 may sleep for a second although its queue is full; a helper thread wakes
        // it as long as there is lag.
        if lag > 5_000, let assignment, !assignment.isOnHold {
            consumer.startWaking()
        } else {
            consumer.stopWaking()
        }
    }

    /// Counts a commit that was applied.
    func count(
        _ size: (cells: Int, events: Int64, oldest: Milliseconds, sentAt: Milliseconds),
        _ now: Milliseconds
    ) {
        totals.commits += 1
        totals.cells += Int64(size.cells)
        totals.committedEvents += size.events
        totals.commitSeconds.observe(Double(now - size.sentAt) / 1_000)
        guard size.oldest != Int64.max else { return }
        totals.freshness.observe(Double(max(0, world.wallMilliseconds - size.oldest)) / 1_000)
    }

    /// Begins or ends the trouble that a producer's retry may come too late to be a duplicate.
    private func warn(ofShortest shortest: (partition: TopicPartition, span: Milliseconds)?) {
        guard let shortest else { return }
        if shortest.span < 300_000 {
            trouble(
                .dedupeSpan,
                "\(shortest.partition): the dedupe window spans \(shortest.span / 1_000) s of record "
                    + "time; an event sent again later than that counts twice: --dedupe-window")
        } else if shortest.span > 330_000 {
            passed(.dedupeSpan, "every dedupe window spans 5 minutes or more")
        }
    }
}

extension Assignment {
    /// Adds the numbers of its partitions and shards.
    ///
    /// Returns how many records the lane is behind the end of the log, and the dedupe window that
    /// spans the shortest time.
    func add(
        to snapshot: inout PipelineMetrics
    ) -> (lag: Int64, shortest: (partition: TopicPartition, span: Milliseconds)?) {
        snapshot.add(core.program.counters)
        var lag: Int64 = 0
        var shortest: (partition: TopicPartition, span: Milliseconds)?
        let hasAside = core.hasAside
        for slot in taken.indices {
            let name = taken[slot].topicPartition
            let partition = core.partitions[slot]
            let position = core.position(slot: slot)
            let end =
                lane.consumer.cachedWatermarks(of: name)?.high ?? facts.logEnds[partition] ?? -1
            lag += max(0, end - position)
            let span = dedupeSpan(slot: slot)
            if let span, span < shortest?.span ?? .max { shortest = (name, span) }
            snapshot.partitions.append(
                PartitionMetrics(
                    topic: name.topic, partition: name.partition, position: position,
                    committed: facts.lowestApplied(
                        partition, applied: core.applied(slot: slot), hasAside: hasAside),
                    logEnd: end, stopped: facts.reason(partition),
                    waiting: schemaWaitText(slot: slot),
                    gone: facts.gone[partition]?.count ?? 0, dedupeSpanMilliseconds: span))
            snapshot.seenWindowBytes += Int64(core.seenWindowBytes(slot: slot))
        }
        snapshot.tallyBytes = Int64(core.tallyBytes)
        for (partition, reason) in facts.stopped where !core.partitions.contains(partition) {
            snapshot.partitions.append(facts.metrics(ofStopped: partition, reason: reason))
        }
        addShardsAside(to: &snapshot)
        return (lag, shortest)
    }

    private func addShardsAside(to snapshot: inout PipelineMetrics) {
        let now = self.now
        for shard in 0..<core.shardCount {
            if let moving = core.shards[shard].waiting {
                snapshot.shardsMoving.append(
                    (
                        shard: shard, reason: moving.reason.rawValue,
                        milliseconds: max(0, now - moving.since)
                    ))
            }
            guard let aside = core.shards[shard].aside, !aside.isWaiting else { continue }
            // The key may name an end user: it is for `odometer status`, not for the log.
            let cell = aside.refused.map {
                " (key \(String(decoding: $0.key, as: UTF8.self)), field "
                    + "\(String(decoding: $0.member, as: UTF8.self)))"
            }
            snapshot.shardsAside.append((shard: shard, reason: aside.reason + (cell ?? "")))
        }
    }

    private func dedupeSpan(slot: Int) -> Milliseconds? {
        let window = core.seenWindowReach(slot: slot)
        if let newest = core.newest(slot: slot) {
            taken[slot].span.observe(
                offset: newest.offset, timestamp: newest.timestamp, window: window)
        }
        return taken[slot].span.milliseconds(window: window)
    }
}
