/// A percentile, 0 to 100 with at most three decimals.
public struct Percentile: Sendable, Hashable {
    /// Thousandths: 99,900 for 99.9.
    public let thousandths: Int64
    /// As it is written, without zeros at the end: `99.9`.
    public let text: String

    /// The error of a value from 128 on is at most this part of it; smaller values are exact.
    public static let error = "0.008"

    /// The percentile of a text of digits with at most one point; nil where it is none.
    public init?(_ text: some Collection<UInt8>) {
        let parts = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        guard (1...2).contains(parts.count), (1...3).contains(parts[0].count),
            parts.count == 1 || (1...3).contains(parts[1].count),
            parts.allSatisfy({ $0.allSatisfy(digits.contains) })
        else { return nil }
        let fraction = parts.count == 1 ? [] : Array(parts[1])
        let zeros = [UInt8](repeating: UInt8(ascii: "0"), count: 3 - fraction.count)
        let number = String(decoding: Array(parts[0]) + fraction + zeros, as: UTF8.self)
        guard let thousandths = Int64(number), thousandths <= 100_000 else { return nil }
        self.thousandths = thousandths
        var shown = String(thousandths % 1_000 + 1_000).dropFirst()
        while shown.last == "0" { shown.removeLast() }
        self.text = "\(thousandths / 1_000)" + (shown.isEmpty ? "" : ".\(shown)")
    }
}

extension Histogram {
    /// The nearest rank: the least value of which at least that part of all values is not above
    /// it; nil without values.
    ///
    /// 0 is the least value and 100 the greatest. Of a step it is the middle, rounded down, which
    /// is within 1/128 of every value in it; steps below 128 hold one value.
    public func value(of percentile: Percentile) -> Int64? {
        let rank = max(
            1, (Int128(count) * Int128(percentile.thousandths) + 99_999) / 100_000)
        var before: Int128 = 0
        for step in steps {
            before += Int128(step.count)
            if rank <= before { return step.low + (step.high - 1 - step.low) / 2 }
        }
        return nil
    }
}
