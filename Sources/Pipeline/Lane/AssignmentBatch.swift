internal import Kafka
internal import Ledger
internal import Metering

/// Folding a batch of records into the shards' tallies.
extension Assignment {
    /// Folds a batch.
    ///
    /// When a tally is full and Redis cannot take it, the rest of the batch is dropped and read
    /// again later.
    func take(_ batch: UnsafeBufferPointer<Record>) {
        guard !batch.isEmpty else { return }
        let count = convert(batch)
        if let refused = refusedSlot {
            refusedSlot = nil
            facts.otherLogs[core.partitions[refused.slot]] = refused.difference
            return leaveLog(slot: refused.slot, refused.difference)
        }
        let buffer = UnsafeBufferPointer(start: UnsafePointer(lane.records), count: count)
        var next = 0
        while next < count {
            let stop = core.fold(buffer, from: next, attributes: lane.attributes)
            takeRejected(batch)
            next = stop.next
            guard stop.fullShard != nil else { break }
            // A record of many events may have filled several.
            for shard in 0..<core.shardCount where core.isFull(shard: shard) {
                guard makeRoom(shard: shard) else { return hold("Redis") }
            }
        }
        if lane.deadLetters.isFull { hold("the dead letters") }
    }

    /// Prepares the batch's records of our partitions for the fold; returns how many there are.
    private func convert(_ batch: UnsafeBufferPointer<Record>) -> Int {
        var count = 0
        var attributeCount: Int32 = 0
        var lastTopic: Int32 = -1
        var lastPartition: Int32 = -1
        var slot: Int32 = -1
        var isKnownAsOurs = false
        let hasFrames = core.program.hasFrames
        if hasFrames { core.program.forgetManySchemas() }
        let (records, sources, attributes) = (lane.records, lane.sources, lane.attributes)
        for index in batch.indices {
            let record = batch[index]
            if record.partition != lastPartition || record.topicID != lastTopic {
                lastTopic = record.topicID
                lastPartition = record.partition
                slot = Int32(self.slot(topicID: lastTopic, partition: lastPartition) ?? -1)
                isKnownAsOurs =
                    slot >= 0 && facts.stopped.isEmpty && taken[Int(slot)].checks.isEmpty
            }
            guard slot >= 0, schemaWaits.isEmpty || schemaWaits[Int(slot)] == nil,
                isKnownAsOurs || isOurLog(record, slot: Int(slot))
            else { continue }
            var attributeIndex: Int32 = -1
            var headers: UnsafePointer<UnsafeRawBufferPointer?>?
            if !record.headers.isEmpty {
                let binary = readAttributes(record)
                if binary.isBatch {
                    attributeIndex = FoldRecord.batch
                } else if binary.isBinary {
                    (attributes + Int(attributeCount)).initialize(to: binary)
                    attributeIndex = attributeCount
                    attributeCount += 1
                }
                headers = takeHeaders(record, at: count)
            }
            (records + count).initialize(
                to: FoldRecord(
                    offset: record.offset, timestampMilliseconds: record.timestamp,
                    value: record.value, key: record.key, partitionSlot: slot,
                    attributes: attributeIndex, headers: headers))
            if hasFrames, !takeFrame(&records[count], of: record, slot: Int(slot)) {
                askAhead(batch[(index + 1)...], of: record)
                continue
            }
            sources[count] = Int32(index)
            count += 1
        }
        return count
    }

    /// Compares a record with the fingerprint that is known for its offset, if one is.
    ///
    /// False when its partition is stopped or its log is another one.
    private func isOurLog(_ record: Record, slot: Int) -> Bool {
        if isStopped(slot) { return false }
        if refusedSlot?.slot == slot { return false }
        while let check = taken[slot].checks.first, record.offset >= check.offset {
            taken[slot].checks.removeFirst()
            // An offset that holds no record any more (compaction, retention) cannot be compared.
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

    /// What a record's headers say of CloudEvents.
    private func readAttributes(_ record: Record) -> BinaryAttributes {
        var binary = BinaryAttributes()
        for header in record.headers { binary.take(name: header.name, value: header.value) }
        return binary
    }

    /// The values of the headers that the catalog asks for, kept at an index of the batch; nil: it
    /// asks for none.
    private func takeHeaders(
        _ record: Record, at index: Int
    ) -> UnsafePointer<UnsafeRawBufferPointer?>? {
        let names = lane.headerNames
        guard names.count > 0 else { return nil }
        let values = lane.headerValues + index * names.count
        values.initialize(repeating: nil, count: names.count)
        for header in record.headers {
            names.take(name: header.name, value: header.value, into: values)
        }
        return UnsafePointer(values)
    }

    /// Logs the records that the fold has just rejected, and sends them to the dead letters.
    private func takeRejected(_ batch: UnsafeBufferPointer<Record>) {
        let rejected = core.program.rejected
        guard !rejected.isEmpty else { return }
        lane.tellRejected(rejected, of: batch)
        guard lane.configuration.deadLetterTopic != nil else { return }
        for rejection in rejected {
            let record = batch[Int(lane.sources[rejection.index])]
            lane.deadLetters.send(
                record, topicName: lane.consumer.topicName(record.topicID), rejection)
        }
    }

    // MARK: Back-pressure

    /// Hands over a full tally so that folding can go on; false when Redis or the dead letters do
    /// not answer in time.
    private func makeRoom(shard: Int) -> Bool {
        let deadline = now + 5_000
        let link = lane.link
        while core.isInFlight(shard: shard) {
            guard core.shards[shard].moving == nil else { break }
            // A commit that Redis refused is not on its way any more and is sent again later, so it
            // is not waited for.
            guard let link, now < deadline, core.shards[shard].unseenBatch != nil || !link.isIdle,
                passOn(link, waitMilliseconds: 100)
            else { return false }
        }
        // One that waits for its node is not waited for.
        if core.shards[shard].moving != nil {
            core.setAsideWaiting(shard)
            return true
        }
        while !lane.deadLetters.deliver(waitMilliseconds: 100) {
            guard now < deadline, lane.deadLetters.trouble == nil else { return false }
        }
        // If the marks must be read first, nothing is sent, so that the pipeline becomes empty.
        guard let link, link.canCommit, !needsReconcile, !lane.fitness.isUnfit,
            core.handOver(shard: shard)
        else { return false }
        lane.schedule.sent(shard: shard, at: now)
        if isLookRecent {
            sendUnseen(shard: shard, link)
        } else if mayCompareLog(now) {
            compareLog(link, now)
        }
        return true
    }

    // MARK: Dead letters

    /// Whether the marks have passed a record, so that its letter is never sent again.
    func isPassed(_ address: LetterAddress) -> Bool {
        guard let slot = slot(topicID: address.topicID, partition: address.partition),
            let mark = core.leastMark(slot: slot)
        else { return false }
        return address.offset < mark
    }
}
