internal import Kafka
internal import Ledger
internal import Redis
internal import Synchronization

/// Mirrors the directory topic into Redis: profiles, plans, credentials.
///
/// A state, not counted.
///
/// One thread of its own. A log that was never read to its end is read once without writing, the
/// last state of each object is kept, and then all of it is written, then the mark; so nobody sees a
/// credential rise that was revoked later. After that each batch is written as it comes.
///
/// Whether it still is the log that was mirrored is asked at the start and every few seconds. Another one is
/// mirrored from its beginning under a new epoch: what it does not hold is closed.
final class DirectoryMirror: @unchecked Sendable {
    // @unchecked: all state belongs to its thread, but for `isStopping` and `standing`.
    let isStopping = Atomic<Bool>(false)
    private let configuration: PipelineConfiguration
    private let topic: String
    private let report: @Sendable (PipelineEvent) -> Void
    private let reader: DirectoryRecordReader
    /// Records that were not mirrored.
    let refusals = DirectoryRefusals()
    private var isTroubled = false
    private let standing = Mutex<String?>(nil)
    /// Whether the offset that we committed was seen; where it is gone then, the topic was deleted.
    private var hasSeenCommit = false
    /// The epoch under whose log that was found.
    private var deletedEpoch: Int64?

    /// Milliseconds between two looks at the mark in Redis, and at the log's witnesses.
    private static let redisInterval: Int64 = 2_000
    private static let logInterval: Int64 = 5_000

    /// Why the directory is not mirrored now, from any thread; nil = it is.
    var trouble: String? { standing.withLock { $0 } }

    init(
        configuration: PipelineConfiguration, topic: String,
        report: @escaping @Sendable (PipelineEvent) -> Void
    ) {
        self.configuration = configuration
        self.topic = topic
        self.report = report
        let refusals = refusals
        reader = DirectoryRecordReader(
            layout: configuration.layout, complaint: configuration.directoryComplaint
        ) { offset, why in
            guard let line = refusals.add(offset, why) else { return }
            report(PipelineEvent(level: .warning, name: "directory-record", message: line))
        }
    }

    private struct Obstacle: Error { var message: String }

    /// Runs until `isStopping`; every obstacle is reported once and tried again.
    func run() {
        while !isStopping.load(ordering: .relaxed) {
            do throws(Obstacle) {
                try mirror()
            } catch {
                if !isTroubled { say(.warning, error.message) }
                isTroubled = true
                standing.withLock { $0 = "directory: \(error.message)" }
                wait(milliseconds: 500)
            }
        }
    }

    private func say(_ level: PipelineEvent.Level, _ message: String) {
        report(PipelineEvent(level: level, name: "directory", message: "directory: \(message)"))
    }

    private func wait(milliseconds: Int64) {
        pause(milliseconds: milliseconds, step: 20, unless: isStopping)
    }

    /// Log, Redis, and how far one is in the other.
    private struct Work: ~Copyable {
        let log: DirectoryLog
        var store: DirectoryStore
        var connection: Connection
        var state: DirectoryState
    }

    /// Reads from the mark to the end, then follows; ends with an obstacle, when the mark went back, or when the log
    /// is another one.
    private func mirror() throws(Obstacle) {
        var connection = try attempt { () throws(RedisError) in try Connection(configuration.redis)
        }
        try checkMaster(&connection)
        let log = try attempt { () throws(KafkaError) in
            try DirectoryLog(configuration, topic: topic)
        }
        let store = DirectoryStore(layout: configuration.layout, topic: topic)
        let state = try attempt { () throws(LedgerError) in try store.state(on: &connection) }
        var work = Work(log: log, store: store, connection: connection, state: state)
        let ends = try attempt { () throws(KafkaError) in try log.ends() }
        var verdict = try attempt { () throws(KafkaError) in try log.judge(state, ends: ends) }
        // Another process may have begun again meanwhile.
        if deletedEpoch == state.epoch {
            verdict = .other("the offset committed for it is gone: it was deleted")
        }
        if case .other(let reason) = verdict { try beginAgain(&work, reason) }
        if verdict == .unknown {
            try compareAll(&work, ends: ends)
        } else if work.state.mark == nil || work.state.mark ?? 0 < ends.high {
            try catchUp(&work, from: max(work.state.mark ?? 0, ends.low), to: ends.high)
        }
        standing.withLock { $0 = nil }
        if isTroubled {
            isTroubled = false
            say(.information, "mirrored again")
        }
        log.commit(work.state)
        try follow(&work)
    }

    /// Another log stands under the topic's name: a new epoch begins, in which nothing is mirrored yet.
    private func beginAgain(_ work: inout Work, _ reason: String) throws(Obstacle) {
        say(
            .warning,
            "\(topic) is not the log that was mirrored (\(reason)): all of it is mirrored again")
        let epoch = work.state.epoch
        try attempt { () throws(LedgerError) in
            try work.store.beginEpoch(after: epoch, on: &work.connection)
            work.state = try work.store.state(on: &work.connection)
        }
        deletedEpoch = nil
        hasSeenCommit = false
        guard work.state.mark == nil else { throw Self.moved }
    }

    // MARK: The whole log

    /// The last state of every object between two offsets, and the last record.
    private func read(
        _ log: DirectoryLog, from first: Int64, to end: Int64
    ) throws(Obstacle) -> (changes: [DirectoryChange], position: Int64, witness: Fingerprint?) {
        try attempt { () throws(KafkaError) in try log.seek(to: first) }
        var last: [[UInt8]: DirectoryChange] = [:]
        var witness: Fingerprint?
        var position = first
        while position < end {
            guard !isStopping.load(ordering: .relaxed) else { throw Obstacle(message: "stopping") }
            let batch = log.next(maximum: 1_000, timeoutMilliseconds: 100)
            for record in batch.records where record.offset >= position {
                if let change = reader.change(of: record) { last[change.key] = change }
                witness = Self.fingerprint(record)
                position = record.offset + 1
            }
            try checkEvents(batch, &position)
        }
        return (last.values.sorted { $0.offset < $1.offset }, position, witness)
    }

    /// Reads up to `end`, keeps the last state of every object, writes all of it, then the mark.
    private func catchUp(
        _ work: inout Work, from first: Int64, to end: Int64
    ) throws(Obstacle) {
        let (changes, position, witness) = try read(work.log, from: first, to: end)
        try write(changes, &work)
        if work.state.mark == nil, work.state.epoch > 0 {
            let epoch = work.state.epoch
            let closed = try attempt { () throws(LedgerError) in
                try work.store.closeOthers(epoch: epoch, at: position - 1, on: &work.connection)
            }
            say(
                .information,
                "\(changes.count) objects written, \(closed) closed that it does not hold")
        }
        try moveMark(&work, to: position, witness)
    }

    /// No record tells whether it is the log that was mirrored: all objects do.
    ///
    /// What an object's last record below the mark was, is what Redis has of it, where the log is the same.
    private func compareAll(
        _ work: inout Work, ends: (low: Int64, high: Int64)
    ) throws(Obstacle) {
        let (changes, position, witness) = try read(work.log, from: ends.low, to: ends.high)
        let (mark, epoch) = (work.state.mark ?? 0, work.state.epoch)
        let mirrored = changes.filter { $0.offset < mark }
        let difference = try attempt { () throws(LedgerError) in
            try work.store.firstDifference(mirrored, epoch: epoch, on: &work.connection)
        }
        if let difference {
            try beginAgain(
                &work, "Redis has not what its record at offset \(difference.offset) says")
            return try catchUp(&work, from: ends.low, to: ends.high)
        }
        try write(changes.filter { $0.offset >= mark }, &work)
        try moveMark(&work, to: max(position, mark), witness)
    }

    // MARK: Following

    private func follow(_ work: inout Work) throws(Obstacle) {
        let log = work.log
        let start = work.state.mark ?? 0
        // Behind a first reading it goes on where that ended.
        if !log.isPlaced { try attempt { () throws(KafkaError) in try log.seek(to: start) } }
        var redisAt = SteadyClock.milliseconds + Self.redisInterval
        var logAt = SteadyClock.milliseconds + Self.logInterval
        while !isStopping.load(ordering: .relaxed) {
            try take(&work)
            if SteadyClock.milliseconds >= redisAt {
                redisAt = SteadyClock.milliseconds + Self.redisInterval
                try checkMaster(&work.connection)
                let found = try attempt { () throws(LedgerError) in
                    try work.store.state(on: &work.connection)
                }
                // Redis came back from an older copy, or another process found another log.
                guard found.epoch == work.state.epoch, found.mark ?? -1 >= work.state.mark ?? 0
                else { throw Self.moved }
            }
            if SteadyClock.milliseconds >= logAt {
                try lookAtLog(work.log, work.state)
                logAt = SteadyClock.milliseconds + Self.logInterval
            }
        }
    }

    /// Writes what comes next.
    private func take(_ work: inout Work) throws(Obstacle) {
        let mark = work.state.mark ?? 0
        var position = mark
        var witness: Fingerprint?
        var changes: [DirectoryChange] = []
        let batch = work.log.next(maximum: 500, timeoutMilliseconds: 100)
        for record in batch.records where record.offset >= position {
            if let change = reader.change(of: record) { changes.append(change) }
            witness = Self.fingerprint(record)
            position = record.offset + 1
        }
        try checkEvents(batch, &position)
        guard position > mark else { return }
        // Before the witness is replaced by one of these records: they may be another log's.
        let state = work.state
        let verdict = try attempt { () throws(KafkaError) in
            try work.log.judge(state, ends: try work.log.ends())
        }
        if case .other = verdict { throw Self.doubted }
        try write(changes, &work)
        try moveMark(&work, to: position, witness)
    }

    /// Asks the witnesses; ends with an obstacle where they speak against the log, so that it is judged again.
    private func lookAtLog(_ log: DirectoryLog, _ state: DirectoryState) throws(Obstacle) {
        switch log.hasCommit() {
        case true?: hasSeenCommit = true
        case false? where hasSeenCommit:
            deletedEpoch = state.epoch
            throw Self.doubted
        case false?, nil: break
        }
        do throws(KafkaError) {
            let ends = try log.ends()
            if case .other = try log.judge(state, ends: ends) { throw Self.doubtedLog }
            log.commit(state)
        } catch {
            if error == Self.doubtedLog { throw Self.doubted }
            // A Kafka that is away says nothing about the log.
            guard error.isRetriable else { throw Obstacle(message: error.message) }
        }
    }

    // MARK: Steps

    private func write(_ changes: [DirectoryChange], _ work: inout Work) throws(Obstacle) {
        let epoch = work.state.epoch
        let written = try attempt { () throws(LedgerError) in
            try work.store.apply(changes, epoch: epoch, on: &work.connection)
        }
        guard written != nil else { throw Self.moved }
    }

    /// Moves the mark behind what was written; an obstacle where Redis went back meanwhile, so that
    /// everything since is read again.
    private func moveMark(
        _ work: inout Work, to position: Int64, _ witness: Fingerprint?
    ) throws(Obstacle) {
        let state = work.state
        let stands = try attempt { () throws(LedgerError) in
            try work.store.moveMark(
                from: state.mark, to: position, witness: witness, epoch: state.epoch,
                on: &work.connection)
        }
        guard let stands, stands >= position else { throw Self.moved }
        work.state.mark = position
        work.state.witness = witness ?? state.witness
    }

    private static let moved = Obstacle(
        message: "Redis went back, or another process began again: reading from its mark")
    private static let doubted = Obstacle(message: "the topic may be another one: looking again")
    private static let doubtedLog = KafkaError(code: .state, message: "another log")

    private static func fingerprint(_ record: Record) -> Fingerprint {
        Fingerprint(
            offset: record.offset, timestamp: record.timestamp, key: record.key,
            value: record.value)
    }

    private func checkEvents(
        _ batch: borrowing RecordBatch, _ position: inout Int64
    ) throws(Obstacle) {
        for event in batch.events {
            switch event {
            case .endOfPartition(_, let offset): position = max(position, offset)
            case .partitionError(_, let error): throw Obstacle(message: error.message)
            case .error(let error): if error.isFatal { throw Obstacle(message: error.message) }
            }
        }
    }

    /// A master that became a replica takes no record, and its mark is old: the name is resolved
    /// again by the next try.
    private func checkMaster(_ connection: inout Connection) throws(Obstacle) {
        let greeting = try attempt { () throws(RedisError) in try ServerGreeting(&connection) }
        guard greeting.isReplica ?? false else { return }
        throw Obstacle(
            message: "\(greeting.product ?? "Redis") is a replica: looking for the master")
    }

    private func attempt<Result: ~Copyable, Failure: Error & CustomStringConvertible>(
        _ body: () throws(Failure) -> Result
    ) throws(Obstacle) -> Result {
        do throws(Failure) { return try body() } catch {
            throw Obstacle(message: error.description)
        }
    }
}
