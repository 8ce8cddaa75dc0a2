import Foundation
import Kafka
import Ledger
import Metering
import Pipeline
import Redis
import TestSupport
import Testing

/// The machine on a Redis Cluster whose slots move and whose masters fail: every event is counted
/// once, and shards of other nodes do not wait.
@Suite(.serialized) struct ClusterCountingTests {
    private static let organizations = 60
    private let layout = KeyLayout()

    /// A machine beside a cluster and what was produced so far.
    private final class World {
        let nodes: TestCluster
        let events = EventLog()
        private(set) var supervisor: Supervisor
        private let configuration: PipelineConfiguration
        private(set) var produced = 0
        private let bootstrap: String

        init(_ nodes: TestCluster, _ kafka: borrowing MockCluster, lanes: Int = 1) throws {
            self.nodes = nodes
            try SupervisorTests.makeTopics(kafka, partitions: 4)
            bootstrap = kafka.bootstrap
            var configuration = PipelineConfiguration(
                client: ClientConfiguration(bootstrap: kafka.bootstrap),
                redis: nodes.configuration, catalog: try SupervisorTests.catalog(),
                commitIntervalMilliseconds: 50, dedupeWindow: 1_024)
            configuration.lanes = lanes
            self.configuration = configuration
            supervisor = Supervisor(configuration) { [events] in events.take($0) }
            try supervisor.start()
        }

        /// Ends the process and starts another one.
        func restart() throws {
            supervisor.stop(deadlineMilliseconds: 15_000)
            supervisor = Supervisor(configuration) { [events] in events.take($0) }
            try supervisor.start()
        }

        func stop() { supervisor.stop(deadlineMilliseconds: 15_000) }

        /// Produces events, one organization after the other.
        func produce(_ count: Int) throws {
            let now = ISO8601DateFormatter().string(from: Date())
            try SupervisorTests.produce(
                (produced..<produced + count).map { index in
                    let organization = "org-\(index % ClusterCountingTests.organizations)"
                    return (
                        organization,
                        SupervisorTests.event(
                            index, organization: organization, agent: "a\(index % 5)", time: now)
                    )
                }, to: bootstrap)
            produced += count
        }
    }

    private func key(_ organization: Int) -> [UInt8] {
        layout.cellKey(
            organization: Array("org-\(organization)".utf8), meter: "tokens", shape: .series,
            window: .all, number: 0)
    }

    private func shard(_ organization: Int) -> Int { layout.shard(of: "org-\(organization)".utf8) }

    private func slot(_ organization: Int) -> Int {
        Slot.of(key: layout.marksKey(shard: shard(organization)))
    }

    /// Tokens of each organization; nil where its node does not answer.
    private func tokens(_ world: World) -> [Int64?] {
        var tokens: [Int64?] = []
        while tokens.count < Self.organizations {
            guard var connection = try? world.nodes.connect() else { return [] }
            // A connection that fails is not used again.
            while tokens.count < Self.organizations {
                let reply = try? connection.command([
                    Array("HGET".utf8), key(tokens.count), Array("tokens".utf8),
                ])
                tokens.append(reply.map { $0.text.flatMap { Int64($0) } ?? 0 })
                if reply == nil { break }
            }
        }
        return tokens
    }

    private func expected(_ world: World) -> [Int64?] {
        (0..<Self.organizations).map { number in
            Int64((world.produced - number - 1 + Self.organizations) / Self.organizations)
        }
    }

    /// Whether all is counted, but for some organizations.
    private func isCounted(_ world: World, but others: Set<Int> = []) -> Bool {
        let (found, right) = (tokens(world), expected(world))
        return found.count == right.count
            && right.indices.allSatisfy { others.contains($0) || found[$0] == right[$0] }
    }

    private func waitUntilCounted(
        _ world: World, but others: Set<Int> = [], _ seconds: Double = 40
    ) -> Bool {
        let isDone = SupervisorTests.wait(seconds) { isCounted(world, but: others) }
        if !isDone {
            print(tokens(world), expected(world), world.supervisor.metrics.shardsMoving)
            print(world.supervisor.trouble ?? "ready")
        }
        return isDone
    }

    /// The organizations of the same shard.
    private func neighbours(_ organization: Int) -> Set<Int> {
        Set((0..<Self.organizations).filter { shard($0) == shard(organization) })
    }

    @Test func aShardThatMovesWaitsAloneAndIsCountedOnItsNewNode() throws {
        let kafka = try MockCluster()
        let world = try World(try TestCluster(), kafka)
        defer { world.stop() }
        try world.produce(600)
        #expect(waitUntilCounted(world))
        let (slot, shard) = (slot(7), shard(7))
        let source = try world.nodes.owner(ofSlot: slot)
        let target = try #require(world.nodes.masters.first { $0 !== source })
        try world.nodes.beginMove(slot: slot, from: source, to: target)
        try world.nodes.moveKeys(slot: slot, from: source, to: target, most: 2)
        try world.produce(600)
        #expect(waitUntilCounted(world, but: neighbours(7)))
        #expect(
            SupervisorTests.wait {
                world.supervisor.metrics.shardsMoving.map(\.shard) == [shard]
                    && world.supervisor.metrics.shardsMoving.map(\.reason) == ["open"]
            }, "\(world.supervisor.metrics.shardsMoving)")
        try world.nodes.moveKeys(slot: slot, from: source, to: target)
        try world.nodes.endMove(slot: slot, to: target)
        let closed = Date()
        #expect(waitUntilCounted(world))
        #expect(Date().timeIntervalSince(closed) < 4)
        #expect(
            SupervisorTests.wait {
                world.supervisor.metrics.shardMoves == 1
                    && world.supervisor.metrics.shardsMoving.isEmpty
            })
        #expect(world.supervisor.isReady, "\(world.supervisor.trouble ?? "")")
        #expect(!world.events.messages("shard-moving").isEmpty)
        #expect(world.supervisor.metrics.stepsBack == 0)
        // As after an order that did not reach the node: readers would refuse the shard.
        var connection = try world.nodes.connect()
        let (marks, owner) = (layout.marksKey(shard: shard), Array("!owner".utf8))
        let named = try target.id
        func ask(_ words: [UInt8]...) throws -> String? { try connection.command(words).text }
        func isNamed() throws -> Bool { try ask(Array("HGET".utf8), marks, owner) == named }
        #expect(try SupervisorTests.wait { try isNamed() })
        _ = try ask(Array("HSET".utf8), marks, owner, Array(try source.id.utf8))
        #expect(try SupervisorTests.wait { try isNamed() })
        // The next process finds that it is known there.
        try world.restart()
        try world.produce(300)
        #expect(waitUntilCounted(world))
        #expect(world.supervisor.finalError == nil)
    }

    @Test func aFrozenMasterDelaysItsOwnShardsOnly() throws {
        let kafka = try MockCluster()
        let world = try World(
            try TestCluster(["--cluster-node-timeout", "60000"]), kafka, lanes: 2)
        defer { world.stop() }
        try world.produce(600)
        #expect(waitUntilCounted(world))
        let frozen = try world.nodes.owner(ofSlot: slot(0))
        let others = try (0..<Self.organizations).filter {
            try world.nodes.owner(ofSlot: slot($0)) !== frozen
        }
        frozen.freeze(true)
        defer { frozen.freeze(false) }
        for _ in 0..<3 {
            try world.produce(600)
            // Through connections to the other masters alone.
            let begun = Date()
            let right = expected(world)
            let isCounted = try SupervisorTests.wait(10) {
                try others.allSatisfy { number in
                    let node = try world.nodes.owner(ofSlot: slot(number), butNot: frozen)
                    var connection = try node.connect()
                    let found = try connection.command([
                        Array("HGET".utf8), key(number), Array("tokens".utf8),
                    ])
                    return found.text.flatMap { Int64($0) } == right[number]
                }
            }
            #expect(isCounted, "\(world.supervisor.metrics.shardsMoving.count)")
            #expect(Date().timeIntervalSince(begun) < 3)
        }
        #expect(!world.supervisor.metrics.shardsMoving.isEmpty)
        frozen.freeze(false)
        #expect(waitUntilCounted(world))
        #expect(SupervisorTests.wait { world.supervisor.metrics.shardsMoving.isEmpty })
        #expect(world.supervisor.metrics.shardsSplit == 0)
    }

    @Test func aMasterThatFailsIsReplacedAndNothingIsCountedTwice() throws {
        let kafka = try MockCluster()
        let world = try World(try TestCluster(replicas: 3), kafka, lanes: 2)
        defer { world.stop() }
        try world.produce(600)
        #expect(waitUntilCounted(world))
        let owner = try world.nodes.owner(ofSlot: slot(3))
        try world.produce(600)
        owner.kill()
        try world.produce(600)
        #expect(waitUntilCounted(world))
        #expect(SupervisorTests.wait { world.supervisor.metrics.shardsMoving.isEmpty })
        #expect(world.supervisor.metrics.shardMoves > 0)
        #expect(world.supervisor.metrics.shardsSplit == 0)
        #expect(SupervisorTests.wait { world.supervisor.isReady })
    }

    /// The source of a move fails: its replica knows nothing of the move, and some keys are on the
    /// target.
    @Test func aFailoverInTheMiddleOfAMoveTearsTheShardUntilItIsReset() throws {
        let kafka = try MockCluster()
        let world = try World(try TestCluster(replicas: 3), kafka)
        defer { world.stop() }
        try world.produce(600)
        #expect(waitUntilCounted(world))
        let (slot, shard) = (slot(7), shard(7))
        let source = try world.nodes.owner(ofSlot: slot)
        let target = try #require(world.nodes.masters.first { $0 !== source })
        try world.nodes.beginMove(slot: slot, from: source, to: target)
        try world.nodes.moveKeys(slot: slot, from: source, to: target, most: 2)
        try world.produce(60)
        #expect(SupervisorTests.wait { !world.supervisor.metrics.shardsMoving.isEmpty })
        source.kill()
        try world.produce(600)
        #expect(
            SupervisorTests.wait { world.supervisor.metrics.shardsSplit == 1 },
            "\(world.supervisor.metrics.shardsMoving) \(world.supervisor.metrics.shardsAside)")
        #expect(waitUntilCounted(world, but: neighbours(7)))
        #expect(world.supervisor.metrics.shardsAside.map(\.shard) == [shard])
        // What `odometer reset-shard` does.
        var connection = try world.nodes.connect()
        let record = try #require(try LedgerRecord.read(&connection, layout: layout))
        let text = try #require(record.contractText)
        try ShardReset.run(
            &connection, redis: world.nodes.configuration, layout: layout, shard: shard,
            contract: ContractStamp(
                number: record.contractNumber, digest: Contract.digest(of: Array(text.utf8))),
            origins: record.origins)
        #expect(waitUntilCounted(world))
        #expect(SupervisorTests.wait { world.supervisor.metrics.shardsSplit == 0 })
    }
}

extension TestCluster {
    /// The master that has a slot, asked without one node that may not answer.
    fileprivate func owner(ofSlot slot: Int, butNot other: Node) throws -> Node {
        let asked = try #require(masters.first { $0 !== other })
        for entry in try asked.ask("CLUSTER", "SLOTS").elements.map(\.elements)
        where (entry[0].integer ?? 0)...(entry[1].integer ?? 0) ~= Int64(slot) {
            let port = entry[2].elements[1].integer
            if let owner = masters.first(where: { Int64($0.endpoint.port) == port }) {
                return owner
            }
        }
        return other
    }
}
