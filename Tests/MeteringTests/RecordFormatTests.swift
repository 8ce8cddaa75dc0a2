import CAllocationCount
import Catalog
import Testing

@testable import Metering

/// Frames, Avro and Protobuf by bytes that were made by hand.
@Suite struct RecordFormatTests {
    private static func text(_ format: String) -> String {
        """
        version: 1
        records: {format: \(format)}
        envelope: {id: /id, source: {const: s}, type: {const: use}, subject: /who, time: /at}
        events: {use: {fields: {n: {at: /n, is: integer}}}}
        meters: {ns: {kind: sum, signed: true, windows: [all], on: [{event: use, amount: n}]}}
        """
    }
    private static let avro = RecordSchema(
        format: .avro,
        files: [
            SchemaFile(
                name: "1",
                text: """
                    {"type": "record", "name": "E", "fields": [{"name": "id", "type": "string"},
                    {"name": "who", "type": ["null", "string"]}, {"name": "x", "type": "double"},
                    {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
                    {"name": "n", "type": "long"}]}
                    """)
        ])
    private static let protobuf = RecordSchema(
        format: .protobuf,
        files: [
            SchemaFile(
                name: "1",
                text: """
                    syntax = "proto3"; import "google/protobuf/timestamp.proto"; message A {}
                    message B { message E { string id = 1; string who = 2;
                    google.protobuf.Timestamp at = 3; sint64 n = 4; } }
                    """)
        ])
    /// id a, who w, x 0, at 2026-03-09T14:00:00Z, n -3.
    private static let avroRecord: [UInt8] =
        [2, 0x61, 2, 2, 0x77] + [UInt8](repeating: 0, count: 8)
        + [0x80, 0x9C, 0xAE, 0xAE, 0x9A, 0x67] + [5]
    private static let protobufRecord: [UInt8] = [
        0x0A, 1, 0x61, 0x12, 1, 0x77, 0x1A, 6, 0x08, 0xE0, 0xA4, 0xBB, 0xCD, 0x06, 0x20, 5,
    ]
    private static let guid: [UInt8] = [1] + (1...16)
    private static let guidText = "01020304-0506-0708-090a-0b0c0d0e0f10"

    private static func program(_ format: String) throws -> Program {
        try Program(
            catalog: try Catalogs.read(text(format)), shardCount: 4, dedupeKey: (1, 2),
            futureBoundMilliseconds: 300_000)
    }

    /// Reads a record; the schemas that it asks for are `schema`, nil: absent.
    ///
    /// Returns why it is rejected, its subject, and the schemas that were asked for.
    private static func read(
        _ program: inout Program, _ value: [UInt8]?, headers: [[UInt8]] = [],
        _ schema: RecordSchema?
    ) -> (rejection: Rejection, subject: String?, asked: [String]) {
        let bytes = value.map { value in
            let copy = UnsafeMutableRawBufferPointer.allocate(
                byteCount: value.count, alignment: 1)
            copy.copyBytes(from: value)
            return copy
        }
        defer { bytes?.deallocate() }
        var fold = FoldRecord(
            offset: 0, timestampMilliseconds: 1_773_065_000_000,
            value: bytes.map { UnsafeRawBufferPointer($0) }, key: nil, partitionSlot: 0)
        var asked: [String] = []
        func unframe(_ program: inout Program, _ header: FrameHeader) {
            while let key = program.unframe(&fold, header) {
                asked.append("\(key)")
                _ = program.learn(schema, of: fold, header, key)
            }
        }
        let name = Array("__value_schema_id".utf8)
        name.withUnsafeBytes { name in
            var header = FrameHeader()
            withBytes(headers[...], &header, name) { unframe(&program, $0) }
        }
        var subject: String?
        program.read(fold, BinaryAttributes()) { reading in
            subject = reading.map { String(decoding: $0.subject, as: UTF8.self) }
        }
        return (program.scratch.rejection, subject, asked)
    }

    /// Takes headers one by one, each while its bytes are there, and calls `body` inside of all.
    private static func withBytes(
        _ headers: ArraySlice<[UInt8]>, _ header: inout FrameHeader,
        _ name: UnsafeRawBufferPointer, _ body: (FrameHeader) -> Void
    ) {
        guard let first = headers.first else { return body(header) }
        first.withUnsafeBytes { value in
            header.take(name: name, value: value)
            withBytes(headers.dropFirst(), &header, name, body)
        }
    }

    @Test func avroIsReadByItsIdAndByItsGUID() throws {
        var program = try Self.program("avro")
        let record = Self.avroRecord
        let first = Self.read(&program, [0, 0, 0, 1, 2] + record, Self.avro)
        #expect(first == (.none, "w", ["258"]))
        #expect(program.scratch.timeNanoseconds == 1_773_064_800_000_000_000)
        #expect(program.scratch.fields[0].integer == -3)
        let second = Self.read(&program, [0, 0, 0, 1, 2] + record, nil)
        #expect(second == (.none, "w", []))
        let byHeader = Self.read(&program, record, headers: [Self.guid], Self.avro)
        #expect(byHeader == (.none, "w", [Self.guidText]))
        let twice = Self.read(&program, record, headers: [Self.guid, Self.guid], nil)
        #expect(twice == (.none, "w", []))
    }

    @Test func protobufIsReadByItsMessageIndexes() throws {
        var program = try Self.program("protobuf")
        let record = Self.protobufRecord
        let nested = Self.read(&program, [0, 0, 0, 0, 9, 4, 2, 0] + record, Self.protobuf)
        #expect(nested == (.none, "w", ["9"]))
        #expect(program.scratch.timeNanoseconds == 1_773_064_800_000_000_000)
        #expect(program.scratch.fields[0].integer == -3)
        let byHeader = Self.read(
            &program, record, headers: [Self.guid + [4, 2, 0]], Self.protobuf)
        #expect(byHeader == (.none, "w", [Self.guidText]))
        // The first message is written short; it has no subject.
        #expect(Self.read(&program, [0, 0, 0, 0, 9, 0], Self.protobuf).rejection == .id)
        let none = Self.read(&program, [0, 0, 0, 0, 9, 2, 8] + record, Self.protobuf)
        #expect(none.rejection == .messageIndexes)
        let negative = Self.read(&program, [0, 0, 0, 0, 9, 2, 1] + record, Self.protobuf)
        #expect(negative == (.messageIndexes, nil, []))
    }

    @Test func aBrokenFrameIsMalformed() throws {
        var program = try Self.program("avro")
        let record = Self.avroRecord
        let cases: [(value: [UInt8], headers: [[UInt8]], Rejection)] = [
            ([0, 0, 0, 0], [], .frameTruncated), ([], [], .frameTruncated),
            ([2, 0, 0, 0, 1] + record, [], .frameMagic), (Array("{}".utf8), [], .frameMagic),
            (record, [[]], .frameTruncated), (record, [Self.guid + [0]], .frameTrailing),
            (record, [Self.guid, Array(Self.guid.reversed())], .frameTwice),
        ]
        for (value, headers, wanted) in cases {
            let found = Self.read(&program, value, headers: headers, Self.avro)
            #expect(found == (wanted, nil, []), "\(value) \(headers)")
        }
        #expect(Self.read(&program, nil, Self.avro).rejection == .tombstone)
    }

    @Test func aBrokenRecordIsMalformedAndTheNextOneIsNot() throws {
        var program = try Self.program("avro")
        let frame: [UInt8] = [0, 0, 0, 0, 1]
        for cut in 0..<Self.avroRecord.count {
            let found = Self.read(&program, frame + Self.avroRecord.prefix(cut), Self.avro)
            #expect(found.rejection == .recordTruncated, "\(cut)")
        }
        let more = Self.read(&program, frame + Self.avroRecord + [0], Self.avro)
        #expect(more.rejection == .recordTrailing)
        var branch = Self.avroRecord
        branch[2] = 4
        #expect(Self.read(&program, frame + branch, Self.avro).rejection == .recordValue)
        var bytes = Self.avroRecord
        bytes[4] = 0xFF
        #expect(Self.read(&program, frame + bytes, Self.avro).rejection == .recordNotUTF8)
        #expect(Self.read(&program, frame + Self.avroRecord, nil).subject == "w")
    }

    @Test func aSchemaThatIsAbsentOrCannotBeUsedMakesRecordsMalformed() throws {
        var program = try Self.program("avro")
        let record = Self.avroRecord
        let absent = Self.read(&program, [0, 0, 0, 0, 1] + record, nil)
        #expect(absent == (.schemaAbsent, nil, ["1"]))
        #expect(Self.read(&program, [0, 0, 0, 0, 1] + record, Self.avro).asked == [])
        let other = Self.read(&program, [0, 0, 0, 0, 2] + record, Self.protobuf)
        #expect(other.rejection == .schemaUnusable)
        let broken = RecordSchema(
            format: .avro, files: [SchemaFile(name: "", text: #"{"type": "no such"}"#)])
        let found = Self.read(&program, [0, 0, 0, 0, 3] + record, broken)
        #expect(found.rejection == .schemaUnusable)
    }

    @Test func jsonWithAFrameIsReadWithoutItsSchema() throws {
        var program = try Self.program("json-schema")
        let record = Array(#"{"id":"a","who":"w","n":1}"#.utf8)
        #expect(Self.read(&program, [0, 0, 0, 0, 1] + record, nil) == (.none, "w", []))
        #expect(Self.read(&program, record, headers: [Self.guid], nil) == (.none, "w", []))
        #expect(Self.read(&program, record, nil).rejection == .frameMagic)
    }

    /// Producers choose the ids.
    @Test func tooManyNamesOfSchemasAreForgotten() throws {
        var program = try Self.program("avro")
        func read(_ id: Int, _ schema: RecordSchema?) -> (Rejection, [String]) {
            let frame = [0] + (0..<4).map { UInt8(truncatingIfNeeded: id >> (24 - $0 * 8)) }
            let found = Self.read(&program, frame + Self.avroRecord, schema)
            return (found.rejection, found.asked)
        }
        for id in 1...Frames.mostKnown { #expect(read(id, nil) == (.schemaAbsent, ["\(id)"])) }
        program.forgetManySchemas()
        #expect(read(1, Self.avro) == (.schemaAbsent, []))
        #expect(read(0, Self.avro) == (.none, ["0"]))
        program.forgetManySchemas()
        #expect(program.frames?.knownCount == 0)
        // What they are asked for again says the same.
        #expect(read(1, nil) == (.schemaAbsent, ["1"]))
        #expect(read(0, Self.avro) == (.none, ["0"]))
        #expect(read(0, nil) == (.none, []))
    }

    @Test func tooManyCompiledSchemasAreForgotten() throws {
        var program = try Self.program("avro")
        for id in 0...Frames.mostCompiled {
            program.forgetManySchemas()
            let frame = [0, 0, 0, UInt8(id >> 8), UInt8(id & 255)]
            #expect(Self.read(&program, frame + Self.avroRecord, Self.avro).rejection == .none)
        }
        #expect(program.frames?.compiledCount == Frames.mostCompiled + 1)
        program.forgetManySchemas()
        #expect(program.frames?.compiledCount == 0)
        let found = Self.read(&program, [0, 0, 0, 0, 1] + Self.avroRecord, Self.avro)
        #expect(found == (.none, "w", ["1"]))
    }

    @Test func checkNamesWhatASchemaHasNot() throws {
        let program = try Self.program("avro")
        #expect(program.missing(in: Self.avro).pointers == [])
        let other = RecordSchema(
            format: .avro,
            files: [
                SchemaFile(
                    name: "",
                    text: """
                        {"type": "record", "name": "E", "fields": [{"name": "id", "type": "int"}]}
                        """)
            ])
        #expect(program.missing(in: other).pointers == ["/who", "/at", "/n"])
    }

    @Test(.enabled(if: AllocationTests.isOptimized, "needs a release build"))
    func readingAsksForNoMemory() throws {
        var program = try Self.program("avro")
        let bytes: [UInt8] = [0, 0, 0, 0, 1] + Self.avroRecord
        _ = Self.read(&program, bytes, Self.avro)
        let count = bytes.withUnsafeBytes { bytes in
            let before = allocation_count()
            for offset in 0..<1_000 {
                var fold = FoldRecord(
                    offset: Int64(offset), timestampMilliseconds: 1_773_065_000_000, value: bytes,
                    key: nil, partitionSlot: 0)
                _ = program.unframe(&fold, FrameHeader())
                program.read(fold, BinaryAttributes()) { _ in }
            }
            return allocation_count() - before
        }
        #expect(count == 0)
    }
}
