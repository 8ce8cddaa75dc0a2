import Foundation
import Testing

@testable import Ledger

/// What Swift and the commit script must have in common.
@Suite struct CommitScriptTextTests {
    private let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Sources/Ledger/Commit/commit.lua")

    /// Constants at the head of the script: each `local NAME = VALUE`, quotes left out.
    private var constants: [String: String] {
        var found: [String: String] = [:]
        for match in CommitScript.source.matches(of: /(?m)^local ([A-Z_]+) = '?([^\s']+)'?/) {
            found[String(match.1)] = String(match.2)
        }
        return found
    }

    @Test func theEmbeddedScriptIsTheFile() throws {
        let text = try String(contentsOf: file, encoding: .utf8)
        #expect(CommitScript.source == text, "run scripts/embed")
    }

    @Test func kindsHaveTheSameLettersInSwiftAndInTheScript() {
        func letter(_ byte: UInt8) -> String { String(decoding: [byte], as: UTF8.self) }
        var expected = [
            "UNION": letter(CommitArguments.union), "REGISTER": letter(CommitArguments.register),
            "EXPIRES": letter(CommitArguments.expires), "HASH": letter(CommitArguments.hash),
            "SET": letter(CommitArguments.set), "SKETCH": letter(CommitArguments.sketch),
        ]
        for kind in CommitArguments.Kind.allCases {
            expected["\(kind)".uppercased()] = letter(kind.rawValue)
        }
        // Only the script itself makes groups of this kind.
        expected["REMERGE"] = "p"
        let letters = constants.filter { $0.value.utf8.count == 1 }
        #expect(letters == expected)
        #expect(Set(letters.values).count == letters.count)
    }

    @Test func limitsOfScoresAreTheSameInSwiftAndInTheScript() {
        #expect(constants["SCORE_LIMIT"] == "\(1 << 53)")
        let most = CommitArguments.smallScores.upperBound - 1
        #expect(constants["LONG_SCORE"] == "\(String(most).utf8.count + 1)")
    }

    @Test func withoutTheRightToRunTIMETheScriptDiffersInOneWord() {
        let before = CommitScript.source.split(separator: "\n")
        let after = CommitScript.sourceWithoutClock.split(separator: "\n")
        let differing = zip(before, after).filter { $0.0 != $0.1 }
        #expect(before.count == after.count && differing.count == 1)
        #expect(differing.first?.1 == "local READS_CLOCK = false")
    }
}
