import Testing

/// Which room may import which: the table of docs/ARCHITECTURE.md, held by a test.
@Suite struct FloorPlanTests {
    /// What each room may import besides the standard library.
    static let plan: [String: Set<String>] = [
        "Metering": ["CEventScan", "CRecordScan", "CProtoSchema", "CTables"],
        "Catalog": ["Metering", "Spelling", "Zones", "CYAML"],
        "Inference": ["Metering"],
        "Kafka": ["CRdkafka", "CMalloc"],
        "Redis": ["CHiredis", "CSSL"],
        "Ledger": ["Metering", "Redis"],
        "Pipeline": ["Metering", "Kafka", "Redis", "Ledger"],
        "Registry": ["Metering", "CRecordScan", "CProtoSchema", "CCurl", "CSSL"],
        "Query": ["Metering", "Ledger", "Zones"],
        "HTTPServer": ["CMicroHTTPD"],
        "Spelling": [],
        "Zones": ["Metering", "Spelling"],
        "Ingest": ["Metering", "Kafka", "CZlib"],
        "API": [
            "Metering", "Query", "HTTPServer", "Ingest", "Spelling", "Zones", "CJWT", "CCrypto",
        ],
        "Workload": [],
        "Replay": ["Kafka", "Redis", "Workload", "CZlib", "CZstd"],
        "Verify": ["Kafka", "Redis", "Workload", "Printing", "CYAML", "CProtoSchema"],
        "Printing": [],
        "Laboratory": [
            "Kafka", "Redis", "Ledger", "HTTPServer", "Workload", "Replay", "Verify", "Printing",
            "CCrypto",
        ],
    ]
    /// C of our own, beside the module maps of C libraries.
    static let cTargets: Set<String> = ["CEventScan", "CRecordScan", "CProtoSchema", "CTables"]
    /// Threads, sockets and clocks come from here; the pure rooms have none of them.
    static let system: Set<String> = ["Glibc", "Synchronization"]
    /// The rooms that show things to people; the executable may use Foundation, too.
    static let withFoundation: Set<String> = ["Printing", "Laboratory", "Inference"]
    static let pure: Set<String> = ["Metering", "Catalog", "Spelling", "Workload"]

    @Test func everyRoomImportsOnlyWhatThePlanPermits() {
        for path in SourceTree.sources {
            let room = String(path.split(separator: "/")[1])
            guard room != "odometer" else { continue }
            guard let planned = FloorPlanTests.plan[room] else {
                Issue.record("\(path): no such room in the plan")
                continue
            }
            var permitted =
                planned.union(FloorPlanTests.pure.contains(room) ? [] : FloorPlanTests.system)
            if FloorPlanTests.withFoundation.contains(room) { permitted.insert("Foundation") }
            for name in imports(of: path) where !permitted.contains(name) {
                Issue.record("\(path) imports \(name)")
            }
        }
    }

    @Test func thePackageDeclaresTheSamePlan() {
        var declared: [String: Set<String>] = [:]
        let package = SourceTree.text("Package.swift") ?? ""
        for call in package.split(separator: " room(").dropFirst() {
            let text = call.prefix { $0 != ")" }
            let names = text.split(separator: "\"", omittingEmptySubsequences: false).enumerated()
                .filter { $0.offset % 2 == 1 }.map { String($0.element) }
            guard let room = names.first else { continue }
            declared[room] = Set(names.dropFirst())
        }
        #expect(declared == FloorPlanTests.plan)
    }

    @Test func everyFolderOfSourcesIsARoomOrACLibrary() {
        for folder in SourceTree.folders(in: "Sources") where folder != "odometer" {
            let isLibrary = SourceTree.exists("Sources/\(folder)/module.modulemap")
            #expect(
                isLibrary || FloorPlanTests.cTargets.contains(folder)
                    || FloorPlanTests.plan[folder] != nil,
                "Sources/\(folder)")
        }
    }

    @Test func noRoomIsNamedAfterNothing() {
        let vague = ["util", "common", "core", "manager", "helper", "misc"]
        for path in SourceTree.allSwift + SourceTree.files(in: "Tests", ending: ".py") {
            for part in path.split(separator: "/").map({ $0.lowercased() }) {
                let name = part.split(separator: ".")[0]
                #expect(!vague.contains { name == $0 || name == $0 + "s" }, "\(path)")
                #expect(!name.hasSuffix("manager"), "\(path)")
            }
        }
    }

    @Test func theRoomQueryNamesNoMeter() {
        let meters = DocumentTests.meterFiles.flatMap {
            DocumentTests.names(under: "meters:", of: $0)
        }
        #expect(meters.contains("connections_open"))
        for path in SourceTree.sources where path.hasPrefix("Sources/Query/") {
            // A text is what is left between two quotes; a name may also be put together: "x_\(y)".
            for line in SourceTree.lines(path) {
                guard !line.trimmingPrefix(while: { $0 == " " }).hasPrefix("//") else { continue }
                let texts = line.split(separator: "\"", omittingEmptySubsequences: false)
                    .enumerated().filter { $0.offset % 2 == 1 }.map(\.element)
                for text in texts {
                    let start = text.prefix { $0 != "\\" }
                    let isPart = start.hasSuffix("_") && meters.contains { $0.hasPrefix(start) }
                    #expect(!isPart && !meters.contains(String(text)), "\(path): \(text)")
                }
            }
        }
    }

    /// Modules that a file imports.
    private func imports(of path: String) -> [String] {
        SourceTree.code(path).lines.compactMap { line in
            let words = line.split(separator: " ")
            guard let at = words.firstIndex(of: "import"), at + 1 < words.count,
                words[..<at].allSatisfy(isBeforeImport)
            else { return nil }
            let kinds = ["struct", "class", "enum", "func", "protocol", "typealias", "var", "let"]
            let name = kinds.contains(String(words[at + 1])) ? words.last : words[at + 1]
            return name.map { String($0.split(separator: ".")[0]) }
        }
    }

    private func isBeforeImport(_ word: Substring) -> Bool {
        word.hasPrefix("@")
            || ["public", "package", "internal", "fileprivate", "private"].contains(String(word))
    }
}
