internal import Ledger
internal import Redis

/// What a cluster says about its masters, slots and replicas, for the checks.
struct ClusterFacts {
    /// What one master says.
    struct Report {
        var node: ClusterNode
        /// Its view of the nodes; nil where it did not say.
        var view: NodesView?
        /// Whether it sees a cluster that works; nil where it did not say.
        var isWorking: Bool?
    }

    /// The masters and their slots.
    var map: SlotMap
    /// What each of them says.
    var reports: [Report]

    /// Asks every master; nothing where the address names no cluster.
    static func findings(_ redis: RedisConfiguration, _ layout: KeyLayout) -> [Finding] {
        // Where no map can be read, that is a finding about Redis as a whole.
        guard let cluster = redis.cluster, let map = try? cluster.refresh() else { return [] }
        let reports = map.masters.map { node in
            var report = Report(node: node)
            if var connection = try? Connection(redis, node: node) {
                report.view = try? NodesView(&connection)
                let info = try? connection.command("CLUSTER", "INFO").text
                report.isWorking = info.map { $0.contains("cluster_state:ok") }
            }
            return report
        }
        return ClusterFacts(map: map, reports: reports).findings(layout)
    }

    /// Judges what they said about a ledger with these keys.
    func findings(_ layout: KeyLayout) -> [Finding] {
        [reach, openSlots(layout), replicas, tags(layout)].compactMap(\.self)
    }

    private var reach: Finding {
        let text = "\(map.masters.count) masters share the slots"
        let broken = reports.filter { $0.isWorking == false }.map(\.node.description)
        guard map.unownedCount == 0, broken.isEmpty else {
            let lost = map.unownedCount > 0 ? ["\(map.unownedCount) slots have no master"] : []
            let down = broken.isEmpty ? [] : ["\(broken.joined(separator: ", ")) says it is down"]
            return Self.finding(
                .error, "cluster-state",
                "the cluster does not work: \((lost + down).joined(separator: "; "))",
                "redis-cli --cluster check, then start the missing masters or --cluster fix")
        }
        return Self.finding(.ok, "cluster-state", text, nil)
    }

    /// Slots that stay open keep their shards from being counted.
    private func openSlots(_ layout: KeyLayout) -> Finding? {
        var shards: [Int: [Int]] = [:]
        for shard in 0..<layout.shardCount {
            shards[Slot.of(key: layout.marksKey(shard: shard)), default: []].append(shard)
        }
        let open = reports.flatMap { report in
            (report.view?.openSlots ?? []).map { slot in
                let of = shards[slot.slot].map { list in
                    " (shard \(list.map { String($0) }.joined(separator: ", ")))"
                }
                return "\(report.node) \(slot.isImporting ? "takes in" : "moves away") "
                    + "\(slot.slot)\(of ?? "")"
            }
        }
        guard !open.isEmpty else { return nil }
        let shown = open.prefix(8).joined(separator: ", ")
        return Self.finding(
            .warning, "cluster-open-slots",
            "slots are moving: \(shown)\(open.count > 8 ? ", and \(open.count - 8) more" : "")",
            "let the move end; where nothing moves any more, redis-cli --cluster fix")
    }

    private var replicas: Finding? {
        guard let view = reports.lazy.compactMap(\.view).first else { return nil }
        let followed = Set(view.nodes.filter { !$0.isFailing }.compactMap(\.masterID))
        let alone = map.masters.filter { !followed.contains($0.id) }.map(\.description)
        guard !alone.isEmpty else { return nil }
        return Self.finding(
            .warning, "cluster-replicas",
            "no replica could take the place of \(alone.joined(separator: ", "))", "add one each")
    }

    /// How far above the mean the fullest master may be before it is said.
    private static let mostAboveMean = 1.25

    /// How evenly the shards' tags fall on the masters.
    private func tags(_ layout: KeyLayout) -> Finding? {
        let counts = ServerPart.all(map, layout).map { (name: $0.1.name, count: $0.1.shards.count) }
        guard let fullest = counts.max(by: { $0.count < $1.count }), counts.count > 1 else {
            return nil
        }
        let mean = Double(layout.shardCount) / Double(counts.count)
        let ratio = Double(fullest.count) / mean
        let hundredths = Int((ratio * 100).rounded())
        let digits = String(hundredths % 100)
        let factor = "\(hundredths / 100).\(digits.count < 2 ? "0" : "")\(digits)"
        let least = counts.map(\.count).min() ?? 0
        let text =
            "\(layout.shardCount) shards on \(counts.count) masters: \(least) to "
            + "\(fullest.count) each, the fullest (\(fullest.name)) has \(factor) times the mean"
        guard ratio > Self.mostAboveMean else {
            return Self.finding(.ok, "cluster-tags", text, nil)
        }
        let isOld = layout.shardCount <= KeyLayout.mostDecimalTags
        return Self.finding(
            .warning, "cluster-tags", text,
            isOld
                ? "a ledger of \(layout.shardCount) shards shares out badly: move slots of single "
                    + "shards by hand, take at most 8 masters, or count again under another "
                    + "--prefix, which makes 256 shards"
                : "redis-cli --cluster rebalance: these tags share out evenly where the slots do")
    }

    private static func finding(
        _ grade: Finding.Grade, _ check: String, _ message: String, _ remedy: String?
    ) -> Finding {
        Finding(grade, "redis", check, message, remedy: remedy)
    }
}
