package import Kafka
package import Ledger
package import Metering
package import Redis

/// All that a lane sees of the outside: clock, log, ledger and dead letters.
///
/// `ServerWorld` is Kafka and Redis; the simulation has another world for the very same lane. All
/// calls come on the lane's thread, at most one for each batch or commit.
package protocol LaneWorld: AnyObject {
    /// Milliseconds that never go back.
    var milliseconds: Int64 { get }
    /// Milliseconds since 1970, for numbers that people see and to check Redis' clock.
    var wallMilliseconds: Int64 { get }
    /// A random number from 0 to 1, for pauses.
    func roll() -> Double
    /// The log, as a member of the group.
    var consumer: any LaneConsumer { get }
    /// The log, to look at single records of it.
    var probe: any LaneProbe { get }
    /// Where rejected records go.
    var deadLetters: any LaneDeadLetters { get }
    /// A new connection that commits.
    func connect() throws(RedisError) -> any LaneLedger
    /// A new connection beside the commits, which reads marks and tries parked cells again.
    func connectWatcher() throws(RedisError) -> any LaneWatcher
}

/// The log as a lane uses it; see `Consumer` for what each call means.
package protocol LaneConsumer: AnyObject {
    func setRebalanceHandler(_ handler: @escaping (RebalanceEvent) -> Void)
    func subscribe(_ topics: [String]) throws(KafkaError)
    /// Waits for records; they are valid during the call of `body` only.
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

/// What a partition holds at or after the offset that was asked for.
package enum ProbeAnswer: Equatable {
    /// The first record there.
    case record(Fingerprint)
    /// No record; the log ends at this offset.
    case end(Int64)
    /// The offset is before the log's start or after its end.
    case outOfRange
}

/// Single records of the log as it is now; see `RecordProbe`.
package protocol LaneProbe: AnyObject {
    /// Asks for the first record at or after each of these offsets; earlier questions are
    /// forgotten.
    func ask(_ offsets: [(TopicPartition, offset: Int64)]) throws(KafkaError)
    /// Whether every question has its answer.
    var isAnswered: Bool { get }
    /// The answers that come within this time.
    func receive(
        timeoutMilliseconds: Int32
    ) throws(KafkaError) -> [(TopicPartition, ProbeAnswer)]
}

/// A connection on which marks can be read.
package protocol MarksReader: AnyObject {
    /// Whether the connection still works as far as is known.
    var isAlive: Bool { get }
    /// The marks of these partitions in every shard, or in the given ones.
    func readMarks(
        _ partitions: [LogPartition], shards: [Int]?
    ) throws(LedgerError) -> [ShardMarks]
    /// Checks the server: whether numbers can be exact with it; not where there are `nodes`.
    func serverHealth() throws(LedgerError) -> ServerHealth
}

/// The connection beside the commits.
package protocol LaneWatcher: MarksReader {
    /// Tries some of a shard's parked cells again, from `cursor` on; returns how many are left.
    ///
    /// Refused when Redis' clock shows a later second than `latestSecond`, counted from 1970.
    func retryParked(
        shard: Int, contract: [UInt8], cursor: inout [UInt8], latestSecond: Int64
    ) throws(LedgerError) -> Int
}

/// The ledger as a lane uses it; all calls but those of commits need an empty pipeline, except
/// where there are `nodes`.
package protocol LaneLedger: MarksReader {
    /// What is special where each shard has a node of its own; nil where one server has all of
    /// them.
    var nodes: (any LaneNodes)? { get }
    /// Commits without an outcome yet.
    var inFlight: Int { get }
    func submit(_ arguments: inout CommitArguments, tag: Int)
    func tryReceive(waitMilliseconds: Int32) -> CommitResult?
    /// Waits for the next outcome; nil when no commit is in flight.
    func receive() -> CommitResult?
    /// Makes one commit of a shard and waits for its outcome.
    func commit(_ arguments: inout CommitArguments, shard: Int) -> CommitOutcome
    /// Lets Redis refuse all further commits when its clock shows a later time, in milliseconds
    /// since 1970.
    func limitClock(to milliseconds: Int64)
    /// Puts the ledger under our contract, and makes one when there is none.
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

extension LaneWorld {
    package func roll() -> Double { Double.random(in: 0...1) }
}

extension LaneLedger {
    package var nodes: (any LaneNodes)? { nil }
}

/// The dead-letter topic as a lane uses it; see `DeadLetters`.
package protocol LaneDeadLetters: AnyObject {
    /// Letters that Kafka has acknowledged since the lane began.
    var delivered: Int64 { get }
    /// Letters given up since the lane began: the topic refused even their shortest form.
    var givenUp: Int64 { get }
    /// Which letter was given up last and why, as a sentence; nil when none was.
    var lastGivenUp: String? { get }
    /// Letters that are neither acknowledged nor given up.
    var waiting: Int { get }
    /// Whether so many letters wait that no more records should be taken.
    var isFull: Bool { get }
    /// Why letters wait longer than they should, as a sentence; nil when none does.
    var trouble: String? { get }
    /// Sends letters and waits for acknowledgements at most so long; true when no letter waits.
    func deliver(waitMilliseconds: Int32) -> Bool
    /// Drops the letters that Kafka does not have yet: the lane gives up its partitions.
    func abandon()
    /// Sends the letter of a rejected record, unless it is on its way or was acknowledged.
    func send(_ record: Record, topicName: String, _ rejected: RejectedRecord)
    /// Forgets the letters whose records the marks have passed.
    func forget(where isPassed: (LetterAddress) -> Bool)
}
