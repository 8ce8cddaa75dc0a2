import Redis
import TestSupport
import Testing

@testable import Ledger

/// Keys that are made of a dump where they are absent.
@Suite struct KeyDumpTests {
    private let none = UnsafeRawBufferPointer(start: nil, count: 0)
    private let twenty = "00000000000000000007"

    /// Texts that Redis keeps as they are, and others that it writes as numbers of each length.
    private let texts = [
        "a", "07", "-0", "0", "-", "1415", "+1", "1e3", "127", "128", "-1", "-4096", "-4097",
        "4095",
        "4096", "32767", "-32768", "32768", "8388607", "-8388608", "8388608", "2147483647",
        "-2147483648", "2147483648", "9223372036854775807", "-9223372036854775807",
        "9223372036854775808", "00000000000000000007", "é", "12345678901234567890123",
    ]

    private func dump(_ entries: [(String, String)]) -> KeyDump {
        var dump = KeyDump()
        for (member, value) in entries {
            Array(member.utf8).withUnsafeBytes { member in
                Array(value.utf8).withUnsafeBytes { dump.append(member, value: $0) }
            }
        }
        return dump
    }

    @Test func aHashIsWrittenAsRedisWritesIt() throws {
        let redis = try TestRedis()
        var connection = try redis.connect()
        try connection.command("CONFIG", "SET", "rdbcompression", "no")
        let entries = texts.enumerated().map { ($1, texts[texts.count - 1 - $0]) }
        try connection.command(
            ["HSET", "h"] + entries.flatMap { [Array($0.utf8), Array($1.utf8)] })
        let theirs = try connection.command(["DUMP", "h"]).bytes ?? []
        var ours = dump(entries)
        ours.withText(.hash) { text in
            // The version and the checksum behind the content are those of the server's build.
            #expect(Array(text.dropLast(10)) == theirs.dropLast(10))
            let read = KeyDump.entries(of: text).map { [$0.member, $0.value] }
            #expect(read == entries.map { [Array($0.utf8), Array($1.utf8)] })
        }
    }

    @Test func aSortedSetIsWrittenAsRedisWritesIt() throws {
        let redis = try TestRedis()
        var connection = try redis.connect()
        try connection.command("CONFIG", "SET", "rdbcompression", "no")
        let scores: [(Int64, String)] = [
            (1, "1415"), (1, "a"), (1, "b"), (200, "07"), (5_000, "-3"), (70_000, "x"),
            (3_000_000_000, "y"), (999_999_999_999_999, "z"),
        ]
        try connection.command(
            ["ZADD", "z"] + scores.reversed().flatMap { [Array("\($0)".utf8), Array($1.utf8)] })
        let theirs = try connection.command(["DUMP", "z"]).bytes ?? []
        var ours = KeyDump()
        for (score, member) in scores {
            Array(member.utf8).withUnsafeBytes { ours.append($0, number: score) }
        }
        ours.withText(.sortedSet) {
            #expect(Array($0.dropLast(10)) == theirs.dropLast(10))
        }
    }

    /// Up to as many values as are sent, one of them twice; each length that the hash tells apart.
    @Test func aSketchIsWhatRedisMakesOfItsValues() throws {
        let redis = try TestRedis()
        var connection = try redis.connect()
        for round in 0..<300 {
            let values = (0..<(1 + round % SketchDump.mostValues)).map { index in
                let text = String(repeating: "v", count: index) + String(round * index % 97)
                return Array(text.utf8)
            }
            var sketch = SketchDump()
            sketch.begin()
            let isHeld = values.allSatisfy { $0.withUnsafeBytes { sketch.insert($0) } }
            #expect(isHeld)
            var text: [UInt8] = []
            sketch.withText { text = Array($0) }
            try connection.command("DEL", "ours", "theirs")
            try connection.command([Array("RESTORE".utf8), "ours", "0", text])
            for value in values { try connection.command(["PFADD", "theirs", value]) }
            let (ours, theirs) = (
                try connection.command(["GET", "ours"]).bytes ?? [],
                try connection.command(["GET", "theirs"]).bytes ?? []
            )
            #expect(ours.dropFirst(16) == theirs.dropFirst(16), "\(values)")
            #expect(
                try connection.command(["PFCOUNT", "ours"]).integer
                    == connection.command(["PFCOUNT", "theirs"]).integer)
        }
    }

    private func addDumps(_ arguments: inout CommitArguments, _ fixture: LedgerFixture) {
        for name in ["newh", "oldh"] {
            var values = dump([("there", "5"), ("new", "-6"), ("top", twenty)])
            fixture.key(name).withUnsafeBytes {
                arguments.addHash(
                    key: $0, expirySecond: fixture.later + 7, limits: none, &values, keptCount: 1)
            }
            Array("top".utf8).withUnsafeBytes { arguments.addKept(.maximum, member: $0) }
        }
        for name in ["news", "oldp"] {
            var sketch = SketchDump()
            sketch.begin()
            #expect(Array("same".utf8).withUnsafeBytes { sketch.insert($0) })
            #expect(Array("other".utf8).withUnsafeBytes { sketch.insert($0) })
            fixture.key(name).withUnsafeBytes {
                arguments.beginSketch(
                    key: $0, expirySecond: fixture.later + 7, limits: none, &sketch)
            }
            for value in ["same", "other"] { arguments.addDistinct(Array(value.utf8)) }
        }
        for name in ["newz", "oldz"] {
            var scores = KeyDump()
            for (member, score) in [("new", 2), ("there", 3)] as [(String, Int64)] {
                Array(member.utf8).withUnsafeBytes { scores.append($0, number: score) }
            }
            fixture.key(name).withUnsafeBytes {
                arguments.addUnion(
                    key: $0, expirySecond: fixture.later + 7, limits: none, isNew: true, &scores)
            }
        }
    }

    @Test func anAbsentKeyIsMadeAndAnotherGetsTheEntries() throws {
        let fixture = try LedgerFixture.filled()
        var committer = try fixture.committer()
        var arguments = fixture.begun()
        addDumps(&arguments, fixture)
        #expect(committer.commit(&arguments) == .applied(zerosLeft: 0))
        let found = try fixture.everything()
        var connection = try fixture.server.connect()
        for name in ["news", "oldp"] {
            #expect(try connection.command(["PFCOUNT", fixture.key(name)]).integer == 2)
        }
        #expect(found[fixture.name("news")]?["<expiry>"] == String(fixture.later + 7))
        #expect(found[fixture.name("oldp")]?["<expiry>"] == nil)
        let (new, old) = (String(fixture.later + 7), String(fixture.later))
        #expect(
            found[fixture.name("newh")]
                == ["there": "5", "new": "-6", "top": twenty, "<expiry>": new])
        #expect(
            found[fixture.name("oldh")]
                == ["there": "6", "ends": "10", "new": "-6", "top": twenty, "<expiry>": old])
        #expect(found[fixture.name("newz")] == ["there": "3", "new": "2", "<expiry>": new])
        #expect(found[fixture.name("oldz")] == ["there": "4", "new": "2", "<expiry>": old])
    }

    /// What the server refuses takes all of it back: at the end of the call, or where scores could
    /// not be taken back.
    @Test(arguments: ["-pfadd", "-zincrby"])
    func aCommitThatIsTakenBackLeavesNothingOfADump(right: String) throws {
        let fixture = try LedgerFixture.filled()
        var administrator = try fixture.server.connect()
        var configuration = fixture.server.configuration
        configuration.user = "odo"
        configuration.password = "p"
        try administrator.command("ACL", "SETUSER", "odo", "on", ">p", "~*", "+@all", right)
        let before = try fixture.everything()
        var committer = try Committer(Connection(configuration))
        var arguments = fixture.begun()
        addDumps(&arguments, fixture)
        arguments.beginGroup(.distinct, key: fixture.key("newp"))
        arguments.addDistinct("m")
        let outcome = committer.commit(&arguments)
        guard case .refused("NOPERM", _) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(try fixture.everything() == before)
    }

    @Test func aKeyIsKnownOnceItWasWritten() {
        var known = KnownKeys()
        let keys = (0..<100_000).map { Array("odo:1:{3}:org-\($0):consents:day:2026-03".utf8) }
        for key in keys { #expect(key.withUnsafeBytes { known.insert($0) }) }
        let forgotten = keys.count { $0.withUnsafeBytes { known.insert($0) } }
        #expect(forgotten < 100)
    }
}
