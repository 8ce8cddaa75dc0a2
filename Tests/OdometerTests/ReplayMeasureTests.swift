import Foundation
import Testing

@testable import Replay

/// Histograms, due times and what waits to be seen.
struct ReplayMeasureTests {
    // MARK: Histogram

    /// Values of every size, by a seed.
    private func values(_ count: Int, seed: UInt64) -> [Int64] {
        var state = seed
        return (0..<count).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int64((state >> 20) >> (4 + (state & 31)))
        }
    }

    @Test(arguments: [1, 7, 42, 9_001] as [UInt64])
    func percentilesAreThoseOfASortedListToThreeDigits(_ seed: UInt64) {
        let all = values(20_000, seed: seed)
        var histogram = LatencyHistogram()
        for value in all { histogram.record(value) }
        let sorted = all.sorted()
        for percent in [0.01, 1, 10, 50, 75, 90, 99, 99.9, 99.99, 100] {
            // In whole numbers, so that nothing is rounded up by a hair.
            let rank = max(1, (Int((percent * 100).rounded()) * 20_000 + 9_999) / 10_000)
            let exact = sorted[rank - 1]
            let found = histogram.percentile(percent)
            #expect(found >= exact, "\(percent)")
            #expect(Double(found) <= Double(exact) * 1.001, "\(percent): \(found), not \(exact)")
        }
        #expect(histogram.greatest == sorted.last)
        #expect(histogram.least == sorted.first)
        #expect(histogram.count == 20_000)
        #expect(abs(histogram.mean - Double(all.reduce(0, +)) / 20_000) < 1)
        #expect(histogram.buckets.reduce(0) { $0 + $1.count } == 20_000)
    }

    @Test func everyBucketEndsWhereTheNextBegins() {
        var last: Int64 = -1
        for index in 0..<LatencyHistogram.index(of: LatencyHistogram.limit) {
            let end = LatencyHistogram.last(of: index)
            #expect(LatencyHistogram.index(of: end) == index)
            #expect(LatencyHistogram.index(of: end + 1) == index + 1)
            #expect(end > last)
            last = end
        }
        #expect(LatencyHistogram.last(of: 2_047) == 2_047)
        #expect(LatencyHistogram.last(of: 2_048) == 2_049)
    }

    @Test func whatIsAddedUpIsWhatOneWouldHaveCounted() {
        let (first, second) = (values(500, seed: 3), values(700, seed: 4))
        var (one, two, both) = (LatencyHistogram(), LatencyHistogram(), LatencyHistogram())
        for value in first { one.record(value) }
        for value in second { two.record(value) }
        for value in first + second { both.record(value) }
        one.add(two)
        #expect(one.count == both.count && one.greatest == both.greatest)
        #expect(one.least == both.least && one.percentile(99) == both.percentile(99))
        #expect(one.count(upTo: 5_000) == both.count(upTo: 5_000))
        one.clear()
        #expect(one.count == 0 && one.percentile(50) == 0 && one.buckets.isEmpty)
        one.add(LatencyHistogram())
        #expect(one.least == 0)
        one.record(-5)
        one.record(.max)
        #expect(one.least == 0 && one.greatest == LatencyHistogram.limit)
        #expect(one.percentile(50) == 0 && one.percentile(51) == LatencyHistogram.limit)
    }

    // MARK: Due times

    @Test func aRateIsKeptToTheMicrosecondForEver() {
        var due = DueTimes(.constant(3))
        #expect((0..<4).map { _ in due.next(time: 7) } == [0, 333_333, 666_666, 1_000_000])
        var flat = DueTimes(.flat)
        #expect(flat.next(time: 5) == nil)
    }

    @Test func spacingFollowsTheTimesAndNeverGoesBack() {
        var due = DueTimes(.spacing(factor: 2, longestGapMilliseconds: 10_000))
        let times: [Int64?] = [1_000, 3_000, 2_000, nil, 3_500, 5_000]
        #expect(
            times.map { due.next(time: $0) }
                == [0, 1_000_000, 1_000_000, 1_000_000, 1_250_000, 2_000_000])
    }

    @Test func oneTimeFarAheadMovesNothingAndASilenceIsShortened() {
        var clock = SpacingClock(longestGapMilliseconds: 10_000)
        let future: Int64 = 7_226_582_400_000
        #expect(clock.elapsed(at: 1_000) == 0)
        #expect(clock.elapsed(at: future) == 0)
        #expect(clock.elapsed(at: 2_000) == 1_000)
        #expect(clock.outliers == 1)
        #expect(clock.elapsed(at: .max) == 1_000)
        #expect(clock.elapsed(at: 2_500) == 1_500)
        // The stream was silent for a minute: the second record after it says so.
        #expect(clock.elapsed(at: 62_500) == 1_500)
        #expect(clock.elapsed(at: 62_600) == 11_500)
        #expect(clock.elapsed(at: 63_600) == 12_500)
        #expect(clock.outliers == 2)
        #expect(clock.last == 63_600)
        #expect(clock.elapsed(at: .min) == 12_500)
    }

    // MARK: Visibility

    @Test func shardsAreThoseOfThePublishedLayout() {
        let known = ["": 5, "a": 44, "acme": 47, "org_00000001": 5, "Zoë & Co": 52, "org-1": 23]
        for (name, shard) in known {
            #expect(UnseenRecords.shard(of: name.utf8, among: 64) == shard)
        }
        #expect(UnseenRecords.shard(of: [0, 0xFF] as [UInt8], among: 64) == 32)
        #expect(UnseenRecords.shard(of: "acme".utf8, among: 256) == 175)
    }

    @Test func aRecordIsSeenWhenItsOwnShardHasPassedIt() {
        var unseen = UnseenRecords(partitions: 2, shards: 256)
        unseen.add(partition: 0, shard: 3, offset: 10, due: 5_000)
        unseen.add(partition: 0, shard: 4, offset: 11, due: 6_000)
        unseen.add(partition: 1, shard: 3, offset: 10, due: 7_000)
        unseen.add(partition: 9, shard: 3, offset: 10, due: 0)
        #expect(unseen.count == 3)
        #expect(unseen.waitingShards == [3, 4])
        #expect(unseen.oldestDue == 5_000)
        func seen(_ partition: Int, _ shard: Int, _ mark: Int64) -> [Int64] {
            var found: [Int64] = []
            unseen.take(partition: partition, shard: shard, mark: mark) { due, count in
                found += [Int64](repeating: due, count: Int(count))
            }
            return found
        }
        // A mark is the next offset: one that equals a record's has not passed it.
        #expect(seen(0, 3, 10) == [])
        #expect(seen(0, 3, 11) == [5_000])
        #expect(seen(0, 3, 99) == [])
        #expect(seen(1, 4, 99) == [])
        #expect(seen(0, 4, 12) == [6_000])
        #expect(unseen.oldestDue == 7_000)
        #expect(seen(1, 3, 11) == [7_000])
        #expect(unseen.count == 0 && unseen.oldestDue == nil && unseen.waitingShards == [])
    }

    @Test func whatIsDueTogetherIsKeptTogetherByItsEarliest() {
        var unseen = UnseenRecords(partitions: 1, shards: 256)
        for number in 0..<5_000 {
            unseen.add(partition: 0, shard: 0, offset: Int64(number), due: Int64(number) * 100)
        }
        var found: [(due: Int64, count: UInt64)] = []
        // Half of a group is not told: it is seen when all of it is.
        unseen.take(partition: 0, shard: 0, mark: 4_995) { found.append(($0, $1)) }
        #expect(found.count == 499)
        #expect(found.allSatisfy { $0.count == 10 && $0.due % 1_000 == 0 })
        #expect(unseen.count == 10)
        unseen.take(partition: 0, shard: 0, mark: 5_000) { found.append(($0, $1)) }
        #expect(found.reduce(0) { $0 + $1.count } == 5_000)
    }

    @Test func theTimelineKeepsItsSumsWhenItsIntervalsGrow() {
        var timeline = ReplayTimeline()
        for second in 1...3_000 {
            timeline.current.sent = 10
            timeline.current.sendLagMicroseconds = Int64(second)
            timeline.acknowledged.record(Int64(second))
            let now = Int64(second) * 1_000_000
            if timeline.isDue(now) {
                timeline.close(now, unseen: 1, oldestMicroseconds: Int64(second))
            }
            if second % 7 == 0 { #expect(timeline.intervals.count < ReplayTimeline.most) }
        }
        let intervals = timeline.intervals
        #expect(intervals.count > ReplayTimeline.most / 2)
        #expect(intervals.map(\.endMicroseconds) == intervals.map(\.endMicroseconds).sorted())
        #expect(intervals.map(\.sendLagMicroseconds).max() == intervals.last?.sendLagMicroseconds)
    }

    // MARK: Ramp and requests

    @Test(arguments: [150.0, 1_000, 3_333, 47_000])
    func aRampFindsTheLimit(_ limit: Double) {
        var search = RampSearch(RampSettings(boundMicroseconds: 1))
        var tried = 0
        var best = 0.0
        while let rate = search.next {
            search.note(rate, isWithin: rate <= limit)
            if rate <= limit { best = max(best, rate) }
            tried += 1
        }
        #expect(best <= limit && best > limit / 1.06)
        #expect(tried < 16)
        var hopeless = RampSearch(RampSettings(boundMicroseconds: 1))
        while let rate = hopeless.next { hopeless.note(rate, isWithin: false) }
        #expect(hopeless.next == nil)
    }

    @Test func aMixSpreadsItsWeightsEvenly() {
        #expect(RequestLoad.round([1, 1]) == [0, 1])
        #expect(RequestLoad.round([3, 0, 1]) == [0, 0, 2, 0])
        let head = AnswerHead(
            Array("HTTP/1.1 200 OK\r\ncontent-LENGTH: 12\r\nConnection: Close\r\n\r\n".utf8)[...])
        #expect(head.status == 200 && head.length == 12 && head.isClosing)
        #expect(AnswerHead(Array("nonsense".utf8)[...]).status == nil)
    }
}
