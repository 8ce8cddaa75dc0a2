internal import Kafka
internal import Ledger
internal import Redis
internal import Synchronization

/// Mirrors the directory topic into Redis: profiles, plans, credentials.
///
/// They are a state, not counted. On a thread of its own it first reads a log to its end without
/// writing, keeps the last state of each object, and then writes all of them and the mark. So a
/// credential that was revoked later never opens in between. After that it writes each batch as it
/// comes.
///
/// At the start and every few seconds it checks that the log is the one that was mirrored. Another
/// one is mirrored from its beginning under a new epoch, and objects that it does not hold are
/// closed.
final class DirectoryMirror: @unchecked Sendable {
    // @unchecked: all state belongs to its thread, but for `isStopping` and `currentTrouble`.
    let isStopping = Atomic<Bool>(false)
    private let configuration: PipelineConfiguration
    private let topic: String
    private let report: @Sendable (PipelineEvent) -> Void
    private let reader: DirectoryRecordReader
    /// Records that were not mirrored.
    let refusals = DirectoryRefusals()
    /// Whether the beginning of a trouble was reported and its end was not.
    private var isTroubled = false
    private let currentTrouble = Mutex<String?>(nil)
    /// Whether Kafka has shown the offset that we committed; if it is gone later, the topic was
    /// deleted.
    private var hasSeenCommit = false
    /// The epoch whose log was found to be deleted in that way; nil when none was.
    private var deletedEpoch: Int64?

    /// Time between two looks at the mark in Redis, and at the witnesses of the log.
    private static let redisInterval: Milliseconds = 2_000
    private static let logInterval: Milliseconds = 5_000

    /// Why the directory is not mirrored now; nil when it is.
    ///
    /// May be called on any thread.
    var trouble: String? { currentTrouble.withLock { $0 } }

    init(
        configuration: PipelineConfiguration, topic: String,
        report: @escaping @Sendable (PipelineEvent) -> Void
    ) {
        self.configuration = configuration
        self.topic = topic
        self.report = report
        let refusals = refusals
        reader = DirectoryRecordReader(
            layout: configuration.layout, refusal: configuration.directoryRefusal
        ) { offset, reason in
            guard let line = refusals.add(offset, reason) else { return }
            report(PipelineEvent(level: .warning, name: "directory-record", message: line))
        }
    }

    /// Why mirroring was broken off; it is tried again.
    private struct MirrorError: Error { var message: String }

    /// Runs until `isStopping`; after an error it tries again, and reports only the first in a row.
    func run() {
        while !isStopping.load(ordering: .relaxed) {
            do throws(MirrorError) {
                try mirror()
            } catch {
                if !isTroubled { say(.warning, error.message) }
                isTroubled = true
                currentTrouble.withLock { $0 = "directory: \(error.message)" }
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

    /// The log, Redis, and how far the log is mirrored.
    private struct Work: ~Copyable {
        let log: DirectoryLog
        var store: DirectoryStore
        var connection: Connection
        var state: DirectoryState
    }

    /// Mirrors the log up to its end, then follows it.
    ///
    /// Throws when a call fails, the mark in Redis went back, or the log is another one.
    private func mirror() throws(MirrorError) {
        var connection = try attempt { () throws(RedisError) in
            try Connection(configuration.redis)
        }
        connection.lead(toKey: configuration.layout.ledgerKey)
        try checkMaster(&connection)
        let log = try attempt { () throws(KafkaError) in
            try DirectoryLog(configuration, topic: topic)
        }
        let store = DirectoryStore(layout: configuration.layout, topic: topic)
        let state = try attempt { () throws(LedgerError) in try store.state(on: &connection) }
        var work = Work(log: log, store: store, connection: connection, state: state)
        let ends = try attempt { () throws(KafkaError) in try log.ends() }
        var verdict = try attempt { () throws(KafkaError) in try log.judge(state, ends: ends) }
        // If another process has begun a new epoch in the meantime, the finding is about the old
        // one.
        if deletedEpoch == state.epoch {
            verdict = .other("the offset committed for it is gone: it was deleted")
        }
        if case .other(let reason) = verdict { try beginAgain(&work, reason) }
        if verdict == .unknown {
            try compareAll(&work, ends: ends)
        } else if work.state.mark == nil || work.state.mark ?? 0 < ends.high {
            try catchUp(&work, from: max(work.state.mark ?? 0, ends.low), to: ends.high)
        }
        currentTrouble.withLock { $0 = nil }
        if isTroubled {
            isTroubled = false
            say(.information, "mirrored again")
        }
        log.commit(work.state)
        try follow(&work)
    }

    /// Begins a new epoch, in which nothing is mirrored yet: the topic's name has another log.
    private func beginAgain(_ work: inout Work, _ reason: String) throws(MirrorError) {
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
    ) throws(MirrorError) -> (changes: [DirectoryChange], position: Int64, witness: Fingerprint?) {
        try attempt { () throws(KafkaError) in try log.seek(to: first) }
        var last: [[UInt8]: DirectoryChange] = [:]
        var witness: Fingerprint?
        var position = first
        while position < end {
            guard !isStopping.load(ordering: .relaxed) else {
                throw MirrorError(message: "stopping")
            }
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
    ) throws(MirrorError) {
        let (changes, position, witness) = try read(work.log, from: first, to: end)
        try write(changes, &work)
        if work.state.mark == nil, work.state.epoch > 0 {
            let epoch = work.state.epoch
            let redis = configuration.redis
            let closed = try attempt { () throws(LedgerError) in
                try work.store.closeOthers(
                    epoch: epoch, at: position - 1, redis: redis, on: &work.connection)
            }
            say(
                .information,
                "\(changes.count) objects written, \(closed) closed that it does not hold")
        }
        try moveMark(&work, to: position, witness)
    }

    /// Finds out by all objects whether it is the log that was mirrored, and mirrors the rest of
    /// it.
    ///
    /// Used when the last record that was mirrored is gone. If the log is the same, Redis has for
    /// each object what its last record below the mark says.
    private func compareAll(
        _ work: inout Work, ends: (low: Int64, high: Int64)
    ) throws(MirrorError) {
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

    private func follow(_ work: inout Work) throws(MirrorError) {
        let log = work.log
        let start = work.state.mark ?? 0
        // After the log was read to its end, reading goes on there.
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
                // Otherwise Redis was restored from an older copy, or another process has begun an
                // epoch.
                guard found.epoch == work.state.epoch, found.mark ?? -1 >= work.state.mark ?? 0
                else { throw Self.moved }
            }
            if SteadyClock.milliseconds >= logAt {
                try lookAtLog(work.log, work.state)
                logAt = SteadyClock.milliseconds + Self.logInterval
            }
        }
    }

    /// Reads the next records and writes what they change.
    private func take(_ work: inout Work) throws(MirrorError) {
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
        // These records may be another log's, so this is asked before one of them is the witness.
        let state = work.state
        let verdict = try attempt { () throws(KafkaError) in
            try work.log.judge(state, ends: try work.log.ends())
        }
        if case .other = verdict { throw Self.doubted }
        try write(changes, &work)
        try moveMark(&work, to: position, witness)
    }

    /// Asks the witnesses of the log; throws if one of them says that it may be another log, so
    /// that all of them are asked again.
    private func lookAtLog(_ log: DirectoryLog, _ state: DirectoryState) throws(MirrorError) {
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
            // When Kafka is away, nothing is known against the log.
            guard error.isRetriable else { throw MirrorError(message: error.message) }
        }
    }

    // MARK: Steps

    private func write(_ changes: [DirectoryChange], _ work: inout Work) throws(MirrorError) {
        let epoch = work.state.epoch
        let written = try attempt { () throws(LedgerError) in
            try work.store.apply(changes, epoch: epoch, on: &work.connection)
        }
        guard written != nil else { throw Self.moved }
    }

    /// Moves the mark after what was written; throws if Redis went back in the meantime, so that
    /// everything since then is read again.
    private func moveMark(
        _ work: inout Work, to position: Int64, _ witness: Fingerprint?
    ) throws(MirrorError) {
        let state = work.state
        let reached = try attempt { () throws(LedgerError) in
            try work.store.moveMark(
                from: state.mark, to: position, witness: witness, epoch: state.epoch,
                on: &work.connection)
        }
        guard let reached, reached >= position else { throw Self.moved }
        work.state.mark = position
        work.state.witness = witness ?? state.witness
    }

    private static let moved = MirrorError(
        message: "Redis went back, or another process began again: reading from its mark")
    private static let doubted = MirrorError(message: "the topic may be another one: looking again")
    private static let doubtedLog = KafkaError(code: .state, message: "another log")

    private static func fingerprint(_ record: Record) -> Fingerprint {
        Fingerprint(
            offset: record.offset, timestamp: record.timestamp, key: record.key,
            value: record.value)
    }

    private func checkEvents(
        _ batch: borrowing RecordBatch, _ position: inout Int64
    ) throws(MirrorError) {
        for event in batch.events {
            switch event {
            case .endOfPartition(_, let offset): position = max(position, offset)
            case .partitionError(_, let error): throw MirrorError(message: error.message)
            case .error(let error): if error.isFatal { throw MirrorError(message: error.message) }
            }
        }
    }

    /// Throws when the server is a replica: it takes no writes, and its mark may be old.
    ///
    /// The next attempt resolves the server's name again.
    private func checkMaster(_ connection: inout Connection) throws(MirrorError) {
        let greeting = try attempt { () throws(RedisError) in try ServerGreeting(&connection) }
        guard greeting.isReplica ?? false else { return }
        configuration.redis.cluster?.lostNode()
        throw MirrorError(
            message: "\(greeting.product ?? "Redis") is a replica: looking for the master")
    }

    /// Calls `body`; an error of it becomes a `MirrorError`.
    private func attempt<Result: ~Copyable, Failure: Error & CustomStringConvertible>(
        _ body: () throws(Failure) -> Result
    ) throws(MirrorError) -> Result {
        do throws(Failure) { return try body() } catch {
            throw MirrorError(message: error.description)
        }
    }
}
