import Foundation
import Kafka
import Metering
import Synchronization

/// What one thread, or all threads together, read from the log.
struct Taken {
    var records = 0
    var goodRecords = 0
    var commits = 0
    var cells = 0
    var encodedBytes = 0
    /// When the first record came and when the last one was done, in nanoseconds of a steady clock.
    var first = UInt64.max
    var last: UInt64 = 0

    mutating func add(_ other: Taken) {
        records += other.records
        goodRecords += other.goodRecords
        commits += other.commits
        cells += other.cells
        encodedBytes += other.encodedBytes
        first = min(first, other.first)
        last = max(last, other.last)
    }
}

/// Reads a topic from its beginning with several threads, each with a consumer and a `StageLane`.
final class LogReader: Sendable {
    private static let batchSize = 2_000
    private static let patienceNanoseconds: UInt64 = 60_000_000_000
    private let bootstrap: String
    private let topic: String
    private let threads: Int
    private let stage: Stage
    private let catalog: CatalogBox
    private let dedupeWindow: Int64
    private let recordsLeft: Atomic<Int>
    private let taken = Mutex(Taken())

    init(
        bootstrap: String, topic: String, records: Int, threads: Int, stage: Stage,
        catalog: CatalogBox, dedupeWindow: Int64
    ) {
        self.bootstrap = bootstrap
        self.topic = topic
        self.threads = threads
        self.stage = stage
        self.catalog = catalog
        self.dedupeWindow = dedupeWindow
        recordsLeft = Atomic(records)
    }

    /// Reads until all records were taken; ends the process on an error.
    func run() -> Taken {
        let finished = DispatchSemaphore(value: 0)
        for number in 0..<threads {
            let thread = Thread {
                do { try self.read(number) } catch { StagesProgram.end("\(error)") }
                finished.signal()
            }
            thread.stackSize = 8 << 20
            thread.start()
        }
        for _ in 0..<threads { finished.wait() }
        return taken.withLock { $0 }
    }

    private func read(_ number: Int) throws {
        let consumer = try Consumer(ClientConfiguration(bootstrap: bootstrap))
        let count = try consumer.partitionCount(of: topic, timeoutMilliseconds: 10_000)
        let mine = (0..<Int32(count)).filter { Int($0) % threads == number }
        var slots = [Int32](repeating: -1, count: count)
        for (slot, partition) in mine.enumerated() { slots[Int(partition)] = Int32(slot) }
        var lane = try StageLane(
            stage, catalog: catalog.catalog, topic: topic, partitions: mine,
            dedupeWindow: dedupeWindow, now: milliseconds(DispatchTime.now().uptimeNanoseconds))
        try consumer.assign(
            mine.map {
                (TopicPartition(topic: topic, partition: $0), offset: Consumer.beginning)
            })
        let records = UnsafeMutablePointer<FoldRecord>.allocate(capacity: Self.batchSize)
        defer { records.deallocate() }
        var own = Taken()
        var heard = DispatchTime.now().uptimeNanoseconds
        var wokenAt: Int64 = 0
        while recordsLeft.load(ordering: .relaxed) > 0 {
            let batch = consumer.nextBatch(maximum: Self.batchSize, timeoutMilliseconds: 20)
            var now = DispatchTime.now().uptimeNanoseconds
            if !batch.isEmpty {
                own.first = min(own.first, now)
                let count = convert(batch.records, slots, to: records)
                lane.take(UnsafeBufferPointer(start: records, count: count))
                own.records += count
                recordsLeft.subtract(count, ordering: .relaxed)
                now = DispatchTime.now().uptimeNanoseconds
                own.last = now
                heard = now
            } else if now - heard > Self.patienceNanoseconds {
                StagesProgram.end("nothing arrived for too long")
            }
            lane.commitDue(milliseconds(now))
            if milliseconds(now) - wokenAt >= 100 {
                wokenAt = milliseconds(now)
                consumer.startWaking()
            }
        }
        lane.commitAll()
        if own.records > 0 { own.last = DispatchTime.now().uptimeNanoseconds }
        own.goodRecords = lane.goodRecords
        own.commits = lane.commits
        own.cells = lane.cells
        own.encodedBytes = lane.encodedBytes
        let made = own
        taken.withLock { $0.add(made) }
        consumer.stopWaking()
    }

    private func milliseconds(_ nanoseconds: UInt64) -> Int64 { Int64(nanoseconds / 1_000_000) }

    private func convert(
        _ batch: UnsafeBufferPointer<Record>, _ slots: [Int32],
        to records: UnsafeMutablePointer<FoldRecord>
    ) -> Int {
        for index in batch.indices {
            let record = batch[index]
            guard record.headers.isEmpty else { StagesProgram.end("a record with headers") }
            (records + index).initialize(
                to: FoldRecord(
                    offset: record.offset, timestampMilliseconds: record.timestamp,
                    value: record.value,
                    key: record.key, partitionSlot: slots[Int(record.partition)]))
        }
        return batch.count
    }
}
