/// Spreads the records of a stream over its span by hours, weekdays and bursts instead of evenly.
///
/// The span is divided into slots, each of which has a share of the records by its weight.
struct StreamRhythm: Sendable {
    private static let quarterMilliseconds: Int64 = 900_000
    private static let mostSlots: Int64 = 200_000

    private let startMilliseconds: Int64
    private let endMilliseconds: Int64
    private let slotMilliseconds: Int64
    /// The number of records before each slot, and at the end of the last one.
    private let sums: [Double]
    private var slot = 0

    /// Nil when the profile has no rhythm, or when all weights within its span are 0.
    init?(_ profile: EventProfile) {
        guard
            !profile.hourWeights.isEmpty || !profile.weekdayWeights.isEmpty
                || profile.burst != nil
        else { return nil }
        startMilliseconds = profile.endMilliseconds - profile.spanMilliseconds
        endMilliseconds = profile.endMilliseconds
        var length = Self.quarterMilliseconds
        if let burst = profile.burst { length = min(length, max(1, burst.lengthMilliseconds / 4)) }
        length = max(length, profile.spanMilliseconds / Self.mostSlots, 1)
        slotMilliseconds = length
        let count = Int(max(1, (profile.spanMilliseconds + length - 1) / length))
        var sums = [0.0]
        var sum = 0.0
        for number in 0..<count {
            let begin = startMilliseconds + Int64(number) * length
            let share = Double(min(length, profile.endMilliseconds - begin)) / Double(length)
            sum += Self.weight(begin, profile, from: startMilliseconds) * share
            sums.append(sum)
        }
        guard sum > 0 else { return nil }
        let factor = Double(profile.events) / sum
        self.sums = sums.map { $0 * factor }
    }

    private static func weight(
        _ time: Int64, _ profile: EventProfile, from start: Int64
    ) -> Double {
        var weight = 1.0
        let day = floorDivided(time, 86_400_000)
        if !profile.hourWeights.isEmpty {
            weight *= profile.hourWeights[Int((time - day * 86_400_000) / 3_600_000)]
        }
        if !profile.weekdayWeights.isEmpty {
            // 1970 began on a Thursday.
            weight *= profile.weekdayWeights[Int(day + 4 - floorDivided(day + 4, 7) * 7)]
        }
        if let burst = profile.burst,
            (time - start) % burst.everyMilliseconds < burst.lengthMilliseconds
        {
            weight *= burst.factor
        }
        return weight
    }

    /// The time of the record with this number, from 0, in milliseconds since 1970; numbers must
    /// not fall from call to call.
    mutating func time(of number: Int) -> Int64 {
        let place = Double(number)
        while slot + 2 < sums.count, sums[slot + 1] <= place { slot += 1 }
        let width = sums[slot + 1] - sums[slot]
        let share = width > 0 ? min(1, max(0, (place - sums[slot]) / width)) : 0
        let begin = startMilliseconds + Int64(slot) * slotMilliseconds
        // The last slot may be shorter.
        return begin + Int64(share * Double(min(slotMilliseconds, endMilliseconds - begin)))
    }
}
