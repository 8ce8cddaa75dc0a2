import Testing

/// How documents and comments are written: lines that fit a screen, plain words, decisions of one
/// form.
@Suite struct ProseTests {
    /// Words that readers would have to decode, with what says the same.
    static let refused: [String: String] = [
        "whoever": "who, a client, a person", "anew": "again", "stands": "is",
        "reckon": "compute, count, estimate", "reckons": "computes", "reckoned": "computed",
        "reckoning": "count", "mend": "repair, correct", "mends": "repairs",
        "mended": "corrected", "mending": "correction",
    ]
    private static let longest = 160

    @Test func linesOfDocumentsHaveAtMost160CharactersTablesApart() {
        for document in DocumentTests.documents {
            for (index, line) in SourceTree.lines(document).enumerated()
            where line.count > ProseTests.longest && !line.hasPrefix("|") {
                Issue.record("\(document):\(index + 1) has \(line.count) characters")
            }
        }
    }

    @Test func theREADMEIsAPageOrTwoAndItsStatusALineForEachThing() {
        let lines = SourceTree.lines("README.md")
        // The text after the last newline is no line.
        #expect(lines.count - 1 <= 120)
        let status = lines.drop { $0 != "## Status" }
        let rows = status.filter { $0.hasPrefix("| ") }.dropFirst(2)
        #expect(rows.count == 8)
        for row in rows { #expect(row.count <= 200, "\(row)") }
    }

    @Test func documentsAreInPlainWords() {
        for document in DocumentTests.documents {
            for (index, line) in ProseTests.prose(SourceTree.lines(document)).enumerated() {
                for word in ProseTests.refusedWords(in: line) {
                    Issue.record(
                        "\(document):\(index + 1) says \(word); \(ProseTests.refused[word] ?? "")")
                }
            }
        }
    }

    @Test func commentsAreInPlainWords() {
        var count = 0
        for folder in ["Sources", "Tests", "Benchmarks", "Fuzz"] {
            for path in SourceTree.files(in: folder, ending: "") {
                guard let text = SourceTree.text(path),
                    let comments = Comments(path: path, text: text)
                else { continue }
                count += 1
                // To look at each character of all files would take seconds.
                let lowered = text.lowercased()
                guard ProseTests.refused.keys.contains(where: { lowered.contains($0) }) else {
                    continue
                }
                for (index, line) in ProseTests.prose(comments.lines).enumerated() {
                    for word in ProseTests.refusedWords(in: line) {
                        let better = ProseTests.refused[word] ?? ""
                        Issue.record("\(path):\(index + 1) says \(word); \(better)")
                    }
                }
            }
        }
        // Otherwise it has looked at nothing.
        #expect(count > 500)
    }

    @Test func commentsAreFoundInSwiftCLuaPythonAndScripts() {
        let swift = "let a = 1  // one\n  /// two\nlet b = \"three\"\n/* four\n * five\n */"
        #expect(
            Comments(path: "a.swift", text: swift)?.lines
                == ["  // one", "/// two", "", "/* four", "* five", "*/"])
        let python = "#!/usr/bin/env python3\n\"\"\"One.\n\nTwo.\"\"\"\na = 1  # three\nb = 2"
        for path in ["a.py", "folder/script"] {
            #expect(
                Comments(path: path, text: python)?.lines
                    == ["#!/usr/bin/env python3", "\"\"\"One.", "", "Two.\"\"\"", "  # three", ""])
        }
        #expect(Comments(path: "a.lua", text: "-- one\ncall()")?.lines == ["-- one", ""])
        #expect(Comments(path: "corpus/input", text: "# no script") == nil)
        #expect(Comments(path: "a.json", text: "{}") == nil)
    }

    @Test func codeFencesAndTheTargetsOfLinksAreNoProse() {
        let lines: [Substring] = [
            "It stands `where it stands` [here](0028-stands-back.md).", "```", "it stands", "```",
            "Whoever: `a", "stands` b, outstanding",
        ]
        let found = ProseTests.prose(lines).map { ProseTests.refusedWords(in: $0) }
        #expect(found == [["stands"], [], [], [], ["whoever"], []])
    }

    @Test func decisionsHaveOneHeadingAndTheIndexHasThemAll() {
        let index = SourceTree.lines("docs/decisions/README.md")
        let decisions = ProseTests.decisions
        #expect(decisions.count > 40)
        for (number, path) in decisions.enumerated() {
            let name = path.split(separator: "/").last.map(String.init) ?? ""
            let digits = name.prefix(4)
            #expect(Int(digits) == number + 1, "\(path) is not the next number")
            let heading = SourceTree.lines(path).first ?? ""
            #expect(heading.hasPrefix("# \(digits): "), "\(path) begins with \(heading)")
            let title = heading.dropFirst("# 0000: ".count)
            #expect(
                index.contains { $0.hasPrefix("| [\(digits)](\(name)) | \(title) |") },
                "docs/decisions/README.md has no row for \(path) with its title")
        }
    }

    @Test func whatADecisionChangesSaysSoToo() {
        let opposites = [
            "Changes": "Changed by", "Changed by": "Changes", "Supersedes": "Superseded by",
            "Superseded by": "Supersedes",
        ]
        var count = 0
        for path in ProseTests.decisions {
            let own = path.split(separator: "/").last ?? ""
            for line in SourceTree.lines(path) {
                for (verb, opposite) in opposites where line.hasPrefix("\(verb) [") {
                    count += 1
                    guard let other = line.split(separator: "](").last?.split(separator: ")").first
                    else { continue }
                    let answer = "\(opposite) [\(own.prefix(4))](\(own))"
                    #expect(
                        SourceTree.lines("docs/decisions/\(other)").contains {
                            $0.hasPrefix(answer)
                        }, "docs/decisions/\(other) does not say: \(answer)")
                }
            }
        }
        #expect(count > 10)
    }

    /// Pages of decisions, without the index.
    private static var decisions: [String] {
        SourceTree.files(in: "docs/decisions", ending: ".md").filter { !$0.hasSuffix("README.md") }
    }

    /// Refused words of a line, as `refused` spells them.
    static func refusedWords(in line: String) -> [String] {
        line.split { !$0.isLetter }.map { $0.lowercased() }.filter { refused[$0] != nil }
    }

    /// The lines of a document with spaces for what is code or the target of a link.
    static func prose(_ lines: [Substring]) -> [String] {
        var isFenced = false
        var isCode = false
        return lines.map { line in
            if line.hasPrefix("```") {
                isFenced.toggle()
                return ""
            }
            if isFenced { return "" }
            // Code does not go on behind an empty line.
            if line.isEmpty { isCode = false }
            var text = ""
            for character in line {
                if character == "`" { isCode.toggle() }
                text.append(isCode ? " " : character)
            }
            return withoutTargets(text)
        }
    }

    private static func withoutTargets(_ line: String) -> String {
        line.split(separator: "](", omittingEmptySubsequences: false).enumerated()
            .map { index, part in
                guard index > 0, let end = part.firstIndex(of: ")") else { return String(part) }
                return String(part[end...])
            }
            .joined(separator: " ")
    }
}

/// The comments of a source file.
private struct Comments {
    /// For each line of the file its comment, empty when it has none.
    let lines: [Substring]

    /// Nil for a file that is not a source.
    init?(path: String, text: String) {
        let name = path.split(separator: "/").last ?? ""
        let isScript = !name.contains(".") && text.hasPrefix("#!")
        let marks: [String: String] = [
            "swift": "//", "c": "//", "cc": "//", "h": "//", "lua": "--", "py": "#", "sh": "#",
        ]
        let ending = name.contains(".") ? name.split(separator: ".").last.map(String.init) : nil
        guard let mark = isScript ? "#" : ending.flatMap({ marks[$0] }) else { return nil }
        var isInside = false
        lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            let start = line.drop { $0 == " " }
            // A docstring of Python is a comment, too.
            let quotes =
                mark == "#"
                ? line.split(separator: "\"\"\"", omittingEmptySubsequences: false).count - 1 : 0
            let wasInside = isInside
            if quotes % 2 == 1 { isInside.toggle() }
            if wasInside || quotes > 0 || start.hasPrefix(mark) { return start }
            if mark == "//", ["/*", "* ", "*/"].contains(where: { start.hasPrefix($0) }) {
                return start
            }
            return line.firstRange(of: "  \(mark) ").map { line[$0.lowerBound...] } ?? ""
        }
    }
}
