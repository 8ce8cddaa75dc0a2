import Catalog
import Metering
import Verify
import Workload

/// A program and an oracle of the same catalog, which must agree about every record: about its
/// outcome and about what it adds to which member of which meter.
final class RecordTwin {
    private static let timestamp: Int64 = 1_773_065_800_000
    private static let futureBoundMilliseconds: Int64 = 300_000

    private let declared: OracleCatalog
    private let names: HeaderNames
    private var program: Program
    private var offset: Int64 = 0
    private let cursor: UnsafeMutablePointer<PartitionCursor>
    private let tally: UnsafeMutablePointer<Tally>

    init(catalog text: String) throws {
        let catalog = try CatalogReader.check(
            files: [(name: "fuzz.yaml", text: Array(text.utf8))])
        program = try Program(
            catalog: catalog, shardCount: 1, dedupeKey: (1, 2),
            futureBoundMilliseconds: Self.futureBoundMilliseconds)
        program.partitionNumbers = [0]
        names = HeaderNames(catalog)
        declared = try CatalogText.read([(name: "fuzz.yaml", text: text)])
        cursor = .allocate(capacity: 1)
        tally = .allocate(capacity: 1)
        tally.initialize(to: Tally(partitionCount: 1))
        cursor.initialize(to: PartitionCursor(position: 0, marks: [0], span: 0))
    }

    deinit {
        cursor.deinitialize(count: 1)
        cursor.deallocate()
        tally.deinitialize(count: 1)
        tally.deallocate()
    }

    /// How the two differ; nil: not at all.
    func finding(for record: FuzzRecord) -> String? {
        let found = outcomes(of: record)
        defer { tally.pointee.removeAll() }
        let settings = OracleSettings(
            prefix: "odo", generation: 1, shards: 1, dedupeWindow: 0,
            futureBoundMilliseconds: Self.futureBoundMilliseconds)
        guard var oracle = try? Oracle(catalog: declared, settings: settings) else {
            return "no oracle"
        }
        _ = oracle.addPartition(topic: "usage", number: 0)
        _ = oracle.feed(
            0, offset: 0, timestamp: Self.timestamp, key: record.key, value: record.value,
            headers: record.headers)
        let expected = Self.text(OracleOutcome.allCases.map { ($0.name, oracle.count($0)) })
        guard found == expected else {
            let why = program.rejected.first?.detail ?? ""
            return "\(found) \(why), the oracle says \(expected)"
        }
        oracle.sortCells()
        let (own, its) = (changes(), Self.changes(oracle))
        for change in Set(own.keys).union(its.keys).sorted() where own[change] != its[change] {
            return "\(change): \(own[change] ?? 0), the oracle says \(its[change] ?? 0)"
        }
        return nil
    }

    /// How many events had which outcome.
    private func outcomes(of record: FuzzRecord) -> String {
        let before = program.counters.outcomes
        var attributes = record.attributes
        var headers = [UnsafeRawBufferPointer?](repeating: nil, count: names.count)
        headers.withUnsafeMutableBufferPointer { headers in
            if let start = headers.baseAddress {
                for header in record.headers {
                    names.take(name: header.name, value: header.value, into: start)
                }
            }
            var fold = FoldRecord(
                offset: offset, timestampMilliseconds: Self.timestamp, value: record.value,
                key: record.key, partitionSlot: 0,
                attributes: attributes.isBatch
                    ? FoldRecord.batch : attributes.isBinary ? 0 : -1,
                headers: headers.baseAddress.map { UnsafePointer($0) })
            withUnsafePointer(to: &fold) { fold in
                withUnsafePointer(to: &attributes) { attributes in
                    _ = program.run(
                        UnsafeBufferPointer(start: fold, count: 1), from: 0,
                        attributes: attributes, cursors: cursor, tallies: tally)
                }
            }
        }
        offset += 1
        return Self.text(
            Outcome.allCases.map { outcome in
                let index = Int(outcome.rawValue)
                return (outcome.name, program.counters.outcomes[index] - before[index])
            })
    }

    private static func text(_ counts: [(String, Int64)]) -> String {
        counts.filter { $0.1 != 0 }.map { "\($0.1) \($0.0)" }.sorted().joined(separator: ", ")
    }

    /// The amounts of the tally over all of time, by organization and scope, meter and member.
    private func changes() -> [String: Int64] {
        var changes: [String: Int64] = [:]
        for index in 0..<tally.pointee.count {
            let cell = tally.pointee[index]
            let set = program.cellSets[Int(cell.cellSet)]
            guard set.operation.isAddition, cell.window == .all else { continue }
            let scope = cell.scope == 0 ? [] : [UInt8(ascii: ":")] + tally.pointee.bytes(cell.scope)
            let member =
                set.shape == .histogram
                ? Array(String(cell.member).utf8) : Array(tally.pointee.bytes(cell.member))
            let place = Array(tally.pointee.bytes(cell.organization)) + scope
            changes[Self.name(place, Array(set.meter.utf8), member), default: 0] += cell.amount
        }
        return changes.filter { $0.value != 0 }
    }

    private static func changes(_ oracle: borrowing Oracle) -> [String: Int64] {
        var changes: [String: Int64] = [:]
        for key in 0..<oracle.cells.keyCount {
            for (member, value) in oracle.cells.cells(key) {
                guard case .integer(let number) = value else { continue }
                // `odo:1:{0}:ORG:SCOPE:METER:all`, or `…:totals` with the meter as member.
                let name = Array(oracle.cells.name(key).dropFirst("odo:1:{0}:".utf8.count))
                if name.suffix(7).elementsEqual(":totals".utf8) {
                    changes[Self.name(name.dropLast(7), member[...], [])] = number
                    continue
                }
                guard name.suffix(4).elementsEqual(":all".utf8) else { continue }
                let whole = name.dropLast(":all".utf8.count)
                let meter = whole.suffix(while: { $0 != UInt8(ascii: ":") })
                changes[Self.name(whole.dropLast(meter.count + 1), meter, member)] = number
            }
        }
        return changes
    }

    private static func name(
        _ place: some Collection<UInt8>, _ meter: some Collection<UInt8>, _ member: [UInt8]
    ) -> String {
        "\(shown(place)) \(shown(meter)) \(shown(member))"
    }
}

extension BidirectionalCollection {
    /// The longest end whose elements all fulfil a condition.
    fileprivate func suffix(while holds: (Element) -> Bool) -> SubSequence {
        self[(lastIndex { !holds($0) }.map { index(after: $0) } ?? startIndex)...]
    }
}

/// An input taken apart, each part in an allocation of exactly its size.
///
/// It has a header on each line, `NAME=VALUE` or `NAME` for a null value, or the record's key as
/// `@KEY`; after an empty line follows the record's value, which is null when there is no empty
/// line.
final class FuzzRecord {
    private(set) var headers: [WorkloadHeader] = []
    private(set) var key: UnsafeRawBufferPointer?
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
            if line.first == UInt8(ascii: "@") {
                key = own(line.dropFirst())
                continue
            }
            let name = line.prefix { $0 != UInt8(ascii: "=") }
            let value = line.count == name.count ? nil : line.dropFirst(name.count + 1)
            headers.append(WorkloadHeader(name: own(name), value: value.map(own)))
        }
    }

    deinit { for buffer in owned { buffer.deallocate() } }

    /// What the headers say as those of CloudEvents.
    var attributes: BinaryAttributes {
        var binary = BinaryAttributes()
        for header in headers { binary.take(name: header.name, value: header.value) }
        return binary
    }

    private func own(_ bytes: ArraySlice<UInt8>) -> UnsafeRawBufferPointer {
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
        copy.copyBytes(from: bytes)
        owned.append(copy)
        return UnsafeRawBufferPointer(copy)
    }
}
