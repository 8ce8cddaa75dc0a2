internal import Ledger
internal import Redis

/// A lane's connection to Redis, and what is known through it.
///
/// Made when the lane connects; dropped as a whole when the connection breaks or the lane leaves
/// the server.
final class LedgerLink {
    let committer: any LaneLedger
    /// When the server is checked next.
    var checkAt: Milliseconds
    /// Whether the server was checked; nothing is written to it before.
    var isChecked = false
    /// Why the next turn closes it; nil when it stays.
    private(set) var mustLeave: String?
    /// A second connection, so that commits and looks at the marks do not wait for each other.
    ///
    /// Its name is resolved again, so it may lead to another server.
    private var watcher: (any LaneWatcher)?
    private let world: any LaneWorld

    /// Connects; the server is checked at `checkAt` or soon after it.
    init(world: any LaneWorld, checkAt: Milliseconds) throws(RedisError) {
        self.world = world
        self.checkAt = checkAt
        committer = try world.connect()
    }

    /// Whether commits may be sent now.
    var canCommit: Bool { committer.isAlive }

    /// Whether no commit is on its way; every other command needs that, except where there are
    /// `nodes`.
    var isIdle: Bool { committer.inFlight == 0 }

    /// Where each shard has a node of its own; nil where one server has all of them.
    var nodes: (any LaneNodes)? { committer.nodes }

    /// Closes the connection with the next turn.
    func leave(_ reason: String) { mustLeave = reason }

    /// Waits for the outcomes of all commits and drops them: the marks tell later what was applied.
    func drain() { while committer.receive() != nil {} }

    /// Asks the ledger something, without a commit on its way.
    func ask<Result>(
        _ body: (any LaneLedger) throws(LedgerError) -> Result
    ) throws(LaneError) -> Result {
        do throws(LedgerError) { return try body(committer) } catch {
            if error.leavesServer { leave("Redis refuses: \(error.message)") }
            throw LaneError(message: error.message)
        }
    }

    /// The connection beside the commits; connects when it is not open.
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
