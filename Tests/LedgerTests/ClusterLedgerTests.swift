import Foundation
import TestSupport
import Testing

@testable import Ledger
@testable import Redis

/// A ledger whose shards are on the masters of a cluster.
struct ClusterLedger {
    let cluster: TestCluster
    let layout = KeyLayout(prefix: "t")
    let partition = LogPartition(topic: "usage", partition: 0)

    /// An empty ledger: its record, and marks in every shard.
    init(masters: Int = 3, replicas: Int = 0, idle: Int = 0, _ options: [String] = []) throws {
        cluster = try TestCluster(masters: masters, replicas: replicas, idle: idle, options)
        var connection = try cluster.connect()
        try connection.command([
            "HSET", layout.ledgerKey, "layout", "1", "shards", "256", "hash", "fnv1a32",
            "directory:d", "0", "origin:usage/0", "0 0",
        ])
        for shard in 0..<layout.shardCount {
            connection.append([
                "HSET", layout.marksKey(shard: shard), "!contract", "1:abc", "usage/0", "100",
                "usage/0@", "99 1500 00000000000000ab",
            ])
        }
        for _ in 0..<layout.shardCount { _ = try connection.receive() }
    }

    /// The number of a shard that this master has.
    func shard(on master: Int) throws -> Int {
        let endpoint = cluster.masters[master].endpoint
        let map = try #require(try cluster.configuration.cluster?.refresh())
        return try #require(
            (0..<layout.shardCount).first {
                map.owner(ofKey: layout.marksKey(shard: $0))?.endpoint == endpoint
            })
    }

    /// Puts a key of a shard on a master that does not have the slot, as a cut move leaves it.
    func addStray(_ name: String, of shard: Int, to node: TestCluster.Node) throws {
        let (slot, owner) = (slot(of: shard), try cluster.owner(ofSlot: slot(of: shard)))
        try node.ask("CLUSTER", "SETSLOT", String(slot), "IMPORTING", try owner.id)
        var connection = try node.connect()
        connection.append("ASKING")
        connection.append(["HSET", layout.shardPrefix(shard) + Array(name.utf8), "f", "1"])
        for _ in 0..<2 {
            let error = try connection.receive().errorText
            #expect(error == nil)
        }
        try node.ask("CLUSTER", "SETSLOT", String(slot), "STABLE")
    }

    func slot(of shard: Int) -> Int { Slot.of(key: layout.marksKey(shard: shard)) }

    /// An organization in that shard.
    func organization(in shard: Int) -> [UInt8] {
        for number in 0... {
            let name = Array("org\(number)".utf8)
            if layout.shard(of: name) == shard { return name }
        }
        return []
    }

    func checks(_ uses: [ServerRights.Use] = [.run]) throws -> ServerChecks {
        var connection = try cluster.connect()
        var refusals = ServerCheck.Refusals()
        return try ServerChecks(
            cluster.configuration, &connection, layout: layout, uses: uses, refusals: &refusals)
    }
}

@Suite(.serialized) struct ClusterLedgerTests {
    /// What `schemas/redis.md` says of tags and slots.
    @Test func tagsHaveTheSlotsOfTheManual() throws {
        let new = KeyLayout(prefix: "t")
        let old = new.with(shardCount: 64)
        let known: [([UInt8], Int)] = [
            (new.marksKey(shard: 0), 13_923), (new.marksKey(shard: 1), 9_794),
            (new.marksKey(shard: 69), 4_598), (new.auditKey(shard: 175), 5_905),
            (new.shardPrefix(255), 1_603), (new.ledgerKey, 10_444),
            (new.credentialKey(hash: "h"), 10_444), (old.marksKey(shard: 0), 13_907),
            (old.parkedKey(shard: 5), 9_974), (old.marksKey(shard: 47), 4_069),
            (old.marksKey(shard: 63), 10_499),
        ]
        for (key, slot) in known { #expect(Slot.of(key: key) == slot) }
        let manual = try Checkout.text("schemas/redis.md")
        for layout in [new, old] {
            let slots = (0..<layout.shardCount).map { Slot.of(key: layout.marksKey(shard: $0)) }
            #expect(Set(slots).count == layout.shardCount)
            let cells = [2, 3, 4, 5, 6, 8, 12, 16, 32, 64].map { masters in
                let counts = (0..<masters).map { master in
                    slots.count {
                        (master * Slot.count / masters..<(master + 1) * Slot.count / masters)
                            .contains($0)
                    }
                }
                let (least, most) = (counts.min() ?? 0, counts.max() ?? 0)
                return least == most ? "\(most)" : "\(least)–\(most)"
            }
            let row = "| \(layout.shardCount) shards | \(cells.joined(separator: " | ")) |"
            #expect(manual.contains(row), "schemas/redis.md must have:\n\(row)")
        }
    }

    // MARK: Checks

    @Test func whatIsWrongWithOneMasterIsWrongWithTheLedger() throws {
        let ledger = try ClusterLedger()
        let masters = ledger.cluster.masters
        let sound = try ledger.checks(ServerRights.Use.allCases)
        try sound.validate()
        #expect(sound.all.count == 3 && sound.unreached.isEmpty && !sound.isReplica)
        #expect(sound.product.hasPrefix("Redis ") && !sound.product.contains(","))
        #expect(sound.all.allSatisfy { $0.dumpRefusal == nil && $0.clockMilliseconds != nil })
        #expect(sound.all.compactMap { $0.part?.shards.count }.reduce(0, +) == 256)
        // What is the same for all of them is said once, without an address.
        let all = sound.findings(refill: .complete)
        #expect(all.filter { $0.check == "redis-eviction" }.count == 1)
        #expect(!all.contains { $0.check == "cluster-coverage" })

        try masters[1].ask("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
        try masters[2].ask("CONFIG", "SET", "cluster-require-full-coverage", "yes")
        let evicting = try ledger.checks()
        let address = masters[1].endpoint.description
        #expect(evicting.fatalFindings.count == 1)
        #expect(
            evicting.fatalFindings.first?.hasPrefix("\(address): maxmemory-policy is allkeys-lru")
                ?? false)
        let error = #expect(throws: LedgerError.self) { try evicting.validate() }
        #expect(error?.code == .unsuitableServer)
        let coverage = evicting.findings(refill: .complete).filter {
            $0.check == "cluster-coverage"
        }
        #expect(coverage.map(\.grade) == [.warning])
        #expect(coverage.first?.message.hasPrefix(masters[2].endpoint.description) ?? false)

        masters[1].kill()
        let short = try ledger.checks()
        #expect(short.all.count == 2 && short.unreached.map(\.name) == [address])
        // It keeps nobody from counting what the others have.
        try short.validate()
        #expect(short.unreached.first?.error.isRetriable ?? false)
        #expect(short.findings(refill: .complete).contains { $0.check == "redis-reach" })
    }

    @Test func keysThrownAwayByAnyMasterAreNoticed() throws {
        let ledger = try ClusterLedger()
        var connection = try ledger.cluster.connect()
        func note() throws -> String? {
            try connection.command(["HGET", ledger.layout.ledgerKey, "evicted"]).text
        }
        try ledger.checks().noteEvictions(on: &connection)
        let first = try #require(try note())
        #expect(first.split(separator: " ").count == 6, "\(first)")
        // Only this one master has something that may go.
        let master = try ledger.cluster.owner(ofKey: "{junk}")
        for number in 0..<20 { try connection.command("SET", "{junk}\(number)", "x") }
        try master.ask("CONFIG", "SET", "maxmemory-policy", "volatile-ttl")
        for number in 0..<20 { try connection.command("EXPIRE", "{junk}\(number)", "100000") }
        try master.ask("CONFIG", "SET", "maxmemory", "1")
        connection.append("SET", "{junk}", "x")
        _ = try connection.receive()
        try master.ask("CONFIG", "SET", "maxmemory", "0")
        try master.ask("CONFIG", "SET", "maxmemory-policy", "noeviction")
        let second = try ledger.checks()
        #expect(second.all.filter { $0.newlyEvicted > 0 }.count == 1)
        #expect(second.fatalFindings.contains { $0.contains("has thrown away") })
        try second.noteEvictions(on: &connection)
        #expect(try note() == first, "it is told until somebody has looked")
        try master.ask("CONFIG", "RESETSTAT")
        try ledger.checks().validate()
    }

    @Test func theAddressOfOneNodeSaysWhichToUse() throws {
        let cluster = try TestCluster(masters: 1)
        let node = cluster.masters[0]
        var connection = try node.connect()
        let check = try ServerCheck(&connection, layout: KeyLayout(prefix: "t"))
        let text = "--redis must be redis+cluster://\(node.endpoint)"
        #expect(check.fatalFindings.contains { $0.hasSuffix(text) }, "\(check.fatalFindings)")
        let reader = CellReader(configuration: node.configuration, layout: KeyLayout(prefix: "t"))
        let error = #expect(throws: CellReadError.self) {
            try reader.probe(deadline: .now + .seconds(5))
        }
        #expect(error?.message.hasSuffix(text) ?? false)
    }

    // MARK: Status, memory, parked cells, directory

    @Test func statusSaysWhatAMasterThatIsAwayHides() throws {
        let ledger = try ClusterLedger()
        let whole = try #require(
            try LedgerStatus.read(ledger.cluster.configuration, layout: ledger.layout))
        #expect(whole.masters.map(\.shards).reduce(0, +) == 256 && whole.masters.count == 3)
        #expect(whole.unread.isEmpty && whole.partitions["usage/0"]?.shards.count == 256)
        // Not the one with the ledger's own record.
        let home = try ledger.cluster.owner(ofKey: "{dir}")
        let away = try #require(ledger.cluster.masters.firstIndex { $0 !== home })
        let hidden = try ledger.shard(on: away)
        ledger.cluster.masters[away].kill()
        let short = try #require(
            try LedgerStatus.read(ledger.cluster.configuration, layout: ledger.layout))
        #expect(short.unread[hidden] != nil && (1...100).contains(short.unread.count))
        #expect(
            short.partitions["usage/0"]?.shards.count == 256 - short.unread.count)
    }

    @Test func memoryIsSampledOnEveryMaster() throws {
        let ledger = try ClusterLedger()
        var connection = try ledger.cluster.connect()
        for master in 0..<3 {
            let prefix = ledger.layout.shardPrefix(try ledger.shard(on: master))
            for number in 0..<300 {
                let name = prefix + Array("org\(number):meter\(master):all".utf8)
                try connection.command(["HSET", name, "f", [UInt8](repeating: 97, count: 500)])
            }
        }
        var sample = MemorySample(layout: ledger.layout)
        for _ in 0..<12 {
            sample.fade()
            try sample.look(ledger.cluster.configuration, milliseconds: 30_000, most: 600)
        }
        let meters = sample.meters(most: 9)
        #expect(Set(meters.map(\.name)) == ["meter0", "meter1", "meter2"])
        #expect(meters.allSatisfy { (0.2...0.5).contains($0.share) }, "\(meters)")
        for node in ledger.cluster.masters { try node.ask("FLUSHALL") }
        try sample.look(ledger.cluster.configuration, milliseconds: 30_000, most: 100_000)
        try sample.look(ledger.cluster.configuration, milliseconds: 30_000, most: 100_000)
        #expect(sample.meters(most: 9).isEmpty)
    }

    @Test func parkedCellsAreListedAndPutBack() throws {
        let ledger = try ClusterLedger()
        var connection = try ledger.cluster.connect()
        let shards = try (0..<3).map { try ledger.shard(on: $0) }
        for shard in shards {
            let key = ledger.layout.shardPrefix(shard) + Array("org:meter:all".utf8)
            try connection.command([
                "HSET", ledger.layout.parkedKey(shard: shard), Array("H 0 ".utf8) + key + " f", "5",
            ])
            try connection.command(["HSET", ledger.layout.marksKey(shard: shard), "!parked", "1"])
        }
        let list = try ParkedList.read(&connection, layout: ledger.layout)
        #expect(list.rows.map(\.shard) == shards.sorted())
        for shard in shards {
            var cursor = ParkedCells.begin
            let left = try ParkedCells.retry(
                &connection, layout: ledger.layout, shard: shard, contract: "1:abc",
                cursor: &cursor)
            #expect(left == 0)
            let key = ledger.layout.shardPrefix(shard) + Array("org:meter:all".utf8)
            #expect(try connection.command(["HGET", key, "f"]).text == "5")
        }
        #expect(try ParkedList.read(&connection, layout: ledger.layout).count == 0)
    }

    @Test func theDirectoryIsWrittenAndClosedOnEveryMaster() throws {
        let ledger = try ClusterLedger()
        var connection = try ledger.cluster.connect()
        var store = DirectoryStore(layout: ledger.layout, topic: "d")
        let profiles = (0..<60).map {
            ledger.layout.profileKey(
                organization: Array("org\($0)".utf8), kind: "user", id: "u")
        }
        let keys = profiles + [ledger.layout.credentialKey(hash: "abc")]
        let changes = keys.enumerated().map { index, key in
            DirectoryChange(
                key: key, offset: Int64(index), members: [.init(name: "name", json: "1")])
        }
        #expect(try store.apply(changes, epoch: 0, on: &connection) == 61)
        #expect(try store.firstDifference(changes, epoch: 0, on: &connection) == nil)
        #expect(
            Set(try keys.map { try ledger.cluster.owner(ofSlot: Slot.of(key: $0)).endpoint }).count
                == 3)
        try store.beginEpoch(after: 0, on: &connection)
        #expect(try store.apply([changes[3]], epoch: 1, on: &connection) == 1)
        let closed = try store.closeOthers(
            epoch: 1, at: 9, redis: ledger.cluster.configuration, on: &connection)
        #expect(closed == 60)
        for (index, key) in keys.enumerated() {
            let isDeleted = try connection.command(["HEXISTS", key, "@deleted"]).integer
            #expect(isDeleted == (index == 3 ? 0 : 1))
        }
        #expect(try store.state(on: &connection).epoch == 1)
    }

    // MARK: reset-shard

    private func reset(_ ledger: ClusterLedger, _ shard: Int) throws {
        var connection = try ledger.cluster.connect()
        try ShardReset.run(
            &connection, redis: ledger.cluster.configuration, layout: ledger.layout, shard: shard,
            contract: ContractStamp(number: 1, digest: "abc"),
            origins: [ledger.partition: Origin(offset: 40, decidedMilliseconds: 1)])
    }

    /// A failover in the middle of a move: the new master knows nothing of it, and what had moved
    /// is where nobody looks for it.
    @Test(arguments: [false, true], [false, true])
    func aShardInTwoPlacesIsEmptiedInBoth(isImportForgotten: Bool, isIdle: Bool) throws {
        let ledger = try ClusterLedger(idle: isIdle ? 1 : 0)
        let shard = try ledger.shard(on: 0)
        let slot = ledger.slot(of: shard)
        // The target may be a new master, whose first slot this would have been.
        let source = ledger.cluster.masters[0]
        let target = isIdle ? ledger.cluster.idle[0] : ledger.cluster.masters[1]
        var connection = try ledger.cluster.connect()
        let prefix = ledger.layout.shardPrefix(shard)
        for number in 0..<40 {
            try connection.command(["HSET", prefix + Array("o\(number):m:all".utf8), "f", "1"])
            try connection.command([
                "HSET", prefix + Array("o\(number):directory:user:u".utf8), "@offset", "1",
            ])
        }
        // Another program's key in the same slot.
        let tag = ledger.layout.tag(of: shard)
        try connection.command("SET", "other:{\(tag)}", "x")
        try ledger.cluster.beginMove(slot: slot, from: source, to: target)
        #expect(throws: LedgerError.self) { try reset(ledger, shard) }
        try ledger.cluster.moveKeys(slot: slot, from: source, to: target, most: 50)
        try source.ask("CLUSTER", "SETSLOT", String(slot), "STABLE")
        if isImportForgotten { try target.ask("CLUSTER", "SETSLOT", String(slot), "STABLE") }
        let moved = try target.ask("CLUSTER", "COUNTKEYSINSLOT", String(slot)).integer ?? 0
        #expect(moved >= 50)

        try reset(ledger, shard)
        let strange = try target.ask("CLUSTER", "GETKEYSINSLOT", String(slot), "100").elements
        #expect(strange.compactMap(\.text).allSatisfy { $0 == "other:{\(tag)}" })
        let left = try source.ask("CLUSTER", "GETKEYSINSLOT", String(slot), "500").elements
            .compactMap(\.text).filter { $0.hasPrefix("t:") }
        #expect(left.count == 42, "names of the directory, marks and audit: \(left.count)")
        #expect(left.filter { $0.contains(":directory:") }.count == 40)
        let marks = try connection.command(["HGETALL", ledger.layout.marksKey(shard: shard)]).pairs
        #expect(marks["usage/0"] == "40" && marks["!contract"] == "1:abc")
        #expect(marks["!torn"] == nil)
        let open = try NodesView(text: target.ask("CLUSTER", "NODES").text ?? "").openSlots
        #expect(open.isEmpty)
        // Nothing of other shards is gone.
        let status = try #require(
            try LedgerStatus.read(ledger.cluster.configuration, layout: ledger.layout))
        #expect(status.partitions["usage/0"]?.shards.count == 256)
    }

    private func openSlots(_ node: TestCluster.Node) throws -> [NodesView.OpenSlot] {
        NodesView(text: try node.ask("CLUSTER", "NODES").text ?? "").openSlots
    }

    /// A run that was killed after it had opened the slot, perhaps after its keys were deleted.
    @Test func aSlotThatAnEarlierRunLeftOpenIsClosed() throws {
        let ledger = try ClusterLedger()
        let shard = try ledger.shard(on: 0)
        let slot = String(ledger.slot(of: shard))
        let (owner, other) = (ledger.cluster.masters[0], ledger.cluster.masters[1])
        try other.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", try owner.id)
        try reset(ledger, shard)
        #expect(try openSlots(other).isEmpty)
    }

    @Test func aSlotIsClosedAlsoWhenDeletingFails() throws {
        let ledger = try ClusterLedger()
        let shard = try ledger.shard(on: 0)
        let other = ledger.cluster.masters[1]
        try ledger.addStray("o:m:all", of: shard, to: other)
        for node in ledger.cluster.masters {
            try node.ask("ACL", "SETUSER", "odo", "on", ">p", "~*", "+@all", "-unlink")
        }
        let limited = try RedisConfiguration(
            url: ledger.cluster.url.replacingOccurrences(of: "cluster://", with: "cluster://odo:p@")
        )
        var connection = try Connection(limited)
        let error = #expect(throws: LedgerError.self) {
            try ShardReset.run(
                &connection, redis: limited, layout: ledger.layout, shard: shard,
                contract: ContractStamp(number: 1, digest: "abc"), origins: [:])
        }
        #expect(error?.message.contains("unlink") ?? false, "\(error?.message ?? "")")
        #expect(try openSlots(other).isEmpty)
        // And nothing keeps the next run from ending it.
        try reset(ledger, shard)
        let slot = String(ledger.slot(of: shard))
        #expect(try other.ask("CLUSTER", "COUNTKEYSINSLOT", slot).integer == 0)
    }
}
