internal import Ledger
internal import Metering
internal import Redis
internal import Synchronization

/// Opens the ledger for all lanes: makes it, puts it under our contract, and does both again after
/// Redis has lost it.
///
/// Thread-safe: lanes that find the ledger gone call `open` on their own connections.
package final class LedgerKeeper: Sendable {
    /// What a lane needs to know of an open ledger.
    package struct Opened: Sendable {
        /// Names of the keys, with the ledger's number of shards.
        var layout = KeyLayout()
        var dedupeKey: (UInt64, UInt64)
        /// The contract's `NUMBER:DIGEST`, which every commit carries.
        var stamp: [UInt8]
        /// Name and version of the server.
        var product = "Redis"
        /// What could not be checked of the server.
        var unchecked: [String] = []
    }
    private let configuration: PipelineConfiguration
    private let cluster: String
    private let entries: [(name: String, digest: String)]
    /// Decimals of the meters that have some.
    private let scales: [String: Int]
    private let state: Mutex<State>
    private struct State {
        var dedupeKey: [UInt8]?
        /// With the number of shards that the first opening found or made.
        var layout: KeyLayout
        var opened: Opened?
        var number = 0
    }

    init(configuration: PipelineConfiguration, cluster: String) throws(PipelineError) {
        self.configuration = configuration
        self.cluster = cluster
        let catalog = configuration.catalog
        scales = Dictionary(
            catalog.meters.map { ($0.name, catalog.scale(of: $0)) }.filter { $0.1 > 0 },
            uniquingKeysWith: { first, _ in first })
        // Made for its names and digests alone; each lane makes its own program.
        do throws(ProgramError) {
            let program = try Program(
                catalog: configuration.catalog, shardCount: configuration.layout.shardCount,
                dedupeKey: (0, 0),
                futureBoundMilliseconds: configuration.futureBoundMilliseconds)
            entries = program.contractEntries
        } catch { throw PipelineError(.configuration, "catalog: \(error)") }
        state = Mutex(State(layout: configuration.layout))
    }

    /// Opens the ledger, or makes it, and puts it under our contract.
    ///
    /// A ledger that is made again gets the dedupe key and the number of shards that this process
    /// already uses. If another process made it first, the ledger has that process's key, and our
    /// lanes keep using the old one until they take up partitions again. That changes no outcome:
    /// each lane looks for duplicates in a window of its own, and the key only decides how ids are
    /// hashed there. With another number of shards no lane can go on. Only the first opening of a
    /// process may move the contract.
    func open(_ connection: inout Connection) throws(PipelineError) -> Opened {
        var refusals = ServerCheck.Refusals()
        return try open(&connection, &refusals)
    }

    /// Opens the ledger's record again, after the first opening: the servers are not checked, and
    /// the shards get the contract from the lanes that commit to them.
    ///
    /// So in a cluster only the node that has the record must answer.
    func openRecord(_ connection: inout Connection) throws(PipelineError) -> Opened {
        var refusals = ServerCheck.Refusals()
        return try open(&connection, &refusals, isRecordAlone: true)
    }

    /// The same as the first; `refusals` remembers, for one connection, which commands the server
    /// has refused.
    func open(
        _ connection: inout Connection, _ refusals: inout ServerCheck.Refusals,
        isRecordAlone: Bool = false
    ) throws(PipelineError) -> Opened {
        // The lock is held for some round trips; only lanes that need the same answer wait for it.
        let result = state.withLock { state -> Result<Opened, PipelineError> in
            do throws(PipelineError) {
                return .success(
                    try open(
                        &connection, &refusals, &state,
                        isRecordAlone: isRecordAlone && state.opened != nil))
            } catch { return .failure(error) }
        }
        return try result.get()
    }

    private func open(
        _ connection: inout Connection, _ refusals: inout ServerCheck.Refusals,
        _ state: inout State, isRecordAlone: Bool
    ) throws(PipelineError) -> Opened {
        do throws(LedgerError) {
            let server = isRecordAlone ? nil : try checkServer(&connection, &refusals)
            let isFirst = state.opened == nil
            let record = try LedgerRecord.open(
                &connection, layout: state.layout,
                proposal: LedgerRecord.Birth(
                    createdMilliseconds: SteadyClock.wallMilliseconds,
                    dedupeKey: state.dedupeKey ?? Self.randomKey(), cluster: cluster,
                    group: configuration.group))
            guard record.birth.dedupeKey.count == 16 else {
                throw LedgerError(.corrupt, "the ledger's dedupe key is not 16 bytes")
            }
            guard isFirst || record.shardCount == state.layout.shardCount else {
                throw LedgerError(otherShardsThan: state.layout, record)
            }
            state.layout = state.layout.with(shardCount: record.shardCount)
            let contract = contract(under: record)
            // A lower number than ours: Redis has lost our contract's move, which is made again.
            let isOurs =
                record.contractText == nil || record.contractText == contract.text
                || record.contractNumber < state.number
            guard isFirst || isOurs else {
                throw LedgerError(.contractMovedOn, "another process moved the contract")
            }
            // Shards of a master that is away get the contract from the lanes, once it is back.
            let movesShards = !isRecordAlone && server?.unreached.isEmpty ?? false
            let stamp = try ContractMove.adopt(
                &connection, layout: state.layout, contract, scales: scales,
                accept: configuration.acceptContract && isFirst, movesShards: movesShards)
            state.dedupeKey = record.birth.dedupeKey
            let opened = Opened(
                layout: state.layout, dedupeKey: Self.words(record.birth.dedupeKey),
                stamp: stamp.text, product: server?.product ?? state.opened?.product ?? "Redis",
                unchecked: server?.unchecked ?? state.opened?.unchecked ?? [])
            try server?.noteEvictions(on: &connection)
            state.opened = opened
            state.number = stamp.number
            return opened
        } catch { throw PipelineError(error) }
    }

    /// Checks the server, or all masters of a cluster, before anything is written; throws when one
    /// is not fit.
    ///
    /// A master that does not answer is left to the lanes, which check all of them every few
    /// seconds: it keeps nobody from counting what the others have.
    private func checkServer(
        _ connection: inout Connection, _ refusals: inout ServerCheck.Refusals
    ) throws(LedgerError) -> ServerChecks {
        let redis = configuration.redis
        let server = try ServerChecks(
            redis.cluster == nil ? redis : ClusterHealth.patient(redis), &connection,
            layout: configuration.layout, isEvictionChecked: configuration.isEvictionChecked,
            refusals: &refusals)
        try server.validate()
        guard !server.isReplica else {
            configuration.redis.cluster?.lostNode()
            throw LedgerError(
                RedisError(
                    serverText: "READONLY \(server.product) is a replica and takes no commits"))
        }
        return server
    }

    func contract(under record: LedgerRecord) -> Contract {
        var birth = record.birth
        birth.cluster = cluster
        birth.group = configuration.group
        let meters = entries.filter { $0.name.hasPrefix("meter:") }
        let events = entries.filter { !$0.name.hasPrefix("meter:") }
        return Contract(
            layout: configuration.layout.with(shardCount: record.shardCount), birth: birth,
            dedupeWindow: Int(configuration.dedupeWindow),
            bounds: [(name: "future_ms", value: configuration.futureBoundMilliseconds)],
            events: events.map { (name: Self.bare($0.name), digest: $0.digest) },
            meters: meters.map { (name: Self.bare($0.name), digest: $0.digest) })
    }

    private static func bare(_ name: String) -> String {
        String(name.split(separator: ":", maxSplits: 1).last ?? "")
    }

    private static func randomKey() -> [UInt8] {
        var random = SystemRandomNumberGenerator()
        return (0..<16).map { _ in UInt8.random(in: 0...255, using: &random) }
    }

    private static func words(_ key: [UInt8]) -> (UInt64, UInt64) {
        key.withUnsafeBytes {
            (
                UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: 0, as: UInt64.self)),
                UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            )
        }
    }
}
