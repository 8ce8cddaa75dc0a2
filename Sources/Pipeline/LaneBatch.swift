internal import Kafka
internal import Ledger
internal import Metering

/// From a batch to tallies.
extension Lane {
    /// Folds a batch; where Redis cannot take a full tally, the rest is dropped and read again later.
    func take(_ batch: UnsafeBufferPointer<Record>) {
        guard !batch.isEmpty else { return }
        let count = convert(batch)
        if let refused = refusedSlot {
            refusedSlot = nil
            if let partition = core?.partitions[refused.slot] {
                otherLogs[partition] = refused.difference
            }
            return leaveLog(slot: refused.slot, refused.difference)
        }
        let buffer = UnsafeBufferPointer(start: UnsafePointer(records), count: count)
        var next = 0
        while next < count {
            guard let stop = core?.fold(buffer, from: next, attributes: attributes) else { return }
            noteRejected(batch)
            sendDeadLetters(batch)
            next = stop.next
            guard let shard = stop.fullShard else { break }
            guard makeRoom(shard: shard) else {
                hold("Redis")
                return
            }
        }
        if deadLetters.isFull { hold("the dead letters") }
    }

    /// Makes fold records of the batch's records that belong to partitions of ours; returns how many.
    private func convert(_ batch: UnsafeBufferPointer<Record>) -> Int {
        var count = 0
        var attributeCount: Int32 = 0
        var lastTopic: Int32 = -1
        var lastPartition: Int32 = -1
        var slot: Int32 = -1
        var isKnownAsOurs = false
        let (records, sources, attributes) = (records, sources, attributes)
        for index in batch.indices {
            let record = batch[index]
            if record.partition != lastPartition || record.topicID != lastTopic {
                lastTopic = record.topicID
                lastPartition = record.partition
                slot = Int32(
                    taken.firstIndex {
                        $0.topicID == lastTopic && $0.topicPartition.partition == lastPartition
                    } ?? -1)
                isKnownAsOurs = slot >= 0 && stopped.isEmpty && taken[Int(slot)].checks.isEmpty
            }
            guard slot >= 0, isKnownAsOurs || isOurLog(record, slot: Int(slot)) else { continue }
            var place: Int32 = -1
            if !record.headers.isEmpty, let binary = readAttributes(record) {
                (attributes + Int(attributeCount)).initialize(to: binary)
                place = attributeCount
                attributeCount += 1
            }
            (records + count).initialize(
                to: FoldRecord(
                    offset: record.offset, timestamp: record.timestamp, value: record.value,
                    key: record.key, partitionSlot: slot, attributes: place))
            sources[count] = Int32(index)
            count += 1
        }
        return count
    }

    /// Checks a fingerprint when its record passes; false = the partition is stopped or to be refused.
    private func isOurLog(_ record: Record, slot: Int) -> Bool {
        if stopped.contains(where: { $0.partition == core?.partitions[slot] }) { return false }
        if refusedSlot?.slot == slot { return false }
        while let check = taken[slot].checks.first, record.offset >= check.offset {
            taken[slot].checks.removeFirst()
            // Offsets that hold no record any more cannot be verified: compaction or retention.
            guard record.offset == check.offset else { continue }
            let found = Fingerprint(
                offset: record.offset, timestamp: record.timestamp, key: record.key,
                value: record.value)
            if found != check {
                refusedSlot = (slot, .record(check.offset))
                return false
            }
        }
        return true
    }

    /// The CloudEvents headers of a record in binary mode, or nil for structured mode.
    private func readAttributes(_ record: Record) -> BinaryAttributes? {
        var binary = BinaryAttributes()
        for header in record.headers { binary.take(name: header.name, value: header.value) }
        return binary.isBinary ? binary : nil
    }

    // MARK: Dead letters

    private func sendDeadLetters(_ batch: UnsafeBufferPointer<Record>) {
        guard let rejected = core?.program.rejected, !rejected.isEmpty,
            configuration.deadLetterTopic != nil
        else { return }
        for one in rejected {
            let record = batch[Int(sources[one.index])]
            deadLetters.send(record, topicName: consumer.topicName(record.topicID), one)
        }
    }

    // MARK: Back-pressure

    /// Commits a full tally so that folding can go on; false = Redis or the dead letters do not answer in time.
    private func makeRoom(shard: Int) -> Bool {
        let deadline = now + 5_000
        while core?.isInFlight(shard: shard) ?? false {
            // A commit that Redis refused is not on its way any more: it is sent again later.
            let isOnItsWay =
                core?.shards[shard].unseenBatch != nil || committer?.inFlight ?? 0 > 0
            guard now < deadline, isOnItsWay, passOn(waitMilliseconds: 100) else { return false }
        }
        while !deadLetters.deliver(waitMilliseconds: 100) {
            guard now < deadline, deadLetters.problem == nil else { return false }
        }
        // Where the marks must be read first, nothing is sent, so that the pipeline runs dry.
        guard canCommit, !needsReconcile, !isUnfit, core?.handOver(shard: shard) ?? false else {
            return false
        }
        schedule.sent(shard: shard, at: now)
        if isLookRecent {
            sendUnseen(shard: shard)
        } else if mayCompareLog(now) {
            compareLog(now)
        }
        return true
    }

    /// Pauses all partitions and drops what arrives until `resumeIfPossible`.
    func hold(_ cause: String) {
        guard mode == .folding else { return }
        mode = .holding
        consumer.stopWaking()
        trouble(.holding, "consumption is paused: waiting for \(cause)")
        do throws(KafkaError) { try consumer.pause(taken.map(\.topicPartition)) } catch {
            trouble(.kafka, error.message)
        }
    }

    /// Goes on from the cursors' positions once nothing stands in the way.
    func resumeIfPossible() {
        guard mode == .holding, canCommit, !needsReconcile, !isUnfit, deadLetters.waiting == 0
        else { return }
        guard let isRoom = core?.hasRoom, isRoom else { return }
        if assignPositions() {
            mode = .folding
            passed(.holding, "consumption goes on")
        }
    }

    /// Reads on from the cursors' positions, without the partitions that are stopped.
    func assignPositions() -> Bool {
        guard core != nil else { return false }
        var list: [(TopicPartition, offset: Int64)] = []
        for (slot, one) in taken.enumerated() {
            guard let partition = core?.partitions[slot],
                !stopped.contains(where: { $0.partition == partition })
            else { continue }
            list.append((one.topicPartition, offset: core?.position(slot: slot) ?? 0))
        }
        do throws(KafkaError) {
            try consumer.unassign()
            try consumer.assign(list)
            return true
        } catch {
            trouble(.kafka, error.message)
            return false
        }
    }

    /// Takes a partition out for good (until the next assignment) and says why.
    func stopPartition(slot: Int, reason: String) {
        guard let partition = core?.partitions[slot],
            !stopped.contains(where: { $0.partition == partition })
        else { return }
        stopped.append((partition: partition, reason: reason))
        report(
            .error, "partition-stopped",
            "\(partition.topic)/\(partition.partition) is stopped: \(reason)")
        do throws(KafkaError) { try consumer.pause([taken[slot].topicPartition]) } catch {
            trouble(.kafka, error.message)
        }
    }
}
