import Testing

/// The tour's table of changes: for each change the file to open first, and all others.
@Suite struct TourTests {
    /// Changes that a reader must find the way to.
    static let changes = [
        "a new kind of meter", "a new dialect", "ranking ties by newest activity",
        "Avro values with a schema registry", "another default commit interval",
        "another rule for TLS to Redis", "a counter of events by type",
        "other headers on dead letters",
        "another log than Kafka", "a bound on old events", "several Redis nodes",
        "decimal amounts", "a second ledger built beside the served one",
    ]
    static let heading = "## Where to change what"

    private var lines: [Substring] { SourceTree.lines("docs/TOUR.md") }

    /// The cells of each row of the table.
    private var rows: [[Substring]] {
        let table = lines.drop { $0 != TourTests.heading }.filter { $0.hasPrefix("| ") }
        return table.map { $0.split(separator: "|").map { $0.trimming(" ") } }
    }

    @Test func theTableHasARowForEachChangeWithAFileToOpenFirst() {
        for change in TourTests.changes {
            let found = rows.filter { $0.first?.hasPrefix(change) ?? false }
            #expect(found.count == 1, "\(change)")
            guard let row = found.first else { continue }
            #expect(row.count == 3, "\(change)")
            #expect(row.dropFirst().allSatisfy { $0.contains("`") }, "\(change)")
        }
    }

    @Test func everyFileThatTheTourNamesIsThereAlsoOneWithoutItsFolder() {
        let all =
            ["Sources", "Tests", "Benchmarks", "Fuzz", "docs", "schemas", "deploy", "scripts"]
            .flatMap { SourceTree.files(in: $0, ending: "") }
        let names = Set(all.compactMap { $0.split(separator: "/").last.map(String.init) })
        let text = SourceTree.text("docs/TOUR.md") ?? ""
        let quoted = text.split(separator: "`", omittingEmptySubsequences: false).enumerated()
            .filter { $0.offset % 2 == 1 }.map { String($0.element) }
        let endings = [".swift", ".cc", ".c", ".h", ".py", ".yaml", ".yml", ".json", ".lua", ".md"]
        let files = quoted.filter { name in endings.contains { name.hasSuffix($0) } }
        #expect(files.count > 100)
        for file in files {
            #expect(
                file.contains("/") ? SourceTree.exists(file) : exists(file, names),
                "docs/TOUR.md names \(file)")
        }
    }

    private func exists(_ name: String, _ names: Set<String>) -> Bool {
        names.contains(name) || SourceTree.exists(name)
    }
}

extension Substring {
    fileprivate func trimming(_ blank: Character) -> Substring {
        var text = drop { $0 == blank }
        while text.last == blank { text.removeLast() }
        return text
    }
}
