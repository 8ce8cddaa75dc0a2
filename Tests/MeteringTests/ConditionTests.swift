import Catalog
import Metering
import Testing
import Workload

/// Clauses that depend on a field, and what belongs to changes of rows.
@Suite struct ConditionTests {
    private static let envelope =
        "envelope: {id: {record: true}, source: {const: s}, type: {const: e}, subject: /org, tombstones: ignore}"
    private static let fields =
        "events: {e: {fields: {op: {at: /op}, n: {at: /n, is: integer}, old: {at: /old, is: integer}}}}"

    /// What a catalog counts of some records, `totals` of the organization `a`.
    private func totals(
        _ clauses: String, _ values: [String?]
    ) throws -> (cells: [String: Int64], outcomes: [Int64]) {
        let catalog = try Catalogs.read(
            """
            version: 1
            \(Self.envelope)
            \(Self.fields)
            meters: {m: {kind: level, windows: [all], on: \(clauses)}}
            """)
        let twin = try Twin(catalog, span: 100)
        for (offset, value) in values.enumerated() {
            twin.take(
                [
                    LogRecord(
                        offset: Int64(offset), timestamp: 1_773_065_800_000, key: nil,
                        value: value.map { Array($0.utf8) })
                ], oneByOne: true)
        }
        let outcomes = OracleOutcome.allCases.map { twin.oracle.count($0) }
        var cells: [String: Int64] = [:]
        for (name, cell) in twin.content(of: "odo:1:{44}:a:totals")?.cells ?? [:] {
            if case .integer(let number) = cell {
                cells[String(decoding: name, as: UTF8.self)] = number
            }
        }
        twin.finish()
        #expect(twin.differences.isEmpty, "\(twin.differences)")
        return (cells, outcomes)
    }

    private static let rows: [String?] = [
        #"{"org":"a","op":"c","n":5}"#, #"{"org":"a","op":"r","n":7}"#,
        #"{"org":"a","op":"u","n":9,"old":5}"#, #"{"org":"a","op":"d","old":7}"#, nil,
        #"{"org":"a","op":"c","n":5}"#, #"{"org":"a","n":100}"#,
    ]

    @Test func rowsCountWhileTheyAreThere() throws {
        let counted = try totals(
            "[{event: e, when: {field: op, in: [c, r, d]}, sign: {field: op, minus: [d]}}]",
            Self.rows)
        #expect(counted.cells == ["m": 2])
        // Two of the six events are the same but for their place; the tombstone is no fault.
        #expect(counted.outcomes[0] == 6 && counted.outcomes[2] == 1)
        let sums = try totals(
            """
            [{event: e, amount: n, when: {field: op, in: [c, r, u]}}, {event: e, amount: -old, when: {field: op, in: [u, d]}}]
            """, Self.rows)
        #expect(sums.cells == ["m": 5 + 7 + 9 - 5 - 7 + 5])
    }

    @Test func anAbsentFieldIsUnknown() throws {
        let inside = try totals(
            "[{event: e, amount: n, when: {field: op, in: [unknown]}}]", Self.rows)
        #expect(inside.cells == ["m": 100])
        let outside = try totals(
            "[{event: e, amount: n, when: [{field: op, not_in: [unknown, u]}, {field: n, in: [5]}]}]",
            Self.rows)
        #expect(outside.cells == ["m": 10])
    }

    /// A bound is a number or a time; what is absent is on no side of it, a default is on its own.
    @Test func boundsOfNumbers() throws {
        func sum(_ condition: String) throws -> Int64? {
            try totals("[{event: e, amount: n, when: {field: n, \(condition)}}]", Self.rows)
                .cells["m"]
        }
        #expect(try sum("gt: 7") == 109)
        #expect(try sum("gte: 7") == 116)
        #expect(try sum("lt: 7") == 10)
        #expect(try sum("lte: 7.0") == 17)
        #expect(try sum("gt: 5, lt: 100") == 16)
        #expect(try sum("gt: 100") == nil)
        let changes = "[{event: e, when: {field: old, gte: -1}}]"
        #expect(try totals(changes, Self.rows).cells == ["m": 2])
    }

    @Test func boundsOfOtherFields() throws {
        func count(_ field: String, _ condition: String, _ record: String) throws -> Int {
            let catalog = try Catalogs.read(
                """
                version: 1
                \(Self.envelope)
                events: {e: {fields: {f: {at: /f, \(field)}}}}
                meters: {m: {kind: count, windows: [all], on: [{event: e, when: {field: f, \(condition)}}]}}
                """)
            let twin = try Twin(catalog, span: 100)
            let value = Array(#"{"org":"a"\#(record)}"#.utf8)
            twin.take(
                [LogRecord(offset: 0, timestamp: 1_773_065_800_000, key: nil, value: value)],
                oneByOne: true)
            let counted = twin.content(of: "odo:1:{44}:a:totals")?.cells.count ?? 0
            twin.finish()
            #expect(twin.differences.isEmpty, "\(twin.differences)")
            return counted
        }
        let price = "is: decimal, scale: 2"
        #expect(try count(price, "gt: 0.29", #","f":0.30"#) == 1)
        #expect(try count(price, "gt: 0.3", #","f":0.30"#) == 0)
        #expect(try count(price, "gte: 3e-1", #","f":0.3"#) == 1)
        #expect(try count(price, "lt: 1", "") == 0)
        #expect(try count(price + ", default: 0.5", "lt: 1", "") == 1)
        let due = #""2026-03-09T15:00:00+01:00""#
        #expect(try count("is: time", "lt: \(due)", #","f":"2026-03-09T13:59:59Z""#) == 1)
        #expect(try count("is: time", "lt: \(due)", #","f":"2026-03-09T14:00:00Z""#) == 0)
        #expect(try count("is: time", "gte: \(due)", #","f":null"#) == 0)
        #expect(try count("is: time, format: unix", "gte: \(due)", #","f":1773064800"#) == 1)
    }

    /// Bounds that a field cannot have.
    @Test(arguments: [
        ("is: integer", "gt: 1.5", "'gt' of 'f' is no integer"),
        ("is: integer", "gt: many", "'gt' of 'f' is no integer"),
        ("is: decimal, scale: 2", "lte: 0.125", "at most 2 decimals"),
        ("is: time", "lt: 2026-03-09", "no time of RFC 3339"),
        ("is: text", "lt: 5", "'f' is no integer or decimal or time"),
    ])
    func aBoundIsOneOfItsField(_ field: String, _ bound: String, _ word: String) throws {
        let text = """
            version: 1
            events: {e: {fields: {f: {at: /f, \(field)}}}}
            meters: {m: {kind: count, windows: [all], on: [{event: e, when: {field: f, \(bound)}}]}}
            """
        let error = #expect(throws: CatalogError.self) {
            try CatalogReader.check(files: [(name: "own.yaml", text: Array(text.utf8))])
        }
        #expect(error?.line == 3 && error?.message.contains(word) == true, "\(text)")
    }

    private static let wrong = [
        ("{event: e, when: {field: op}}", "must be {field: NAME, in: [VALUE, …]}"),
        ("{event: e, when: {in: [c]}}", "must be {field: NAME, in: [VALUE, …]}"),
        ("{event: e, when: {field: op, in: []}}", "1 to 64 values"),
        ("{event: e, when: {field: op, in: [c], not_in: [d]}}", "either 'in' or 'not_in'"),
        ("{event: e, when: {field: n, in: [5], gt: 4}}", "{field: NAME, gt|gte|lt|lte: NUMBER}"),
        ("{event: e, when: {gt: 4}}", "{field: NAME, gt|gte|lt|lte: NUMBER}"),
        ("{event: e, sign: {field: op}}", "must be {field: NAME, minus: [VALUE, …]}"),
        ("{event: e, sign: {field: op, plus: [c]}}", "unknown key"),
    ]

    @Test(arguments: wrong) func whatIsWrongIsNamed(_ clause: String, _ word: String) {
        let error = #expect(throws: CatalogError.self) {
            try Catalogs.read(
                """
                version: 1
                \(Self.envelope)
                \(Self.fields)
                meters: {m: {kind: level, windows: [all], on: [\(clause)]}}
                """)
        }
        #expect(String(describing: error).contains(word), "\(String(describing: error))")
    }

    @Test func aConditionNeedsAFieldOfItsEvent() throws {
        let catalog = try Catalogs.read(
            """
            version: 1
            \(Self.fields)
            meters: {m: {kind: level, windows: [all], on: [{event: e, when: {field: operation, in: [c]}}]}}
            """)
        let error = #expect(throws: ProgramError.self) {
            _ = try Program(
                catalog: catalog, shardCount: 1, dedupeKey: (1, 2), futureBoundMilliseconds: 0)
        }
        #expect(error?.message.contains("no field 'operation'") == true)
    }

    @Test func aRecordIsAnIDOnly() {
        for text in [
            "envelope: {subject: {record: true}}", "envelope: {time: {record: true}}",
            "events: {e: {fields: {x: {at: {record: true}}}}}", "envelope: {id: {record: 1}}",
        ] {
            #expect(throws: CatalogError.self) { try Catalogs.read("version: 1\n\(text)") }
        }
    }

    @Test func conditionsAreInTheContract() throws {
        func digest(_ clause: String) throws -> String? {
            let text = """
                version: 1
                \(Self.fields)
                meters: {m: {kind: level, windows: [all], on: [{event: e\(clause)}]}}
                """
            return try Program(
                catalog: Catalogs.read(text), shardCount: 1, dedupeKey: (1, 2),
                futureBoundMilliseconds: 0
            ).contractEntries.first { $0.name == "meter:m" }?.digest
        }
        let clauses = [
            "", ", when: {field: op, in: [c]}", ", when: {field: op, not_in: [c]}",
            ", when: {field: op, in: [c, d]}", ", sign: {field: op, minus: [c]}",
            ", when: {field: n, gt: 5}", ", when: {field: n, gte: 5}", ", when: {field: n, gt: 6}",
        ]
        #expect(try digest(clauses[5]) == digest(", when: {field: n, gt: 5.0}"))
        let digests = try clauses.map { try digest($0) }
        #expect(!digests.contains(nil) && Set(digests).count == clauses.count)
    }
}
