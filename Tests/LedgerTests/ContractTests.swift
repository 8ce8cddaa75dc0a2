import Ledger
import Redis
import TestSupport
import Testing

/// The contract: its text, how two of them compare, and how a ledger moves from one to another.
@Suite struct ContractTests {
    let layout = KeyLayout(prefix: "t")
    let birth = LedgerRecord.Birth(
        createdMilliseconds: 5, dedupeKey: [1, 2], cluster: "c 1\n:", group: "odometer-é")

    func contract(
        _ meters: [String: String], bounds: [(name: String, value: Int64)] = [("future", 300)],
        events: [String: String] = ["e": "1"], window: Int = 1_048_576
    ) -> Contract {
        Contract(
            layout: layout, birth: birth, dedupeWindow: window, bounds: bounds,
            events: events.map { ($0.key, $0.value) }, meters: meters.map { ($0.key, $0.value) })
    }

    @Test func theTextIsCanonicalAndComesBack() throws {
        let one = contract(["a": "1", "b": "2", "é ": "3"])
        let same = Contract(
            layout: layout, birth: birth, dedupeWindow: 1_048_576, bounds: [("future", 300)],
            events: [("e", "1")], meters: [("é ", "3"), ("b", "2"), ("a", "1")])
        #expect(one.text == same.text && one.digest == same.digest)
        #expect(Contract(text: one.text) == one)
        #expect(one.digest.utf8.count == 32)
        #expect(one.digest != contract(["a": "1", "b": "2"]).digest)
        #expect(Contract(text: "nothing") == nil)
        #expect(Contract(text: one.text.replacing("shards 256", with: "shards x")) == nil)
        let stamp = ContractStamp(number: 3, digest: one.digest)
        #expect(ContractStamp(text: String(decoding: stamp.text, as: UTF8.self)) == stamp)
        #expect(ContractStamp(text: "0:a") == nil && ContractStamp(text: "a") == nil)
    }

    @Test func relations() {
        let stored = contract(["a": "1", "b": "2"])
        #expect(stored.relation(to: stored) == .same)
        #expect(
            contract(["a": "1", "b": "2", "c": "3"]).relation(to: stored)
                == .superset(added: ["c"]))
        #expect(contract(["a": "1"]).relation(to: stored) == .different(["meter b"]))
        #expect(contract(["a": "1", "b": "9"]).relation(to: stored) == .different(["meter b"]))
        #expect(
            contract(["a": "1", "b": "2"], events: ["e": "2"]).relation(to: stored)
                == .different(["event e"]))
        #expect(
            contract(["a": "1", "b": "2"], bounds: [("future", 1)], window: 5)
                .relation(to: stored) == .different(["dedupe window", "bounds"]))
        let known = contract(["a": "1"], events: ["e": "1"])
        #expect(
            contract(["a": "1"], events: ["e": "1", "f": "1", "f/x": "1"]).relation(to: known)
                == .superset(added: []))
        #expect(
            contract(["a": "1"], events: ["e": "1", "e/x": "1"]).relation(to: known)
                == .different(["new field e/x of a known event"]))
        // Unknown is not another cluster; one that is known is.
        var unknown = stored
        unknown.cluster = ""
        #expect(stored.relation(to: unknown) == .superset(added: []))
        #expect(unknown.relation(to: stored) == .different(["cluster"]))
        var other = stored
        other.shardCount = 32
        other.shardHash = "x"
        #expect(other.relation(to: stored) == .incompatible(["shards", "hash"]))
    }

    @Test func aLedgerMovesFromContractToContract() throws {
        let fixture = try LedgerFixture()
        var connection = try fixture.server.connect()
        _ = try LedgerRecord.open(&connection, layout: layout, proposal: birth)
        func adopt(_ contract: Contract, accept: Bool = false) throws -> ContractStamp {
            try ContractMove.adopt(&connection, layout: layout, contract, accept: accept)
        }
        func field(_ name: String, shard: Int) throws -> String? {
            try fixture.everything()[fixture.text(layout.marksKey(shard: shard))]?[name]
        }
        let first = contract(["a": "1"])
        #expect(try adopt(first) == ContractStamp(number: 1, digest: first.digest))
        #expect(try adopt(first).number == 1)
        #expect(try field("!contract", shard: 255) == "1:" + first.digest)
        #expect(try field("!since:1", shard: 255) == nil)
        try Marks.createAbsent(
            &connection, layout: layout, at: [(LogPartition(topic: "u", partition: 1), 4)])

        let wider = contract(["a": "1", "b": "2"])
        #expect(try adopt(wider).number == 2)
        #expect(try field("!contract", shard: 0) == "2:" + wider.digest)
        #expect(try field("!since:2", shard: 0) == "u/1=4")
        var record = try LedgerRecord.read(&connection, layout: layout)
        #expect(record?.since == ["a": 1, "b": 2])
        #expect(record?.contractText == wider.text && record?.contractNumber == 2)

        // The narrower one needs a person's word; until then nothing changes.
        let before = try fixture.everything()
        do throws(LedgerError) {
            _ = try ContractMove.adopt(&connection, layout: layout, first, accept: false)
            Issue.record("moved without a word")
        } catch {
            #expect(error.code == .contractDiffers && error.message.contains("meter b"))
        }
        #expect(try fixture.everything() == before)
        let changed = contract(["a": "9", "c": "3"])
        #expect(try adopt(changed, accept: true).number == 3)
        record = try LedgerRecord.read(&connection, layout: layout)
        #expect(record?.since == ["a": 3, "c": 3])
    }

    @Test func theLedgerSaysHowManyDecimalsAMeterHas() throws {
        let fixture = try LedgerFixture()
        var connection = try fixture.server.connect()
        _ = try LedgerRecord.open(&connection, layout: layout, proposal: birth)
        func scales() throws -> [String: String] {
            try fixture.everything()[fixture.text(layout.ledgerKey)]?
                .filter { $0.key.hasPrefix("scale:") } ?? [:]
        }
        func adopt(_ meters: [String: String], _ scales: [String: Int]) throws {
            _ = try ContractMove.adopt(
                &connection, layout: layout, contract(meters), scales: scales, accept: true)
        }
        try adopt(["a": "1", "b": "2"], ["a": 6])
        #expect(try scales() == ["scale:a": "6"])
        try adopt(["a": "1", "b": "2"], ["a": 6])
        #expect(try scales() == ["scale:a": "6"])
        try adopt(["a": "3", "b": "2", "c": "5"], ["a": 6, "c": 12])
        #expect(try scales() == ["scale:a": "6", "scale:c": "12"])
        // The cells of a meter that is gone stay, and so does their scale.
        try adopt(["a": "3"], ["a": 6])
        #expect(try scales() == ["scale:a": "6", "scale:b": "0", "scale:c": "12"])
        try adopt(["a": "3", "b": "2"], ["a": 6])
        #expect(try scales() == ["scale:a": "6", "scale:b": "0", "scale:c": "12"])
    }

    /// Cells stay as they are when a contract moves, so numbers of two scales would be added up.
    @Test func decimalsOfAKnownMeterAreNeverChanged() throws {
        let fixture = try LedgerFixture()
        var connection = try fixture.server.connect()
        _ = try LedgerRecord.open(&connection, layout: layout, proposal: birth)
        func adopt(_ meters: [String: String], _ scales: [String: Int]) throws {
            _ = try ContractMove.adopt(
                &connection, layout: layout, contract(meters), scales: scales, accept: true)
        }
        try adopt(["a": "1", "b": "2", "c": "3"], ["a": 6])
        try adopt(["a": "1"], ["a": 6])
        let before = try fixture.everything()
        for (meters, scales) in [
            (["a": "4"], ["a": 2]), (["a": "4"], [:]), (["a": "1", "b": "4"], ["a": 6, "b": 2]),
        ] as [([String: String], [String: Int])] {
            let error = #expect(throws: LedgerError.self) { try adopt(meters, scales) }
            #expect(error?.code == .otherLayout && error?.message.contains("decimals") ?? false)
        }
        #expect(try fixture.everything() == before)
        try adopt(["a": "1", "c": "3"], ["a": 6])
    }

    @Test func aMoveThatACrashCutIsFinishedByTheNextStart() throws {
        let fixture = try LedgerFixture()
        var connection = try fixture.server.connect()
        _ = try LedgerRecord.open(&connection, layout: layout, proposal: birth)
        let first = contract(["a": "1"])
        let wider = contract(["a": "1", "b": "2"])
        let old = try ContractMove.adopt(&connection, layout: layout, first, accept: false)
        let new = try ContractMove.adopt(&connection, layout: layout, wider, accept: false)
        // As if the crash had come after the ledger and the shards below 40.
        for shard in 40..<layout.shardCount {
            try connection.command(["HSET", layout.marksKey(shard: shard), "!contract", old.text])
        }
        #expect(try ContractMove.adopt(&connection, layout: layout, wider, accept: false) == new)
        let marks = try Marks.read(&connection, layout: layout, partitions: [])
        #expect(
            Set(marks.map(\.contract)) == [String(decoding: new.text, as: UTF8.self)])
    }

    @Test func aShardWithAHigherNumberStopsTheStart() throws {
        let fixture = try LedgerFixture()
        var connection = try fixture.server.connect()
        _ = try LedgerRecord.open(&connection, layout: layout, proposal: birth)
        let first = contract(["a": "1"])
        let stamp = try ContractMove.adopt(&connection, layout: layout, first, accept: false)
        for (standing, code) in [
            ("2:x", LedgerError.Code.contractMovedOn), ("1:x", .corrupt), ("?", .corrupt),
        ] {
            try connection.command([
                "HSET", layout.marksKey(shard: 9), "!contract", Array(standing.utf8),
            ])
            do throws(LedgerError) {
                _ = try ContractMove.adopt(&connection, layout: layout, first, accept: true)
                Issue.record("adopted over \(standing)")
            } catch {
                #expect(error.code == code)
            }
        }
        try connection.command(["HDEL", layout.marksKey(shard: 9), "!contract"])
        #expect(try ContractMove.adopt(&connection, layout: layout, first, accept: false) == stamp)
    }
}
