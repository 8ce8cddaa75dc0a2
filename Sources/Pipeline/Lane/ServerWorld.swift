internal import Kafka
internal import Ledger
internal import Metering
internal import Redis

/// The real world of a lane: Kafka, Redis and the machine's clock.
final class ServerWorld: LaneWorld {
    private let configuration: PipelineConfiguration
    private let keeper: LedgerKeeper
    let consumer: any LaneConsumer
    let probe: any LaneProbe
    let deadLetters: any LaneDeadLetters

    init(
        configuration: PipelineConfiguration, keeper: LedgerKeeper, lane number: Int
    ) throws(KafkaError) {
        self.configuration = configuration
        self.keeper = keeper
        consumer = KafkaConsumer(
            try Consumer(
                configuration.client,
                settings: ConsumerSettings(
                    group: configuration.group,
                    instance: configuration.instance.map { "\($0)-\(number)" },
                    reportsEndOfPartition: true, sharers: configuration.lanes)))
        probe = KafkaProbe(try RecordProbe(configuration.client))
        deadLetters = DeadLetters(
            client: configuration.client, topic: configuration.deadLetterTopic)
    }

    var milliseconds: Int64 { SteadyClock.milliseconds }
    var wallMilliseconds: Int64 { SteadyClock.wallMilliseconds }

    func connect() throws(RedisError) -> any LaneLedger {
        if let cluster = configuration.redis.cluster {
            return try ClusterLedger(configuration, cluster, keeper: keeper)
        }
        return RedisLedger(
            try Self.committer(try Connection(configuration.redis)), layout: configuration.layout,
            isEvictionChecked: configuration.isEvictionChecked, keeper: keeper)
    }

    /// A committer on a new connection.
    static func committer(
        _ connection: consuming Connection
    ) throws(RedisError) -> Committer {
        let readsClock = try mayReadClock(&connection)
        return try Committer(connection, readsClock: readsClock)
    }

    /// Whether the Redis user may read the server's clock.
    private static func mayReadClock(_ connection: inout Connection) throws(RedisError) -> Bool {
        do throws(RedisError) {
            try connection.command("TIME")
            return true
        } catch {
            guard error.isForbidden else { throw error }
            return false
        }
    }

    func connectWatcher() throws(RedisError) -> any LaneWatcher {
        if configuration.redis.cluster != nil { return try ClusterWatcher(configuration) }
        return RedisWatcher(
            try Connection(configuration.redis), layout: configuration.layout,
            isEvictionChecked: configuration.isEvictionChecked)
    }
}

/// A lane's connection to Redis beside its commits.
private final class RedisWatcher: LaneWatcher {
    private var connection: Connection
    private let layout: KeyLayout
    private let isEvictionChecked: Bool
    private var refusals = ServerCheck.Refusals()

    init(_ connection: consuming Connection, layout: KeyLayout, isEvictionChecked: Bool) {
        self.connection = connection
        self.layout = layout
        self.isEvictionChecked = isEvictionChecked
    }

    var isAlive: Bool { connection.isAlive }

    func readMarks(
        _ partitions: [LogPartition], shards: [Int]?
    ) throws(LedgerError) -> [ShardMarks] {
        try Marks.read(&connection, layout: layout, partitions: partitions, shards: shards)
    }

    func serverHealth() throws(LedgerError) -> ServerHealth {
        try ServerHealth.ask(&connection, layout, isEvictionChecked, &refusals)
    }

    func retryParked(
        shard: Int, contract: [UInt8], cursor: inout [UInt8], latestSecond: Int64
    ) throws(LedgerError) -> Int {
        try ParkedCells.retry(
            &connection, layout: layout, shard: shard, contract: contract, cursor: &cursor,
            latestSecond: latestSecond)
    }
}

extension ServerHealth {
    /// Checks a server, and notes in the ledger how many keys it has evicted.
    fileprivate static func ask(
        _ connection: inout Connection, _ layout: KeyLayout, _ isEvictionChecked: Bool,
        _ refusals: inout ServerCheck.Refusals
    ) throws(LedgerError) -> ServerHealth {
        let check = try ServerCheck(
            &connection, layout: layout, isEvictionChecked: isEvictionChecked, refusals: &refusals)
        // Nothing is counted until it is said again, so it is asked again.
        if check.evictionPolicy == nil, !isEvictionChecked { refusals = ServerCheck.Refusals() }
        // If it takes no writes now, the next check notes them.
        if check.isReplica == false { try? check.noteEvictions(on: &connection) }
        return ServerHealth(check)
    }
}

/// A lane's connection to Redis that commits.
private final class RedisLedger: LaneLedger {
    private var committer: Committer
    private let layout: KeyLayout
    private let isEvictionChecked: Bool
    private let keeper: LedgerKeeper
    private var refusals = ServerCheck.Refusals()

    init(
        _ committer: consuming Committer, layout: KeyLayout, isEvictionChecked: Bool,
        keeper: LedgerKeeper
    ) {
        self.committer = committer
        self.layout = layout
        self.isEvictionChecked = isEvictionChecked
        self.keeper = keeper
    }

    var isAlive: Bool { committer.isAlive }
    var inFlight: Int { committer.inFlight }

    func submit(_ arguments: inout CommitArguments, tag: Int) {
        committer.submit(&arguments, tag: tag)
    }
    func tryReceive(waitMilliseconds: Int32) -> CommitResult? {
        committer.tryReceive(waitMilliseconds: waitMilliseconds)
    }
    func receive() -> CommitResult? { committer.receive() }
    func commit(_ arguments: inout CommitArguments, shard: Int) -> CommitOutcome {
        committer.commit(&arguments)
    }

    func limitClock(to milliseconds: Int64) { committer.latestSecond = milliseconds / 1_000 }

    func serverHealth() throws(LedgerError) -> ServerHealth {
        let (layout, isEvictionChecked) = (layout, isEvictionChecked)
        var refusals = refusals
        defer { self.refusals = refusals }
        return try committer.withConnection { connection throws(LedgerError) in
            try ServerHealth.ask(&connection, layout, isEvictionChecked, &refusals)
        }
    }

    func open() throws(PipelineError) -> LedgerKeeper.Opened {
        let keeper = keeper
        var refusals = refusals
        defer { self.refusals = refusals }
        return try committer.withConnection { connection throws(PipelineError) in
            try keeper.open(&connection, &refusals)
        }
    }

    func readMarks(
        _ partitions: [LogPartition], shards: [Int]?
    ) throws(LedgerError) -> [ShardMarks] {
        let layout = layout
        return try committer.withConnection { connection throws(LedgerError) in
            try Marks.read(&connection, layout: layout, partitions: partitions, shards: shards)
        }
    }

    func createMarks(
        at origins: [(partition: LogPartition, offset: Int64)]
    ) throws(LedgerError) {
        let layout = layout
        try committer.withConnection { connection throws(LedgerError) in
            try Marks.createAbsent(&connection, layout: layout, at: origins)
        }
    }

    func origins(of topic: String) throws(LedgerError) -> [Int32: Origin] {
        let layout = layout
        return try committer.withConnection { connection throws(LedgerError) in
            try LedgerRecord.read(&connection, layout: layout)
        }?.origins(of: topic) ?? [:]
    }

    func establishOrigins(
        _ topic: String, _ origins: [Int32: Origin]
    ) throws(LedgerError) -> [Int32: Origin] {
        let layout = layout
        return try committer.withConnection { connection throws(LedgerError) in
            try Origins.establish(&connection, layout: layout, topic: topic, origins)
        }
    }

    func addOrigin(_ partition: LogPartition, _ origin: Origin) throws(LedgerError) -> Origin {
        let layout = layout
        return try committer.withConnection { connection throws(LedgerError) in
            try Origins.add(&connection, layout: layout, partition, origin)
        }
    }

    func wouldPass(_ cell: RefusedCell) throws(LedgerError) -> Bool {
        try committer.withConnection { connection throws(LedgerError) in
            try RefusalProbe.wouldPass(cell, on: &connection)
        }
    }
}

/// A look at single records of Kafka's log, which returns their fingerprints.
private final class KafkaProbe: LaneProbe {
    private let probe: RecordProbe

    init(_ probe: RecordProbe) { self.probe = probe }

    var isAnswered: Bool { probe.isAnswered }

    func ask(_ offsets: [(TopicPartition, offset: Int64)]) throws(KafkaError) {
        try probe.ask(offsets)
    }

    func receive(
        timeoutMilliseconds: Int32
    ) throws(KafkaError) -> [(TopicPartition, ProbeAnswer)] {
        var answers: [(TopicPartition, ProbeAnswer)] = []
        _ = try probe.receive(timeoutMilliseconds: timeoutMilliseconds) { partition, answer in
            switch answer {
            case .record(let record):
                let seen = Fingerprint(
                    offset: record.offset, timestamp: record.timestamp, key: record.key,
                    value: record.value)
                answers.append((partition, .record(seen)))
            case .end(let offset): answers.append((partition, .end(offset)))
            case .outOfRange: answers.append((partition, .outOfRange))
            }
        }
        return answers
    }
}

/// A Kafka consumer as a lane uses it.
private final class KafkaConsumer: LaneConsumer {
    private let consumer: Consumer

    init(_ consumer: consuming Consumer) { self.consumer = consumer }

    func setRebalanceHandler(_ handler: @escaping (RebalanceEvent) -> Void) {
        consumer.setRebalanceHandler(handler)
    }
    func subscribe(_ topics: [String]) throws(KafkaError) { try consumer.subscribe(topics) }
    func poll(
        maximum: Int, timeoutMilliseconds: Int32,
        _ body: (UnsafeBufferPointer<Record>, [ConsumerEvent]) -> Void
    ) {
        let batch = consumer.nextBatch(
            maximum: maximum, timeoutMilliseconds: timeoutMilliseconds)
        body(batch.records, batch.events)
    }
    func assign(_ partitions: [(TopicPartition, offset: Int64)]) throws(KafkaError) {
        try consumer.assign(partitions)
    }
    func unassign() throws(KafkaError) { try consumer.unassign() }
    func pause(_ partitions: [TopicPartition]) throws(KafkaError) {
        try consumer.pause(partitions)
    }
    func close(timeoutMilliseconds: Int32) throws(KafkaError) -> Bool {
        try consumer.close(timeoutMilliseconds: timeoutMilliseconds)
    }
    func startWaking() { consumer.startWaking() }
    func stopWaking() { consumer.stopWaking() }
    func topicID(of topic: String) -> Int32 { consumer.topicID(of: topic) }
    func topicName(_ id: Int32) -> String { consumer.topicName(id) }
    func watermarks(
        of partition: TopicPartition, timeoutMilliseconds: Int32
    ) throws(KafkaError) -> (low: Int64, high: Int64) {
        try consumer.watermarks(of: partition, timeoutMilliseconds: timeoutMilliseconds)
    }
    func cachedWatermarks(of partition: TopicPartition) -> (low: Int64, high: Int64)? {
        consumer.cachedWatermarks(of: partition)
    }
    func partitionCount(of topic: String, timeoutMilliseconds: Int32) throws(KafkaError) -> Int {
        try consumer.partitionCount(of: topic, timeoutMilliseconds: timeoutMilliseconds)
    }
    func committed(
        _ partitions: [TopicPartition], timeoutMilliseconds: Int32
    ) throws(KafkaError) -> [(offset: Int64, metadata: String)?] {
        try consumer.committed(partitions, timeoutMilliseconds: timeoutMilliseconds)
    }
    func offsets(
        forTime milliseconds: Int64, of partitions: [TopicPartition], timeoutMilliseconds: Int32
    ) throws(KafkaError) -> [Int64?] {
        try consumer.offsets(
            forTime: milliseconds, of: partitions, timeoutMilliseconds: timeoutMilliseconds)
    }
    func commitHint(
        _ offsets: [(TopicPartition, offset: Int64, metadata: String)]
    ) throws(KafkaError) {
        try consumer.commitHint(offsets)
    }
    var hintCounts: HintCounts { consumer.hintCounts }
}
