import Testing

/// Sizes and words that the house does not have.
@Suite struct StyleTests {
    @Test func filesStayUnder400Lines() {
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

    /// Folders whose comments keep the formatter's width; it does not look at comments itself.
    private static let foldersOfNarrowComments = ["Tests", "Benchmarks", "Fuzz"]

    @Test func linesOfCommentsHaveAtMost100Columns() {
        let endings = [".swift", ".c", ".cc", ".h"]
        let paths = Self.foldersOfNarrowComments.flatMap { folder in
            endings.flatMap { SourceTree.files(in: folder, ending: $0) }
        }
        for path in paths {
            for (index, line) in SourceTree.lines(path).enumerated() where line.utf8.count > 100 {
                let text = line.drop { $0 == " " }
                let isComment = ["//", "/*", "* "].contains { text.hasPrefix($0) }
                #expect(!isComment || line.count <= 100, "\(path):\(index + 1)")
            }
        }
    }

    @Test func functionsStayUnder70Lines() {
        for path in SourceTree.allSwift {
            for function in SourceTree.code(path).functions {
                #expect(
                    function.length <= 70, "\(path):\(function.line) has \(function.length) lines")
            }
        }
    }

    @Test func sourcesDoNotCrashOnPurposePrintOrLeaveWorkBehind() {
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

    @Test func cSourcesLeaveNoWorkBehind() {
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

    /// The executable refuses variables that begin like its settings and are none, also in the
    /// shell of somebody who has just run a test.
    @Test func variablesOfTestsAndToolsDoNotBeginLikeSettings() {
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

    @Test func aFunctionsLengthIsFoundAmongTextsCommentsAndClosures() {
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
