import Redis
import TestSupport
import Testing

@testable import Ledger

/// Dumps of keys that have a limit, that end in the past, or that are there with another type.
@Suite struct DumpLimitTests {
    private func digits(_ number: Int) -> [UInt8] { Array("0000000000000000000\(number)".utf8) }

    private func addHash(
        _ name: String, _ fixture: LedgerFixture, limits: [UInt8] = [], expiry: Int64? = nil,
        _ counts: [(String, Int64)], least: [(String, Int)] = [],
        to arguments: inout CommitArguments
    ) {
        var values = KeyDump()
        for (member, count) in counts {
            Array(member.utf8).withUnsafeBytes { values.append($0, number: count) }
        }
        for (member, number) in least {
            Array(member.utf8).withUnsafeBytes { member in
                digits(number).withUnsafeBytes { values.append(member, value: $0) }
            }
        }
        fixture.key(name).withUnsafeBytes { key in
            limits.withUnsafeBytes {
                arguments.addHash(
                    key: key, expirySecond: expiry, limits: $0, &values, keptCount: least.count)
            }
        }
        for (member, _) in least {
            Array(member.utf8).withUnsafeBytes { arguments.addKept(.minimum, member: $0) }
        }
    }

    private func applied(_ fixture: LedgerFixture, _ arguments: inout CommitArguments) throws {
        var committer = try fixture.committer()
        #expect(committer.commit(&arguments) == .applied(zerosLeft: 0))
    }

    @Test func aDumpOfMoreMembersThanItsLimitKeepsTheLimitAndItsExpiry() throws {
        let fixture = try LedgerFixture()
        try fixture.prepare()
        var arguments = fixture.begun()
        addHash(
            "k", fixture, limits: "2", expiry: fixture.later, [("a", 1), ("b", 2), ("c", 3)],
            to: &arguments)
        try applied(fixture, &arguments)
        #expect(
            try fixture.everything()[fixture.name("k")]
                == ["a": "1", "b": "2", "__other__": "3", "<expiry>": String(fixture.later)])
    }

    @Test func theLimitHoldsForTheEntriesOfAKeyThatIsThere() throws {
        let fixture = try LedgerFixture()
        try fixture.prepare()
        var first = fixture.begun()
        first.beginGroup(
            .add, key: fixture.key("kin:all"), expirySecond: fixture.later, limits: "F3")
        first.addEntry(member: "calls:a", delta: 1)
        first.addScores(key: fixture.key("z"), [("a", 1), ("b", 1)])
        try applied(fixture, &first)
        var second = fixture.begun(from: 110, to: 120)
        addHash(
            "kin:all", fixture, limits: "F3", expiry: fixture.later + 7, [("calls:b", 2)],
            least: [("least:a", 5), ("least:c", 4)], to: &second)
        var scores = KeyDump()
        for (member, score) in [("c", 3), ("d", 4)] as [(String, Int64)] {
            Array(member.utf8).withUnsafeBytes { scores.append($0, number: score) }
        }
        fixture.key("z").withUnsafeBytes { key in
            Array("3".utf8).withUnsafeBytes {
                second.addUnion(key: key, expirySecond: nil, limits: $0, isNew: true, &scores)
            }
        }
        try applied(fixture, &second)
        let found = try fixture.everything()
        #expect(
            found[fixture.name("kin:all")] == [
                "calls:a": "1", "calls:b": "2", "least:a": fixture.text(digits(5)),
                "least:__other__": fixture.text(digits(4)), "<expiry>": String(fixture.later),
            ])
        #expect(found[fixture.name("z")] == ["a": "1", "b": "1", "c": "3", "__other__": "4"])
    }

    @Test func aDumpAsksWhetherItsScopeIsAdmitted() throws {
        let fixture = try LedgerFixture()
        try fixture.prepare()
        var committer = try fixture.committer()
        let register = fixture.layout.scopesKey(shard: fixture.shard)
        var first = fixture.begun()
        addHash("org:s=a:m:all", fixture, limits: "/1", [("x", 1)], to: &first)
        first.addRegister(key: register, refused: [])
        #expect(committer.commit(&first) == .applied(zerosLeft: 0))
        let before = try fixture.everything()
        #expect(before[fixture.name("scopes")] == ["org:s": "1", "org:s=a": "1"])
        var second = fixture.begun(from: 110, to: 120)
        addHash("org:s=b:m:all", fixture, limits: "/1", [("x", 1)], to: &second)
        second.addRegister(key: register, refused: [])
        #expect(
            committer.commit(&second)
                == .scopes([ScopeVerdict(scope: "org:s=b", state: .refused)]))
        #expect(try fixture.everything() == before)
    }

    /// RESTORE takes no time before 1970, and a key without one would stay for ever.
    @Test func aDumpThatEndedBefore1970IsNotMade() throws {
        let fixture = try LedgerFixture()
        try fixture.prepare()
        var arguments = fixture.begun()
        addHash("k", fixture, expiry: -5, [("a", 1)], to: &arguments)
        try applied(fixture, &arguments)
        #expect(try fixture.everything()[fixture.name("k")] == nil)
    }

    @Test func whatAKeyOfAnotherTypeRefusesIsParkedWithItsExpiry() throws {
        let fixture = try LedgerFixture()
        try fixture.prepare()
        var connection = try fixture.server.connect()
        try connection.command(["SET", fixture.key("k"), "text"])
        var arguments = fixture.begun()
        addHash(
            "k", fixture, expiry: fixture.later, [("a", 1)], least: [("b", 2), ("c", 3)],
            to: &arguments)
        try applied(fixture, &arguments)
        let (end, key) = (fixture.later, fixture.name("k"))
        #expect(
            try fixture.parked() == [
                "H \(end) \(key) a": "1", "m \(end) \(key) b": fixture.text(digits(2)),
                "m \(end) \(key) c": fixture.text(digits(3)),
            ])
    }

    /// Of several least values that are looked at together, one does not take its new value.
    @Test func aValueThatIsNoLeastOneIsNotOverwritten() throws {
        let fixture = try LedgerFixture()
        try fixture.prepare()
        var connection = try fixture.server.connect()
        try connection.command(["HSET", fixture.key("k"), "a", "9", "b", digits(9)])
        var arguments = fixture.begun()
        arguments.beginGroup(.minimum, key: fixture.key("k"))
        arguments.addEntry(member: "a", value: digits(1))
        arguments.addEntry(member: "b", value: digits(2))
        try applied(fixture, &arguments)
        #expect(
            try fixture.everything()[fixture.name("k")]
                == ["a": "9", "b": fixture.text(digits(2))])
        #expect(try fixture.parked() == ["m 0 \(fixture.name("k")) a": fixture.text(digits(1))])
    }
}
