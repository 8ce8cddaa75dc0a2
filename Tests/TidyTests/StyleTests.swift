import Testing

/// Sizes and words that the house does not have.
@Suite struct StyleTests {
    @Test func `files stay under 400 lines`() {
        let paths =
            SourceTree.allSwift
            + [".cc", ".c", ".h"].flatMap { SourceTree.files(in: "Sources", ending: $0) }
        for path in paths where !isGenerated(path) {
            // The text after the last newline is no line.
            let count = SourceTree.lines(path).count - 1
            #expect(count <= 400, "\(path) has \(count) lines")
        }
    }

    /// What scripts/embed writes is as long as the file that it carries.
    private func isGenerated(_ path: String) -> Bool {
        SourceTree.lines(path).first?.hasPrefix("// Written by scripts/embed from ") ?? false
    }

    @Test func `functions stay under 70 lines`() {
        for path in SourceTree.allSwift {
            for function in SourceTree.code(path).functions {
                #expect(
                    function.length <= 70, "\(path):\(function.line) has \(function.length) lines")
            }
        }
    }

    @Test func `sources do not crash on purpose, print or leave work behind`() {
        for path in SourceTree.sources {
            let text = SourceTree.text(path) ?? ""
            let code = SourceTree.code(path)
            for banned in ["try!", "as!"] {
                #expect(!code.lines.contains { $0.contains(banned) }, "\(path) has \(banned)")
            }
            var words: Set<String> = ["fatalError"]
            if !path.hasPrefix("Sources/odometer/") { words.formUnion(["print", "debugPrint"]) }
            for word in code.words
            where words.contains(word.text) && word.isCalled && !word.followsDot {
                Issue.record("\(path) has \(word.text)")
            }
            reportMarks(in: path, text)
        }
    }

    @Test func `C sources leave no work behind`() {
        for path in [".cc", ".h"].flatMap({ SourceTree.files(in: "Sources", ending: $0) }) {
            reportMarks(in: path, SourceTree.text(path) ?? "")
        }
    }

    private func reportMarks(in path: String, _ text: String) {
        for word in text.utf8.split(whereSeparator: { !SwiftText.isWordByte($0) }) {
            for mark in ["TODO", "FIXME", "XXX"] where word.elementsEqual(mark.utf8) {
                Issue.record("\(path) has \(mark)")
            }
        }
    }

    /// The executable refuses variables that begin like its settings and are none, also in the shell of
    /// somebody who has just run a test.
    @Test func `variables of tests and tools do not begin like settings`() {
        let name = "ODOMETER" + "_"
        let forms = [
            "environ.get(\"", "environ[\"", "getenv(\"", "processInfo.environment[\"", "export ",
            "@",
        ]
        let folders = ["Tests", "Benchmarks", "Fuzz/Driver", "scripts"]
        let files = folders.flatMap { SourceTree.files(in: $0, ending: "") }
        for path in files + ["Makefile"] {
            let text = SourceTree.text(path) ?? ""
            for form in forms {
                #expect(!text.contains(form + name), "\(path) reads or sets \(name)…")
            }
        }
    }

    @Test func `a function's length is found among texts, comments and closures`() {
        let source = #"""
            protocol P { func none(); func another(_ a: Int) -> Int }
            // func comment() {
            let text = "func text() { \(map { "}" }) "
            func one(_ f: () -> Void = { }) { f() }
            struct S {
                init(a: Int) {
                    let b = "{"
                    _ = b
                }
                func two()
                    -> Int
                { /* } */
                    3
                }
            }
            """#
        let functions = SwiftText(source).functions
        #expect(functions.map(\.line) == [4, 6, 10])
        #expect(functions.map(\.length) == [1, 4, 3])
    }
}
