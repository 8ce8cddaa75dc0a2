internal import Kafka
internal import Ledger

/// What a lane reads about partitions, from the ledger and from the log, before it counts them and
/// when it compares marks.
extension Lane {
    // MARK: From the ledger

    /// Opens the ledger under our contract; another contract ends the process, and so does another
    /// number of shards.
    func openLedger(
        _ link: LedgerLink, _ facts: inout AssignmentFacts
    ) throws(LaneError) {
        do throws(PipelineError) { facts.opened = try link.committer.open() } catch {
            switch error.code {
            case .superseded, .contract, .otherShards, .internal: fail(error)
            // These may pass, even a server that somebody made unfit: the lane tries again.
            case .unfitServer, .redis, .kafka, .configuration: break
            }
            if error.leavesServer { link.leave("Redis refuses: \(error.message)") }
            throw LaneError(message: error.message)
        }
    }

    /// Reads all marks of these partitions, and first makes ledger, origins and marks that are
    /// gone.
    ///
    /// `isAside` tells which shards are set aside.
    func readMarks(
        of partitions: [LogPartition], _ link: LedgerLink, _ facts: inout AssignmentFacts,
        isAside: (Int) -> Bool
    ) throws(LaneError) -> [ShardMarks] {
        let marks = try link.ask { ledger throws(LedgerError) in
            try ledger.readMarks(partitions, shards: nil)
        }
        facts.take(marks, of: partitions, isAside: isAside)
        if marks.allSatisfy(facts.isWhole) { return marks }
        try openLedger(link, &facts)
        let origins = try origins(of: partitions, link, &facts)
        return try link.ask { ledger throws(LedgerError) in
            try ledger.createMarks(at: origins)
            return try ledger.readMarks(partitions, shards: nil)
        }
    }

    // MARK: From the log

    /// Where the log of a partition begins and ends.
    func watermarks(
        _ partition: LogPartition, _ facts: inout AssignmentFacts
    ) throws(LaneError) -> (low: Int64, high: Int64) {
        let log = try onLog { () throws(KafkaError) -> (low: Int64, high: Int64) in
            try consumer.watermarks(
                of: TopicPartition(topic: partition.topic, partition: partition.partition),
                timeoutMilliseconds: 5_000)
        }
        facts.ends(partition, at: log.high)
        return log
    }

    /// Compares the log of each partition with the newest record that its marks know, before any
    /// record is read.
    ///
    /// Returns that record, the witness, for each partition that has one, and the partitions whose
    /// log is another one.
    func compareWithMarks(
        _ partitions: [LogPartition], _ marks: [ShardMarks]
    ) throws(LaneError) -> (
        witnesses: [LogPartition: Fingerprint], others: [LogPartition: LogDifference]
    ) {
        var witnesses: [LogPartition: Fingerprint] = [:]
        for (index, partition) in partitions.enumerated() {
            witnesses[partition] =
                marks.compactMap { $0.marks[index].fingerprint }.max { $0.offset < $1.offset }
        }
        return (witnesses, try differences(of: witnesses))
    }

    /// The partitions whose log does not hold its witness.
    private func differences(
        of witnesses: [LogPartition: Fingerprint]
    ) throws(LaneError) -> [LogPartition: LogDifference] {
        guard !witnesses.isEmpty else { return [:] }
        // The probe forgets earlier questions, so a look on its way ends here.
        assignment?.comparison = LogComparison()
        try onLog { () throws(KafkaError) -> Void in
            try probe.ask(
                witnesses.sorted { $0.key < $1.key }.map {
                    (
                        TopicPartition(topic: $0.key.topic, partition: $0.key.partition),
                        $0.value.offset
                    )
                })
        }
        var found: [LogPartition: LogDifference] = [:]
        var deadline = now + LogComparison.patience
        while !probe.isAnswered {
            guard now < deadline else {
                throw LaneError(message: "no answer about what the log holds")
            }
            let answers = try onLog { () throws(KafkaError) -> [(TopicPartition, ProbeAnswer)] in
                try probe.receive(timeoutMilliseconds: 50)
            }
            if !answers.isEmpty { deadline = now + LogComparison.patience }
            for (partition, answer) in answers {
                let name = LogPartition(topic: partition.topic, partition: partition.partition)
                guard let witness = witnesses[name] else { continue }
                let judged = try onLog { () throws(KafkaError) -> LogVerdict in
                    try verdict(partition, answer, witness)
                }
                if case .other(let difference) = judged { found[name] = difference }
                if judged == .unclear { throw LaneError(message: "\(partition) is being changed") }
            }
        }
        return found
    }

    /// What an answer of the probe says; asks Kafka more when the answer alone is not enough.
    func verdict(
        _ partition: TopicPartition, _ answer: ProbeAnswer, _ witness: Fingerprint
    ) throws(KafkaError) -> LogVerdict {
        let verdict = LogVerdict(of: answer, for: witness)
        guard verdict == .unclear else { return verdict }
        let log = try consumer.watermarks(of: partition, timeoutMilliseconds: 5_000)
        return LogVerdict(of: answer, low: log.low, high: log.high, for: witness)
    }

    private func onLog<Result>(
        _ body: () throws(KafkaError) -> Result
    ) throws(LaneError) -> Result {
        do throws(KafkaError) { return try body() } catch {
            throw LaneError(message: error.message)
        }
    }
}
