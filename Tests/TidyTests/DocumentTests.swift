import Testing

/// What the documents say is there, is there; and what is there, the documents say.
@Suite struct DocumentTests {
    static let documents =
        ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"]
        + SourceTree.files(in: "docs", ending: ".md")
        + SourceTree.files(in: "schemas", ending: ".md")
    static let meterFiles = SourceTree.files(in: "schemas/meters", ending: ".yaml")

    /// First parts of paths that belong to the repository.
    static let top: Set<String> = [
        "Sources", "Tests", "Benchmarks", "Fuzz", "docs", "schemas", "deploy", ".ci", "findings",
        "Makefile", "Package.swift", "README.md", ".swift-format",
    ]

    @Test func everyPathInADocumentExists() {
        for document in DocumentTests.documents {
            for path in paths(in: SourceTree.text(document) ?? "") {
                #expect(exists(path, from: document), "\(document) names \(path)")
            }
        }
    }

    @Test func everyLinkInADocumentLeadsSomewhere() {
        for document in DocumentTests.documents {
            for part in (SourceTree.text(document) ?? "").split(separator: "](").dropFirst() {
                guard let link = part.split(separator: ")").first, !link.contains("://"),
                    !link.hasPrefix("#"), !link.hasPrefix("mailto:"), !link.contains(" ")
                else { continue }
                let path = String(link.split(separator: "#")[0])
                #expect(exists(path, from: document), "\(document) links \(path)")
            }
        }
    }

    @Test func everyMeterEventAndFileOfTheCatalogIsDocumented() {
        let catalog = SourceTree.text("schemas/catalog.md") ?? ""
        let events = SourceTree.text("schemas/events/README.md") ?? ""
        #expect(!DocumentTests.meterFiles.isEmpty)
        for file in DocumentTests.meterFiles {
            #expect(catalog.contains("`\(file)`"), "schemas/catalog.md does not name \(file)")
            for meter in DocumentTests.names(under: "meters:", of: file) {
                #expect(catalog.contains("`\(meter)`"), "schemas/catalog.md: no meter \(meter)")
            }
            for event in DocumentTests.names(under: "events:", of: file) {
                #expect(events.contains("`\(event)`"), "schemas/events/README.md: no \(event)")
            }
        }
    }

    @Test func everyKindOfMeterIsDocumented() {
        let catalog = SourceTree.text("schemas/catalog.md") ?? ""
        let layout = SourceTree.text("schemas/redis.md") ?? ""
        let lines = SourceTree.lines("Sources/Metering/Kinds/MeterKind.swift")
        let kinds = lines.filter { $0.hasPrefix("    case ") }.map { $0.dropFirst(9) }
        #expect(kinds.contains("grid"))
        for kind in kinds {
            #expect(catalog.contains("`\(kind)`"), "schemas/catalog.md: \(kind)")
            #expect(layout.contains(kind), "schemas/redis.md: \(kind)")
        }
    }

    @Test func everyTargetOfMakeExistsThatADocumentNames() {
        let makefile = SourceTree.lines("Makefile")
        for document in DocumentTests.documents {
            for part in (SourceTree.text(document) ?? "").split(separator: "`make ").dropFirst() {
                let target = part.prefix { $0.isLetter || $0 == "-" }
                #expect(
                    makefile.contains { $0.hasPrefix("\(target):") },
                    "\(document) names make \(target)")
            }
        }
    }

    /// Names one level below a top-level key of a catalog.
    static func names(under key: String, of path: String) -> [String] {
        var isInside = false
        return SourceTree.lines(path).compactMap { line in
            if let first = line.first, first != " ", first != "#" { isInside = line == key }
            guard isInside, line.hasPrefix("  "), !line.hasPrefix("   "), !line.hasPrefix("  #"),
                let colon = line.firstIndex(of: ":")
            else { return nil }
            return String(line[..<colon].dropFirst(2))
        }
    }

    /// Paths of this repository that are written between backticks.
    private func paths(in text: String) -> [String] {
        // A fence has three backticks, which make two empty parts: what is odd stays odd.
        text.split(separator: "`", omittingEmptySubsequences: false).enumerated()
            .filter { $0.offset % 2 == 1 }
            .flatMap { $0.element.split { $0 == " " || $0 == "\n" || $0 == "," || $0 == ";" } }
            .map { String($0.split(separator: "#").first ?? "") }
            .filter { path in
                let isPlain = !path.contains { "*…{}<>$|=:()[]\"'".contains($0) }
                let first = path.split(separator: "/").first.map(String.init) ?? ""
                return isPlain && DocumentTests.top.contains(first) && !isPlaceholder(path)
            }
    }

    /// `schemas/events/TYPE.schema.json`: a name in capitals means any name.
    private func isPlaceholder(_ path: String) -> Bool {
        path.split { $0 == "/" || $0 == "." }.contains { part in
            part.count > 2 && part.allSatisfy(\.isUppercase) && !["README", "TOUR"].contains(part)
                && !["ARCHITECTURE", "OPERATIONS"].contains(part)
        }
    }

    private func exists(_ path: String, from document: String) -> Bool {
        let folder = document.split(separator: "/").dropLast().joined(separator: "/")
        return SourceTree.exists(path)
            || (!folder.isEmpty && SourceTree.exists("\(folder)/\(path)"))
    }
}
