import Testing

@testable import Workload

/// When the records of a profile with rhythm, bursts and skew happen, and whose they are.
struct StreamRhythmTests {
    /// Monday, 9 March 2026, 00:00 UTC.
    private static let monday: Int64 = 1_773_014_400_000
    private static let day: Int64 = 86_400_000

    private func times(_ profile: EventProfile) -> [Int64] {
        var generator = EventGenerator(seed: 5, profile: profile)
        return (0..<profile.events).map { _ in generator.withNext { $0.streamMilliseconds } }
    }

    @Test func hoursAndWeekdaysHaveTheirShares() {
        var profile = EventProfile(endMilliseconds: Self.monday + 14 * Self.day)
        profile.spanMilliseconds = 14 * Self.day
        profile.events = 42_000
        profile.hourWeights = (0..<24).map { $0 == 12 ? 3 : $0 == 3 ? 0 : 1 }
        profile.weekdayWeights = [0, 1, 1, 1, 1, 1, 2]
        let times = times(profile)
        #expect(times == times.sorted())
        #expect(times.allSatisfy { $0 >= Self.monday && $0 <= profile.endMilliseconds })
        var hours = [Int](repeating: 0, count: 24)
        var weekdays = [Int](repeating: 0, count: 7)
        for time in times {
            hours[Int(time % Self.day / 3_600_000)] += 1
            weekdays[Int((time - Self.monday) / Self.day % 7)] += 1
        }
        // 24 weights of 25 in all an hour; 7 of a week.
        #expect(abs(hours[12] - 42_000 * 3 / 25) < 42 && hours[3] < 42)
        #expect(abs(hours[7] - 42_000 / 25) < 42)
        #expect(abs(weekdays[5] - 12_000) < 20 && abs(weekdays[0] - 6_000) < 20)
        #expect(weekdays[6] < 20)
    }

    @Test func aBurstHasItsShareOfTheTime() {
        var profile = EventProfile(endMilliseconds: Self.monday)
        profile.spanMilliseconds = 10 * 3_600_000
        profile.events = 15_000
        profile.burst = EventBurst(
            everyMilliseconds: 3_600_000, lengthMilliseconds: 360_000, factor: 6)
        // Of each hour a tenth has six times as much: 0.6 of 1.5.
        let inside = times(profile).count {
            (($0 - Self.monday) % 3_600_000 + 3_600_000) % 3_600_000 < 360_000
        }
        #expect(abs(inside - 6_000) < 30)
    }

    @Test func withoutRhythmTheStreamIsEven() {
        var profile = EventProfile(endMilliseconds: Self.monday)
        #expect(StreamRhythm(profile) == nil)
        profile.hourWeights = [Double](repeating: 2, count: 24)
        profile.events = 1_000
        profile.spanMilliseconds = 1_000_000
        let times = times(profile)
        #expect(zip(times, times.dropFirst()).allSatisfy { abs($1 - $0 - 1_000) <= 2 })
    }

    @Test(arguments: [(0, 0.25), (2, 0.359), (4, 0.48), (8, 0.702)])
    func skewIsThePowerOfZipf(_ quarters: Int, _ share: Double) {
        let choice = ZipfChoice(count: 4, exponentQuarters: quarters)
        var random = SeededRandom(seed: 3)
        let first = (0..<100_000).count { _ in choice.pick(&random) == 0 }
        #expect(abs(Double(first) / 100_000 - share) < 0.01)
    }

    @Test func whatCannotCountIsKnown() {
        var profile = EventProfile(endMilliseconds: Self.monday)
        profile.events = 4_000
        profile.duplicateShare = 0.25
        profile.malformedShare = 0.25
        var generator = EventGenerator(seed: 5, profile: profile)
        let countable = (0..<4_000).count { _ in generator.withNext { $0.isCountable } }
        #expect(abs(Double(countable) / 4_000 - 0.75 * 0.75) < 0.03)
    }
}
