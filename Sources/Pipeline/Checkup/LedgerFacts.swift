internal import Ledger
internal import Redis

/// What a ledger says about its contract, origins and marks, for the checks.
struct LedgerFacts {
    private var origins: [LogPartition: Origin] = [:]
    private var marks: [ShardMarks] = []
    private var partitions: [LogPartition] = []
    private var record: LedgerRecord?
    /// Whether the ledger has begun to count some partition; nil when it could not be read.
    private(set) var isCounted: Bool?
    /// Names of the keys, with the ledger's number of shards.
    private(set) var layout: KeyLayout

    static func connect(
        _ configuration: PipelineConfiguration
    ) throws(LedgerError) -> Connection {
        do throws(RedisError) { return try Connection(configuration.redis) } catch {
            throw LedgerError(error)
        }
    }

    /// Reads the ledger; adds the findings that follow from it alone.
    init(
        _ connection: inout Connection, _ configuration: PipelineConfiguration,
        _ findings: inout [Finding]
    ) throws(LedgerError) {
        layout = configuration.layout
        do throws(LedgerError) {
            record = try LedgerRecord.read(&connection, layout: configuration.layout)
        } catch {
            guard error.code == .otherLayout || error.code == .corrupt else { throw error }
            findings.append(
                Finding(
                    .error, "ledger", "ledger-layout", error.message,
                    remedy: "take another --prefix, or restore a backup"))
            return
        }
        isCounted = record.map { !$0.origins.isEmpty } ?? false
        guard let record else {
            findings.append(
                Finding(
                    .ok, "ledger", "ledger",
                    "no ledger under \(configuration.layout.prefix) yet: the first start makes it"))
            return
        }
        origins = record.origins
        partitions = record.origins.keys.sorted()
        layout = configuration.layout.with(shardCount: record.shardCount)
        marks = try Marks.read(&connection, layout: layout, partitions: partitions)
        for shard in marks {
            guard let torn = shard.torn else { continue }
            findings.append(
                Finding(
                    .error, "ledger", "shard-torn", "shard \(shard.shard) is torn: \(torn)",
                    remedy: "odometer reset-shard \(shard.shard), or restore a backup"))
        }
    }

    /// Compares our contract with the ledger's; nil when there is no ledger.
    func contract(_ configuration: PipelineConfiguration, _ cluster: String) -> Finding? {
        guard let record else { return nil }
        func finding(
            _ grade: Finding.Grade, _ message: String, _ remedy: String? = nil
        ) -> Finding {
            Finding(grade, "ledger", "ledger-contract", message, remedy: remedy)
        }
        let keeper: LedgerKeeper
        do throws(PipelineError) {
            keeper = try LedgerKeeper(configuration: configuration, cluster: cluster)
        } catch { return finding(.error, error.message, "see odometer check") }
        guard let stored = record.contractText.flatMap({ Contract(text: $0) }) else {
            return finding(.ok, "the ledger has no contract yet: the first start makes it")
        }
        switch keeper.contract(under: record).relation(to: stored) {
        case .same:
            return finding(.ok, "the contract is the ledger's, number \(record.contractNumber)")
        case .superset(let added):
            return finding(
                .warning,
                "the next start adds to the contract: \(added.joined(separator: ", "))",
                "change the catalog of every process; those with the old one end with exit code 5")
        case .different(let differences):
            return finding(
                .error,
                "the ledger was written under another contract: "
                    + differences.joined(separator: ", "),
                "use the ledger's, or start once with --accept-contract")
        case .incompatible(let differences):
            return finding(
                .error, "the ledger has another \(differences.joined(separator: ", "))",
                "take another --prefix")
        }
    }

    /// The facts of a partition that the ledger knows: its origin and marks.
    func facts(of name: LogPartition) -> PartitionFacts {
        var facts = PartitionFacts(name: name)
        facts.origin = origins[name]?.offset
        guard let index = partitions.firstIndex(of: name) else { return facts }
        for shard in marks {
            let mark = shard.marks[index]
            guard let offset = mark.offset else { continue }
            facts.highest = max(facts.highest ?? offset, offset)
            guard offset < facts.lowest ?? .max else { continue }
            facts.lowest = offset
            facts.lowestTime = mark.fingerprint.flatMap { $0.timestamp < 0 ? nil : $0.timestamp }
        }
        return facts
    }
}
