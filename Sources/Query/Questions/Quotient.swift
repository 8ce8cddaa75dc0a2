/// One number divided by another, exact until it is written.
public struct Quotient: Sendable, Hashable {
    /// What is divided, times 10^scale of its meter.
    public let numerator: Int64
    /// By what, times 10^scale of its meter; never 0.
    public let denominator: Int64
    private let numeratorScale: Int
    private let denominatorScale: Int

    /// The most digits that are written, from the first one that is not 0 on; digits before the
    /// point are always written.
    public static let digits = 15

    /// Nil where the denominator is 0.
    ///
    /// Scales are 0 to 12.
    public init?(
        _ numerator: Int64, _ denominator: Int64, numeratorScale: Int = 0,
        denominatorScale: Int = 0
    ) {
        guard denominator != 0 else { return nil }
        self.numerator = numerator
        self.denominator = denominator
        self.numeratorScale = numeratorScale
        self.denominatorScale = denominatorScale
    }

    /// Whether it is less than another one of the same scales; exact.
    public func precedes(_ other: Quotient) -> Bool {
        let left = Int128(numerator) * Int128(other.denominator)
        let right = Int128(other.numerator) * Int128(denominator)
        // Multiplying by a denominator below zero turns the order around.
        return (denominator < 0) == (other.denominator < 0) ? left < right : left > right
    }

    /// Whether both have the same value, written alike or not.
    public func equals(_ other: Quotient) -> Bool {
        Int128(numerator) * Int128(other.denominator)
            == Int128(other.numerator) * Int128(denominator)
    }

    /// The decimal number, rounded half to even, without zeros at the end and without exponent.
    ///
    /// It has all digits before the point, and as many decimals as make 15 digits with them.
    public var text: String {
        let divisor = UInt128(denominator.magnitude) * Quotient.power(numeratorScale)
        let dividend = UInt128(numerator.magnitude) * Quotient.power(denominatorScale)
        var (whole, rest) = dividend.quotientAndRemainder(dividingBy: divisor)
        // Digits behind the point; those that count begin at the first one that is not 0.
        var decimals: [UInt8] = []
        var count = whole == 0 ? 0 : String(whole).utf8.count
        while rest != 0, count < Quotient.digits {
            let (digit, next) = (rest * 10).quotientAndRemainder(dividingBy: divisor)
            decimals.append(UInt8(digit))
            if digit != 0 || count > 0 { count += 1 }
            rest = next
        }
        let isLastOdd = (decimals.last.map { $0 % 2 } ?? UInt8(whole % 2)) == 1
        if rest * 2 > divisor || rest * 2 == divisor && isLastOdd {
            var place = decimals.count - 1
            while place >= 0, decimals[place] == 9 {
                decimals[place] = 0
                place -= 1
            }
            if place >= 0 { decimals[place] += 1 } else { whole += 1 }
        }
        while decimals.last == 0 { decimals.removeLast() }
        let isNegative = (numerator < 0) != (denominator < 0) && numerator != 0
        let fraction = decimals.map { String($0) }.joined()
        return (isNegative ? "-" : "") + String(whole) + (fraction.isEmpty ? "" : ".\(fraction)")
    }

    private static func power(_ scale: Int) -> UInt128 {
        (0..<scale).reduce(1) { power, _ in power * 10 }
    }
}
