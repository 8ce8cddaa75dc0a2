package import Ledger

/// What Redis can change under a running lane: its eviction policy, our rights, its version.
extension Lane {
    /// Looks every few seconds whether Redis still is what exact numbers need; where it is not, nothing is
    /// committed and nothing consumed until it is again.
    func checkServerIfDue(_ now: Int64) {
        guard now >= serverCheckAt else { return }
        serverCheckAt = now + Self.checkInterval
        do throws(LedgerError) {
            if watcher == nil || watcher?.isAlive == false { watcher = try openWatcher() }
            if let health = try watcher?.serverHealth() { judge(health) }
        } catch {
            // Redis is away or loads: commits fail as well, and their trouble says so.
            watcher = nil
        }
    }

    private func judge(_ health: ServerHealth) {
        if let lost = newlyEvicted(health), lost > 0 {
            fail(
                PipelineError(
                    .unfitServer,
                    "Redis has thrown away \(lost) keys to make room: numbers may be gone. Restore a "
                        + "backup, or empty this ledger, then start again"))
        }
        let problems = health.problems.joined(separator: "; ")
        guard problems.isEmpty else {
            isUnfit = true
            trouble(
                .unfit, "Redis is not fit for exact numbers: \(problems). Nothing is committed")
            hold("a Redis that is fit")
            return
        }
        isUnfit = false
        passed(.unfit, "Redis is fit again")
    }

    /// How many keys Redis threw away since the look before; it begins again at 0 when it restarts.
    private func newlyEvicted(_ health: ServerHealth) -> Int64? {
        guard let evicted = health.evictedKeys else { return nil }
        let before = evictedBefore ?? evicted
        evictedBefore = evicted
        return evicted < before ? evicted : evicted - before
    }
}

/// What Redis says of itself, as far as it concerns a lane.
package struct ServerHealth {
    /// Why numbers would be wrong; empty = it is fit.
    var problems: [String] = []
    /// Keys that Redis threw away since it started; nil = it does not say.
    var evictedKeys: Int64?
}

extension MarksReader {
    /// A world that cannot be asked has nothing against it.
    package func serverHealth() throws(LedgerError) -> ServerHealth { ServerHealth() }
}
