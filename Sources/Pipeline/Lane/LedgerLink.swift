internal import Ledger
internal import Redis

/// A lane's connection to Redis, and what is known through it.
///
/// Made at connect and dropped as a whole: where it is lost, and where its server must be left.
final class LedgerLink {
    let committer: any LaneLedger
    /// When the server is looked at next, in milliseconds of the steady clock.
    var checkAt: Int64
    /// Whether the server was looked at: nothing is written to it before.
    var isLookedAt = false
    /// Why it is closed with the next turn; nil when it stays.
    private(set) var mustLeave: String?
    /// Beside the commits, so that neither waits for the other; may lead to another server.
    private var watcher: (any LaneWatcher)?
    private let world: any LaneWorld

    /// Connects; the server is looked at from `checkAt` on.
    init(world: any LaneWorld, checkAt: Int64) throws(RedisError) {
        self.world = world
        self.checkAt = checkAt
        committer = try world.connect()
    }

    /// Whether commits may be sent now.
    var canCommit: Bool { committer.isAlive }

    /// Whether no commit is on its way, as all but committing needs it.
    var isIdle: Bool { committer.inFlight == 0 }

    /// The server has to be left with the next turn.
    func leave(_ reason: String) { mustLeave = reason }

    /// Takes the outcomes that are still to come and drops them: the marks tell the same later.
    func drain() { while committer.receive() != nil {} }

    /// Asks the ledger; what it refuses is an obstacle.
    func ask<Result>(
        _ body: (any LaneLedger) throws(LedgerError) -> Result
    ) throws(Obstacle) -> Result {
        do throws(LedgerError) { return try body(committer) } catch {
            if error.leavesServer { leave("Redis refuses: \(error.message)") }
            throw Obstacle(message: error.message)
        }
    }

    /// The connection beside the commits; made when it is needed, and again after `closeWatcher`.
    func openWatcher() throws(LedgerError) -> any LaneWatcher {
        if let watcher, watcher.isAlive { return watcher }
        do throws(RedisError) {
            let opened = try world.connectWatcher()
            watcher = opened
            return opened
        } catch { throw LedgerError(error) }
    }

    func closeWatcher() { watcher = nil }
}
