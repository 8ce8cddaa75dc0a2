package import Kafka
package import Ledger
package import Metering
package import Redis

/// What a lane sees of the world outside: clock, log, ledger and dead letters.
///
/// `ServerWorld` is Kafka and Redis; a simulation puts another world in its place and drives the very
/// same lane. Every member is called on the lane's thread, at most once for a batch or a commit.
package protocol LaneWorld: AnyObject {
    /// Milliseconds that never go back.
    var milliseconds: Int64 { get }
    /// Milliseconds since 1970; for what is shown only, nothing is decided by it.
    var wallMilliseconds: Int64 { get }
    /// The log, as a member of the group.
    var consumer: any LaneConsumer { get }
    /// The log, for a look at single records of it.
    var probe: any LaneProbe { get }
    /// Where rejected records go.
    var deadLetters: any LaneDeadLetters { get }
    /// A new connection that commits.
    func connect() throws(RedisError) -> any LaneLedger
    /// A new connection beside the commits: it looks at marks and tries parked cells again.
    func connectWatcher() throws(RedisError) -> any LaneWatcher
}

/// The log as a lane uses it; see `Consumer` for what each call means.
package protocol LaneConsumer: AnyObject {
    func setRebalanceHandler(_ handler: @escaping (RebalanceEvent) -> Void)
    func subscribe(_ topics: [String]) throws(KafkaError)
    /// Waits for records; they end with the call of `body`.
    func poll(
        maximum: Int, timeoutMilliseconds: Int32,
        _ body: (UnsafeBufferPointer<Record>, [ConsumerEvent]) -> Void)
    func assign(_ partitions: [(TopicPartition, offset: Int64)]) throws(KafkaError)
    func unassign() throws(KafkaError)
    func pause(_ partitions: [TopicPartition]) throws(KafkaError)
    func close(timeoutMilliseconds: Int32) throws(KafkaError) -> Bool
    func startWaking()
    func stopWaking()
    func topicID(of topic: String) -> Int32
    func topicName(_ id: Int32) -> String
    func watermarks(
        of partition: TopicPartition, timeoutMilliseconds: Int32
    ) throws(KafkaError) -> (low: Int64, high: Int64)
    func cachedWatermarks(of partition: TopicPartition) -> (low: Int64, high: Int64)?
    func partitionCount(of topic: String, timeoutMilliseconds: Int32) throws(KafkaError) -> Int
    func committed(
        _ partitions: [TopicPartition], timeoutMilliseconds: Int32
    ) throws(KafkaError) -> [(offset: Int64, metadata: String)?]
    func offsets(
        forTime milliseconds: Int64, of partitions: [TopicPartition], timeoutMilliseconds: Int32
    ) throws(KafkaError) -> [Int64?]
    func commitHint(
        _ offsets: [(TopicPartition, offset: Int64, metadata: String)]
    ) throws(KafkaError)
    var hintCounts: HintCounts { get }
}

/// What a partition holds at or behind the offset that was asked for.
package enum ProbeAnswer: Equatable {
    /// The first record there.
    case record(Fingerprint)
    /// No record; the log ends at this offset.
    case end(Int64)
    /// The offset lies before the log's start or behind its end.
    case outOfRange
}

/// Single records of the log as it is now; see `RecordProbe`.
package protocol LaneProbe: AnyObject {
    /// Asks for the first record at or behind these offsets; an earlier question is forgotten.
    func ask(_ places: [(TopicPartition, offset: Int64)]) throws(KafkaError)
    /// Whether every question has its answer.
    var isAnswered: Bool { get }
    /// Answers that come within this time.
    func receive(
        timeoutMilliseconds: Int32
    ) throws(KafkaError) -> [(TopicPartition, ProbeAnswer)]
}

/// A connection on which marks can be read.
package protocol MarksReader: AnyObject {
    /// Whether the connection still works as far as is known.
    var isAlive: Bool { get }
    /// The marks of these partitions in every shard, or in those given.
    func readMarks(
        _ partitions: [LogPartition], shards: [Int]?
    ) throws(LedgerError) -> [ShardMarks]
    /// What Redis says of itself now: whether it still is what exact numbers need.
    func serverHealth() throws(LedgerError) -> ServerHealth
}

/// The connection beside the commits.
package protocol LaneWatcher: MarksReader {
    /// Tries a part of a shard's parked cells again, from `cursor` on; how many are left.
    func retryParked(
        shard: Int, contract: [UInt8], cursor: inout [UInt8], latest: Int64
    ) throws(LedgerError) -> Int
}

/// The ledger as a lane uses it; all but committing needs an empty pipeline.
package protocol LaneLedger: MarksReader {
    /// Commits without an outcome yet.
    var inFlight: Int { get }
    func submit(_ arguments: inout CommitArguments, tag: Int)
    func tryReceive(waitMilliseconds: Int32) -> CommitResult?
    /// The next outcome, waiting for it; nil = none in flight.
    func receive() -> CommitResult?
    /// One commit and its outcome.
    func commit(_ arguments: inout CommitArguments) -> CommitOutcome
    /// Commits are refused from now on where Redis' clock shows a later time, in milliseconds since 1970.
    func limitClock(to milliseconds: Int64)
    /// Puts the ledger under our contract, and makes it where there is none.
    func open() throws(PipelineError) -> LedgerKeeper.Opened
    func createMarks(
        at origins: [(partition: LogPartition, offset: Int64)]
    ) throws(LedgerError)
    func origins(of topic: String) throws(LedgerError) -> [Int32: Origin]
    func establishOrigins(
        _ topic: String, _ origins: [Int32: Origin]
    ) throws(LedgerError) -> [Int32: Origin]
    func addOrigin(_ partition: LogPartition, _ origin: Origin) throws(LedgerError) -> Origin
    func wouldPass(_ cell: RefusedCell) throws(LedgerError) -> Bool
}

/// The dead-letter topic as a lane uses it; see `DeadLetters`.
package protocol LaneDeadLetters: AnyObject {
    /// Letters acknowledged since the lane began.
    var delivered: Int64 { get }
    /// Letters given up since the lane began: the topic refused them in their shortest form.
    var givenUp: Int64 { get }
    /// Which one was given up last and why; one sentence.
    var lastGivenUp: String? { get }
    /// Letters that are neither acknowledged nor given up.
    var waiting: Int { get }
    /// Whether so many wait that no more records should be taken.
    var isFull: Bool { get }
    /// Why letters wait longer than they should; nil = none does.
    var problem: String? { get }
    /// Sends, takes acknowledgements, and waits for them at most so long; true when no letter waits.
    func deliver(waitMilliseconds: Int32) -> Bool
    /// The lane gives its partitions up: what Kafka does not have yet is dropped, nothing is waited for.
    func abandon()
    /// Takes a rejected record, unless its letter is on its way or was acknowledged.
    func send(_ record: Record, topicName: String, _ rejected: RejectedRecord)
    /// Forgets the letters whose records the marks have passed.
    func forget(where isPassed: (LetterPlace) -> Bool)
}
