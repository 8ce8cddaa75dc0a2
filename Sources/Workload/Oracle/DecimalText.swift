/// The text of a JSON number, read digit by digit.
///
/// Its digits are moved along the point as a person would do on paper; nothing is multiplied.
public struct DecimalText {
    private var isNegative = false
    /// The digits before the point and after it, as characters, without zeros at the outer ends.
    private var whole: [UInt8] = []
    private var fraction: [UInt8] = []
    /// Farther than this the point is never moved: such a number is too large or too small for
    /// all uses.
    private static let farthest = 400
    private var isTooLarge = false
    private var isTiny = false

    /// Reads a whole text as RFC 8259 writes numbers; nil when it is none.
    public init?(_ text: some Collection<UInt8>) {
        var rest = Array(text)[...]
        if rest.first == 0x2D {
            isNegative = true
            rest = rest.dropFirst()
        }
        whole = Self.takeDigits(&rest)
        guard !whole.isEmpty, whole.count == 1 || whole[0] != 0x30 else { return nil }
        if rest.first == 0x2E {
            rest = rest.dropFirst()
            fraction = Self.takeDigits(&rest)
            guard !fraction.isEmpty else { return nil }
        }
        var power = 0
        if let letter = rest.first, letter | 0x20 == 0x65 {
            rest = rest.dropFirst()
            let isSmall = rest.first == 0x2D
            if isSmall || rest.first == 0x2B { rest = rest.dropFirst() }
            let digits = Self.takeDigits(&rest)
            guard !digits.isEmpty else { return nil }
            for digit in digits { power = min(power * 10 + Int(digit - 0x30), 100_000_000) }
            if isSmall { power = -power }
        }
        guard rest.isEmpty else { return nil }
        trim()
        move(by: power)
    }

    private var isZero: Bool { whole.isEmpty && fraction.isEmpty && !isTiny && !isTooLarge }

    private static func takeDigits(_ rest: inout ArraySlice<UInt8>) -> [UInt8] {
        let digits = rest.prefix { 0x30...0x39 ~= $0 }
        rest = rest.dropFirst(digits.count)
        return Array(digits)
    }

    private mutating func trim() {
        whole = Array(whole.drop { $0 == 0x30 })
        while fraction.last == 0x30 { fraction.removeLast() }
    }

    /// Moves the point to the right, or to the left by a negative number of places.
    private mutating func move(by places: Int) {
        if isZero || isTiny || isTooLarge { return }
        // Where the first digit that is not 0 will be: 1 is just before the point.
        let first =
            whole.isEmpty ? -fraction.prefix { $0 == 0x30 }.count : whole.count
        if first + places > Self.farthest {
            isTooLarge = true
            return
        }
        if first + places < -Self.farthest {
            isTiny = true
            return
        }
        if places > 0 {
            let moved = fraction.prefix(places)
            whole += moved + [UInt8](repeating: 0x30, count: places - moved.count)
            fraction = Array(fraction.dropFirst(places))
        } else if places < 0 {
            let moved = whole.suffix(-places)
            fraction = [UInt8](repeating: 0x30, count: -places - moved.count) + moved + fraction
            whole = Array(whole.dropLast(-places))
        }
        trim()
    }

    /// The value times 10^scale; nil where it is not whole and not to be rounded (half to even), or
    /// beyond ±(2^53 − 1).
    public func scaled(_ scale: Int, rounds: Bool) -> Int64? {
        var number = self
        number.move(by: scale)
        if number.isTooLarge { return nil }
        if number.isTiny || !number.fraction.isEmpty, !rounds { return nil }
        if number.isTiny { return 0 }
        guard number.whole.count <= 16,
            var value = Int64("0" + String(decoding: number.whole, as: UTF8.self))
        else { return nil }
        let half: [UInt8] = [0x35]
        if half.lexicographicallyPrecedes(number.fraction)
            || (number.fraction == half && value % 2 == 1)
        {
            value += 1
        }
        guard value <= 9_007_199_254_740_991 else { return nil }
        return number.isNegative ? -value : value
    }

    /// The digits before the point once it is moved by `places`; nil beyond 63 bits.
    func whole(_ places: Int) -> Int64? {
        var number = self
        number.move(by: places)
        if number.isTooLarge { return nil }
        let digits = String(decoding: number.whole, as: UTF8.self)
        guard let value = Int64("0" + (number.isTiny ? "" : digits)) else { return nil }
        return number.isNegative ? -value : value
    }

    /// Whether it has more decimals than the scale.
    func isFraction(_ scale: Int) -> Bool {
        var number = self
        number.move(by: scale)
        return number.isTiny || !number.fraction.isEmpty
    }

    /// The value without a power of ten and without zeros at the ends; nil for more than 256
    /// characters.
    var plain: [UInt8]? {
        if isZero { return [0x30] }
        if isTooLarge || isTiny { return nil }
        let text =
            (isNegative ? [0x2D] : []) + (whole.isEmpty ? [0x30] : whole)
            + (fraction.isEmpty ? [] : [0x2E] + fraction)
        return text.count <= 256 ? text : nil
    }
}
