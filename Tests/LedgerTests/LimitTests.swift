import Foundation
import Ledger
import Redis
import TestSupport
import Testing

/// Values beyond a limit: which are kept apart, what goes to
/// `__other__`, and that a refusal undoes it.
@Suite struct LimitTests {
    private static let kinds: [CommitArguments.Kind] = [
        .add, .score, .minimum, .maximum, .first, .last,
    ]

    private func add(
        _ fixture: LedgerFixture, _ kind: CommitArguments.Kind, _ values: [(String, Int)],
        to arguments: inout CommitArguments
    ) {
        arguments.beginGroup(kind, key: fixture.key("k"), expirySecond: fixture.later, limits: "2")
        for (name, number) in values {
            let digits = Array("0000000000000000000\(number)".utf8)
            switch kind {
            case .add, .score: arguments.addEntry(member: Array(name.utf8), delta: Int64(number))
            case .minimum, .maximum: arguments.addEntry(member: Array(name.utf8), value: digits)
            default: arguments.addEntry(member: Array(name.utf8), value: digits + ":v")
            }
        }
    }

    @Test(arguments: kinds)
    func valuesBeyondTheLimitOfAKeyAreCountedAsOne(
        kind: CommitArguments.Kind
    ) throws {
        let fixture = try LedgerFixture()
        try fixture.prepare()
        var committer = try fixture.committer()
        var first = fixture.begun()
        add(fixture, kind, [("a", 3), ("b", 4), ("c", 5), ("d", 6)], to: &first)
        #expect(committer.commit(&first) == .applied(zerosLeft: 0))
        // A value that is in `__other__` stays there; one that was kept apart stays apart.
        var second = fixture.begun(from: 110, to: 120)
        add(fixture, kind, [("c", 1), ("a", 2)], to: &second)
        #expect(committer.commit(&second) == .applied(zerosLeft: 0))
        let numbers: [String: Int] =
            switch kind {
            case .add, .score: ["a": 5, "b": 4, "__other__": 12]
            case .minimum, .first: ["a": 2, "b": 4, "__other__": 1]
            default: ["a": 3, "b": 4, "__other__": 6]
            }
        let expected = numbers.mapValues { number in
            switch kind {
            case .add, .score: "\(number)"
            case .minimum, .maximum: "0000000000000000000\(number)"
            default: "0000000000000000000\(number):v"
            }
        }
        var stands = try fixture.everything()[fixture.name("k")]
        stands?["<expiry>"] = nil
        #expect(stands == expected)
    }

    @Test func theDumpOfARankingThatHasNoRoomForAllGoesMemberByMember() throws {
        let fixture = try LedgerFixture()
        try fixture.prepare()
        var committer = try fixture.committer()
        for (from, scores) in [
            (100, [("a", 1), ("b", 2), ("c", 3)]), (110, [("c", 4), ("a", 5)]),
        ] {
            var arguments = fixture.begun(from: Int64(from), to: Int64(from) + 10)
            arguments.addScores(
                key: fixture.key("z"), limits: "2", scores.map { ($0.0, Int64($0.1)) })
            #expect(committer.commit(&arguments) == .applied(zerosLeft: 0))
        }
        let stands = try fixture.everything()[fixture.name("z")]
        #expect(stands == ["a": "6", "b": "2", "__other__": "7"])
    }

    @Test func aTupleBeyondTheLimitHasAsManyOthersAsItHasParts() throws {
        let fixture = try LedgerFixture()
        try fixture.prepare()
        var committer = try fixture.committer()
        var arguments = fixture.begun()
        arguments.beginGroup(.add, key: fixture.key("k"), limits: "1")
        for name in ["a:x:", "b::y", "c::"] {
            arguments.addEntry(member: Array(name.utf8), delta: 1)
        }
        #expect(committer.commit(&arguments) == .applied(zerosLeft: 0))
        let stands = try fixture.everything()[fixture.name("k")]
        #expect(stands == ["a:x:": "1", "__other__:__other__:__other__": "2"])
    }

    /// A value at 0 would leave its place to one that is in `__other__` already.
    @Test func inAFullKeyAValueAt0KeepsItsPlace() throws {
        let fixture = try LedgerFixture()
        try fixture.prepare()
        var committer = try fixture.committer()
        var from: Int64 = 100
        for entries in [[("a", 1), ("b", 1), ("c", 1)], [("a", -1)], [("c", 1), ("a", 7)]] {
            var arguments = fixture.begun(from: from, to: from + 10)
            arguments.beginGroup(.add, key: fixture.key("k"), limits: "2")
            for (name, delta) in entries {
                arguments.addEntry(member: Array(name.utf8), delta: Int64(delta))
            }
            #expect(committer.commit(&arguments) == .applied(zerosLeft: 0))
            from += 10
            if from == 120 {
                let stands = try fixture.everything()[fixture.name("k")]
                #expect(stands == ["a": "0", "b": "1", "__other__": "1"])
            }
        }
        let stands = try fixture.everything()[fixture.name("k")]
        #expect(stands == ["a": "7", "b": "1", "__other__": "2"])
    }

    @Test func aRefusedCommitLeavesFullKeysAndTheRegisterAsTheyWere() throws {
        let fixture = try LedgerFixture()
        try fixture.prepare()
        var committer = try fixture.committer()
        var first = fixture.begun()
        for key in ["k", "org:s=a:m:all"] {
            arguments(fixture, key, [("a", 1), ("b", 1), ("c", 0)], &first)
        }
        first.addRegister(key: fixture.layout.scopesKey(shard: fixture.shard), refused: [])
        #expect(committer.commit(&first) == .applied(zerosLeft: 0))
        var second = fixture.begun(from: 110, to: 120)
        arguments(fixture, "k", [("a", -1)], &second)
        #expect(committer.commit(&second) == .applied(zerosLeft: 0))
        var connection = try fixture.server.connect()
        // What a cell refuses cannot be parked: all of the commit is undone.
        try connection.command(["HSET", fixture.key("bad"), "f", "text"])
        try connection.command(["SET", fixture.key("parked"), "text"])
        let before = try fixture.everything()
        #expect(before[fixture.name("k")]?["a"] == "0")
        var third = fixture.begun(from: 120, to: 130)
        arguments(fixture, "k", [("a", 5), ("b", 5), ("c", 5), ("d", 5)], &third)
        arguments(fixture, "org:s=b:m:all", [("a", 5)], &third)
        arguments(fixture, "org:s=b:m:day:2026-03-09", [("a", 5)], &third)
        third.addRegister(key: fixture.layout.scopesKey(shard: fixture.shard), refused: [])
        third.beginGroup(.add, key: fixture.key("bad"))
        third.addEntry(member: "f", delta: 1)
        guard case .cellRefused = committer.commit(&third) else {
            Issue.record("the commit was not refused")
            return
        }
        #expect(try fixture.everything() == before)
    }

    private func arguments(
        _ fixture: LedgerFixture, _ key: String, _ entries: [(String, Int64)],
        _ arguments: inout CommitArguments
    ) {
        arguments.beginGroup(.add, key: fixture.key(key), limits: "2/2")
        for (name, delta) in entries {
            arguments.addEntry(member: Array(name.utf8), delta: delta)
        }
    }

    @Test func whatAFullKeyRefusesForOthersIsParkedAndComesBackThere() throws {
        let fixture = try LedgerFixture()
        try fixture.prepare()
        var committer = try fixture.committer()
        var first = fixture.begun()
        arguments(fixture, "k", [("a", 1), ("b", 1), ("c", 1)], &first)
        #expect(committer.commit(&first) == .applied(zerosLeft: 0))
        var connection = try fixture.server.connect()
        try connection.command(["HSET", fixture.key("k"), "__other__", "text"])
        var second = fixture.begun(from: 110, to: 120)
        arguments(fixture, "k", [("c", 5), ("d", 6), ("a", 1)], &second)
        #expect(committer.commit(&second) == .applied(zerosLeft: 0))
        let parked = try fixture.everything()[fixture.name("parked")]
        #expect(parked == ["H 0 \(fixture.name("k")) __other__": "11"])
        try connection.command(["HSET", fixture.key("k"), "__other__", "1"])
        // As if it had been parked before the key was full.
        try connection.command([
            "HSET", fixture.key("parked"), Array("H 0 \(fixture.name("k")) e".utf8), "3",
        ])
        var cursor = ParkedCells.begin
        let left = try ParkedCells.retry(
            &connection, layout: fixture.layout, shard: fixture.shard, contract: fixture.contract,
            cursor: &cursor)
        #expect(left == 0)
        let stands = try fixture.everything()[fixture.name("k")]
        #expect(stands == ["a": "2", "b": "1", "__other__": "15"])
    }

    // MARK: Scopes

    @Test func aScopeBeyondTheLimitIsAnsweredAndChangesNothing() throws {
        let fixture = try LedgerFixture()
        try fixture.prepare()
        var committer = try fixture.committer()
        let register = fixture.layout.scopesKey(shard: fixture.shard)
        func commit(_ scopes: [String], refused: [String] = []) -> CommitOutcome {
            var call = fixture.begun()
            for scope in scopes {
                arguments(fixture, "org:\(scope):m:day:2026-03-09", [("a", 1)], &call)
                arguments(fixture, "org:\(scope):m:all", [("a", 1)], &call)
            }
            call.addRegister(
                key: register, refused: refused.map { (scope: Array("org:\($0)".utf8), most: 2) })
            return committer.commit(&call)
        }
        let before = try fixture.everything()
        // All want to join, one has no room; the others are told that they will.
        #expect(
            commit(["s=x", "s=y=z", "s=w"])
                == .scopes([
                    ScopeVerdict(scope: "org:s=w", state: .refused),
                    ScopeVerdict(scope: "org:s=x", state: .admitted),
                    ScopeVerdict(scope: "org:s=y=z", state: .admitted),
                ]))
        #expect(try fixture.everything() == before)
        // What nobody has to refuse yet is not refused by belief.
        #expect(
            commit(["s=x"], refused: ["s=w"])
                == .scopes([ScopeVerdict(scope: "org:s=w", state: .room)]))
        #expect(try fixture.everything() == before)
        #expect(commit(["s=x", "s=y=z"], refused: ["s=w"]) == .applied(zerosLeft: 0))
        let stands = try fixture.everything()[fixture.name("scopes")]
        #expect(stands == ["org:s": "2", "org:s=x": "1", "org:s=y=z": "1"])
    }

    @Test func aScopeOfAnotherListOfDimensionsHasALimitOfItsOwn() throws {
        let fixture = try LedgerFixture()
        try fixture.prepare()
        var committer = try fixture.committer()
        var call = fixture.begun()
        for scope in ["s=x", "s=x:t=1", "s=x:t=2", "s=y"] {
            arguments(fixture, "org:\(scope):m:all", [("a", 1)], &call)
        }
        call.addRegister(key: fixture.layout.scopesKey(shard: fixture.shard), refused: [])
        #expect(committer.commit(&call) == .applied(zerosLeft: 0))
        let stands = try fixture.everything()[fixture.name("scopes")]
        #expect(stands?.count == 6)
        #expect(stands?["org:s"] == "2" && stands?["org:s:t"] == "2")
    }

    @Test func aScopeWhoseKeysAreThereFromBeforeTheLimitIsTakenIn() throws {
        let fixture = try LedgerFixture()
        try fixture.prepare()
        var connection = try fixture.server.connect()
        for scope in ["x", "y", "z"] {
            try connection.command(["HSET", fixture.key("org:s=\(scope):m:all"), "a", "1"])
        }
        var committer = try fixture.committer()
        var call = fixture.begun()
        for scope in ["x", "y", "z"] {
            arguments(fixture, "org:s=\(scope):m:all", [("a", 1)], &call)
            arguments(fixture, "org:s=\(scope):m:day:2026-03-09", [("a", 1)], &call)
        }
        call.addRegister(key: fixture.layout.scopesKey(shard: fixture.shard), refused: [])
        #expect(committer.commit(&call) == .applied(zerosLeft: 0))
        #expect(try fixture.everything()[fixture.name("scopes")]?["org:s"] == "3")
    }
}
