internal import Ledger
internal import Pipeline
internal import Redis

/// A lane's world whose commits are plain pipelines; everything else is the usual world.
///
/// `@unchecked`: it is given to the lane's thread before that runs, and used only there.
final class PlainWorld: LaneWorld, @unchecked Sendable {
    private let world: any LaneWorld
    private let redis: RedisConfiguration

    init(_ world: any LaneWorld, redis: RedisConfiguration) {
        self.world = world
        self.redis = redis
    }

    var milliseconds: Int64 { world.milliseconds }
    var wallMilliseconds: Int64 { world.wallMilliseconds }
    var consumer: any LaneConsumer { world.consumer }
    var probe: any LaneProbe { world.probe }
    var deadLetters: any LaneDeadLetters { world.deadLetters }

    func connect() throws(RedisError) -> any LaneLedger {
        PlainLedger(try Connection(redis), ledger: try world.connect())
    }

    func connectWatcher() throws(RedisError) -> any LaneWatcher { try world.connectWatcher() }
}

/// Commits as plain pipelines: several are in flight at once, and each is applied when all its
/// answers have arrived.
///
/// A command that Redis refuses, or a connection that breaks, ends the process: it is not known
/// then what was applied. Everything except commits goes to the real ledger, over its own
/// connection.
private final class PlainLedger: LaneLedger {
    private struct Commit {
        var tag: Int
        /// Answers still to come.
        var answers: Int
    }
    private var connection: Connection
    private let ledger: any LaneLedger
    private var waiting: [Commit] = []

    init(_ connection: consuming Connection, ledger: any LaneLedger) {
        self.connection = connection
        self.ledger = ledger
    }

    var isAlive: Bool { connection.isAlive && ledger.isAlive }
    var inFlight: Int { waiting.count }

    func submit(_ arguments: inout CommitArguments, tag: Int) {
        let before = connection.pendingReplies
        PlainCommands.append(&arguments, to: &connection)
        waiting.append(Commit(tag: tag, answers: connection.pendingReplies - before))
        do throws(RedisError) { try connection.flush() } catch { PlainProgram.end(error.message) }
    }

    func tryReceive(waitMilliseconds: Int32) -> CommitResult? {
        while let first = waiting.first {
            guard first.answers > 0 else {
                waiting.removeFirst()
                // Without a script there are no script times to learn from.
                return CommitResult(tag: first.tag, outcome: .applied(zerosLeft: 0))
            }
            do throws(RedisError) {
                guard let reply = try connection.tryReceive(waitMilliseconds: waitMilliseconds)
                else { return nil }
                if let text = reply.errorText { PlainProgram.end(text) }
            } catch { PlainProgram.end(error.message) }
            waiting[0].answers -= 1
        }
        return nil
    }

    func receive() -> CommitResult? {
        while inFlight > 0 {
            if let result = tryReceive(waitMilliseconds: 1_000) { return result }
        }
        return nil
    }

    func commit(_ arguments: inout CommitArguments, shard: Int) -> CommitOutcome {
        precondition(inFlight == 0, "commits are in flight")
        submit(&arguments, tag: 0)
        return receive()?.outcome ?? .applied(zerosLeft: 0)
    }

    /// Does nothing: plain commands cannot compare Redis' clock with a time.
    func limitClock(to milliseconds: Int64) {}

    // MARK: Passed on unchanged

    func open() throws(PipelineError) -> LedgerKeeper.Opened { try ledger.open() }
    func serverHealth() throws(LedgerError) -> ServerHealth { try ledger.serverHealth() }
    func readMarks(
        _ partitions: [LogPartition], shards: [Int]?
    ) throws(LedgerError) -> [ShardMarks] {
        try ledger.readMarks(partitions, shards: shards)
    }
    func createMarks(
        at origins: [(partition: LogPartition, offset: Int64)]
    ) throws(LedgerError) {
        try ledger.createMarks(at: origins)
    }
    func origins(of topic: String) throws(LedgerError) -> [Int32: Origin] {
        try ledger.origins(of: topic)
    }
    func establishOrigins(
        _ topic: String, _ origins: [Int32: Origin]
    ) throws(LedgerError) -> [Int32: Origin] {
        try ledger.establishOrigins(topic, origins)
    }
    func addOrigin(_ partition: LogPartition, _ origin: Origin) throws(LedgerError) -> Origin {
        try ledger.addOrigin(partition, origin)
    }
    func wouldPass(_ cell: RefusedCell) throws(LedgerError) -> Bool { try ledger.wouldPass(cell) }
}
