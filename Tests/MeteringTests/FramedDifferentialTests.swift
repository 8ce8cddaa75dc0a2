import Foundation
import Metering
import Testing
import Verify
import Workload

/// Records of Avro and Protobuf with random schemas, and JSON behind frames: the readers of the
/// product and those of the oracle share no code, and must agree about each outcome and cell.
@Suite struct FramedDifferentialTests {
    @Test(arguments: 1...12 as ClosedRange<UInt64>)
    func recordsOfRandomAvroCountAlike(seed: UInt64) throws {
        try run("avro", seed: seed)
    }

    @Test(arguments: 1...12 as ClosedRange<UInt64>)
    func recordsOfRandomProtobufCountAlike(seed: UInt64) throws {
        try run("protobuf", seed: seed)
    }

    @Test(arguments: [1, 2] as [UInt64])
    func jsonBehindFramesCountsAlike(seed: UInt64) throws {
        let catalog = try Catalogs.read(
            "version: 1\nrecords: {format: json-schema}\n\(seed == 1 ? "" : Catalogs.lists[0])\n"
                + Catalogs.listsDeclared)
        let twin = try Twin(catalog, span: 100)
        var events = HostileEvents(seed: seed, catalog: catalog)
        events.listShare = 40
        var values = RandomValues(random: SeededRandom(seed: seed))
        for _ in 0..<30 {
            let batch = (0..<30).map { _ in
                var record = events.next()
                if let value = record.value, values.happens(97) {
                    frame(&record, value, FrameText(schema: 1, indexes: []), &values)
                }
                return record
            }
            twin.take(batch, oneByOne: values.happens(80))
        }
        twin.finish()
        #expect(twin.differences.isEmpty, "\(twin.differences.joined(separator: "\n"))")
        #expect(twin.oracle.count(.accepted) > 100 && twin.oracle.count(.malformed) > 20)
    }

    @Test(.enabled(if: DifferentialTests.more > 0, "TEST_SEEDS is not set"))
    func manyMoreSeedsCountAlike() throws {
        for seed in 1_000..<1_000 + DifferentialTests.more {
            try run("avro", seed: seed)
            try run("protobuf", seed: seed)
        }
    }

    // MARK: Streams

    /// A schema with its writer, for structured records or for those in binary mode.
    private struct Kept {
        var frame: FrameText
        var isBinary: Bool
        var write: (inout RandomValues) -> [UInt8]
    }
    private struct FrameText {
        var schema: UInt32
        var indexes: [Int64]
    }

    private func run(_ format: String, seed: UInt64) throws {
        let isCloudEvents = seed % 2 == 0
        let catalog = try FramedCatalogs.catalog(format, isCloudEvents: isCloudEvents)
        var values = RandomValues(random: SeededRandom(seed: seed))
        var schemas: [SchemaKey: RecordSchema] = [:]
        var kept: [Kept] = []
        for id in 1...8 as ClosedRange<UInt32> {
            let isBinary = values.happens(25)
            let shape =
                isBinary && isCloudEvents
                ? FramedCatalogs.binary : FramedCatalogs.record(isCloudEvents: isCloudEvents)
            let made = make(format, shape, &values)
            let indexes = format == "avro" ? [] : made.indexes
            let schema = RecordSchema(
                format: made.format, files: [SchemaFile(name: "\(id)", text: made.text)])
            schemas[.id(id)] = schema
            schemas[.guid(Self.guidText(id))] = schema
            kept.append(
                Kept(
                    frame: FrameText(schema: id, indexes: indexes), isBinary: isBinary,
                    write: made.write))
        }
        let twin = try Twin(catalog, span: 100, schemas: schemas)
        var clock: Int64 = 1_773_066_000_000
        var offset: Int64 = 0
        for _ in 0..<40 {
            var batch: [LogRecord] = []
            for _ in 0..<25 {
                clock += Int64(values.random.below(20_000))
                var record = LogRecord(offset: offset, timestamp: clock)
                offset += 1
                fill(&record, values.pick(kept), &values)
                batch.append(record)
            }
            twin.take(batch, oneByOne: values.happens(80))
        }
        twin.finish()
        let texts = twin.differences.joined(separator: "\n")
        #expect(twin.differences.isEmpty, "\(format) \(seed): \(texts)")
        let counted = OracleOutcome.allCases.map { "\($0) \(twin.oracle.count($0))" }
        #expect(twin.oracle.count(.accepted) > 60, "\(format) \(seed): \(counted)")
        #expect(twin.oracle.count(.malformed) > 0, "\(format) \(seed): \(counted)")
    }

    private func make(
        _ format: String, _ shape: Shape, _ values: inout RandomValues
    ) -> (
        format: RecordFormat, text: String, indexes: [Int64],
        write: (inout RandomValues) -> [UInt8]
    ) {
        defer { _ = values.random.next() }
        // Now and then one of the other format, or of none.
        if values.happens(2) { return (.avro, "{\"type\": 7}", [0], { _ in [1, 2, 3] }) }
        let isAvro = (format == "avro") != values.happens(1)
        if isAvro {
            var maker = AvroMaker(values)
            let made = maker.type(shape)
            values = maker.values
            return (.avro, made.schema, [0], made.write)
        }
        var maker = ProtobufMaker(values)
        let made = maker.file(shape)
        values = maker.values
        return (.protobuf, made.text, made.indexes, made.write)
    }

    private func fill(_ record: inout LogRecord, _ kept: Kept, _ values: inout RandomValues) {
        if values.happens(1) { return }
        var value = kept.write(&values)
        if values.happens(3) {
            switch values.random.below(3) {
            case 0: value = Array(value.prefix(values.random.below(value.count + 1)))
            case 1: value.append(UInt8(values.random.below(256)))
            default:
                if !value.isEmpty {
                    value[values.random.below(value.count)] = UInt8(values.random.below(256))
                }
            }
        }
        if kept.isBinary {
            let attributes = [
                "ce_specversion": "1.0", "ce_id": "b\(values.random.below(300))",
                "ce_source": "here", "ce_type": values.pick(["use", "use", "strict", "other"]),
                "ce_subject": values.pick(["acme", "other"]),
            ]
            for (name, text) in attributes.sorted(by: { $0.key < $1.key })
            where !values.happens(1) {
                record.headers.append((Array(name.utf8), Array(text.utf8)))
            }
        }
        var frame = kept.frame
        if values.happens(1) { frame.schema = 99 }
        if values.happens(1), !frame.indexes.isEmpty { frame.indexes = [values.pick([9, -1]), 0] }
        self.frame(&record, value, frame, &values)
    }

    /// Puts a frame in front of a value or into a header; now and then a broken one.
    private func frame(
        _ record: inout LogRecord, _ value: [UInt8], _ frame: FrameText,
        _ values: inout RandomValues
    ) {
        let id = frame.schema
        var indexes: [UInt8] = []
        if frame.indexes == [0], values.happens(80) {
            indexes = [0]
        } else if !frame.indexes.isEmpty {
            indexes = AvroMaker.number(Int64(frame.indexes.count))
            indexes += frame.indexes.flatMap { AvroMaker.number($0) }
        }
        var bytes: [UInt8] =
            values.happens(50)
            ? [0, 0, 0, UInt8(id >> 8), UInt8(id & 255)] : [1] + Self.guid(id)
        bytes += indexes
        if values.happens(1) { bytes[0] = 2 }
        if values.happens(1) { bytes.removeLast() }
        let name = Array("__value_schema_id".utf8)
        guard values.happens(35) else {
            record.value = bytes + value
            return
        }
        record.value = value
        if values.happens(1) { bytes.append(0) }
        record.headers.append((name, bytes))
        if values.happens(5) { record.headers.append((name, bytes)) }
        if values.happens(1) { record.headers.append((name, [0, 0, 0, 0, 1])) }
    }

    private static func guid(_ id: UInt32) -> [UInt8] {
        [UInt8](repeating: 0xA0, count: 14) + [UInt8(id >> 8), UInt8(id & 255)]
    }

    private static func guidText(_ id: UInt32) -> String {
        let digits = guid(id).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        var rest = digits[...]
        return [8, 4, 4, 4, 12].map { length in
            defer { rest = rest.dropFirst(length) }
            return String(rest.prefix(length))
        }.joined(separator: "-")
    }
}
