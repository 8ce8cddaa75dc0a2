internal import Ledger
internal import Redis
internal import Synchronization

/// Finds out, for the metrics, which meters and organizations hold most of the ledger's memory.
///
/// On a thread of its own it asks once a minute for the size of about 2,000 keys, which takes Redis
/// some milliseconds. After an error the last shares stay, and the next minute tries again; if the
/// Redis user may not ask, it ends.
final class MemoryWatch: @unchecked Sendable {
    // @unchecked: all state belongs to its thread, but for `isStopping` and `seen`.
    let isStopping = Atomic<Bool>(false)
    private let redis: RedisConfiguration
    private var sample: MemorySample
    private let seen = Mutex(MemoryShares())

    private static let interval: Milliseconds = 60_000
    private static let keysPerLook = 2_000
    /// How many meters and organizations are shown.
    private static let most = 10

    init(_ configuration: PipelineConfiguration) {
        var redis = configuration.redis
        // Short, because the end of the process waits for this thread.
        redis.commandTimeoutMilliseconds = 1_000
        self.redis = redis
        sample = MemorySample(layout: configuration.layout)
    }

    /// The shares that were found last; may be called on any thread.
    var shares: MemoryShares { seen.withLock { $0 } }

    /// Runs until `isStopping`.
    func run() {
        while !isStopping.load(ordering: .relaxed), look() {
            pause(milliseconds: Self.interval, step: 100, unless: isStopping)
        }
    }

    /// Looks once; false when the Redis user may not.
    ///
    /// Each look connects again: one connection kept for all of them would go on asking a master
    /// that was demoted, which closes nothing.
    func look() -> Bool {
        do throws(LedgerError) {
            sample.fade()
            try sample.look(redis, milliseconds: 200, most: Self.keysPerLook)
        } catch {
            guard case .redis(let error) = error.code, error.isForbidden else {
                return true
            }
            seen.withLock { $0 = MemoryShares() }
            return false
        }
        let found = MemoryShares(
            meters: sample.meters(most: Self.most),
            organizations: sample.organizations(most: Self.most))
        seen.withLock { $0 = found }
        return true
    }
}
