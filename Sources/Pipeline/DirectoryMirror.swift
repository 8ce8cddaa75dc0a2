internal import Kafka
internal import Ledger
internal import Metering
internal import Redis
internal import Synchronization

/// Mirrors the directory topic into Redis: profiles, plans, credentials.
///
/// A state, not counted.
///
/// One thread of its own. A topic that was never read to its end is read once without writing, the
/// last state of each object is kept, and then all of it is written, then the mark; so nobody sees a
/// credential rise that was revoked later. After that each batch is written as it comes.
final class DirectoryMirror: @unchecked Sendable {
    // @unchecked: all state belongs to its thread, but for `isStopping`.
    let isStopping = Atomic<Bool>(false)
    private let configuration: PipelineConfiguration
    private let topic: String
    private let report: @Sendable (PipelineEvent) -> Void
    private let scanner = MemberScanner()
    private var isTroubled = false
    private let standing = Mutex<String?>(nil)

    /// Why the directory is not mirrored now, from any thread; nil = it is.
    var trouble: String? { standing.withLock { $0 } }

    init(
        configuration: PipelineConfiguration, topic: String,
        report: @escaping @Sendable (PipelineEvent) -> Void
    ) {
        self.configuration = configuration
        self.topic = topic
        self.report = report
    }

    private struct Obstacle: Error { var message: String }

    /// Runs until `isStopping`; every obstacle is reported once and tried again.
    func run() {
        while !isStopping.load(ordering: .relaxed) {
            do throws(Obstacle) {
                try mirror()
            } catch {
                if !isTroubled {
                    report(
                        PipelineEvent(
                            level: .warning, name: "directory",
                            message: "directory: \(error.message)"))
                }
                isTroubled = true
                standing.withLock { $0 = "directory: \(error.message)" }
                wait(milliseconds: 500)
            }
        }
    }

    private func wait(milliseconds: Int64) {
        let end = SteadyClock.milliseconds + milliseconds
        while SteadyClock.milliseconds < end, !isStopping.load(ordering: .relaxed) {
            pause(milliseconds: 20)
        }
    }

    /// Reads from the mark to the end, then follows; ends with an obstacle or when the mark went back.
    private func mirror() throws(Obstacle) {
        var connection = try attempt { () throws(RedisError) in try Connection(configuration.redis)
        }
        try checkMaster(&connection)
        let consumer = try attempt { () throws(KafkaError) in try Consumer(configuration.client) }
        let partition = TopicPartition(topic: topic, partition: 0)
        let log = try attempt { () throws(KafkaError) in
            try consumer.watermarks(of: partition, timeoutMilliseconds: 5_000)
        }
        var store = DirectoryStore(layout: configuration.layout)
        var mark = try attempt { () throws(LedgerError) in
            try store.mark(topic: topic, on: &connection)
        }
        if let standing = mark, standing > log.high {
            throw Obstacle(
                message:
                    "the topic ends at \(log.high), but \(standing) was mirrored: was it recreated?"
            )
        }
        let first = max(mark ?? 0, log.low)
        try attempt { () throws(KafkaError) in try consumer.assign([(partition, offset: first)]) }
        if mark == nil || first < log.high {
            mark = try catchUp(consumer, from: mark, first, to: log.high, &store, &connection)
        }
        standing.withLock { $0 = nil }
        if isTroubled {
            isTroubled = false
            report(
                PipelineEvent(
                    level: .information, name: "directory", message: "directory: mirrored again"))
        }
        try follow(consumer, mark ?? first, &store, &connection)
    }

    /// Reads up to `end`, keeps the last state of every object, writes all of it, then the mark.
    private func catchUp(
        _ consumer: borrowing Consumer, from mark: Int64?, _ first: Int64, to end: Int64,
        _ store: inout DirectoryStore, _ connection: inout Connection
    ) throws(Obstacle) -> Int64 {
        var last: [[UInt8]: DirectoryChange] = [:]
        var position = first
        while position < end {
            guard !isStopping.load(ordering: .relaxed) else { throw Obstacle(message: "stopping") }
            let batch = consumer.nextBatch(maximum: 1_000, timeoutMilliseconds: 100)
            for record in batch.records where record.offset >= position {
                if let change = change(of: record) { last[change.key] = change }
                position = record.offset + 1
            }
            try checkEvents(batch, &position)
        }
        let changes = last.values.sorted { $0.offset < $1.offset }
        _ = try attempt { () throws(LedgerError) in try store.apply(changes, on: &connection) }
        return try moveMark(from: mark, to: position, &store, &connection)
    }

    /// Moves the mark behind what was written; an obstacle where Redis went back meanwhile, so that
    /// everything since is read again.
    private func moveMark(
        from mark: Int64?, to position: Int64, _ store: inout DirectoryStore,
        _ connection: inout Connection
    ) throws(Obstacle) -> Int64 {
        let stands = try attempt { () throws(LedgerError) in
            try store.moveMark(topic: topic, from: mark, to: position, on: &connection)
        }
        guard let stands, stands >= position else { throw Self.wentBack }
        return stands
    }

    private static let wentBack = Obstacle(message: "Redis went back: reading again from its mark")

    private func follow(
        _ consumer: borrowing Consumer, _ start: Int64, _ store: inout DirectoryStore,
        _ connection: inout Connection
    ) throws(Obstacle) {
        var mark = start
        var checkAt = SteadyClock.milliseconds + 2_000
        while !isStopping.load(ordering: .relaxed) {
            let batch = consumer.nextBatch(maximum: 500, timeoutMilliseconds: 100)
            var position = mark
            var changes: [DirectoryChange] = []
            for record in batch.records where record.offset >= position {
                if let change = change(of: record) { changes.append(change) }
                position = record.offset + 1
            }
            try checkEvents(batch, &position)
            if position > mark {
                let made = changes
                _ = try attempt { () throws(LedgerError) in try store.apply(made, on: &connection) }
                mark = try moveMark(from: mark, to: position, &store, &connection)
            }
            if SteadyClock.milliseconds >= checkAt {
                checkAt = SteadyClock.milliseconds + 2_000
                try checkMaster(&connection)
                let standing = try attempt { () throws(LedgerError) in
                    try store.mark(topic: topic, on: &connection)
                }
                // Redis came back from an older copy: read again from there.
                if (standing ?? -1) < mark { throw Self.wentBack }
            }
        }
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

    // MARK: Records

    /// What a record changes, or nil where it is not one of the directory's (reported by its offset).
    private func change(of record: Record) -> DirectoryChange? {
        guard let key = record.key, let target = DirectoryKey(key)?.name(in: configuration.layout)
        else {
            reject(record, "the key is not KIND:…")
            return nil
        }
        guard let value = record.value else {
            guard !target.isCredential else {
                reject(record, "credentials are revoked, never deleted")
                return nil
            }
            return DirectoryChange(key: target.key, offset: record.offset, members: nil)
        }
        guard let members = scanner.members(value) else {
            reject(record, "the value is not a JSON object")
            return nil
        }
        return DirectoryChange(
            key: target.key, offset: record.offset,
            members: members.map { DirectoryChange.Member(name: $0.name, json: $0.json) })
    }

    private func reject(_ record: Record, _ why: String) {
        report(
            PipelineEvent(
                level: .warning, name: "directory-record",
                message: "directory record at offset \(record.offset) is ignored: \(why)"))
    }
}

/// Key of a directory record: `organization:ORG`, `plan:ORG`, `user:ORG:ID`, `project:ORG:ID`, `credential:HASH`, parts escaped.
struct DirectoryKey {
    private let parts: [[UInt8]]

    init?(_ key: UnsafeRawBufferPointer) {
        guard key.count <= 4_096, let parts = KeyLayout.tupleValues(key) else { return nil }
        self.parts = parts
    }

    /// Name of the object's key in Redis, or nil where the parts make no object.
    func name(in layout: KeyLayout) -> (key: [UInt8], isCredential: Bool)? {
        guard let first = parts.first, !parts.contains(where: { $0.isEmpty || $0.count > 256 })
        else {
            return nil
        }
        let kind = String(decoding: first, as: UTF8.self)
        switch (kind, parts.count) {
        case ("organization", 2), ("plan", 2):
            return (layout.profileKey(organization: parts[1], kind: kind, id: nil), false)
        case ("user", 3), ("project", 3):
            return (layout.profileKey(organization: parts[1], kind: kind, id: parts[2]), false)
        case ("credential", 2): return (layout.credentialKey(hash: parts[1]), true)
        default: return nil
        }
    }
}
