import Redis
import TestSupport
import Testing

@testable import Ledger

/// The law that the simulation works by and the script that Redis runs: the same calls, the same
/// answers, the same content.
@Suite struct DifferentialTests {
    static let shard = "t:1:{003}:"
    static let partitions = [0, 1, 2].map { LogPartition(topic: "usage", partition: $0) }

    /// A call with random ranges and entries; sometimes from another mark, or of another contract.
    private func fill(
        _ arguments: inout CommitArguments, _ dice: Dice, _ law: ShardContent
    ) {
        arguments.begin(
            marksKey: Array((Self.shard + "marks").utf8),
            auditKey: Array((Self.shard + "audit").utf8),
            scratchKey: Array((Self.shard + "scratch").utf8),
            contract: Array((dice.oneIn(25) ? "2:other" : "1:abc").utf8))
        let first = dice.roll(0...2)
        for partition in Self.partitions[first...dice.roll(first...2)] {
            let member = "usage/\(partition.partition)"
            var from = law.marks[member].flatMap { Int64($0) }
            if dice.oneIn(12) { from = from.map { $0 + Int64(dice.roll(-1...1)) } ?? 0 }
            let to = (from ?? 0) + Int64(dice.roll(1...9))
            let fingerprint = Fingerprint(offset: to - 1, timestamp: 5, hash: UInt64(to))
            arguments.addRange(
                member: partition.markMember, from: from, to: to,
                fingerprint: dice.oneIn(3) ? nil : fingerprint)
            if dice.oneIn(2) {
                arguments.addAudit(
                    member: Array("\(member):delivered".utf8), delta: Int64(dice.roll(0...5)))
            }
        }
        // Seldom a key of another type.
        let made = dice.oneIn(2) ? dice.oneIn(30) ? "p1" : "h\(dice.roll(0...2))" : ""
        let madeSketch = dice.oneIn(2) ? "p\(dice.roll(0...2))" : ""
        let madeSet = dice.oneIn(2) ? dice.oneIn(30) ? "p2" : "z\(dice.roll(0...2))" : ""
        if made != "" { addHash(made, &arguments, dice) }
        for _ in 0..<dice.roll(0...5) {
            addGroup(&arguments, dice, but: [made, madeSet, madeSketch])
        }
        if madeSketch != "", made != madeSketch, madeSet != madeSketch {
            addSketch(madeSketch, &arguments, dice)
        }
        if madeSet != "" { addSet(madeSet, &arguments, dice) }
        addLimited(&arguments, dice)
    }

    /// Groups of keys and scopes with limits; beliefs about scopes are right or wrong by chance.
    private func addLimited(_ arguments: inout CommitArguments, _ dice: Dice) {
        let kinds: [CommitArguments.Kind] = [.add, .score, .minimum, .last]
        for _ in 0..<dice.roll(0...3) {
            let kind = dice.pick(kinds) ?? .add
            let scope = dice.oneIn(2) ? ":s=\(dice.roll(0...4))" : ""
            let key = Array((Self.shard + "org\(scope):\(kind):all").utf8)
            let limits = Array((scope == "" ? "4" : "4/3").utf8)
            if kind == .score, dice.oneIn(2) {
                var increments = KeyDump()
                for member in 0..<dice.roll(2...6) where member < 2 || !dice.oneIn(3) {
                    Array("v\(member)".utf8).withUnsafeBytes {
                        increments.append($0, number: small(dice))
                    }
                }
                key.withUnsafeBytes { key in
                    limits.withUnsafeBytes {
                        arguments.addUnion(key: key, expirySecond: nil, limits: $0, &increments)
                    }
                }
                continue
            }
            arguments.beginGroup(kind, key: key, limits: limits)
            for _ in 0..<dice.roll(1...4) {
                let value = dice.oneIn(20) ? "__other__" : "v\(dice.roll(0...6))"
                let digits = "0000000000000000000\(dice.roll(0...9))"
                switch kind {
                case .add, .score:
                    let limit: Int64 = kind == .add ? .max : 1 << 53
                    arguments.addEntry(member: Array(value.utf8), delta: amount(dice, limit: limit))
                case .minimum:
                    arguments.addEntry(member: Array(value.utf8), value: Array(digits.utf8))
                default:
                    arguments.addEntry(member: Array(value.utf8), value: Array("\(digits):x".utf8))
                }
            }
        }
        for _ in 0..<dice.roll(0...3) { addShared(&arguments, dice) }
        if dice.oneIn(2) { addHash("orgn:all", limits: Array("4".utf8), &arguments, dice) }
        if dice.oneIn(2) { addSet("orgy:all", limits: Array("4".utf8), &arguments, dice) }
        let refused = dice.oneIn(3) ? ["org:s=\(dice.roll(5...6))"] : []
        arguments.addRegister(
            key: Array((Self.shard + "scopes").utf8),
            refused: refused.map { (scope: Array($0.utf8), most: 3) })
    }

    /// Groups of keys that several meters share: each key is named by groups of several kinds.
    private func addShared(_ arguments: inout CommitArguments, _ dice: Dice) {
        let kinds: [CommitArguments.Kind] = [.add, .minimum, .last]
        let scope = dice.oneIn(2) ? ":s=\(dice.roll(0...4))" : ""
        let key = Array((Self.shard + "org\(scope):kin:all").utf8)
        let limits = Array((scope == "" ? "F5" : "F5/3").utf8)
        for kind in kinds where !dice.oneIn(3) {
            arguments.beginGroup(
                kind, key: key, expirySecond: scope == "" ? 4_000_000_000 : nil, limits: limits)
            for _ in 0..<dice.roll(1...4) {
                let value = dice.oneIn(20) ? "__other__" : "v\(dice.roll(0...4))"
                let member = Array("\(kind)\(dice.roll(0...1)):\(value)".utf8)
                let digits = "0000000000000000000\(dice.roll(0...9))"
                switch kind {
                case .add: arguments.addEntry(member: member, delta: amount(dice, limit: .max))
                case .minimum: arguments.addEntry(member: member, value: Array(digits.utf8))
                default: arguments.addEntry(member: member, value: Array("\(digits):x".utf8))
                }
            }
        }
    }

    private func addGroup(
        _ arguments: inout CommitArguments, _ dice: Dice, but made: [String]
    ) {
        let kind = dice.pick(CommitArguments.Kind.allCases) ?? .add
        let family = kind == .score ? "z" : kind == .distinct ? "p" : "h"
        // Seldom a key of another type, which refuses before anything is changed.
        let name = (dice.oneIn(60) ? "z" : family) + "\(dice.roll(0...2))"
        // The key of a dump is named once.
        guard !made.contains(name) else { return }
        let expiry = expiry(name)
        let key = Array((Self.shard + name).utf8)
        if kind == .score, dice.oneIn(2) {
            // The script may unite sets.
            var increments = KeyDump()
            for member in 0..<dice.roll(2...5) where member == 0 || !dice.oneIn(5) {
                Array("score\(member)".utf8).withUnsafeBytes {
                    increments.append($0, number: small(dice))
                }
            }
            key.withUnsafeBytes {
                arguments.addUnion(
                    key: $0, expirySecond: expiry,
                    limits: UnsafeRawBufferPointer(start: nil, count: 0),
                    &increments)
            }
            return
        }
        arguments.beginGroup(kind, key: key, expirySecond: expiry)
        for _ in 0..<dice.roll(1...4) {
            let number = dice.roll(-3...3)
            let digits = "0000000000000000000\(number + 3)"
            let member = Array("\(kind)\(dice.roll(0...2))".utf8)
            switch kind {
            case .add: arguments.addEntry(member: member, delta: amount(dice, limit: .max))
            case .score: arguments.addEntry(member: member, delta: amount(dice, limit: 1 << 53))
            case .minimum, .maximum: arguments.addEntry(member: member, value: Array(digits.utf8))
            case .first, .last:
                let value = digits + ":" + (dice.pick(["a", "b", "bb", ""]) ?? "")
                arguments.addEntry(member: member, value: Array(value.utf8))
            case .distinct: arguments.addDistinct(Array("m\(dice.roll(0...4))".utf8))
            }
        }
    }

    /// A number of each length that a dump writes in another form.
    func small(_ dice: Dice) -> Int64 {
        let least: [Int64] = [1, 120, 4_090, 32_760, 2_147_483_640, 999_999_999_999_900]
        return (dice.oneIn(3) ? dice.pick(least) ?? 1 : 1) + Int64(dice.roll(0...9))
    }

    /// Mostly small, seldom so large that two of them are too much for a cell.
    func amount(_ dice: Dice, limit: Int64) -> Int64 {
        dice.oneIn(30) ? limit / 2 + Int64(dice.roll(-2...2)) : Int64(dice.roll(-3...3))
    }

    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func theLawAnswersAndLeavesWhatTheScriptDoes(seed: UInt64) throws {
        let redis = try TestRedis()
        var connection = try redis.connect()
        let marks = Self.shard + "marks"
        try connection.command("HSET", marks, "!contract", "1:abc")
        var committer = try Committer(redis.connect())
        var law = ShardContent(marks: ["!contract": "1:abc"])
        let dice = Dice(seed: seed)
        var kinds: Set<String> = []
        for round in 0..<250 {
            var spoiled: Set<String> = []
            if dice.oneIn(10),
                let member = law.cells[Self.shard + "h1"]?.members.keys.sorted().first
            {
                spoiled = ["\(Self.shard)h1 \(member)"]
                try connection.command("HSET", Self.shard + "h1", member, "spoiled")
            }
            if dice.oneIn(25) { law.marks["!torn"] = "undo failed" }
            if dice.oneIn(3) { law.marks["!torn"] = "" }
            try connection.command("HSET", marks, "!torn", law.marks["!torn"] ?? "")
            law.marks["!torn"] = law.marks["!torn"] ?? ""
            // As after Redis has run a part of a transaction, from a file with a torn end.
            let isHalf = dice.oneIn(25)
            if isHalf { try begin(&law, marks, &connection, by: 1) }
            defer { if isHalf { try? begin(&law, marks, &connection, by: -1) } }
            let isAuditSpoiled = dice.oneIn(4) && law.audit["usage/0:delivered"] != nil
            if isAuditSpoiled {
                spoiled.insert("\(Self.shard)audit usage/0:delivered")
                try connection.command(
                    "HSET", Self.shard + "audit", "usage/0:delivered", "spoiled")
            }
            if dice.oneIn(10) { try removeOtherTypes(&law, &connection) }
            if dice.oneIn(6), try !retry(&connection, &law, spoiled) {
                Issue.record("seed \(seed), round \(round): another number is left")
            }
            var arguments = CommitArguments()
            fill(&arguments, dice, law)
            let call = CommitCall(&arguments)
            let before = law.cells
            let expected = LedgerLaw.run(call, on: &law) { spoiled.contains("\($0) \($1)") }
            let outcome = committer.commit(&arguments)
            kinds.insert(Self.name(outcome))
            #expect(Self.isSame(outcome, expected), "round \(round): \(outcome) is not \(expected)")
            if isAuditSpoiled {
                try connection.command(
                    "HSET", Self.shard + "audit", "usage/0:delivered",
                    law.audit["usage/0:delivered"] ?? "0")
            }
            for name in spoiled where name.hasPrefix(Self.shard + "h1") {
                let member = String(name.dropFirst(Self.shard.utf8.count + 3))
                let value = before[Self.shard + "h1"]?.members[member] ?? ""
                try connection.command("HSET", Self.shard + "h1", member, value)
            }
            let found = try content(&connection)
            guard found == law else {
                Issue.record("seed \(seed), round \(round): \(Self.differing(found, law))")
                return
            }
        }
        #expect(kinds == ["applied", "mismatch", "contract", "torn", "cellRefused", "scopes"])
        #expect(law.cells.values.contains { $0.members["__other__"] != nil })
        #expect(law.cells.values.contains { $0.members["add0:__other__"] != nil })
        #expect(law.cells[Self.shard + "scopes"]?.members["org:s"] == "3")
        let statistics = try connection.command("INFO", "commandstats").text ?? ""
        for command in ["zincrby", "zunionstore", "restore", "hincrby", "pfadd"] {
            #expect(statistics.contains("cmdstat_\(command):"), "\(command) was never run")
        }
    }

    private func begin(
        _ law: inout ShardContent, _ marks: String, _ connection: inout Connection, by delta: Int
    ) throws {
        let begun = (Int(law.marks["!begun"] ?? "0") ?? 0) + delta
        law.marks["!begun"] = begun == 0 ? nil : String(begun)
        try connection.command("HINCRBY", marks, "!begun", String(delta))
    }

    /// Somebody takes keys of another type away.
    private func removeOtherTypes(
        _ law: inout ShardContent, _ connection: inout Connection
    ) throws {
        for (key, content) in law.cells
        where key.hasPrefix(Self.shard + "z") && content.kind != "Z" {
            try connection.command("DEL", key)
            law.cells[key] = nil
        }
    }

    /// Tries what is parked again, in both; whether both say the same.
    private func retry(
        _ connection: inout Connection, _ law: inout ShardContent, _ spoiled: Set<String>
    ) throws -> Bool {
        let expected = LedgerLaw.retry(on: &law, contract: "1:abc") {
            spoiled.contains("\($0) \($1)")
        }
        var cursor = ParkedCells.begin
        let left = try? ParkedCells.retry(
            &connection, layout: KeyLayout(prefix: "t"), shard: 3, contract: Array("1:abc".utf8),
            cursor: &cursor)
        return left == expected
    }

    private static func differing(_ found: ShardContent, _ law: ShardContent) -> String {
        let keys = Set(found.cells.keys).union(law.cells.keys).sorted()
        return keys.filter { found.cells[$0] != law.cells[$0] }
            .map { "\($0): \(found.cells[$0], default: "-") is not \(law.cells[$0], default: "-")" }
            .joined(separator: "; ") + "; marks \(found.marks) and \(law.marks)"
    }

    private static func name(_ outcome: CommitOutcome) -> String {
        String("\(outcome)".prefix { $0 != "(" })
    }

    /// Whether the answers are the same, but for Redis' own words about a refused cell.
    private static func isSame(_ outcome: CommitOutcome, _ expected: CommitOutcome) -> Bool {
        guard case .cellRefused(var left) = outcome, case .cellRefused(let right) = expected else {
            return outcome == expected
        }
        left.error = right.error
        return left == right
    }

    private func content(_ connection: inout Connection) throws -> ShardContent {
        var content = ShardContent()
        for key in try connection.command("KEYS", "*").elements.compactMap(\.text) {
            var found = KeyContent(kind: "H")
            switch try connection.command("TYPE", key).text {
            case "hash":
                found.members = try connection.command("HGETALL", key).pairs
                // Counts as absent: a commit began and undid its changes.
                for member in ["!begun", "!done"] where found.members[member] == "0" {
                    found.members[member] = nil
                }
            case "zset":
                found.kind = "Z"
                found.members = try connection.command("ZRANGE", key, "0", "-1", "WITHSCORES").pairs
            default:
                found.kind = "P"
                // A HyperLogLog gives no members: whether one is new tells whether it is there.
                let count = try connection.command("PFCOUNT", key).integer ?? 0
                for member in (0...4).map({ "m\($0)" }) {
                    try connection.command("COPY", key, "probe", "REPLACE")
                    if try connection.command("PFADD", "probe", member).integer == 0 {
                        found.members[member] = ""
                    }
                }
                try connection.command("DEL", "probe")
                #expect(Int64(found.members.count) == count)
            }
            let expiry = try connection.command("EXPIRETIME", key).integer ?? -1
            found.expiry = expiry < 0 ? nil : String(expiry)
            switch key {
            case Self.shard + "marks": content.marks = found.members
            case Self.shard + "audit": content.audit = found.members
            case Self.shard + "parked": content.parked = found.members
            default: content.cells[key] = found
            }
        }
        return content
    }
}
