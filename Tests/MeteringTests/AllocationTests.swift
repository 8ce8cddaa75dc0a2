import CAllocationCount
import Ledger
import Metering
import Testing
import Workload

/// Once its tables have grown, the fold asks for no memory: neither in Swift nor in the scanner.
@Suite struct AllocationTests {
    @Test func memoryIsCounted() {
        let before = allocation_count()
        let memory = UnsafeMutableRawPointer.allocate(byteCount: 100, alignment: 8)
        #expect(allocation_count() > before)
        memory.deallocate()
    }

    /// Without optimization the language itself asks for memory in the loop.
    static var isOptimized: Bool {
        #if DEBUG
        false
        #else
        true
        #endif
    }

    @Test(.enabled(if: isOptimized, "needs a release build"))
    func foldingAsksForNoMemory() throws {
        let catalog = try Catalogs.shipped()
        var profile = EventProfile(endMilliseconds: 1_773_066_000_000)
        profile.events = 3_000
        profile.spanMilliseconds = 3_600_000
        profile.organizations = 10
        profile.binaryShare = 0.2
        profile.malformedShare = 0.02
        profile.badFieldShare = 0.02
        var generator = EventGenerator(seed: 77, profile: profile)
        var records: [LogRecord] = []
        for offset in 0..<profile.events {
            records.append(
                generator.withNext { one in
                    LogRecord(
                        offset: Int64(offset), timestamp: 1_773_066_000_000, key: Array(one.key),
                        value: one.value.map { Array($0) },
                        headers: one.headers.map { (Array($0.name), $0.value.map { Array($0) }) })
                })
        }
        let twin = try Twin(catalog, span: 1_000)
        let allocations = twin.countAllocations(records, rounds: 4)
        #expect(allocations.first ?? 0 > 0, "the first round makes the tables grow")
        #expect(allocations.last == 0, "\(allocations)")
    }

    @Test(.enabled(if: isOptimized, "needs a release build"))
    func foldingRecordsOfSeveralEventsAsksForNoMemory() throws {
        var profile = EventProfile(endMilliseconds: 1_773_066_000_000)
        profile.events = 3_000
        profile.organizations = 10
        profile.unknownTypeShare = 0.02
        (profile.binaryShare, profile.malformedShare) = (0, 0)
        (profile.badFieldShare, profile.futureShare) = (0, 0)
        var generator = EventGenerator(seed: 78, profile: profile)
        let type = Array("application/cloudevents-batch+json".utf8)
        var records: [LogRecord] = []
        for offset in 0..<profile.events / 30 {
            var values: [[UInt8]] = []
            for _ in 0..<30 {
                if let value = generator.withNext({ $0.value.map { Array($0) } }) {
                    values.append(value)
                }
            }
            records.append(
                LogRecord(
                    offset: Int64(offset), timestamp: 1_773_066_000_000, key: nil,
                    value: [91] + values.joined(separator: [44]) + [93],
                    headers: [(Array("content-type".utf8), type)]))
        }
        let twin = try Twin(Catalogs.shipped(), span: 5_000)
        let allocations = twin.countAllocations(records, rounds: 6)
        #expect(twin.program.counters.furtherEvents > 0)
        #expect(allocations.first ?? 0 > 0, "the first round makes the tables grow")
        #expect(allocations.last == 0, "\(allocations)")
    }
}

extension Twin {
    /// Folds the same events again and again, at higher and higher
    /// offsets; allocations of each round.
    fileprivate func countAllocations(_ records: [LogRecord], rounds: Int) -> [Int] {
        let arena = Arena()
        var folds = arena.folds(records, names)
        var counts: [Int] = []
        for _ in 0..<rounds {
            let count = folds.records.withUnsafeBufferPointer { records in
                folds.attributes.withUnsafeBufferPointer { attributes in
                    countAllocations(records, attributes.baseAddress)
                }
            }
            counts.append(count)
            for index in folds.records.indices {
                folds.records[index].offset += Int64(records.count)
            }
        }
        return counts
    }

    private func countAllocations(
        _ records: UnsafeBufferPointer<FoldRecord>, _ attributes: UnsafePointer<BinaryAttributes>?
    ) -> Int {
        let before = allocation_count()
        var next = 0
        while next < records.count {
            let stop = program.run(
                records, from: next, attributes: attributes, cursors: cursors, tallies: tallies)
            next = stop.next
            if let shard = stop.fullShard { tallies[shard].removeAll() }
        }
        for shard in 0..<Twin.shardCount { tallies[shard].removeAll() }
        return allocation_count() - before
    }
}
