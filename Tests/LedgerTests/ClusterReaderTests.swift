import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Ledger
@testable import Redis

/// Reading cells from a cluster while slots move and masters change.
@Suite(.serialized) struct ClusterReaderTests {
    private struct Reading {
        let ledger: ClusterLedger
        let shard: Int
        let organization: [UInt8]
        let queries: [CellQuery]
        let prefix: [UInt8]

        /// Cells of every kind in a shard of the first master.
        init(_ ledger: ClusterLedger, keys: Int = 1) throws {
            self.ledger = ledger
            shard = try ledger.shard(on: 0)
            organization = ledger.organization(in: shard)
            prefix = ledger.layout.shardPrefix(shard) + organization
            var connection = try ledger.cluster.connect()
            var queries: [CellQuery] = []
            for number in 0..<keys {
                let name = prefix + Array(":m\(number)".utf8)
                try connection.command(["HSET", name + ":all", "f", "7"])
                try connection.command(["ZADD", name + ":day", "5", "x", "6", "y"])
                try connection.command(["ZADD", name + ":day2", "1", "x"])
                try connection.command(["PFADD", name + ":seen", "a", "b", "c"])
                queries += [
                    .hash(name + ":all"), .members(name + ":all", ["f", "g"]),
                    .ranking(name + ":day"), .rankingSum([name + ":day", name + ":day2"]),
                    .distinct([name + ":seen", name + ":seen2"]), .size(name + ":all"),
                    .hash(name + ":absent"),
                ]
            }
            self.queries = queries
        }

        func reader(_ shared: SharedLayout? = nil) -> CellReader {
            CellReader(
                configuration: ledger.cluster.configuration, layout: ledger.layout, shared: shared)
        }

        func read(_ reader: CellReader) throws -> CellSnapshot {
            try reader.read(queries, organization: organization, deadline: .now + .seconds(2))
        }

        /// Whether all values are right.
        func isRight(_ snapshot: CellSnapshot) -> Bool {
            var texts: [String] = []
            for value in snapshot.values {
                switch value {
                case .hash(let pairs): texts.append("hash \(pairs.count)")
                case .members(let fields):
                    texts.append("members \(fields.compactMap(\.self).count)")
                case .ranking(let members):
                    texts.append("ranking \(members.map(\.score).sorted())")
                case .count(let count): texts.append("count \(count)")
                }
            }
            let one = [
                "hash 1", "members 1", "ranking [5, 6]", "ranking [6, 6]", "count 3", "count 1",
                "hash 0",
            ]
            return texts == Array(repeating: one, count: queries.count / one.count).flatMap(\.self)
        }
    }

    @Test func aReadIsOneStateAndIsForeseen() throws {
        let reading = try Reading(try ClusterLedger())
        let reader = reading.reader()
        for _ in 0..<3 {
            reader.beginRequest(1)
            let entry = try reader.directoryMembers(
                reading.ledger.layout.credentialKey(hash: "k"), ["name"],
                deadline: .now + .seconds(5))
            #expect(entry == [nil])
            let snapshot = try reading.read(reader)
            reader.endRequest()
            #expect(snapshot.isAtomic && reading.isRight(snapshot))
            #expect(snapshot.asOfMilliseconds == 1_500)
        }
        #expect(reader.serverChanges == 0)
    }

    /// Each read while the slot goes to and fro is right or an error, never a zero.
    @Test func whileASlotMovesAReadIsRightOrRefused() throws {
        let reading = try Reading(try ClusterLedger(), keys: 30)
        let cluster = reading.ledger.cluster
        let slot = reading.ledger.slot(of: reading.shard)
        let marks = String(
            decoding: reading.ledger.layout.marksKey(shard: reading.shard), as: UTF8.self)
        try cluster.masters[0].ask("HSET", marks, "!owner", try cluster.masters[0].id)
        let isOver = Atomic<Bool>(false)
        let right = Atomic<Int>(0)
        let mover = Thread {
            defer { isOver.store(true, ordering: .relaxed) }
            for round in 0..<6 {
                let (from, to) = (cluster.masters[round % 3], cluster.masters[(round + 1) % 3])
                do {
                    try cluster.move(slot: slot, from: from, to: to)
                    // What a lane does that has found the shard whole.
                    try to.ask("HSET", marks, "!owner", try to.id)
                    let before = right.load(ordering: .relaxed)
                    try TestCluster.wait("no read is right after a move") {
                        right.load(ordering: .relaxed) > before
                    }
                } catch { Issue.record("round \(round): \(error)") }
            }
        }
        mover.start()
        let reader = reading.reader()
        while !isOver.load(ordering: .relaxed) {
            reader.beginRequest(1)
            defer { reader.endRequest() }
            do {
                let snapshot = try reading.read(reader)
                guard reading.isRight(snapshot) else {
                    Issue.record("wrong values: \(snapshot.values)")
                    continue
                }
                right.add(1, ordering: .relaxed)
            } catch { continue }
        }
        #expect(reading.isRight(try reading.read(reader)))
    }

    /// With a slot that stays open nothing is refused: keys are read one by one.
    @Test func aSlotThatStaysOpenIsReadKeyByKey() throws {
        let reading = try Reading(try ClusterLedger(), keys: 3)
        let cluster = reading.ledger.cluster
        let slot = reading.ledger.slot(of: reading.shard)
        let (source, target) = (cluster.masters[0], cluster.masters[1])
        try cluster.beginMove(slot: slot, from: source, to: target)
        let reader = reading.reader()
        for step in 0..<8 {
            let snapshot = try reading.read(reader)
            #expect(reading.isRight(snapshot), "step \(step): \(snapshot.values)")
            #expect(!snapshot.isAtomic && snapshot.asOfMilliseconds == 1_500)
            try cluster.moveKeys(slot: slot, from: source, to: target, most: 2)
        }
        try cluster.moveKeys(slot: slot, from: source, to: target)
        #expect(reading.isRight(try reading.read(reader)))
        try cluster.endMove(slot: slot, to: target)
        let after = try reading.read(reader)
        #expect(reading.isRight(after) && after.isAtomic)
    }

    /// A shard that another master has may be in halves, as after a failover while it moves.
    @Test func aShardThatMovedIsReadOnceItIsKnownToBeWhole() throws {
        let reading = try Reading(try ClusterLedger())
        let cluster = reading.ledger.cluster
        let (source, target) = (cluster.masters[0], cluster.masters[1])
        let slot = reading.ledger.slot(of: reading.shard)
        let marks = reading.ledger.layout.marksKey(shard: reading.shard)
        var connection = try cluster.connect()
        try connection.command(["HSET", marks, "!owner", Array(try source.id.utf8)])
        let patient = SharedLayout(reading.ledger.layout, runs: SharedRuns(patience: .seconds(600)))
        let hasty = SharedLayout(reading.ledger.layout, runs: SharedRuns(patience: .zero))
        let (waiting, looking) = (reading.reader(patient), reading.reader(hasty))
        for reader in [waiting, looking] { #expect(reading.isRight(try reading.read(reader))) }
        func refusal(_ reader: CellReader) -> String {
            let error = #expect(throws: CellReadError.self) { try reading.read(reader) }
            #expect(error?.code == .unavailable)
            return error?.message ?? ""
        }
        // A whole move: no lane says so, but a look does.
        try cluster.move(slot: slot, from: source, to: target)
        #expect(refusal(waiting).contains("nobody has looked yet"))
        #expect(reading.isRight(try reading.read(looking)))
        try connection.command(["HSET", marks, "!owner", Array(try target.id.utf8)])
        #expect(reading.isRight(try reading.read(waiting)))
        // Halves: some keys went back, and the target forgets that it moved them.
        try cluster.beginMove(slot: slot, from: target, to: source)
        let half = try target.ask("CLUSTER", "COUNTKEYSINSLOT", String(slot)).integer ?? 0
        try cluster.moveKeys(slot: slot, from: target, to: source, most: Int(half) / 2)
        for node in [source, target] { try node.ask("CLUSTER", "SETSLOT", String(slot), "STABLE") }
        try connection.command(["HSET", marks, "!owner", "another"])
        let fresh = reading.reader(hasty)
        #expect(refusal(fresh).contains("\(source.endpoint) has keys of slot \(slot), too"))
    }

    /// The source of a move to a new master has failed: the new one has keys and no slot.
    @Test func halvesOnAMasterWithoutSlotsAreSeen() throws {
        let reading = try Reading(try ClusterLedger(idle: 1))
        let cluster = reading.ledger.cluster
        let marks = reading.ledger.layout.marksKey(shard: reading.shard)
        var connection = try cluster.connect()
        try connection.command(["HSET", marks, "!owner", "another"])
        let hasty = SharedLayout(reading.ledger.layout, runs: SharedRuns(patience: .zero))
        #expect(reading.isRight(try reading.read(reading.reader(hasty))))
        try reading.ledger.addStray("o:m:all", of: reading.shard, to: cluster.idle[0])
        let reader = reading.reader(hasty)
        let error = #expect(throws: CellReadError.self) { try reading.read(reader) }
        #expect(
            error?.message.contains("\(cluster.idle[0].endpoint) has keys of slot") ?? false,
            "\(error?.message ?? "")")
    }

    @Test func anotherMasterOfAShardIsNoticedByEveryReader() throws {
        let reading = try Reading(try ClusterLedger(replicas: 1))
        let cluster = reading.ledger.cluster
        let shared = SharedLayout(reading.ledger.layout)
        let (first, second) = (reading.reader(shared), reading.reader(shared))
        #expect(reading.isRight(try reading.read(first)))
        #expect(reading.isRight(try reading.read(second)))
        let other = try reading.ledger.shard(on: 1)
        let elsewhere = reading.ledger.organization(in: other)
        _ = try second.read([], organization: elsewhere, deadline: .now + .seconds(5))
        #expect(first.serverChanges == 0 && second.serverChanges == 0)
        #expect(first.serverRun == second.serverRun)
        try TestCluster.wait("the replica has not got everything") {
            try cluster.masters[0].ask("WAIT", "1", "1000").integer == 1
                && cluster.replicas[0].ask("DBSIZE").integer
                    == cluster.masters[0].ask("DBSIZE").integer
        }
        cluster.masters[0].kill()
        // Other shards are answered all the time.
        _ = try second.read([], organization: elsewhere, deadline: .now + .seconds(5))
        try TestCluster.wait("the replica does not answer") {
            (try? reading.read(first)).map { reading.isRight($0) } ?? false
        }
        #expect(first.serverChanges == 1 && first.serverRun == "1")
        #expect(reading.isRight(try reading.read(second)))
        #expect(second.serverChanges == 1)
        // A slot that moves counts too: equal counts there may be of other events.
        let slot = reading.ledger.slot(of: reading.shard)
        try cluster.move(slot: slot, from: cluster.replicas[0], to: cluster.masters[2])
        _ = try reading.read(first)
        _ = try reading.read(first)
        #expect(first.serverChanges == 2)
    }
}
