import API
import Foundation
import Ledger
import Metering
import Query
import Redis

/// What both halves share: catalog, names of keys and Redis.
struct MachineParts: Sendable {
    let catalog: MeterCatalog
    /// Names of the keys of a new ledger; an existing one may have another number of shards.
    let layout: KeyLayout
    /// What the readers know of the ledger's number of shards.
    let shared: SharedLayout
    let redis: RedisConfiguration
    let engine: QueryEngine
    private let reach: ReaderReach
    private let rankings: RankingMemory

    /// `log` hears when Redis stops answering the readers, and when it begins again.
    init(_ settings: Settings, log: Log) throws(CommandFailure) {
        reach = ReaderReach { change in
            let event: Log.Field = ("event", "answers")
            switch change {
            case .lost(let reason):
                log.warning("requests cannot be answered: Redis does not answer: \(reason)", event)
            case .returned: log.info("Redis answers again: requests are answered", event)
            }
        }
        catalog = try MeterFiles.read(settings.text(Options.meters)).catalog()
        layout = try settings.keyLayout()
        shared = SharedLayout(layout)
        redis = try settings.redisConfiguration()
        engine = QueryEngine(
            catalog: catalog, layout: layout,
            clock: WallClock {
                var time = timespec()
                clock_gettime(CLOCK_REALTIME, &time)
                return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
            })
        rankings = RankingMemory { [engine, redis, layout, shared] in
            QueryWorker(
                engine: engine,
                cells: CellReader(
                    configuration: redis, layout: layout.with(shardCount: shared.shardCount),
                    shared: shared))
        }
    }

    /// What an HTTP thread owns; made on that thread.
    @Sendable func makeWorker() -> APIWorker {
        APIWorker(
            query: QueryWorker(
                engine: engine,
                cells: CellReader(
                    configuration: redis, layout: layout, reach: reach, shared: shared),
                rankings: rankings))
    }
}
