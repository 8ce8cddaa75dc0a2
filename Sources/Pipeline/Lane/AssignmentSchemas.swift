internal import Kafka
internal import Ledger
internal import Metering

/// A partition that waits for a schema.
struct SchemaWait {
    var key: SchemaKey
    /// The offset of the first record that needs it.
    var offset: Int64
    /// Why it lasts; empty while the schema is asked for the first time.
    var why: String
}

/// Schemas of records: what is done until they are known.
///
/// A record is never judged by what the registry says at the moment. Its partition waits, alone,
/// and is read again from that record on once the schema is known.
extension Assignment {
    static let schemaLookInterval: Milliseconds = 100

    /// Takes the frame off a record; false where its schema is not known yet, and its partition now
    /// waits.
    func takeFrame(_ fold: inout FoldRecord, of record: Record, slot: Int) -> Bool {
        let header = frameHeader(of: record)
        while let key = core.program.unframe(&fold, header) {
            switch lane.configuration.schemas?.state(of: key) {
            case .ready(let schema):
                if let why = core.program.learn(schema, of: fold, header, key) {
                    lane.report(
                        PipelineEvent(
                            level: .warning, name: "schema",
                            message: "schema \(key) cannot be used: \(why); records that have it "
                                + "are malformed; no more of these are told for a minute",
                            subject: "schemas that cannot be used"))
                }
            case .absent:
                _ = core.program.learn(nil, of: fold, header, key)
                lane.report(
                    PipelineEvent(
                        level: .warning, name: "schema",
                        message: "the registry has no schema \(key); records that have it are "
                            + "malformed; no more of these are told for a minute",
                        subject: "schemas that are absent"))
            case .waiting(let why): return wait(for: key, at: record.offset, slot: slot, why)
            case nil:
                return wait(for: key, at: record.offset, slot: slot, "--schemas says no place")
            }
        }
        return true
    }

    private func frameHeader(of record: Record) -> FrameHeader {
        var header = FrameHeader()
        for each in record.headers { header.take(name: each.name, value: each.value) }
        return header
    }

    /// Asks for all schemas that the records behind one that waits will need, so that its partition
    /// does not wait for each of them in turn.
    func askAhead(_ rest: Slice<UnsafeBufferPointer<Record>>, of waiting: Record) {
        guard let schemas = lane.configuration.schemas else { return }
        var keys: Set<SchemaKey> = []
        for record in rest
        where record.partition == waiting.partition && record.topicID == waiting.topicID {
            var fold = FoldRecord(
                offset: record.offset, timestampMilliseconds: record.timestamp,
                value: record.value, key: record.key, partitionSlot: 0)
            if let key = core.program.unframe(&fold, frameHeader(of: record)) { keys.insert(key) }
        }
        if !keys.isEmpty { schemas.expect(Array(keys)) }
    }

    private func wait(for key: SchemaKey, at offset: Int64, slot: Int, _ why: String) -> Bool {
        schemaWaits[slot] = SchemaWait(key: key, offset: offset, why: why)
        tellWait(slot)
        do throws(KafkaError) { try lane.consumer.pause([taken[slot].topicPartition]) } catch {
            lane.trouble(.kafka, error.message)
        }
        return false
    }

    private func tellWait(_ slot: Int) {
        guard let text = schemaWaitText(slot: slot) else { return }
        lane.trouble(.schema, "\(core.partitions[slot].name) \(text)")
    }

    /// That a partition waits, for what and why; nil: it does not, or has only just begun to.
    func schemaWaitText(slot: Int) -> String? {
        guard let wait = schemaWaits[slot], !wait.why.isEmpty else { return nil }
        return "waits at offset \(wait.offset) for schema \(wait.key): \(wait.why)"
    }

    /// Reads on in the partitions whose schemas have come.
    func lookForSchemas(_ now: Milliseconds) {
        guard !schemaWaits.isEmpty || mustAssign, now >= schemaLookAt else { return }
        schemaLookAt = now + Self.schemaLookInterval
        for (slot, wait) in schemaWaits {
            if case .waiting(let why) = lane.configuration.schemas?.state(of: wait.key) {
                schemaWaits[slot]?.why = why
                tellWait(slot)
            } else if lane.configuration.schemas != nil {
                schemaWaits[slot] = nil
                mustAssign = true
            }
        }
        if schemaWaits.isEmpty { lane.passed(.schema, "the schemas are known") }
        // On hold nothing is read; all partitions are assigned when that ends.
        if mustAssign, !isOnHold, assignPositions() { mustAssign = false }
    }
}
