import Metering
import Testing

@Suite struct JSONIntegerTests {
    private func read(_ text: String) -> JSONInteger { JSONInteger.read(Array(text.utf8)) }

    @Test(arguments: [
        ("0", 0), ("-0", 0), ("-0.0e5", 0), ("0e999999999999999999999", 0), ("7", 7), ("7.0", 7),
        ("1000000.0", 1_000_000), ("1e6", 1_000_000), ("1E+6", 1_000_000), ("2.8e1", 28),
        ("70e-1", 7), ("0.7e1", 7), ("-12.50e1", -125), ("100e-2", 1), (" 5\n", 5),
        ("9007199254740991", 9_007_199_254_740_991), ("-9007199254740991", -9_007_199_254_740_991),
        ("9.007199254740991e15", 9_007_199_254_740_991), ("1e15", 1_000_000_000_000_000),
        ("0.00000000000000000001e20", 1),
    ])
    func anIntegerIsKnownByItsValue(text: String, value: Int64) {
        #expect(read(text) == .integer(value))
        #expect(JSONInteger.value(Array(text.utf8)) == value)
    }

    /// A double would round each of these to an integer.
    @Test(arguments: [
        "1.5", "28.00000000000000000001", "1e-400", "9007199254740990.99", "0.1", "-1e-1",
        "1e-999999999999999999999", "25e-1",
    ])
    func aFractionIsNoneHoweverSmall(text: String) { #expect(read(text) == .fraction) }

    @Test(arguments: [
        "9007199254740992", "-9007199254740992", "9007199254740993", "1e16", "1e400",
        "12345678901234567890", "1e999999999999999999999", "9.007199254740992e15",
    ])
    func aNumberMayBeTooLarge(text: String) { #expect(read(text) == .tooLarge) }

    @Test(arguments: [
        "", "-", "+5", "05", "-01", "1.", ".5", "1e", "1e+", "1.e5", "0x1", "1 2", "\"5\"", "true",
        "null", "NaN", "1_000", "٣", "1\u{0}",
    ])
    func otherTextsAreNoNumbers(text: String) { #expect(read(text) == .notNumber) }

    @Test func aLongTextIsReadAsExactlyAsAShortOne() {
        let zeros = String(repeating: "0", count: 100_000)
        #expect(read("1\(zeros)e-100000") == .integer(1))
        #expect(read("1\(zeros)e-100001") == .fraction)
        #expect(read("3.\(zeros)") == .integer(3))
        #expect(read("3.\(zeros)1") == .fraction)
    }

    /// Every spelling of a value, with the point moved to any place and zeros behind it.
    @Test func allSpellingsOfAValueAreTheSame() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<2_000 {
            let value = Int64.random(in: JSONInteger.bounds, using: &generator)
            let digits = Array(String(value.magnitude))
            let sign = value < 0 ? "-" : ""
            let place = Int.random(in: 1...digits.count, using: &generator)
            let whole = String(digits[..<place])
            let zeros = String(repeating: "0", count: Int.random(in: 0...3, using: &generator))
            let fraction = String(digits[place...]) + zeros
            let text = sign + whole + (fraction.isEmpty ? "" : "." + fraction)
            let moved = digits.count - place
            #expect(read("\(text)e\(moved)") == .integer(value), "\(text)")
            let split = fraction.isEmpty ? text + ".1" : text + "1"
            #expect(read("\(split)e\(moved)") == .fraction, "\(split)")
        }
    }
}
