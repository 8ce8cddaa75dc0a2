import Ledger
import Redis
import TestSupport
import Testing

@testable import Pipeline

/// What `doctor` says of a cluster's masters, slots and replicas.
@Suite(.serialized) struct ClusterFactsTests {
    private func grades(_ findings: [Finding]) -> [String: Finding.Grade] {
        var grades: [String: Finding.Grade] = [:]
        for finding in findings {
            #expect((finding.grade == .ok) == (finding.remedy == nil), "\(finding)")
            #expect(grades[finding.check] == nil, "said twice: \(finding)")
            grades[finding.check] = finding.grade
        }
        return grades
    }

    /// As many masters, each with its share of the slots.
    private func map(_ masters: Int) throws -> SlotMap {
        SlotMap(
            (0..<masters).map { index in
                let node = ClusterNode(
                    id: "id\(index)",
                    endpoint: Endpoint(host: "h\(index)", port: 7_000))
                let first = index * Slot.count / masters
                return (node, [first...(index + 1) * Slot.count / masters - 1])
            })
    }

    private func tags(_ masters: Int, shards: Int) throws -> Finding? {
        let facts = ClusterFacts(map: try map(masters), reports: [])
        let layout = KeyLayout(shardCount: shards)
        return facts.findings(layout).first { $0.check == "cluster-tags" }
    }

    @Test(arguments: [2, 3, 4, 5, 6, 8, 12, 16, 32, 64])
    func theTagsOfANewLedgerShareOutEvenly(masters: Int) throws {
        let finding = try #require(try tags(masters, shards: 256))
        #expect(finding.grade == .ok, "\(finding.message)")
    }

    /// Fullest beside mean, as it was computed for `schemas/redis.md`.
    @Test(arguments: [
        (2, "1.00"), (3, "1.03"), (4, "1.00"), (6, "1.31"), (8, "1.25"), (12, "1.69"), (16, "2.00"),
    ])
    func theTagsOfAnOldOneShareOutEvenlyOverAFew(masters: Int, factor: String) throws {
        let finding = try #require(try tags(masters, shards: 64))
        #expect(finding.message.hasSuffix("has \(factor) times the mean"), "\(finding.message)")
        #expect(finding.grade == (["1.31", "1.69", "2.00"].contains(factor) ? .warning : .ok))
        #expect((finding.remedy?.contains("another --prefix") ?? false) == (finding.grade != .ok))
    }

    @Test func aClusterTellsWhatIsWrongWithIt() throws {
        let cluster = try TestCluster(replicas: 1)
        let layout = KeyLayout(prefix: "t")
        func ask() -> [Finding] { ClusterFacts.findings(cluster.configuration, layout) }
        let sound = grades(ask())
        #expect(
            sound == ["cluster-state": .ok, "cluster-replicas": .warning, "cluster-tags": .ok],
            "\(sound)")
        #expect(
            ask().contains {
                $0.check == "cluster-replicas"
                    && !$0.message.contains(cluster.masters[0].endpoint.description)
                    && $0.message.contains(cluster.masters[1].endpoint.description)
            })
        let slot = Slot.of(key: layout.marksKey(shard: 9))
        let source = try cluster.owner(ofSlot: slot)
        let target = try #require(cluster.masters.first { $0 !== source })
        try cluster.beginMove(slot: slot, from: source, to: target)
        let open = try #require(ask().first { $0.check == "cluster-open-slots" })
        #expect(open.message.contains("\(source.endpoint) moves away \(slot) (shard 9"))
        #expect(open.message.contains("\(target.endpoint) takes in \(slot) (shard 9"))
        try cluster.endMove(slot: slot, to: target)
        #expect(grades(ask())["cluster-open-slots"] == nil)
        // A slot that nobody has.
        for node in cluster.masters { try node.ask("CLUSTER", "DELSLOTS", "16383") }
        try TestCluster.wait("the slot has a master") {
            ask().contains {
                $0.check == "cluster-state" && $0.message.contains("1 slots have no master")
            }
        }
        #expect(ClusterFacts.findings(cluster.masters[0].configuration, layout).isEmpty)
    }
}
