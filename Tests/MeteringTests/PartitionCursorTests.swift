import Testing
import Workload

@testable import Metering

extension PartitionCursor {
    /// A shard that is set aside counts every offset there can be as folded.
    fileprivate func isSetAside(shard: Int) -> Bool { isFolded(Int64.max - 1, shard: shard) }
}

/// A log with holes, a cursor, and what shards have taken of it by a
/// model that counts on its fingers.
@Suite struct PartitionCursorTests {
    private struct NaiveShard {
        /// Marks that Redis had at some time; a shard may fall back to any of them.
        var marks: [Int64]
        /// Offsets in the folding tally.
        var tally: Set<Int64> = []
        var isAside = false
        var mark: Int64 { marks[marks.count - 1] }
    }

    private struct Bench: ~Copyable {
        static let shards = 4
        var cursor: PartitionCursor
        var model: [NaiveShard]
        var log: Set<Int64> = []
        var random: SeededRandom
        let end: Int64 = 600
        /// No step back for marks at or above both this and the
        /// position: the window is warm for them.
        var warmedFor: Int64

        init(seed: UInt64) {
            var random = SeededRandom(seed: seed)
            let density = 1 + random.below(10)
            for offset in 0..<end where random.below(10) < density { log.insert(offset) }
            let marks = (0..<Self.shards).map { _ in Int64(20 + random.below(60)) }
            // The lane starts below all marks, to warm up its window of ids.
            cursor = PartitionCursor(position: Int64(random.below(20)), marks: marks, span: 8)
            warmedFor = marks.min() ?? 0
            model = marks.map { NaiveShard(marks: [$0]) }
            self.random = random
        }

        mutating func read(_ count: Int) {
            for _ in 0..<count {
                var offset = cursor.position
                while offset < end, !log.contains(offset) { offset += 1 }
                guard offset < end else { return }
                cursor.arrive(at: offset)
                for shard in 0..<Self.shards where !cursor.isFolded(offset, shard: shard) {
                    let isNew = model[shard].tally.insert(offset).inserted
                    #expect(isNew && !model[shard].isAside && offset >= model[shard].mark)
                }
                cursor.take()
            }
        }

        mutating func skip() {
            var offset = cursor.position
            while offset < end, !log.contains(offset) { offset += 1 }
            let goal = cursor.position + Int64(random.below(Int(offset - cursor.position) + 1))
            cursor.skip(to: goal)
            let position = cursor.position
            #expect(position == goal)
        }

        func check(_ shard: Int) {
            guard !model[shard].isAside else { return }
            let range = cursor.range(shard: shard)
            #expect(range.from == model[shard].mark)
            guard range.from < range.to else { return }
            let records = Set(log.filter { $0 >= range.from && $0 < range.to })
            #expect(model[shard].tally == records)
            #expect(range.delivered == Int64(records.count))
            #expect(range.delivered + range.gaps == range.to - range.from)
        }

        mutating func handOver(_ shard: Int) {
            guard !model[shard].isAside else { return }
            check(shard)
            model[shard].marks.append(cursor.range(shard: shard).to)
            model[shard].tally.removeAll()
            cursor.handOver(shard: shard)
        }

        /// Some shards fall back or ahead, as after a commit that did
        /// not land or another's that did.
        mutating func fallBack() {
            for shard in 0..<Self.shards where random.below(2) == 0 {
                let marks = model[shard].marks
                var mark = marks[random.below(marks.count)]
                if random.below(4) == 0 {
                    mark = min(end, cursor.position + Int64(random.below(30)))
                }
                model[shard].marks = marks.filter { $0 < mark } + [mark]
                model[shard].tally.removeAll()
                model[shard].isAside = false
                cursor.reset(shard: shard, to: mark)
            }
            guard let target = cursor.rereadFrom else { return }
            let lowest = model.filter { !$0.isAside }.map(\.mark).min() ?? 0
            let position = cursor.position
            #expect(target >= lowest && target < max(position, warmedFor))
            warmedFor = target
            cursor.stepBack(to: min(position, max(0, target - Int64(random.below(10)))))
        }
    }

    @Test func everyRecordIsTakenOnceForEachShard() {
        for seed in 0..<400 as Range<UInt64> {
            var bench = Bench(seed: seed)
            for _ in 0..<120 {
                switch bench.random.below(12) {
                case 0...5: bench.read(bench.random.below(20))
                case 6: bench.skip()
                case 7, 8: bench.handOver(bench.random.below(Bench.shards))
                case 9: bench.fallBack()
                case 10:
                    guard bench.random.below(4) == 0 else { continue }
                    let shard = bench.random.below(Bench.shards)
                    bench.cursor.setAside(shard: shard)
                    bench.model[shard].isAside = true
                    bench.model[shard].tally.removeAll()
                    let isSetAside = bench.cursor.isSetAside(shard: shard)
                    #expect(isSetAside)
                default: for shard in 0..<Bench.shards { bench.check(shard) }
                }
            }
            bench.read(1_000)
            bench.cursor.skip(to: bench.end)
            for shard in 0..<Bench.shards where !bench.model[shard].isAside {
                bench.check(shard)
                let end = bench.cursor.end(shard: shard)
                #expect(end == bench.end)
            }
        }
    }

    /// A shard that is torn, or whose next records are gone, holds nobody back and takes nothing.
    @Test func aShardSetAsideFromTheStartHasNoRangeAndNoSayInWhereReadingBegins() {
        var cursor = PartitionCursor(position: 90, marks: [100, 3, 100], aside: [1], span: 10)
        #expect(cursor.isSetAside(shard: 1) && cursor.start(shard: 1) == 3)
        #expect(cursor.lowestStart == 100 && cursor.rereadFrom == nil)
        cursor.skip(to: 120)
        #expect(cursor.range(shard: 0).to == 120 && cursor.range(shard: 0).gaps == 20)
        let own = cursor.range(shard: 1)
        #expect(own.from == 3 && own.to == 3 && cursor.rereadFrom == nil)
        // It came back, and must be read for again.
        cursor.reset(shard: 1, to: 5)
        #expect(!cursor.isSetAside(shard: 1) && cursor.rereadFrom == 5)
    }
}
