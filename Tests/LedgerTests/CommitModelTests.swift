import Foundation
import Ledger
import Redis
import TestSupport
import Testing

/// Random commits, some with a cell that refuses and is parked, against a model in plain Swift.
@Suite struct CommitModelTests {
    /// The cells as they should be, without those at 0.
    struct Model {
        var hashes: [String: [String: String]] = [:]
        var scores: [String: [String: Int64]] = [:]

        mutating func apply(
            _ kind: CommitArguments.Kind, _ key: String, _ field: String, _ value: String
        ) {
            switch kind {
            case .score:
                let sum = (scores[key]?[field] ?? 0) + (Int64(value) ?? 0)
                scores[key, default: [:]][field] = sum == 0 ? nil : sum
                if scores[key]?.isEmpty == true { scores[key] = nil }
            case .add:
                let sum = (Int64(hashes[key]?[field] ?? "0") ?? 0) + (Int64(value) ?? 0)
                hashes[key, default: [:]][field] = sum == 0 ? nil : String(sum)
                if hashes[key]?.isEmpty == true { hashes[key] = nil }
            default:
                let before = hashes[key]?[field]
                let wins: Bool
                if let before {
                    switch kind {
                    case .minimum: wins = value < before
                    case .first:
                        let (new, old) = (value.prefix(20), before.prefix(20))
                        wins = new < old || new == old && value > before
                    default: wins = value > before
                    }
                } else {
                    wins = true
                }
                if wins { hashes[key, default: [:]][field] = value }
            }
        }

        var everything: [String: [String: String]] {
            scores.mapValues { $0.mapValues { String($0) } }.merging(hashes) { one, _ in one }
        }
    }

    struct Entry {
        var kind: CommitArguments.Kind
        var key: String
        var field: String
        var value: String
    }

    func entries(_ random: inout SeededGenerator) -> [Entry] {
        let kinds: [CommitArguments.Kind] = [.add, .add, .score, .minimum, .maximum, .first, .last]
        return (0..<Int.random(in: 0...12, using: &random)).map { _ in
            let kind = kinds.randomElement(using: &random) ?? .add
            let number = Int64.random(in: -3...3, using: &random)
            let digits = "0000000000000000000\(number + 3)"
            let value =
                switch kind {
                case .add, .score, .distinct: String(number)
                case .minimum, .maximum: digits
                case .first, .last:
                    digits + ":" + (["a", "b", "bb"].randomElement(using: &random) ?? "")
                }
            let family = kind == .score ? "z" : "h"
            return Entry(
                kind: kind, key: family + String(Int.random(in: 0...3, using: &random)),
                field: "\(kind)\(Int.random(in: 0...2, using: &random))", value: value)
        }
    }

    func fill(_ arguments: inout CommitArguments, _ entries: [Entry], _ fixture: LedgerFixture) {
        for entry in entries {
            let expiry = entry.key.hasSuffix("0") ? fixture.later : nil
            arguments.beginGroup(entry.kind, key: fixture.key(entry.key), expirySecond: expiry)
            if entry.kind == .add || entry.kind == .score {
                arguments.addEntry(member: Array(entry.field.utf8), delta: Int64(entry.value) ?? 0)
            } else {
                arguments.addEntry(member: Array(entry.field.utf8), value: Array(entry.value.utf8))
            }
        }
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func standsAsTheModelSays(seed: UInt64) throws {
        let fixture = try LedgerFixture()
        try fixture.prepare(mark: 0)
        var connection = try fixture.server.connect()
        try connection.command(["HSET", fixture.key("poison"), "f", "text"])
        var random = SeededGenerator(seed: seed)
        var committer = try fixture.committer()
        var model = Model()
        var mark: Int64 = 0
        var parked = 0
        for round in 0..<150 {
            var arguments = fixture.begun(from: mark, to: mark + 1)
            var entries = entries(&random)
            fill(&arguments, entries, fixture)
            if Int.random(in: 0..<3, using: &random) == 0 {
                // The poison is anywhere among the increments, or at their end.
                let more = self.entries(&random)
                arguments.beginGroup(.add, key: fixture.key("poison"))
                arguments.addEntry(member: "f", delta: 1)
                fill(&arguments, more, fixture)
                entries += more
                parked += 1
            }
            #expect(committer.commit(&arguments) == .applied(zerosLeft: 0))
            mark += 1
            // The script runs increments first and the rest then; within one cell the order stays.
            for entry in entries { model.apply(entry.kind, entry.key, entry.field, entry.value) }
            var stands = try fixture.everything()
            #expect(
                stands.removeValue(forKey: fixture.text(fixture.marksKey))?["usage/0"] == "\(mark)")
            stands[fixture.name("poison")] = nil
            let aside = stands.removeValue(forKey: fixture.name("parked"))?.values.first
            #expect(aside == (parked == 0 ? nil : String(parked)), "round \(round)")
            for (key, content) in stands {
                #expect((content["<expiry>"] != nil) == key.hasSuffix("0"), "round \(round) \(key)")
                stands[key]?["<expiry>"] = nil
            }
            let expected = Dictionary(
                uniqueKeysWithValues: model.everything.map { (fixture.name($0.key), $0.value) })
            guard stands == expected else {
                Issue.record("seed \(seed), round \(round): \(stands) is not \(expected)")
                return
            }
        }
    }
}
