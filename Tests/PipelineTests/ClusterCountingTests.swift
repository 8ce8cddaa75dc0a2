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

    /// Waits until these organizations are counted, through connections to the other masters.
    private func areCounted(
        _ organizations: [Int], _ world: World, butNot away: TestCluster.Node,
        within seconds: Double
    ) throws -> Bool {
        let right = expected(world)
        return try SupervisorTests.wait(seconds) {
            try organizations.allSatisfy { number in
                let node = try world.nodes.owner(ofSlot: slot(number), butNot: away)
                var connection = try node.connect()
                let found = try connection.command([
                    Array("HGET".utf8), key(number), Array("tokens".utf8),
                ])
                return found.text.flatMap { Int64($0) } == right[number]
            }
        }
    }

    /// The organizations of the same shard.
    private func neighbours(_ organization: Int) -> Set<Int> {
        Set((0..<Self.organizations).filter { shard($0) == shard(organization) })
    }

    /// Begins to move a slot to another master, with two of its keys.
    private func beginMove(
        _ world: World, _ slot: Int
    ) throws -> (source: TestCluster.Node, target: TestCluster.Node) {
        let source = try world.nodes.owner(ofSlot: slot)
        let target = try #require(world.nodes.masters.first { $0 !== source })
        try world.nodes.beginMove(slot: slot, from: source, to: target)
        try world.nodes.moveKeys(slot: slot, from: source, to: target, most: 2)
        return (source, target)
    }

    @Test func aShardThatMovesWaitsAloneAndIsCountedOnItsNewNode() throws {
        let kafka = try MockCluster()
        let world = try World(try TestCluster(), kafka)
        defer { world.stop() }
        try world.produce(600)
        #expect(waitUntilCounted(world))
        let (slot, shard) = (slot(7), shard(7))
        let (source, target) = try beginMove(world, slot)
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
            let begun = Date()
            #expect(
                try areCounted(others, world, butNot: frozen, within: 10),
                "\(world.supervisor.metrics.shardsMoving.count)")
            #expect(Date().timeIntervalSince(begun) < 3)
        }
        #expect(SupervisorTests.wait { !world.supervisor.metrics.shardsMoving.isEmpty })
        frozen.freeze(false)
        #expect(waitUntilCounted(world))
        #expect(SupervisorTests.wait { world.supervisor.metrics.shardsMoving.isEmpty })
        #expect(world.supervisor.metrics.shardsSplit == 0)
    }

    @Test func aProcessThatStartsCountsWithoutAMasterThatIsAway() throws {
        let kafka = try MockCluster()
        let world = try World(try TestCluster(["--cluster-node-timeout", "60000"]), kafka)
        defer { world.stop() }
        try world.produce(600)
        #expect(waitUntilCounted(world))
        let record = try world.nodes.owner(ofSlot: Slot.of(key: layout.ledgerKey))
        let away = try #require(world.nodes.masters.first { $0 !== record })
        let others = try (0..<Self.organizations).filter {
            try world.nodes.owner(ofSlot: slot($0)) !== away
        }
        away.freeze(true)
        defer { away.freeze(false) }
        try world.restart()
        try world.produce(600)
        #expect(try areCounted(others, world, butNot: away, within: 20))
        #expect(!world.supervisor.isWaiting)
        #expect(SupervisorTests.wait { !world.supervisor.metrics.shardsMoving.isEmpty })
        away.freeze(false)
        #expect(waitUntilCounted(world))
        #expect(SupervisorTests.wait { world.supervisor.metrics.shardsMoving.isEmpty })
        #expect(world.supervisor.finalError == nil)
    }

    /// A node that answers reads and refuses writes is not tried by whole commits again and again.
    @Test func aMasterThatRefusesCommitsIsToldAndOnlyItsShardsWait() throws {
        let kafka = try MockCluster()
        let world = try World(try TestCluster(), kafka)
        defer { world.stop() }
        try world.produce(600)
        #expect(waitUntilCounted(world))
        let refusing = try world.nodes.owner(ofSlot: slot(0))
        let own = try Set(
            (0..<Self.organizations).filter {
                try world.nodes.owner(ofSlot: slot($0)) === refusing
            })
        try refusing.ask("CONFIG", "SET", "min-replicas-to-write", "1")
        try world.produce(600)
        #expect(waitUntilCounted(world, but: own))
        let moving = { world.supervisor.metrics.shardsMoving }
        #expect(SupervisorTests.wait { world.supervisor.trouble?.contains("NOREPLICAS") ?? false })
        let before = try Self.scripts(of: refusing)
        // Long enough for some looks: it is told all the time, and no commit is tried.
        let hasChanged = try SupervisorTests.wait(3) {
            try world.produce(60)
            return world.supervisor.trouble?.contains("NOREPLICAS") != true
                || moving().isEmpty || moving().contains { $0.reason != "refused" }
        }
        #expect(!hasChanged, "\(world.supervisor.trouble ?? "ready") \(moving())")
        // Once for each shard of it, those without an organization come later.
        let most = try (0..<layout.shardCount).count { shard in
            let slot = Slot.of(key: layout.marksKey(shard: shard))
            return try world.nodes.owner(ofSlot: slot) === refusing
        }
        #expect(try Self.scripts(of: refusing) - before <= most)
        #expect(waitUntilCounted(world, but: own))
        #expect(world.events.messages("shard-back").isEmpty)
        #expect((moving().map(\.milliseconds).max() ?? 0) >= 3_000, "\(moving())")
        try refusing.ask("CONFIG", "SET", "min-replicas-to-write", "0")
        #expect(waitUntilCounted(world))
        #expect(SupervisorTests.wait { world.supervisor.isReady && moving().isEmpty })
        #expect(world.supervisor.metrics.stepsBack == 0)
        #expect(!world.events.messages("shard-back").isEmpty)
    }

    /// Commit scripts that a node was asked to run, also those that it refused.
    private static func scripts(of node: TestCluster.Node) throws -> Int {
        let text = try node.ask("INFO", "commandstats").text ?? ""
        let line = text.split(whereSeparator: \.isNewline).first {
            $0.hasPrefix("cmdstat_evalsha:")
        }
        let counts = (line ?? "").split { ":,".contains($0) }.compactMap { word -> Int? in
            let parts = word.split(separator: "=")
            guard parts.count == 2, ["calls", "rejected_calls"].contains(parts[0]) else {
                return nil
            }
            return Int(parts[1])
        }
        return counts.reduce(0, +)
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
        let (source, _) = try beginMove(world, slot)
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
