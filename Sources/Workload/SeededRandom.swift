/// A deterministic random number generator (splitmix64).
public struct SeededRandom: Sendable {
    private var state: UInt64

    /// Makes a generator; equal seeds give equal sequences on every machine.
    public init(seed: UInt64) {
        state = seed
    }

    /// Returns the next 64 bits of the sequence.
    @inline(__always)
    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// Returns a number in `0..<bound`; the bound is at least 1.
    @inline(__always)
    public mutating func below(_ bound: Int) -> Int {
        Int(next().multipliedFullWidth(by: UInt64(bound)).high)
    }

    /// Returns a number in `0..<bound` that is small more often than large.
    @inline(__always)
    mutating func skewed(_ bound: Int) -> Int {
        min(below(bound), below(bound))
    }

    /// Returns true with the given odds.
    @inline(__always)
    mutating func happens(_ odds: Odds) -> Bool {
        (next() >> 32) < odds.threshold
    }
}

/// A probability in the form in which the generator compares it, without floating point.
struct Odds: Sendable {
    let threshold: UInt64

    init(_ share: Double) {
        threshold = UInt64(max(0, min(1, share)) * 4_294_967_296)
    }
}

/// A choice among `0..<count` with Zipf's weights 1, 1/2, 1/3, … in constant time (alias method).
///
/// The exponent is a multiple of 1/4, so square roots are enough for the powers; they give the same
/// result on every machine, which functions of a math library do not.
struct ZipfChoice: Sendable {
    private let thresholds: [UInt64]
    private let aliases: [Int]

    init(count: Int, exponentQuarters: Int = 4) {
        let weights = (0..<count).map { 1.0 / Self.power(Double($0 + 1), exponentQuarters) }
        let total = weights.reduce(0, +)
        var scaled = weights.map { $0 / total * Double(count) }
        var aliases = Array(0..<count)
        var thresholds = [UInt64](repeating: 1 << 32, count: count)
        var small = (0..<count).filter { scaled[$0] < 1 }
        var large = (0..<count).filter { scaled[$0] >= 1 }
        while let low = small.popLast(), let high = large.last {
            thresholds[low] = UInt64(scaled[low] * 4_294_967_296)
            aliases[low] = high
            scaled[high] -= 1 - scaled[low]
            if scaled[high] < 1 {
                large.removeLast()
                small.append(high)
            }
        }
        self.thresholds = thresholds
        self.aliases = aliases
    }

    private static func power(_ number: Double, _ quarters: Int) -> Double {
        let root = number.squareRoot()
        var power = 1.0
        for _ in 0..<quarters / 4 { power *= number }
        if quarters & 2 != 0 { power *= root }
        if quarters & 1 != 0 { power *= root.squareRoot() }
        return power
    }

    @inline(__always)
    func pick(_ random: inout SeededRandom) -> Int {
        let slot = random.below(thresholds.count)
        return (random.next() >> 32) < thresholds[slot] ? slot : aliases[slot]
    }
}
