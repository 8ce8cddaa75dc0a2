import Catalog
import Metering
import Verify
import Workload

/// A record in binary mode: its outcome must be the oracle's, which shares no code with the
/// product.
///
/// The input has a header on each line, `NAME=VALUE` or `NAME` for a null value; after an empty
/// line follows the record's value, which is null when there is no empty line.
final class HeadersTarget: FuzzTarget {
    private static let catalog = """
        version: 1
        events:
          sale:
            fields:
              shop: {at: /data/shop, required: true, values: [a, b, "é"]}
              cents: {at: /data/cents, is: integer}
              paid: {at: /data/paid, is: time}
              tags: {at: /data/tags, each: true}
        meters:
          sales: {kind: count, windows: [day, all], by: [shop], on: [{event: sale}]}
          revenue: {kind: sum, windows: [month], on: [{event: sale, amount: cents, time: paid}]}
          tagged: {kind: ranking, windows: [day], by: [tags.key], on: [{event: sale}]}
        """
    /// Program and oracle are made again after this many records, as the oracle remembers all of
    /// them.
    private static let roundLength: Int64 = 20_000
    private static let timestamp: Int64 = 1_773_065_800_000
    private static let shards = 64

    private var program: Program
    private var oracle: Oracle
    private var offset: Int64 = 0
    private let cursor: UnsafeMutablePointer<PartitionCursor>
    private let tallies: UnsafeMutablePointer<Tally>

    init() throws {
        program = try Self.makeProgram()
        oracle = try Self.makeOracle()
        cursor = .allocate(capacity: 1)
        tallies = .allocate(capacity: Self.shards)
        for shard in 0..<Self.shards {
            (tallies + shard).initialize(to: Tally(partitionCount: 1))
        }
        cursor.initialize(to: Self.makeCursor())
    }

    deinit {
        cursor.deinitialize(count: 1)
        cursor.deallocate()
        tallies.deinitialize(count: Self.shards)
        tallies.deallocate()
    }

    func finding(for input: [UInt8]) -> String? {
        if offset == Self.roundLength {
            guard let oracle = try? Self.makeOracle() else { return "no oracle" }
            self.oracle = oracle
            offset = 0
            cursor.pointee = Self.makeCursor()
            for shard in 0..<Self.shards { tallies[shard].removeAll() }
        }
        let record = Record(input)
        var binary = BinaryAttributes()
        for header in record.headers { binary.take(name: header.name, value: header.value) }
        let isMarked = record.headers.contains {
            $0.name.starts(with: "ce_".utf8) && $0.name.count > 3
        }
        if binary.isBinary, !isMarked { return "binary mode without a header of CloudEvents" }
        if let finding = lastCounts(record, binary) { return finding }
        let found = outcome(of: record, binary.isBinary ? binary : nil)
        let expected = oracle.feed(
            0, offset: offset, timestamp: Self.timestamp, value: record.value,
            headers: record.headers)
        offset += 1
        if found?.name == expected.name { return nil }
        let why = program.rejected.first?.rejection.text ?? ""
        return "\(found?.name ?? "no outcome") \(why), the oracle says \(expected.name)"
    }

    /// Each attribute must be the value of the last header with its name, not copied.
    private func lastCounts(_ record: Record, _ binary: BinaryAttributes) -> String? {
        let read = [
            ("ce_specversion", binary.specversion), ("ce_id", binary.id),
            ("ce_source", binary.source), ("ce_type", binary.type),
            ("ce_subject", binary.subject), ("ce_time", binary.time),
        ]
        for (name, value) in read {
            let last = record.headers.last { $0.name.elementsEqual(name.utf8) }?.value
            if last?.baseAddress != value?.baseAddress || last?.count != value?.count {
                return "\(name) is \(shown(value.map { Array($0) } ?? []))"
            }
        }
        return nil
    }

    private func outcome(of record: Record, _ binary: BinaryAttributes?) -> Outcome? {
        let before = program.counters.outcomes
        var attributes = binary ?? BinaryAttributes()
        var fold = FoldRecord(
            offset: offset, timestampMilliseconds: Self.timestamp, value: record.value, key: nil,
            partitionSlot: 0, attributes: binary == nil ? -1 : 0)
        let stop = withUnsafePointer(to: &fold) { fold in
            withUnsafePointer(to: &attributes) { attributes in
                program.run(
                    UnsafeBufferPointer(start: fold, count: 1), from: 0, attributes: attributes,
                    cursors: cursor, tallies: tallies)
            }
        }
        if let shard = stop.fullShard { tallies[shard].removeAll() }
        let changed = before.indices.filter { program.counters.outcomes[$0] != before[$0] }
        return changed.count == 1 ? Outcome(rawValue: UInt8(changed[0])) : nil
    }

    // MARK: Parts

    private static let futureBoundMilliseconds: Int64 = 300_000

    private static func makeProgram() throws -> Program {
        let catalog = try CatalogReader.check(
            files: [(name: "fuzz.yaml", text: Array(Self.catalog.utf8))])
        var program = try Program(
            catalog: catalog, shardCount: Self.shards, dedupeKey: (1, 2),
            futureBoundMilliseconds: Self.futureBoundMilliseconds)
        program.partitionNumbers = [0]
        return program
    }

    private static func makeOracle() throws -> Oracle {
        let settings = OracleSettings(
            prefix: "odo", generation: 1, shards: Self.shards, dedupeWindow: 0,
            futureBoundMilliseconds: Self.futureBoundMilliseconds)
        var oracle = try Oracle(
            catalog: CatalogText.read([(name: "fuzz.yaml", text: catalog)]), settings: settings)
        _ = oracle.addPartition(topic: "usage", number: 0)
        return oracle
    }

    private static func makeCursor() -> PartitionCursor {
        PartitionCursor(position: 0, marks: Array(repeating: 0, count: Self.shards), span: 0)
    }

    /// An input taken apart, each part in an allocation of exactly its size.
    private final class Record {
        private(set) var headers: [WorkloadHeader] = []
        private(set) var value: UnsafeRawBufferPointer?
        private var owned: [UnsafeMutableRawBufferPointer] = []

        init(_ input: [UInt8]) {
            var rest = input[...]
            while !rest.isEmpty {
                let line = rest.prefix { $0 != UInt8(ascii: "\n") }
                rest = rest.dropFirst(line.count + 1)
                if line.isEmpty {
                    value = own(rest)
                    return
                }
                let name = line.prefix { $0 != UInt8(ascii: "=") }
                let value = line.count == name.count ? nil : line.dropFirst(name.count + 1)
                headers.append(WorkloadHeader(name: own(name), value: value.map(own)))
            }
        }

        deinit { for buffer in owned { buffer.deallocate() } }

        private func own(_ bytes: ArraySlice<UInt8>) -> UnsafeRawBufferPointer {
            let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
            copy.copyBytes(from: bytes)
            owned.append(copy)
            return UnsafeRawBufferPointer(copy)
        }
    }
}
