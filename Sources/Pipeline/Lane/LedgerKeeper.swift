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

    /// The same; `refusals` remembers, for one connection, which commands the server has refused.
    func open(
        _ connection: inout Connection, _ refusals: inout ServerCheck.Refusals
    ) throws(PipelineError) -> Opened {
        // The lock is held for some round trips; only lanes that need the same answer wait for it.
        let result = state.withLock { state -> Result<Opened, PipelineError> in
            do throws(PipelineError) {
                return .success(try open(&connection, &refusals, &state))
            } catch { return .failure(error) }
        }
        return try result.get()
    }

    private func open(
        _ connection: inout Connection, _ refusals: inout ServerCheck.Refusals,
        _ state: inout State
    ) throws(PipelineError) -> Opened {
        do throws(LedgerError) {
            let server = try checkServer(&connection, &refusals)
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
            let stamp = try ContractMove.adopt(
                &connection, layout: state.layout, contract, scales: scales,
                accept: configuration.acceptContract && isFirst)
            state.dedupeKey = record.birth.dedupeKey
            let opened = Opened(
                layout: state.layout, dedupeKey: Self.words(record.birth.dedupeKey),
                stamp: stamp.text, product: server.product, unchecked: server.unchecked)
            try server.noteEvictions(on: &connection)
            state.opened = opened
            state.number = stamp.number
            return opened
        } catch { throw PipelineError(error) }
    }

    /// Checks the server before anything is written to it; throws when it is not fit.
    private func checkServer(
        _ connection: inout Connection, _ refusals: inout ServerCheck.Refusals
    ) throws(LedgerError) -> ServerCheck {
        let server = try ServerCheck(
            &connection, layout: configuration.layout,
            isEvictionChecked: configuration.isEvictionChecked, refusals: &refusals)
        try server.validate()
        guard server.isReplica != true else {
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
