import Testing

@testable import Workload

/// How the oracle writes what Avro and Protobuf have and JSON has not, by values worked out
/// by hand.
@Suite struct RecordTextTests {
    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    @Test func decimalsHaveAllTheirDigits() {
        let cases: [(bytes: [UInt8], scale: Int, text: String)] = [
            ([], 2, "0.00"), ([0xFF], 2, "-0.01"), ([0x04, 0xD2], 2, "12.34"), ([7], 0, "7"),
            ([0x80], 1, "-12.8"), ([0, 0, 0, 5], 6, "0.000005"),
            ([UInt8](repeating: 0xFF, count: 40), 0, "-1"),
            ([0x80] + [UInt8](repeating: 0, count: 15), 0, "-\(UInt128(1) << 127)"),
            ([0, 0x80] + [UInt8](repeating: 0, count: 15), 0, "[]"),
        ]
        for (bytes, scale, wanted) in cases {
            #expect(text(RecordText.decimal(bytes, scale: scale)) == wanted)
        }
    }

    @Test func floatsHaveTheirShortestText() throws {
        let floats: [(Float, Int64)] = [
            (123_456_792, 123_456_792), (16_777_216, 16_777_216), (3e9, 3_000_000_000),
        ]
        for (float, whole) in floats {
            #expect(DecimalText(RecordText.real(float))?.whole(0) == whole)
        }
        #expect(DecimalText(RecordText.real(Float(0.1)))?.plain == Array("0.1".utf8))
        #expect(text(RecordText.real(123_456_789_012_345_680_000.0)) == "123456789012345683968")
        #expect(text(RecordText.real(1.2345678901234568e22)) == "1.2345678901234568e+22")
        #expect(text(RecordText.real(-Double.infinity)) == "[]")
        #expect(text(RecordText.real(Double.nan)) == "[]")
    }

    @Test func momentsAndDurationsAreWithinTheirBounds() {
        #expect(text(RecordText.date(20_521)) == "@\"2026-03-09\"")
        #expect(text(RecordText.date(84_371)) == "[]" && text(RecordText.date(-98_616)) == "[]")
        let time = RecordText.time(1_773_064_800_250, digits: 3, isLocal: false)
        #expect(text(time) == "@\"2026-03-09T14:00:00.250Z\"")
        let local = RecordText.time(-1, digits: 6, isLocal: true)
        #expect(text(local) == "\"1969-12-31T23:59:59.999999\"")
        #expect(text(RecordText.time(.max, digits: 9, isLocal: false)) == "[]")
        #expect(text(RecordText.moment(seconds: 0, nanoseconds: 1_000_000_000)) == "[]")
        #expect(text(RecordText.duration(seconds: 0, nanoseconds: -250_000_000)) == "-0.250")
        #expect(text(RecordText.duration(seconds: 1, nanoseconds: -1)) == "[]")
    }

    @Test func whatIsNoSchemaOfAvroIsNone() throws {
        let wrong = [
            "", "null", "7", "{}", "[]", "[[\"int\"]]", "\"Nowhere\"", "strin",
            "{\"type\": \"record\", \"name\": \"A\"}",
            "{\"type\": \"record\", \"name\": \"int\", \"fields\": []}",
            "{\"type\": \"record\", \"fields\": []}",
            "{\"type\": \"record\", \"name\": \"A\", \"fields\": [{\"name\": \"a\", \"type\": \"A\"}]}",
            "{\"type\": \"fixed\", \"name\": \"A\"}", "{\"type\": \"array\"}",
            "{\"type\": \"enum\", \"name\": \"A\", \"symbols\": [7]}",
        ]
        for text in wrong {
            #expect(throws: OracleError.self, "\(text)") { try OracleAvroSchema(texts: [text]) }
        }
        let right = [
            "string", "\"long\"", "{\"type\": {\"type\": \"int\"}}",
            """
            {"type": "record", "name": "n.A", "fields": [{"name": "a", "type": ["null", "A"]},
            {"name": "b", "type": {"type": "array", "items": "n.A"}}]}
            """,
        ]
        for text in right { _ = try OracleAvroSchema(texts: [text]) }
        let other = "{\"type\": \"fixed\", \"name\": \"F\", \"size\": 3}"
        let both = try OracleAvroSchema(texts: [other, "[\"null\", \"F\"]"])
        let asked = AskedFor.valueAlone
        #expect(try text(AvroRecord.text(both, [2, 1, 2, 255], asked)) == "\"0102ff\"")
        #expect(try text(AvroRecord.text(both, [0], asked)) == "null")
        for bytes in [[], [2, 1, 2], [4], [0, 0], [1]] as [[UInt8]] {
            #expect(throws: MalformedRecord.self) { try AvroRecord.text(both, bytes, asked) }
        }
    }
}
