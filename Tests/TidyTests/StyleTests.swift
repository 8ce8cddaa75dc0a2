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

    /// Folders whose comments keep the formatter's width, which it does not check for comments.
    private static let foldersOfNarrowComments = ["Sources", "Tests", "Benchmarks", "Fuzz"]

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

    @Test func noLocalOfTheSourcesIsNamedOne() {
        for path in SourceTree.sources {
            for line in Self.localsNamedOne(in: SourceTree.code(path)) {
                Issue.record("\(path):\(line) has a local named one, which says nothing of it")
            }
        }
    }

    @Test func aLocalNamedOneIsFoundAnotherUseOfTheWordIsNot() {
        let source = """
            for one in list { use(one) }
            let one = 1
            list.map { one in one + 1 }
            // let one = 2
            call(one: 1, "let one = 3")
            for (one, other) in pairs { use(other) }
            if let one { use(one.count) }
            let oneMore = 4
            list.sorted { one, other in one < other }
            """
        #expect(Self.localsNamedOne(in: SwiftText(source)) == [1, 2, 3, 6, 7, 9])
    }

    /// Numbers of the lines that declare a variable, or a closure's parameter, of that name.
    private static func localsNamedOne(in code: SwiftText) -> [Int] {
        let name = "one"
        let forms = [
            "for \(name) ", "let \(name) ", "var \(name) ", "let \(name):", "var \(name):",
        ]
        let ofTuples = ["for (\(name),", "let (\(name),", "var (\(name),"]
        let ofClosures = ["{ \(name) in", "{ \(name),", "{ (\(name),", ", \(name) in"]
        return code.lines.enumerated().filter { _, line in
            (forms + ofTuples + ofClosures).contains { line.contains($0) }
        }.map { $0.offset + 1 }
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
