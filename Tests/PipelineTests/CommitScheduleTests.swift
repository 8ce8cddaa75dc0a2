import Testing

@testable import Pipeline

/// Readers of Redis wait behind the commits that a lane has sent: so few
/// and evenly, unless they are late.
@Suite struct CommitScheduleTests {
    private static let shards = 64
    private static let interval: Int64 = 500

    private func schedule(_ interval: Int64 = interval) -> CommitSchedule {
        CommitSchedule(interval: interval, shardCount: Self.shards)
    }

    @Test func pace() {
        func pace(_ late: Int64, _ interval: Int64 = 500) -> CommitSchedule.Pace {
            schedule(interval).pace(late: late, interval: interval)
        }
        #expect(pace(0) == CommitSchedule.Pace(inFlight: 1, spacing: 7) && pace(15) == pace(0))
        #expect(pace(-7) == pace(0) && pace(50).inFlight == 4)
        #expect(pace(16) == CommitSchedule.Pace(inFlight: 2, spacing: 7))
        #expect(pace(31) == CommitSchedule.Pace(inFlight: 2, spacing: 0))
        // A quarter of an interval late, all go at once.
        let most = CommitSchedule.Pace.catchingUp
        #expect(pace(125) == most && pace(.max / 64) == most)
        #expect(pace(2, 10).inFlight == 7 && pace(1_000, 60_000).inFlight == 1)
        for interval in [Int64(1), 10, 100, 500, 5_000, 60_000] {
            #expect(pace(0, interval).spacing * Int64(Self.shards) <= interval)
            for late in Int64(0)..<600 {
                #expect(pace(late + 1, interval).inFlight >= pace(late, interval).inFlight)
                #expect(pace(late + 1, interval).spacing <= pace(late, interval).spacing)
            }
        }
    }

    private static let start: Int64 = 1_000_000

    /// When commits are sent that take so long each, where all shards have cells all the time.
    private func sent(
        _ intervals: Int64, commitTakes: Int64, isCatchingUp: Bool = false
    ) -> [(shard: Int, time: Int64)] {
        var schedule = schedule()
        var sent: [(shard: Int, time: Int64)] = []
        var inFlight: [(shard: Int, end: Int64)] = []
        let idle = CommitSchedule.Shard(hasCells: true, endedAt: 0)
        var states = Array<CommitSchedule.Shard?>(repeating: idle, count: Self.shards)
        for now in Self.start..<Self.start + intervals * Self.interval {
            while let one = inFlight.first, one.end <= now {
                states[one.shard] = CommitSchedule.Shard(hasCells: true, endedAt: now)
                inFlight.removeFirst()
            }
            while let shard = schedule.next(
                now: now, inFlight: inFlight.count, isCatchingUp: isCatchingUp,
                shard: { states[$0] })
            {
                schedule.sent(shard: shard, at: now)
                sent.append((shard, now))
                states[shard] = nil
                // Redis runs one after the other.
                inFlight.append((shard, max(now, inFlight.last?.end ?? now) + commitTakes))
            }
        }
        return sent
    }

    /// All shards are due in the same moment, as after a start: from then on they draw apart.
    @Test func aRowOfCommitsSpreadsOverTheInterval() {
        let begin = Self.start + 20 * Self.interval
        let last = sent(21, commitTakes: 3).filter { $0.time >= begin }
        #expect(Set(last.map(\.shard)).count == Self.shards)
        for (one, next) in zip(last, last.dropFirst()) { #expect(next.time - one.time >= 7) }
        #expect((last.last?.time ?? 0) - begin >= 441)
    }

    /// However commits are spread, no shard is committed less often than its interval says.
    @Test(arguments: [Int64(1), 3, 7]) func noShardWaitsLongerThanItsInterval(takes: Int64) {
        let sent = sent(40, commitTakes: takes)
        for shard in 0..<Self.shards {
            let times = sent.filter { $0.shard == shard && $0.time > Self.start + 5_000 }.map(
                \.time)
            let longest = zip(times.dropFirst(), times).map { $0 - $1 }.max() ?? .max
            #expect(longest <= Self.interval + Self.interval / 16, "shard \(shard): \(longest) ms")
        }
    }

    @Test func whileItCatchesUpEightGoAtOnceEverySecond() {
        let sent = sent(20, commitTakes: 1, isCatchingUp: true)
        let times = sent.filter { $0.shard == 5 }.map(\.time)
        let start = Self.start
        #expect(sent.prefix(9).map(\.time) == Array(repeating: start, count: 8) + [start + 1])
        for (one, next) in zip(times, times.dropFirst()) {
            #expect((1_000...1_100).contains(next - one))
        }
    }

    /// More shards do not mean more commits a second: each shard takes longer instead.
    @Test(arguments: [
        (64, 500, 1_000), (256, 500, 4_000), (256, 100, 800), (4_096, 500, 4_000),
        (1, 500, 1_000), (256, 60_000, 60_000),
    ])
    func theIntervalOfCatchingUpFollowsTheShards(shards: Int, usual: Int64, wanted: Int64) {
        var schedule = CommitSchedule(interval: usual, shardCount: shards)
        let state = CommitSchedule.Shard(hasCells: true, endedAt: Self.start)
        func isDue(after wait: Int64) -> Bool {
            schedule.next(
                now: Self.start + wait, inFlight: 0, isCatchingUp: true, shard: { _ in state })
                != nil
        }
        #expect(!isDue(after: wanted - 1))
        #expect(isDue(after: wanted))
    }

    @Test func itSaysWhenToLookAgain() {
        var schedule = schedule()
        let now = Int64(1_000_000)
        func next(_ now: Int64, inFlight: Int = 0, hasCells: Bool = true) -> Int? {
            schedule.next(now: now, inFlight: inFlight, isCatchingUp: false) { shard in
                CommitSchedule.Shard(hasCells: hasCells, endedAt: 0)
            }
        }
        for shard in 0..<Self.shards { schedule.sent(shard: shard, at: now + Int64(shard)) }
        // The first is due an interval after it was sent.
        #expect(next(now + 100) == nil && schedule.nextAt == now + 500)
        #expect(next(now + 500) == 0)
        schedule.sent(shard: 0, at: now + 500)
        #expect(next(now + 502) == nil && schedule.nextAt == now + 507)
        // One is on its way, and one at a time is enough.
        #expect(next(now + 507, inFlight: 1) == nil && schedule.nextAt == now + 512)
        // Without cells there is nothing to wait for.
        #expect(next(now + 700, hasCells: false) == nil && schedule.nextAt == .max)
        #expect(next(now + 10_600, hasCells: false) == 1)
        schedule.forgetNext()
        #expect(schedule.nextAt == .max)
    }
}
