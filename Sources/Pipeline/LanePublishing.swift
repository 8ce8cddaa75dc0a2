internal import Kafka
internal import Ledger
internal import Metering
internal import Synchronization

/// What a lane tells of itself, ten times a second.
extension Lane {
    func publish(_ now: Int64, force: Bool) {
        guard force || now >= publishAt else { return }
        publishAt = now + 100
        var snapshot = totals
        if let counters = core?.program.counters { snapshot.add(counters) }
        snapshot.deadLetters = deadLetters.delivered
        snapshot.deadLettersGivenUp = deadLetters.givenUp
        snapshot.connectedLanes = canCommit ? 1 : 0
        snapshot.joinedLanes = hasJoined ? 1 : 0
        var lag: Int64 = 0
        var shortest: (partition: TopicPartition, span: Int64)?
        for (slot, one) in taken.enumerated() {
            let position = core?.position(slot: slot) ?? 0
            let end =
                consumer.cachedWatermarks(of: one.topicPartition)?.high ?? knownEnd(slot: slot)
            lag += max(0, end - position)
            let span = dedupeSpan(slot: slot)
            if let span, span < shortest?.span ?? .max { shortest = (one.topicPartition, span) }
            snapshot.partitions.append(
                PartitionMetrics(
                    topic: one.topicPartition.topic, partition: one.topicPartition.partition,
                    position: position, committed: lowestApplied(slot: slot), logEnd: end,
                    stopped: reason(one.topicPartition), gone: goneOffsets(slot: slot),
                    dedupeSpan: span))
            snapshot.seenWindowBytes += Int64(core?.seenWindowBytes(slot: slot) ?? 0)
        }
        snapshot.tallyBytes = Int64(core?.tallyBytes ?? 0)
        for one in stopped {
            let partition = TopicPartition(
                topic: one.partition.topic, partition: one.partition.partition)
            if slot(of: partition) != nil { continue }
            snapshot.partitions.append(standing(one.partition, reason: one.reason))
        }
        for shard in 0..<(core?.shardCount ?? 0) {
            if let aside = core?.shards[shard].aside {
                // Not for the log: only who asks for the status learns the key.
                let place = aside.refused.map {
                    " (key \(String(decoding: $0.key, as: UTF8.self)), field "
                        + "\(String(decoding: $0.field, as: UTF8.self)))"
                }
                snapshot.shardsAside.append(
                    (shard: shard, reason: aside.reason + (place ?? "")))
            }
        }
        snapshot.parked = core == nil ? [:] : parked.counts
        warn(ofShortest: shortest)
        if now - kafkaErrorAt > Self.quietAfter { passed(.kafka, "no error of Kafka for a minute") }
        closeLoops(now)
        let troubles = self.troubles
        snapshot.hindrances = LaneTrouble.allCases.filter(\.hinders).compactMap { troubles[$0] }
        snapshot.troubles = LaneTrouble.allCases.map { one in
            (name: one.rawValue, lanes: troubles[one] == nil ? 0 : 1)
        }
        snapshot.unchecked = unchecked
        let age = core?.leastLastTimestamp.map { world.wallMilliseconds - $0 } ?? 0
        isCatchingUp = lag > 20_000 && age > 5_000
        let made = snapshot
        published.withLock { $0 = made }
        publishedAt.store(now, ordering: .relaxed)
        // The client of 2.0.2 sleeps up to a second beside a full queue; a helper wakes it while there is lag.
        if lag > 5_000, mode == .folding { consumer.startWaking() } else { consumer.stopWaking() }
    }

    private func dedupeSpan(slot: Int) -> Int64? {
        let window = configuration.dedupeWindow
        if let newest = core?.newest(slot: slot) {
            taken[slot].span.observe(
                offset: newest.offset, timestamp: newest.timestamp, window: window)
        }
        return taken[slot].span.milliseconds(window: window)
    }

    /// Says once that a producer's retry may come too late, and once that it no longer may.
    private func warn(ofShortest shortest: (partition: TopicPartition, span: Int64)?) {
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

    private func reason(_ partition: TopicPartition) -> String? {
        stopped.first {
            $0.partition.topic == partition.topic && $0.partition.partition == partition.partition
        }?.reason
    }
}
