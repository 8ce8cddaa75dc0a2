import Catalog
import Foundation
import Ledger
import Verify
import Workload

@testable import Metering

/// A record of a log, with bytes of its own.
struct LogRecord {
    var partition = 0
    var offset: Int64 = 0
    var timestamp: Int64
    var key: [UInt8]?
    var value: [UInt8]?
    var headers: [(name: [UInt8], value: [UInt8]?)] = []

    var text: String {
        let value = self.value.map { String(decoding: $0.prefix(900), as: UTF8.self) } ?? "null"
        let headers = self.headers.map { header in
            "\(String(decoding: header.name, as: UTF8.self))="
                + (header.value.map { String(decoding: $0, as: UTF8.self) } ?? "null")
        }
        return "\(partition)/\(offset) @\(timestamp) \(headers) \(value)"
    }
}

/// What one key holds, or should hold.
struct KeyContent: Equatable {
    var shape: ExpectedShape
    var expiry: Int64?
    var cells: [[UInt8]: ExpectedValue] = [:]
}

/// One stream of records through the program and through the independent oracle.
///
/// Every difference is kept as a text. Tallies are committed to a model of Redis.
final class Twin {
    var program: Program
    var oracle: Oracle
    let cursors: UnsafeMutablePointer<PartitionCursor>
    let tallies: UnsafeMutablePointer<Tally>
    let names: HeaderNames
    private var keys: [[UInt8]: KeyContent] = [:]
    private var audit: [[OracleAudit]]
    private(set) var differences: [String] = []
    /// How often a full tally stopped the program.
    private(set) var stops = 0
    static let shardCount = 64
    static let partitionNumbers: [Int32] = [3, 70]

    /// The schemas of the records; those that are not here are absent.
    private let schemas: [SchemaKey: RecordSchema]

    init(
        _ catalog: MeterCatalog, span: Int64, schemas: [SchemaKey: RecordSchema] = [:]
    ) throws {
        self.schemas = schemas
        program = try Program(
            catalog: catalog, shardCount: Self.shardCount, dedupeKey: (0x1234, 0x5678),
            futureBoundMilliseconds: 300_000)
        program.partitionNumbers = Self.partitionNumbers
        names = HeaderNames(catalog)
        let settings = OracleSettings(
            prefix: "odo", generation: 1, shards: Self.shardCount, dedupeWindow: span,
            futureBoundMilliseconds: 300_000)
        oracle = try Oracle(
            catalog: OracleCatalog(catalog), settings: settings,
            schemas: SchemaText.source { Self.answer($0, schemas) })
        let count = Self.partitionNumbers.count
        cursors = .allocate(capacity: count)
        tallies = .allocate(capacity: Self.shardCount)
        audit = Array(
            repeating: Array(repeating: OracleAudit(), count: Self.shardCount), count: count)
        for (slot, number) in Self.partitionNumbers.enumerated() {
            _ = oracle.addPartition(topic: "usage", number: number)
            (cursors + slot).initialize(
                to: PartitionCursor(
                    position: 0, marks: Array(repeating: 0, count: Self.shardCount), span: span))
        }
        for shard in 0..<Self.shardCount {
            (tallies + shard).initialize(to: Tally(partitionCount: count))
        }
    }

    deinit {
        cursors.deinitialize(count: Self.partitionNumbers.count)
        cursors.deallocate()
        tallies.deinitialize(count: Self.shardCount)
        tallies.deallocate()
    }

    func note(_ difference: String) {
        if differences.count < 12 { differences.append(difference) }
    }

    /// Puts records through both; one by one, the outcome of each is compared.
    func take(_ records: [LogRecord], oneByOne: Bool) {
        let arena = Arena()
        var folds = arena.folds(records, names)
        for place in folds.records.indices where program.hasFrames {
            takeFrame(&folds.records[place], folds.headers[place])
        }
        folds.records.withUnsafeBufferPointer { records in
            folds.attributes.withUnsafeBufferPointer { attributes in
                var next = 0
                while next < records.count {
                    let end = oneByOne ? next + 1 : records.count
                    let part = UnsafeBufferPointer(rebasing: records[0..<end])
                    let before = program.counters.outcomes
                    let stop = program.run(
                        part, from: next, attributes: attributes.baseAddress, cursors: cursors,
                        tallies: tallies)
                    if oneByOne {
                        compare(before, folds.logged[next], folds.headers[next])
                    } else {
                        for index in next..<stop.next {
                            feed(folds.logged[index], folds.headers[index])
                        }
                    }
                    next = stop.next
                    if let shard = stop.fullShard {
                        stops += 1
                        if !tallies[shard].isFull { note("shard \(shard) is not full") }
                        commit(shard)
                    }
                }
            }
        }
    }

    /// Takes the frame off a record, as the pipeline does.
    private func takeFrame(_ fold: inout FoldRecord, _ headers: [WorkloadHeader]) {
        var header = FrameHeader()
        for each in headers { header.take(name: each.name, value: each.value) }
        while let key = program.unframe(&fold, header) {
            _ = program.learn(schemas[key], of: fold, header, key)
        }
    }

    /// The same schemas as the oracle asks for them.
    private static func answer(
        _ name: OracleSchemaName, _ schemas: [SchemaKey: RecordSchema]
    ) -> SchemaAnswer {
        let key: SchemaKey =
            switch name {
            case .id(let id): .id(id)
            case .guid(let guid): .guid(guid)
            }
        guard let schema = schemas[key] else { return .absent }
        return .texts(
            SchemaTexts(
                format: schema.format.rawValue, files: schema.files.map { ($0.name, $0.text) }))
    }

    @discardableResult
    private func feed(_ record: LogRecord, _ headers: [WorkloadHeader]) -> OracleOutcome {
        func feed(
            _ value: UnsafeRawBufferPointer?, _ key: UnsafeRawBufferPointer?
        ) -> OracleOutcome {
            oracle.feed(
                record.partition, offset: record.offset, timestamp: record.timestamp, key: key,
                value: value, headers: headers)
        }
        return (record.value ?? []).withUnsafeBytes { value in
            (record.key ?? []).withUnsafeBytes { key in
                feed(record.value == nil ? nil : value, record.key == nil ? nil : key)
            }
        }
    }

    private func compare(_ before: [Int64], _ record: LogRecord, _ headers: [WorkloadHeader]) {
        let earlier = OracleOutcome.allCases.map { oracle.count($0) }
        feed(record, headers)
        let found = Outcome.allCases.map { outcome in
            let index = Int(outcome.rawValue)
            return (outcome.word, program.counters.outcomes[index] - before[index])
        }
        let expected = OracleOutcome.allCases.enumerated().map { index, outcome in
            (outcome.word, oracle.count(outcome) - earlier[index])
        }
        func text(_ counts: [(String, Int64)]) -> String {
            counts.filter { $0.1 != 0 }.map { "\($0.1) \($0.0)" }.sorted()
                .joined(separator: ", ")
        }
        if text(found) != text(expected) {
            let why = program.rejected.first?.detail ?? ""
            note("\(text(found)) \(why) ≠ \(text(expected)): \(record.text)")
        }
    }

    /// Commits the tally of a shard to the model.
    func commit(_ shard: Int) {
        TallyText.add(tallies[shard], shard: shard, program.cellSets, to: &keys, note)
        for slot in Self.partitionNumbers.indices {
            let own = tallies[shard].outcomes(partitionSlot: slot)
            audit[slot][shard].accepted += own.0
            audit[slot][shard].duplicate += own.1
            audit[slot][shard].ignored += own.2
            audit[slot][shard].rejected += own.3
            audit[slot][shard].further += tallies[shard].further(partitionSlot: slot)
        }
        tallies[shard].removeAll()
    }

    /// What a key holds once everything is committed.
    func content(of key: String) -> KeyContent? {
        for shard in 0..<Self.shardCount { commit(shard) }
        return keys[Array(key.utf8)]
    }

    /// All keys and what they hold, once everything is committed.
    var contents: [(key: String, value: KeyContent)] {
        for shard in 0..<Self.shardCount { commit(shard) }
        return keys.map { (key: String(decoding: $0.key, as: UTF8.self), value: $0.value) }
    }

    /// Commits everything and compares all cells, expiries, audits and counters.
    func finish() {
        for shard in 0..<Self.shardCount { commit(shard) }
        oracle.sortCells()
        var expected: [[UInt8]: KeyContent] = [:]
        for number in 0..<oracle.cells.keyCount {
            var content = KeyContent(
                shape: oracle.cells.shape(number), expiry: oracle.cells.expirySeconds(number))
            if content.shape == .distinct {
                for value in oracle.cells.values(number) { content.cells[value] = .integer(1) }
            } else {
                for (field, value) in oracle.cells.cells(number) { content.cells[field] = value }
            }
            if !content.cells.isEmpty { expected[oracle.cells.name(number)] = content }
        }
        let found = keys.mapValues { content in
            var content = content
            content.cells = content.cells.filter { $0.value != .integer(0) }
            return content
        }.filter { !$0.value.cells.isEmpty }
        for name in Set(expected.keys).union(found.keys) where expected[name] != found[name] {
            note(
                "\(String(decoding: name, as: UTF8.self)): \(Self.text(found[name]))"
                    + " ≠ \(Self.text(expected[name]))")
        }
        for slot in audit.indices where audit[slot] != oracle.partitions[slot].audit {
            note("the audits of partition \(slot) differ")
        }
        if program.counters.expiredWindows != oracle.expiredWindows {
            note("expired: \(program.counters.expiredWindows) ≠ \(oracle.expiredWindows)")
        }
        if program.counters.untimed != oracle.timeless { note("untimed differ") }
    }

    private static func text(_ content: KeyContent?) -> String {
        guard let content else { return "nothing" }
        let cells = content.cells.map { field, value in
            let text =
                switch value {
                case .integer(let number): "\(number)"
                case .text(let bytes): String(decoding: bytes, as: UTF8.self)
                }
            return "\(String(decoding: field, as: UTF8.self)): \(text)"
        }
        return "\(content.shape) \(content.expiry ?? 0) \(cells.sorted().prefix(8))"
    }
}

/// Memory of a batch, freed with it.
final class Arena {
    private var owned: [UnsafeMutableRawBufferPointer] = []

    deinit { for buffer in owned { buffer.deallocate() } }

    func own(_ bytes: [UInt8]) -> UnsafeRawBufferPointer {
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
        copy.copyBytes(from: bytes)
        owned.append(copy)
        return UnsafeRawBufferPointer(copy)
    }

    func folds(
        _ records: [LogRecord], _ names: HeaderNames
    ) -> (
        records: [FoldRecord], attributes: [BinaryAttributes], headers: [[WorkloadHeader]],
        logged: [LogRecord]
    ) {
        var folds: [FoldRecord] = []
        var attributes = [BinaryAttributes()]
        var headers: [[WorkloadHeader]] = []
        for record in records {
            let owned = record.headers.map {
                WorkloadHeader(name: own($0.name), value: $0.value.map(own))
            }
            headers.append(owned)
            var place: Int32 = -1
            let binary = Self.attributes(owned)
            if binary.isBatch {
                place = FoldRecord.batch
            } else if binary.isBinary {
                place = Int32(attributes.count)
                attributes.append(binary)
            }
            folds.append(
                FoldRecord(
                    offset: record.offset, timestampMilliseconds: record.timestamp,
                    value: record.value.map(own), key: record.key.map(own),
                    partitionSlot: Int32(record.partition), attributes: place,
                    headers: values(owned, names)))
        }
        return (folds, attributes, headers, records)
    }

    private func values(
        _ headers: [WorkloadHeader], _ names: HeaderNames
    ) -> UnsafePointer<UnsafeRawBufferPointer?>? {
        if headers.isEmpty || names.count == 0 { return nil }
        let room = UnsafeMutableRawBufferPointer.allocate(
            byteCount: names.count * MemoryLayout<UnsafeRawBufferPointer?>.stride, alignment: 8)
        owned.append(room)
        let values = room.bindMemory(to: UnsafeRawBufferPointer?.self)
        guard let start = values.baseAddress else { return nil }
        values.initialize(repeating: nil)
        for header in headers { names.take(name: header.name, value: header.value, into: start) }
        return UnsafePointer(start)
    }

    private static func attributes(_ headers: [WorkloadHeader]) -> BinaryAttributes {
        var binary = BinaryAttributes()
        for header in headers { binary.take(name: header.name, value: header.value) }
        return binary
    }
}

extension Outcome {
    fileprivate var word: String { name.replacing("_", with: "") }
}

extension OracleOutcome {
    fileprivate var word: String { "\(self)".lowercased() }
}
