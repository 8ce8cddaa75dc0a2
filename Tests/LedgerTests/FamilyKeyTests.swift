import Ledger
import Redis
import TestSupport
import Testing

/// Keys that several meters share: groups of several kinds name one key, and members begin with
/// `METER:`.
@Suite struct FamilyKeyTests {
    private func fill(
        _ arguments: inout CommitArguments, _ fixture: LedgerFixture,
        calls: [(String, Int64)] = [], least: [(String, Int)] = []
    ) {
        if !calls.isEmpty {
            arguments.beginGroup(
                .add, key: fixture.key("kin:all"), expirySecond: fixture.later, limits: "F3")
        }
        for (name, delta) in calls {
            arguments.addEntry(member: Array("calls:\(name)".utf8), delta: delta)
        }
        if !least.isEmpty {
            arguments.beginGroup(
                .minimum, key: fixture.key("kin:all"), expirySecond: fixture.later, limits: "F3")
        }
        for (name, number) in least {
            arguments.addEntry(
                member: Array("least:\(name)".utf8),
                value: Array("0000000000000000000\(number)".utf8))
        }
    }

    private func digits(_ number: Int) -> String { "0000000000000000000\(number)" }

    /// The first group makes the key, the second one names it again: it expires all the same.
    @Test func theLimitCountsTheFieldsOfAllMetersAndEachHasItsOther() throws {
        let fixture = try LedgerFixture()
        try fixture.prepare()
        var committer = try fixture.committer()
        var first = fixture.begun()
        fill(
            &first, fixture, calls: [("a", 1), ("b:x", 2)],
            least: [("a", 5), ("b:x", 4), ("c:y", 3), ("d:z", 2)])
        #expect(committer.commit(&first) == .applied(zerosLeft: 0))
        var cells = [
            "calls:a": "1", "calls:b:x": "2", "least:a": digits(5),
            "least:__other__:__other__": digits(2), "<expiry>": String(fixture.later),
        ]
        #expect(try fixture.everything()[fixture.name("kin:all")]?.count == cells.count)
        #expect(try fixture.everything()[fixture.name("kin:all")] == cells)
        // A new value of the other meter has no room either; a cell at 0 keeps its place.
        var second = fixture.begun(from: 110, to: 120)
        fill(&second, fixture, calls: [("a", -1), ("e", 7)], least: [("a", 1)])
        #expect(committer.commit(&second) == .applied(zerosLeft: 0))
        cells["calls:a"] = "0"
        cells["calls:__other__"] = "7"
        cells["least:a"] = digits(1)
        #expect(try fixture.everything()[fixture.name("kin:all")] == cells)
    }

    @Test func aRefusedCommitRemovesTheKeyThatItMade() throws {
        let fixture = try LedgerFixture()
        try fixture.prepare()
        var committer = try fixture.committer()
        var connection = try fixture.server.connect()
        // What a cell refuses cannot be parked: all of the commit is undone.
        try connection.command(["HSET", fixture.key("bad"), "f", "text"])
        try connection.command(["SET", fixture.key("parked"), "text"])
        for round in 0..<2 {
            let before = try fixture.everything()
            var arguments = fixture.begun(from: round == 0 ? 100 : 110, to: 120)
            fill(
                &arguments, fixture, calls: [("a", 1), ("b", 2), ("c", 3), ("d", 4)],
                least: [("a", 0), ("e", 1)])
            arguments.beginGroup(.maximum, key: fixture.key("bad"))
            arguments.addEntry(member: "f", value: Array(digits(1).utf8))
            guard case .cellRefused = committer.commit(&arguments) else {
                Issue.record("not refused")
                return
            }
            var after = try fixture.everything()
            for member in ["!begun", "!done"] {
                if after[fixture.text(fixture.marksKey)]?[member] == "0" {
                    after[fixture.text(fixture.marksKey)]?[member] = nil
                }
            }
            #expect(after == before, "round \(round)")
            // The second time the key is there.
            guard round == 0 else { continue }
            var first = fixture.begun()
            fill(&first, fixture, calls: [("a", 1)], least: [("a", 5)])
            #expect(committer.commit(&first) == .applied(zerosLeft: 0))
        }
    }

    /// A parked change knows that the first part of its member is a meter.
    @Test func whatIsParkedGoesToTheOtherOfItsMeter() throws {
        let fixture = try LedgerFixture()
        try fixture.prepare()
        var committer = try fixture.committer()
        var connection = try fixture.server.connect()
        try connection.command(["SET", fixture.key("kin:all"), "text"])
        var first = fixture.begun()
        fill(&first, fixture, calls: [("n", 5)], least: [("n", 3)])
        #expect(committer.commit(&first) == .applied(zerosLeft: 0))
        let key = fixture.name("kin:all")
        #expect(
            try fixture.everything()[fixture.name("parked")] == [
                "HF \(fixture.later) \(key) calls:n": "5",
                "mF \(fixture.later) \(key) least:n": digits(3),
            ])
        try connection.command(["DEL", fixture.key("kin:all")])
        var second = fixture.begun(from: 110, to: 120)
        fill(&second, fixture, calls: [("a", 1), ("b", 1), ("c", 1), ("d", 2)])
        #expect(committer.commit(&second) == .applied(zerosLeft: 0))
        var cursor = ParkedCells.begin
        let left = try ParkedCells.retry(
            &connection, layout: fixture.layout, shard: fixture.shard, contract: fixture.contract,
            cursor: &cursor)
        #expect(left == 0)
        #expect(
            try fixture.everything()[key] == [
                "calls:a": "1", "calls:b": "1", "calls:c": "1", "calls:__other__": "7",
                "least:n": digits(3), "<expiry>": String(fixture.later),
            ])
    }

    /// A key that any of its meters has filled is full: a cell at 0 keeps its place.
    @Test func aZeroStaysWhereAnotherMeterHasItsOther() throws {
        let fixture = try LedgerFixture()
        try fixture.prepare()
        var connection = try fixture.server.connect()
        let key = fixture.name("kin:all")
        try connection.command("HSET", key, "sums:a", "5", "calls:b", "1", "calls:__other__", "2")
        try connection.command("HSET", fixture.name("parked"), "HF 0 \(key) sums:a", "-5")
        var cursor = ParkedCells.begin
        let left = try ParkedCells.retry(
            &connection, layout: fixture.layout, shard: fixture.shard, contract: fixture.contract,
            cursor: &cursor)
        #expect(left == 0)
        #expect(
            try fixture.everything()[key]
                == ["sums:a": "0", "calls:b": "1", "calls:__other__": "2"])
    }
}
