import Foundation
import TestSupport
import Testing

@testable import Ledger
@testable import Redis

/// Looks at all masters: what they find, what they leave open, and how long they take.
@Suite(.serialized) struct ClusterCensusTests {
    private func census(
        _ cluster: TestCluster, _ layout: KeyLayout, user: String = "", mostNames: Int = 100_000
    ) throws -> SlotCensus {
        let redis = try RedisConfiguration(
            url: cluster.url.replacingOccurrences(of: "cluster://", with: "cluster://\(user)"))
        return SlotCensus(redis, try #require(redis.cluster), layout: layout, mostNames: mostNames)
    }

    /// A question that is refused leaves its shard unknown, not empty, and no other one.
    @Test func whatIsNotAnsweredIsNotTakenForNothing() throws {
        let ledger = try ClusterLedger()
        let blank = try ledger.shard(on: 0)
        let endpoint = ledger.cluster.masters[0].endpoint
        let map = try #require(try ledger.cluster.configuration.cluster?.refresh())
        let other = try #require(
            (0..<256).first {
                $0 != blank
                    && map.owner(ofKey: ledger.layout.marksKey(shard: $0))?.endpoint == endpoint
            })
        var connection = try ledger.cluster.connect()
        try connection.command(["DEL", ledger.layout.marksKey(shard: blank)])
        for node in ledger.cluster.masters {
            try node.ask(
                "ACL", "SETUSER", "odo", "on", ">p", "~*", "+@all", "-cluster|getkeysinslot")
        }
        let limited = try census(ledger.cluster, ledger.layout, user: "odo:p@")
        for _ in 0..<2 {
            let looks = limited.look(at: [blank, other], partitions: [ledger.partition])
            #expect(looks[0].marks != nil && looks[0].content == nil)
            #expect(looks[1].marks?.marks.first?.offset == 100 && looks[1].content == .marked)
        }
        let whole = try census(ledger.cluster, ledger.layout)
        func content() -> ShardLook.Content? {
            whole.look(at: [blank], partitions: [ledger.partition])[0].content
        }
        #expect(content() == .empty)
        let cell = ledger.layout.shardPrefix(blank) + Array("o:m:all".utf8)
        try connection.command(["HSET", cell, "f", "1"])
        #expect(content() == .cells)
    }

    /// Copies that a replica kept stay for ever, so they are not compared at every look.
    @Test func copiesAreComparedOnceAndAgainWhenTheyChange() throws {
        let ledger = try ClusterLedger()
        let shard = try ledger.shard(on: 0)
        let (owner, holder) = (ledger.cluster.masters[0], ledger.cluster.masters[1])
        let prefix = ledger.layout.shardPrefix(shard)
        var connection = try ledger.cluster.connect()
        try connection.command([
            "HSET", ledger.layout.marksKey(shard: shard), "!owner", Array(try owner.id.utf8),
        ])
        for number in 0..<130 {
            try connection.command(["HSET", prefix + Array("o\(number):m:all".utf8), "f", "1"])
            try ledger.addStray("o\(number):m:all", of: shard, to: holder)
        }
        let census = try census(ledger.cluster, ledger.layout)
        func missing() -> Int? {
            census.look(at: [shard], partitions: [ledger.partition])[0].missing
        }
        func asked() throws -> Int {
            let stats = try holder.ask("INFO", "commandstats").text ?? ""
            let line = stats.split(separator: "\r\n").first { $0.contains("|getkeysinslot:calls=") }
            let digits = line?.split(separator: "=")[1].prefix { $0.isNumber }
            return digits.flatMap { Int($0) } ?? 0
        }
        #expect(missing() == 0)
        let before = try asked()
        #expect(before == 2, "a few first, then all")
        #expect(missing() == 0)
        #expect(try asked() == before)
        // Names beyond the limit are not taken for copies.
        let short = try self.census(ledger.cluster, ledger.layout, mostNames: 120)
        #expect(short.look(at: [shard], partitions: [ledger.partition])[0].missing == 10)
        try ledger.addStray("another:m:all", of: shard, to: holder)
        #expect(missing() == 1)
        try connection.command(["HSET", prefix + Array("another:m:all".utf8), "f", "1"])
        #expect(missing() == 0)
    }

    /// Certificates have names, and CLUSTER NODES begins with addresses.
    @Test func aMasterWithoutSlotsIsReachedAsClientsAreToReachIt() throws {
        let ledger = try ClusterLedger(
            idle: 1,
            [
                "--cluster-announce-hostname", "localhost", "--cluster-preferred-endpoint-type",
                "hostname",
            ])
        let cluster = ledger.cluster
        let known = try #require(cluster.configuration.cluster)
        try TestCluster.wait("the nodes' names are not known") {
            let map = try known.refresh()
            return (map.masters + map.idle).count == 4
                && (map.masters + map.idle).allSatisfy { $0.endpoint.host == "localhost" }
        }
        let census = SlotCensus(cluster.configuration, known, layout: ledger.layout)
        let look = census.look(at: [0], partitions: [ledger.partition])[0]
        #expect(look.facts.silent.isEmpty && look.facts.views.count == 4)
        let idle = census.node(try cluster.idle[0].id)
        #expect(idle?.endpoint == Endpoint(host: "localhost", port: cluster.idle[0].endpoint.port))
    }

    /// Two masters that answer nothing cost one look one second, and the next ones nothing.
    @Test func silentMastersAreWaitedForTogetherAndNotEachTime() throws {
        let ledger = try ClusterLedger(masters: 4, ["--cluster-node-timeout", "60000"])
        let frozen = ledger.cluster.masters.suffix(2)
        let shard = try ledger.shard(on: 0)
        let census = try census(ledger.cluster, ledger.layout)
        func look() -> (silent: Set<String>, time: Duration) {
            let begun = ContinuousClock.now
            let look = census.look(at: [shard], partitions: [ledger.partition])[0]
            #expect(look.content == .marked)
            return (look.facts.silent, .now - begun)
        }
        #expect(look().silent.isEmpty)
        let ids = Set(try frozen.map { try $0.id })
        for node in frozen { node.freeze(true) }
        defer { for node in frozen { node.freeze(false) } }
        let first = look()
        #expect(first.silent == ids && first.time < .milliseconds(1_800), "\(first)")
        let second = look()
        #expect(second.silent == ids && second.time < .milliseconds(500), "\(second)")
        for node in frozen { node.freeze(false) }
        try TestCluster.wait("they are not asked again") { look().silent.isEmpty }
    }
}
