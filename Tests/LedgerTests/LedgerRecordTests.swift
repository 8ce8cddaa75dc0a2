import Foundation
import Ledger
import Redis
import TestSupport
import Testing

/// The ledger's record of itself, origins, contract, directory and the checks at start.
@Suite struct LedgerRecordTests {
    let birth = LedgerRecord.Birth(
        createdMilliseconds: 5, dedupeKey: [1, 0xAB, 0], cluster: "c l", group: "odometer-t")

    @Test func theFirstMakesTheLedgerAndTheNextReadsIt() throws {
        let fixture = try LedgerFixture()
        var connection = try fixture.server.connect()
        #expect(try LedgerRecord.read(&connection, layout: fixture.layout) == nil)
        let made = try LedgerRecord.open(&connection, layout: fixture.layout, proposal: birth)
        #expect(made.birth == birth && made.contractNumber == 0 && made.contractText == nil)
        var other = birth
        other.dedupeKey = [9]
        other.createdMilliseconds = 6
        #expect(
            try LedgerRecord.open(&connection, layout: fixture.layout, proposal: other) == made)
        #expect(try LedgerRecord.read(&connection, layout: fixture.layout) == made)
        #expect(
            try fixture.everything()["t:1:{dir}:ledger"] == [
                "layout": "1", "shards": "256", "hash": "fnv1a32", "created": "5",
                "dedupe_key": "01ab00", "cluster": "c l", "group": "odometer-t",
            ])
    }

    @Test func aLedgerKeepsItsNumberOfShards() throws {
        let fixture = try LedgerFixture()
        var connection = try fixture.server.connect()
        let names = fixture.layout
        #expect(try names.ofLedger(on: &connection) == names)
        let old = names.with(shardCount: 64)
        _ = try LedgerRecord.open(&connection, layout: old, proposal: birth)
        let opened = try LedgerRecord.open(&connection, layout: names, proposal: birth)
        #expect(opened.shardCount == 64)
        #expect(try LedgerRecord.read(&connection, layout: names) == opened)
        #expect(try names.ofLedger(on: &connection) == old)

        for count in ["0", "-1", "3", "96", "064", "8192", "many", ""] {
            try connection.command(["HSET", names.ledgerKey, "shards", Array(count.utf8)])
            do throws(LedgerError) {
                _ = try LedgerRecord.read(&connection, layout: names)
                Issue.record("read with \(count) shards")
            } catch {
                #expect(error.code == .otherLayout, "\(count)")
            }
            #expect(throws: LedgerError.self, "\(count)") {
                _ = try names.ofLedger(on: &connection)
            }
        }
    }

    @Test func originsOfATopicAreWrittenOnce() throws {
        let fixture = try LedgerFixture()
        var connection = try fixture.server.connect()
        _ = try LedgerRecord.open(&connection, layout: fixture.layout, proposal: birth)
        let first: [Int32: Origin] = [
            0: Origin(offset: 7, decidedMilliseconds: 1),
            1: Origin(offset: 8, decidedMilliseconds: 1),
        ]
        let second: [Int32: Origin] = [
            0: Origin(offset: 70, decidedMilliseconds: 2),
            2: Origin(offset: 90, decidedMilliseconds: 2),
        ]
        func establish(_ topic: String, _ origins: [Int32: Origin]) throws -> [Int32: Origin] {
            try Origins.establish(&connection, layout: fixture.layout, topic: topic, origins)
        }
        #expect(try establish("usage", first) == first)
        #expect(try establish("usage", second) == first)
        #expect(try establish("usage2", second) == second)
        let added = LogPartition(topic: "usage", partition: 2)
        let zero = Origin(offset: 0, decidedMilliseconds: 3)
        #expect(
            try Origins.add(&connection, layout: fixture.layout, added, zero) == zero)
        #expect(
            try Origins.add(
                &connection, layout: fixture.layout, added,
                Origin(offset: 1, decidedMilliseconds: 4)) == zero
        )
        let record = try LedgerRecord.read(&connection, layout: fixture.layout)
        #expect(record?.origins(of: "usage") == first.merging([2: zero]) { one, _ in one })
        #expect(record?.origins(of: "usage2") == second)
    }

    @Test func theDirectoryKeepsTheLastOffset() throws {
        let fixture = try LedgerFixture()
        var connection = try fixture.server.connect()
        var store = DirectoryStore(layout: fixture.layout, topic: "dir")
        let key = fixture.layout.profileKey(
            organization: Array("acme".utf8), kind: "user", id: Array("u:1".utf8))
        let name = fixture.text(key)
        func change(_ offset: Int64, _ members: [String: String]?) -> DirectoryChange {
            DirectoryChange(
                key: key, offset: offset,
                members: members?.map {
                    .init(name: Array($0.key.utf8), json: Array($0.value.utf8))
                })
        }
        func apply(_ changes: DirectoryChange...) throws -> Int? {
            try store.apply(changes, epoch: 0, on: &connection)
        }
        #expect(try apply(change(9, ["name": "\"A\"", "old": "1", "@offset": "77"])) == 1)
        #expect(try fixture.everything() == [name: ["@offset": "9", "name": "\"A\"", "old": "1"]])
        #expect(try apply(change(9, ["name": "\"B\""]), change(8, nil)) == 0)
        #expect(try fixture.everything() == [name: ["@offset": "9", "name": "\"A\"", "old": "1"]])
        #expect(try apply(change(10, ["name": "\"B\""])) == 1)
        #expect(try fixture.everything() == [name: ["@offset": "10", "name": "\"B\""]])
        #expect(try apply(change(11, nil)) == 1)
        #expect(try fixture.everything() == [name: ["@offset": "11", "@deleted": "1"]])
        #expect(try apply(change(10, ["name": "\"B\""])) == 0)
        #expect(try fixture.everything() == [name: ["@offset": "11", "@deleted": "1"]])

        let many = (0..<1_000).map { index in
            DirectoryChange(
                key: fixture.layout.credentialKey(hash: Array("\(index)".utf8)), offset: 5,
                members: [.init(name: Array("a".utf8), json: Array("1".utf8))])
        }
        #expect(try store.apply(many, epoch: 0, on: &connection) == 1_000)
        #expect(try store.apply(many, epoch: 0, on: &connection) == 0)
        #expect(try store.firstDifference(many, epoch: 0, on: &connection) == nil)
    }

    @Test func theDirectoryMarkOnlyRises() throws {
        let fixture = try LedgerFixture()
        var connection = try fixture.server.connect()
        var store = DirectoryStore(layout: fixture.layout, topic: "dir")
        #expect(
            try store.state(on: &connection) == DirectoryState(mark: nil, witness: nil, epoch: 0))
        func move(_ start: Int64?, _ offset: Int64) throws -> Int64? {
            try store.moveMark(
                from: start, to: offset,
                witness: Fingerprint(offset: offset - 1, timestamp: 7, hash: 9), epoch: 0,
                on: &connection)
        }
        // Gone, so nothing is passed over.
        #expect(try move(9, 10) == nil)
        #expect(try move(nil, 9) == 9)
        #expect(try move(9, 10) == 10)
        #expect(try move(8, 9) == 10)
        // Another process is ahead of who read from 10 on.
        #expect(try move(9, 100) == 100)
        #expect(try move(10, 99) == 100)
        // It went back: what lies between 100 and 101 is missing.
        #expect(try move(101, 105) == 100)
        let state = try store.state(on: &connection)
        #expect(state.mark == 100 && state.witness?.offset == 99 && state.epoch == 0)
        // The mark of an older build has no witness: the same mark brings it.
        try connection.command(
            "HDEL", fixture.text(fixture.layout.ledgerKey), "directory_witness:dir")
        #expect(try store.state(on: &connection).witness == nil)
        #expect(try move(100, 100) == 100)
        #expect(try store.state(on: &connection) == state)
    }

    @Test func anEarlierEpochIsLowerWhateverItsOffset() throws {
        let fixture = try LedgerFixture()
        var connection = try fixture.server.connect()
        var store = DirectoryStore(layout: fixture.layout, topic: "dir")
        let layout = fixture.layout
        func credential(_ hash: String) -> [UInt8] { layout.credentialKey(hash: Array(hash.utf8)) }
        func user(_ id: String) -> [UInt8] {
            layout.profileKey(
                organization: Array("a:c".utf8), kind: "user", id: Array(id.utf8))
        }
        func write(_ key: [UInt8], _ offset: Int64, epoch: Int64) throws -> Int? {
            let member = DirectoryChange.Member(
                name: Array("n".utf8), json: Array("\(epoch)".utf8))
            return try store.apply(
                [DirectoryChange(key: key, offset: offset, members: [member])], epoch: epoch,
                on: &connection)
        }
        for key in [credential("k"), credential("gone"), user("u"), user("gone")] {
            #expect(try write(key, 40, epoch: 0) == 1)
        }
        try connection.command("SET", "\(layout.prefix):1:{3}:x:directory:user:text", "foreign")
        try store.beginEpoch(after: 0, on: &connection)
        // Somebody else who found it, too.
        try store.beginEpoch(after: 0, on: &connection)
        #expect(
            try store.state(on: &connection) == DirectoryState(mark: nil, witness: nil, epoch: 1))
        #expect(
            try store.moveMark(from: nil, to: 9, witness: nil, epoch: 0, on: &connection) == nil)
        // A process that has not heard of it writes no credential any more,
        // and no profile over a newer one.
        #expect(try write(credential("late"), 99, epoch: 0) == nil)
        #expect(try write(credential("k"), 3, epoch: 1) == 1)
        #expect(try write(user("u"), 4, epoch: 1) == 1)
        #expect(try write(user("u"), 99, epoch: 0) == 0)
        #expect(try write(user("u"), 3, epoch: 1) == 0)
        let closed2 = try store.closeOthers(
            epoch: 1, at: 4, redis: fixture.server.configuration, on: &connection)
        #expect(closed2 == 2)
        let closed0 = try store.closeOthers(
            epoch: 1, at: 4, redis: fixture.server.configuration, on: &connection)
        #expect(closed0 == 0)
        let closed = ["@offset": "4", "@epoch": "1", "@deleted": "1"]
        let all = try fixture.everything()
        #expect(all[fixture.text(credential("gone"))] == closed)
        #expect(all[fixture.text(user("gone"))] == closed)
        #expect(
            all[fixture.text(user("u"))] == ["@offset": "4", "@epoch": "1", "n": "1"])
        #expect(try write(user("gone"), 99, epoch: 0) == 0)
        // The log brings it later.
        #expect(try write(user("gone"), 5, epoch: 1) == 1)
        #expect(
            try store.moveMark(from: nil, to: 6, witness: nil, epoch: 1, on: &connection) == 6)
    }

    @Test func serversThatAreNotFitAreNamed() throws {
        let fixture = try LedgerFixture()
        var connection = try fixture.server.connect()
        let good = try ServerCheck(&connection, layout: fixture.layout)
        #expect(good.fatalFindings == [] && good.unchecked == [])
        #expect(good.evictionPolicy == "noeviction")
        try good.validate()
        try connection.command("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
        let evicting = try ServerCheck(&connection, layout: fixture.layout)
        #expect(evicting.fatalFindings.count == 1)
        #expect(throws: LedgerError.self) { try evicting.validate() }
        // Without CONFIG the policy is in INFO.
        try connection.command(
            "ACL", "SETUSER", "odo", "on", ">p", "~*", "+@all", "-config", "-pfadd", "-script|load")
        var configuration = fixture.server.configuration
        configuration.user = "odo"
        configuration.password = "p"
        var limited = try Connection(configuration)
        let checked = try ServerCheck(&limited, layout: fixture.layout)
        #expect(checked.evictionPolicy == "allkeys-lru")
        // EVAL serves where SCRIPT LOAD is forbidden.
        #expect(checked.forbidden == [.run: ["PFADD"]])
        try connection.command("ACL", "SETUSER", "odo", "-eval")
        #expect(
            try ServerCheck(&limited, layout: fixture.layout).forbidden
                == [.run: ["PFADD", "SCRIPT LOAD"]])
        // A user that may touch our keys only is fit.
        try connection.command("CONFIG", "SET", "maxmemory-policy", "noeviction")
        try connection.command(
            "ACL", "SETUSER", "odo", "resetkeys", "~\(fixture.layout.prefix):*", "+@all")
        #expect(try ServerCheck(&limited, layout: fixture.layout).fatalFindings == [])
        try connection.command("ACL", "SETUSER", "odo", "-config", "-pfadd")
        // A user that may not even ask is left unchecked; somebody must have looked at the policy.
        try connection.command("ACL", "SETUSER", "odo", "-acl", "-info", "-config")
        #expect(checked.findings(refill: .complete).filter(\.isFatal).count == 2)
        let unknown = try ServerCheck(&limited, layout: fixture.layout)
        #expect(unknown.fatalFindings.count == 1)
        #expect(unknown.fatalFindings[0].contains("--redis-eviction-checked"))
        let blind = try ServerCheck(
            &limited, layout: fixture.layout, isEvictionChecked: true)
        #expect(blind.fatalFindings == [])
        #expect(
            Set(blind.unchecked) == [
                "access list", "maxmemory-policy (--redis-eviction-checked: a person looked)",
                "evicted keys",
            ])
        // Where it is said, nobody's word counts.
        try connection.command("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
        #expect(
            try ServerCheck(&connection, layout: fixture.layout, isEvictionChecked: true)
                .fatalFindings.count == 1)
    }

    @Test func aRefusedCellIsAskedByReads() throws {
        let fixture = try LedgerFixture()
        var connection = try fixture.server.connect()
        func probe(_ kind: CommitArguments.Kind, _ value: String) throws -> Bool {
            let cell = RefusedCell(
                key: fixture.key("c"), member: Array("f".utf8), kind: kind,
                value: Array(value.utf8), error: "")
            return try RefusalProbe.wouldPass(cell, on: &connection)
        }
        for kind in CommitArguments.Kind.allCases { #expect(try probe(kind, "1")) }
        try connection.command(["SET", fixture.key("c"), "text"])
        for kind in CommitArguments.Kind.allCases { #expect(try !probe(kind, "1")) }
        let hash: [(String, CommitArguments.Kind, String, Bool)] = [
            ("9223372036854775806", .add, "1", true), ("9223372036854775806", .add, "2", false),
            ("x", .add, "1", false), ("01", .add, "1", false), ("12", .maximum, "1", false),
            ("00000000000000000012", .minimum, "1", true),
            ("00000000000000000012", .first, "1", false),
            ("00000000000000000012:", .last, "1", true),
        ]
        for (stands, kind, value, passes) in hash {
            try connection.command(["DEL", fixture.key("c")])
            try connection.command(["HSET", fixture.key("c"), "f", Array(stands.utf8)])
            #expect(try probe(kind, value) == passes, "\(stands) \(kind)")
        }
        try connection.command(["DEL", fixture.key("c")])
        try connection.command(["ZADD", fixture.key("c"), "9007199254740990", "f"])
        #expect(try probe(.score, "1"))
        #expect(try !probe(.score, "2"))
        try connection.command(["DEL", fixture.key("c")])
        try connection.command(["PFADD", fixture.key("c"), "f"])
        #expect(try probe(.distinct, "x"))
    }

    @Test func aResetShardBeginsAtItsOrigins() throws {
        let fixture = try LedgerFixture()
        try fixture.prepare()
        var connection = try fixture.server.connect()
        let profile = fixture.key("acme:directory:user:u")
        try connection.command(["HSET", profile, "@offset", "1"])
        try connection.command(["HSET", fixture.marksKey, "!torn", "why"])
        try connection.command(["HSET", fixture.auditKey, "usage/0:delivered", "4"])
        for index in 0..<2_500 {
            try connection.command(["HSET", fixture.key("acme:m\(index):all"), "f", "1"])
        }
        let other = fixture.layout.marksKey(shard: 33)
        try connection.command(["HSET", other, "usage/0", "1"])
        try ShardReset.run(
            &connection, redis: fixture.server.configuration, layout: fixture.layout,
            shard: fixture.shard, contract: ContractStamp(number: 1, digest: "abc"),
            origins: [fixture.partition: Origin(offset: 40, decidedMilliseconds: 1)])
        let birth = try #require(try fixture.field("marks", "!birth"))
        #expect(
            try fixture.everything() == [
                fixture.text(profile): ["@offset": "1"],
                fixture.text(fixture.marksKey): [
                    "!contract": "1:abc", "usage/0": "40", "!birth": birth,
                ],
                fixture.text(fixture.auditKey): ["!birth": birth],
                fixture.text(other): ["usage/0": "1"],
            ])
    }
}
