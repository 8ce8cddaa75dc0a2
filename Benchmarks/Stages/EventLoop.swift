import CAllocationCount
import Foundation
import Metering

/// The loop over events in memory, without Kafka: every run executes the same instructions.
///
/// The file has one event a line, `KEY<TAB>JSON`, as Benchmarks/lines.c writes them. The events are
/// counted three times, at rising offsets and with new ids: twice so that tables grow and shapes
/// are learned, then measured.
struct EventLoop: ~Copyable {
    private static let batchSize = 2_000
    private static let dedupeWindow: Int64 = 32_768
    private var lane: StageLane
    private let bytes: UnsafeMutableRawBufferPointer
    private var records: [FoldRecord] = []
    private var ids: [Int] = []

    init(events path: String, timestamp: Int64, catalog: MeterCatalog) throws {
        guard let data = FileManager.default.contents(atPath: path) else {
            StagesProgram.end("--events \(path) cannot be read")
        }
        lane = try StageLane(
            .encode, catalog: catalog, topic: "events", partitions: [0],
            dedupeWindow: Self.dedupeWindow, now: 0)
        // The scanner may read some bytes after the end of a text.
        bytes = .allocate(byteCount: data.count + 64, alignment: 64)
        data.copyBytes(to: bytes)
        var start = 0
        while let end = bytes[start..<data.count].firstIndex(of: UInt8(ascii: "\n")) {
            guard let tab = bytes[start..<end].firstIndex(of: UInt8(ascii: "\t")) else { break }
            let key = UnsafeRawBufferPointer(rebasing: bytes[start..<tab])
            let value = UnsafeRawBufferPointer(rebasing: bytes[(tab + 1)..<end])
            let mark = Array("\"id\":\"".utf8)
            guard let id = value.indices.first(where: { value[$0...].starts(with: mark) }) else {
                StagesProgram.end("an event without an id")
            }
            ids.append(tab + 1 + id + mark.count)
            records.append(
                FoldRecord(
                    offset: Int64(records.count), timestampMilliseconds: timestamp, value: value,
                    key: key,
                    partitionSlot: 0))
            start = end + 1
        }
        guard !records.isEmpty else { StagesProgram.end("--events \(path) holds no event") }
    }

    deinit { bytes.deallocate() }

    /// The results of the measured round.
    struct Result {
        var events = 0
        /// Allocations while events were folded, and while commits were encoded.
        var foldAllocations = 0
        var commitAllocations = 0
        var seconds = 0.0
        var commits = 0
        var cells = 0
        var encodedBytes = 0
    }

    /// Rounds before the measured one.
    ///
    /// Tallies wander from shard to shard, and each grows until it fits the fullest one.
    private static let warmUps = 20

    /// Warms up, and then runs the round that is measured.
    mutating func run() -> Result {
        for round in 1...Self.warmUps {
            renew(round)
            take()
            lane.commitAll()
        }
        renew(Self.warmUps + 1)
        let before = (lane.commits, lane.cells, lane.encodedBytes, lane.goodRecords)
        let begun = DispatchTime.now().uptimeNanoseconds
        let allocations = measuredRound()
        let seconds = Double(DispatchTime.now().uptimeNanoseconds - begun) / 1e9
        return Result(
            events: lane.goodRecords - before.3, foldAllocations: allocations.fold,
            commitAllocations: allocations.commit, seconds: seconds,
            commits: lane.commits - before.0, cells: lane.cells - before.1,
            encodedBytes: lane.encodedBytes - before.2)
    }

    /// Makes other events of them: the ids of this round, and offsets after those of the last one.
    private mutating func renew(_ round: Int) {
        for index in records.indices {
            records[index].offset = Int64(round * records.count + index)
            bytes[ids[index]] = UInt8(ascii: "a") + UInt8(round)
        }
    }

    /// The function from which on a profiler counts (loop.py).
    @inline(never)
    private mutating func measuredRound() -> (fold: Int, commit: Int) {
        let before = allocation_count()
        take()
        let folded = allocation_count()
        lane.commitAll()
        return (folded - before, allocation_count() - folded)
    }

    @inline(never)
    private mutating func take() {
        var first = 0
        while first < records.count {
            let count = min(Self.batchSize, records.count - first)
            records.withUnsafeBufferPointer { all in
                lane.take(UnsafeBufferPointer(rebasing: all[first..<(first + count)]))
            }
            first += count
        }
    }
}
