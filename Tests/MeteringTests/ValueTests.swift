import Foundation
import Ledger
import Metering
import Testing
import Workload

/// Numbers as others write them: decimals, numbers in strings, and values by their text.
@Suite struct ValueTests {
    /// The rule of a field, a JSON value, and what is counted for the member, or what is wrong.
    private static let amounts = [
        ("is: decimal, scale: 2", "12.34", "1234"), ("is: decimal, scale: 2", "12.3", "1230"),
        ("is: decimal, scale: 2", "1234e-2", "1234"),
        ("is: decimal, scale: 2", "0.1234E+2", "1234"),
        ("is: decimal, scale: 2", "12.340000000000000000000000000000", "1234"),
        ("is: decimal, scale: 2", "12.345", "number with more decimals than the field's scale: /n"),
        ("is: decimal, scale: 2", "1e-400", "number with more decimals than the field's scale: /n"),
        ("is: decimal, scale: 2", "\"12.34\"", "field has the wrong type: /n"),
        ("is: decimal, scale: 2", "-0.01", "negative amount: /n"),
        ("is: decimal, scale: 2", "90071992547409.91", "9007199254740991"),
        ("is: decimal, scale: 2", "90071992547409.92", "number beyond the field's max: /n"),
        ("is: decimal, scale: 2", "90071992547410", "number beyond the field's max: /n"),
        ("is: decimal, scale: 2", "1e300", "number beyond the field's max: /n"),
        ("is: decimal, scale: 2, max: 12.34", "12.34", "1234"),
        ("is: decimal, scale: 2, max: 12.34", "12.35", "number beyond the field's max: /n"),
        ("is: decimal, scale: 2, round: half_even", "0.125", "12"),
        ("is: decimal, scale: 2, round: half_even", "0.135", "14"),
        ("is: decimal, scale: 2, round: half_even", "0.1250000000000000000000000001", "13"),
        ("is: decimal, scale: 2, round: half_even", "0.13499999999999999999999999", "13"),
        ("is: decimal, scale: 2, round: half_even", "90071992547409.914", "9007199254740991"),
        (
            "is: decimal, scale: 2, round: half_even", "90071992547409.915",
            "number beyond the field's max: /n"
        ),
        ("is: decimal, scale: 2, round: half_even, max: 1", "1.005", "100"),
        (
            "is: decimal, scale: 2, round: half_even, max: 1", "1.0051",
            "number beyond the field's max: /n"
        ),
        ("is: decimal, scale: 12", "3.15e-05", "31500000"),
        ("is: decimal, scale: 12, round: half_even", "0.1234567890125", "123456789012"),
        ("is: decimal, scale: 0", "7.0", "7"),
        ("is: decimal, scale: 0", "7.5", "number with more decimals than the field's scale: /n"),
        ("is: decimal, scale: 2, from: text", "\"12.34\"", "1234"),
        ("is: decimal, scale: 2, from: text", "\"1\\u0032.34\"", "1234"),
        ("is: decimal, scale: 2, from: text", "12.34", "1234"),
        ("is: decimal, scale: 2, from: text", "\"\"", "text is not a number: /n"),
        ("is: decimal, scale: 2, from: text", "\" 1\"", "text is not a number: /n"),
        ("is: decimal, scale: 2, from: text", "\"01\"", "text is not a number: /n"),
        ("is: decimal, scale: 2, from: text", "\"NaN\"", "text is not a number: /n"),
        ("is: decimal, scale: 2, from: text", "true", "field has the wrong type: /n"),
        ("is: integer, from: text", "\"1e3\"", "1000"), ("is: integer, from: text", "1.0", "1"),
        ("is: integer, from: text", "\"1.5\"", "number is not an integer within 2^53 - 1: /n"),
        ("is: integer, from: text", "\"1099511627777\"", "number beyond the field's max: /n"),
        (
            "is: integer, from: text, max: 9007199254740991", "\"9007199254740991\"",
            "9007199254740991"
        ),
        (
            "is: integer, from: text", "\"9007199254740992\"",
            "number beyond the field's max: /n"
        ),
    ]

    @Test(arguments: amounts) func amountsAreExact(
        _ rule: String, _ json: String, _ expected: String
    ) throws {
        let catalog = try Catalogs.read(
            """
            version: 1
            events: {e: {fields: {n: {at: /n, \(rule)}}}}
            meters: {m: {kind: sum, windows: [all], on: [{event: e, amount: n}]}}
            """)
        let (detail, cells) = try count("\"n\":\(json)", catalog, "odo:1:{44}:a:totals")
        let found = cells["m"].map { "\($0)" } ?? detail
        #expect(found == expected, "\(rule) of \(json)")
    }

    /// The rule of a field, a JSON value, and the dimension that it becomes, or what is wrong.
    private static let dimensions = [
        ("is: integer", "200", "200"), ("is: integer", "2e2", "200"), ("is: integer", "-0", "0"),
        ("is: integer", "null", "unknown"), ("is: integer, default: 7", "null", "7"),
        ("is: integer", "\"200\"", "field has the wrong type: /n"),
        ("is: integer, from: text", "\"200\"", "200"),
        ("is: integer, from: text", "\"2e2\"", "200"),
        ("is: boolean", "true", "true"), ("is: boolean", "false", "false"),
        ("is: boolean", "null", "unknown"), ("is: boolean, default: false", "null", "false"),
        ("is: boolean", "\"true\"", "field has the wrong type: /n"),
        ("is: boolean", "1", "field has the wrong type: /n"),
        ("from: any", "\"x\"", "x"), ("from: any", "\"\"", ""), ("from: any", "true", "true"),
        ("from: any", "0.70", "0.7"), ("from: any", "1e3", "1000"), ("from: any", "-1.50e1", "-15"),
        ("from: any", "12345678901234567890123", "12345678901234567890123"),
        ("from: any", "-0.0", "0"), ("from: any", "1e-3", "0.001"),
        ("from: any", "null", "unknown"),
        ("from: any", "1e300", "text longer than 256 bytes: /n"),
        ("from: any", "[1]", "field has the wrong type: /n"),
        ("from: any, values: [\"1\", x]", "1.0", "1"),
        ("from: any, values: [\"1\", x]", "2", "text is none of the permitted values: /n"),
    ]

    @Test(arguments: dimensions) func valuesAreDimensionsByTheirText(
        _ rule: String, _ json: String, _ expected: String
    ) throws {
        let catalog = try Catalogs.read(
            """
            version: 1
            events: {e: {fields: {n: {at: /n, \(rule)}}}}
            meters: {m: {kind: count, windows: [all], by: [n], on: [{event: e}]}}
            """)
        let (detail, cells) = try count("\"n\":\(json)", catalog, "odo:1:{44}:a:m:all")
        #expect((cells.keys.first ?? detail) == expected, "\(rule) of \(json)")
    }

    @Test func idsAndSubjectsMayBeNumbers() throws {
        let catalog = try Catalogs.read(
            """
            version: 1
            envelope: {id: {at: /i, from: any}, source: {const: s}, type: {const: e}, subject: {at: /o, from: any}}
            events: {e: {}}
            meters: {m: {kind: count, windows: [all], on: [{event: e}]}}
            """)
        let twin = try Twin(catalog, span: 10)
        let texts = [
            #"{"i":1,"o":9007199254740993}"#, #"{"i":"1","o":"9007199254740993"}"#,
            #"{"i":1.0,"o":9007199254740993}"#, #"{"i":2,"o":9.007199254740993e15}"#,
            #"{"i":true,"o":9007199254740993}"#, #"{"i":null,"o":9007199254740993}"#,
            #"{"i":[],"o":9007199254740993}"#, #"{"i":1e256,"o":9007199254740993}"#,
        ]
        for (offset, text) in texts.enumerated() { take(text, Int64(offset), twin) }
        // 1, "1" and 1.0 are one id; null, [] and a number of 257 digits are none.
        #expect(twin.program.counters.outcomes == [3, 2, 0, 3, 0, 0, 0])
        let sums = twin.contents.filter { $0.key.hasSuffix(":9007199254740993:totals") }
        #expect(sums.map(\.value.cells) == [[Array("m".utf8): .integer(3)]])
        twin.finish()
        #expect(twin.differences.isEmpty, "\(twin.differences)")
    }

    @Test func constantAmountsAreInTheDecimalsOfTheMeter() throws {
        let catalog = try Catalogs.read(
            """
            version: 1
            events: {e: {fields: {n: {at: /n, is: decimal, scale: 3}}}}
            meters: {m: {kind: level, windows: [all], on: [{event: e, amount: n}, {event: e, amount: -2}]}}
            """)
        let cells = try count("\"n\":5.25", catalog, "odo:1:{44}:a:totals").cells
        #expect(cells == ["m": 3_250])
    }

    @Test func onlyADeclaredScaleIsInTheContract() throws {
        func digests(_ rule: String, _ name: String) throws -> String? {
            let text = """
                version: 1
                events: {e: {fields: {n: {at: /n, \(rule)}}}}
                meters: {m: {kind: sum, windows: [all], on: [{event: e, amount: n}]}}
                """
            return try Program(
                catalog: Catalogs.read(text), shardCount: 1, dedupeKey: (1, 2),
                futureBoundMilliseconds: 0
            ).contractEntries.first { $0.name == name }?.digest
        }
        let rules = [
            "is: integer", "is: integer, from: text", "is: decimal, scale: 0",
            "is: decimal, scale: 2", "is: decimal, scale: 3", "is: decimal, scale: 2, from: text",
            "is: decimal, scale: 2, round: half_even",
        ]
        #expect(Set(try rules.map { try digests($0, "event:e/n") }).count == rules.count)
        // Numbers of another scale in the same cells would be wrong, so the meter is another one.
        #expect(Set(try rules.map { try digests($0, "meter:m") }).count == 3)
    }

    @Test func scaledNumbersAreWrittenWithAllTheirDecimals() {
        #expect(ScaledNumber.text(1_234, scale: 2) == "12.34")
        #expect(ScaledNumber.text(-5, scale: 3) == "-0.005")
        #expect(ScaledNumber.text(0, scale: 12) == "0.000000000000")
        #expect(ScaledNumber.text(.min, scale: 12) == "-9223372.036854775808")
        #expect(ScaledNumber.text(-7, scale: 0) == "-7")
        #expect(ScaledNumber.text(100, scale: 2) == "1.00")
    }

    /// What becomes of one event of the organization `a`: the detail of its dead letter, and the
    /// integers of a key.
    private func count(
        _ members: String, _ catalog: MeterCatalog, _ key: String
    ) throws -> (detail: String, cells: [String: Int64]) {
        let twin = try Twin(catalog, span: 10)
        let text =
            #"{"specversion":"1.0","id":"1","source":"s","type":"e","subject":"a",\#(members)}"#
        take(text, 0, twin)
        let detail = twin.program.rejected.first?.detail ?? "nothing"
        var cells: [String: Int64] = [:]
        for (field, value) in twin.content(of: key)?.cells ?? [:] {
            if case .integer(let number) = value {
                cells[String(decoding: field, as: UTF8.self)] = number
            }
        }
        twin.finish()
        #expect(twin.differences.isEmpty, "\(text): \(twin.differences)")
        return (detail, cells)
    }

    private func take(_ text: String, _ offset: Int64, _ twin: Twin) {
        twin.take(
            [
                LogRecord(
                    offset: offset, timestamp: 1_773_065_800_000, key: nil, value: Array(text.utf8))
            ],
            oneByOne: true)
    }
}
