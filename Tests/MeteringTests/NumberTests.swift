import Testing
import Workload

@testable import Metering

@Suite struct NumberTests {
    private func nanoseconds(_ text: String) -> Int64? {
        Array(text.utf8).withUnsafeBytes { Timestamp.nanoseconds($0) }
    }

    @Test func timesHaveOneReading() {
        let second: Int64 = 1_000_000_000
        let known: [(String, Int64)] = [
            ("1970-01-01T00:00:00Z", 0), ("1969-12-31T23:59:59.999999999Z", -1),
            ("2026-03-09T14:15:16Z", 1_773_065_716 * second),
            ("2026-03-09t14:15:16.5z", 1_773_065_716 * second + second / 2),
            ("2026-03-09T15:15:16+01:00", 1_773_065_716 * second),
            ("2026-03-09T14:15:16-00:00", 1_773_065_716 * second),
            ("2016-12-31T23:59:60Z", 1_483_228_800 * second),
            ("2000-02-29T00:00:00Z", 951_782_400 * second),
            ("1700-01-01T00:00:00Z", -8_520_336_000 * second),
            ("1700-01-01T00:00:00+23:59", (-8_520_336_000 - 86_340) * second),
            ("2200-12-31T23:59:60-23:59", (7_289_654_400 + 86_340) * second),
        ]
        for (text, time) in known { #expect(nanoseconds(text) == time, "\(text)") }
        let wrong = [
            "", "2026-03-09", "2026-03-09T14:15:16", "2026-03-09 14:15:16Z", "1699-12-31T23:59:59Z",
            "2201-01-01T00:00:00Z", "1900-02-29T00:00:00Z", "2026-02-30T00:00:00Z",
            "2026-00-10T00:00:00Z", "2026-13-10T00:00:00Z", "2026-01-00T00:00:00Z",
            "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2026-01-01T00:00:61Z",
            "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00.1234567890Z", "2026-01-01T00:00:00,5Z",
            "2026-01-01T00:00:00+1:00", "2026-01-01T00:00:00+24:00", "2026-01-01T00:00:00+00:60",
            "2026-01-01T00:00:00+0100", "2026-01-01T00:00:00Z ", "2026-01-01T00:00:00ZZ",
            "2026-01-01T00:00:00.5", "-026-01-01T00:00:00Z", "2026-01-01T00:00:00.5+01:0",
        ]
        for text in wrong { #expect(nanoseconds(text) == nil, "\(text)") }
    }

    @Test func aRememberedDateChangesNoReading() {
        var date = Timestamp.Date()
        let zeros = "\0\0\0\0\0\0\0\0\0\0"
        let days = ["1970-01-01", "2026-03-09", zeros, "2026-03-10", "2026-02-30", "2026-03-19"]
        let times = ["T00:00:00Z", "T23:59:60.25-03:30", "T24:00:00Z", "x00:00:00Z"]
        for first in days {
            for second in days + [first] {
                for time in times {
                    let texts = [first + time, second + time]
                    let found = texts.map { text in
                        Array(text.utf8).withUnsafeBytes { Timestamp.nanoseconds($0, &date) }
                    }
                    #expect(found == texts.map(nanoseconds), "\(texts)")
                }
            }
        }
    }

    /// Known answers of OpenSSL: key 00 … 0F, message 00 01 02 … of that many bytes.
    @Test func sipHashHasTheKnownAnswers() {
        let hash = SipHash128(key: (0x0706_0504_0302_0100, 0x0F0E_0D0C_0B0A_0908))
        for (count, answer) in Self.answers {
            (0..<UInt8(count)).map { $0 }.withUnsafeBytes { message in
                #expect(digits(hash.hash(message)) == answer, "\(count) bytes")
            }
        }
    }

    private func digits(_ words: (UInt64, UInt64)) -> String {
        var text = ""
        for word in [words.0, words.1] {
            for shift in stride(from: 0 as UInt64, to: 64, by: 8) {
                let byte = UInt8(truncatingIfNeeded: word >> shift)
                text += (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        return text
    }

    private static let answers: [(Int, String)] = [
        (0, "A3817F04BA25A8E66DF67214C7550293"),
        (1, "DA87C1D86B99AF44347659119B22FC45"),
        (7, "A1F1EBBED8DBC153C0B84AA61FF08239"),
        (8, "3B62A9BA6258F5610F83E264F31497B4"),
        (9, "264499060AD9BAABC47F8B02BB6D71ED"),
        (15, "5493E99933B0A8117E08EC0F97CFC3D9"),
        (16, "6EE2A4CA67B054BBFD3315BF85230577"),
        (31, "2939B0183223FAFC1723DE4F52C43D35"),
        (63, "5150D1772F50834A503E069A973FBD7C"),
        (64, "1EAF077DC0D4CD3F8CAD4D383658A74B"),
        (65, "02233E98FE91E1C8220DCA0D285261EF"),
    ]

    @Test func theYearsOfTimesBeginAndEndWithTheirSeconds() {
        func begin(of year: Int) -> Int64 {
            Int64(CivilDate(year: Int32(year), monthOfYear: 1, dayOfMonth: 1).dayNumber) * 86_400
        }
        #expect(Timestamp.firstSecond == begin(of: Timestamp.years.lowerBound))
        #expect(Timestamp.endSecond == begin(of: Timestamp.years.upperBound + 1))
    }

    @Test func sortableNumbersCompareLikeNumbers() {
        var random = SeededRandom(seed: 3)
        var numbers: [Int64] = [.min, .min + 1, -1, 0, 1, .max - 1, .max]
        for _ in 0..<300 { numbers.append(Int64(bitPattern: random.next())) }
        let texts = numbers.sorted().map(TallyText.twentyDigits)
        for (left, right) in zip(texts, texts.dropFirst()) {
            #expect(left.lexicographicallyPrecedes(right))
        }
        for number in numbers {
            #expect(SortableNumber.read(TallyText.twentyDigits(number)) == number)
        }
        #expect(TallyText.twentyDigits(-1) == Array("09223372036854775807".utf8))
        for text in [
            "", "1", "18446744073709551616", "99999999999999999999", "0922337203685477580x",
        ] {
            #expect(SortableNumber.read(Array(text.utf8)) == nil, "\(text)")
        }
    }

    @Test func stepsOfAHistogramHoldTheirValues() {
        for value in -3...4_096 as ClosedRange<Int64> { check(value) }
        for power in 12..<63 {
            for delta in -2...2 as ClosedRange<Int64> { check(1 << Int64(power) + delta) }
        }
        check((1 << 53) - 1)
    }

    private func check(_ value: Int64) {
        let step = HistogramStep.index(of: value)
        let bounds = HistogramStep.bounds(of: step)
        #expect(bounds.low <= max(0, value) && max(0, value) < bounds.high, "\(value)")
        let middle = Double(bounds.low) + Double(bounds.high - bounds.low) / 2
        let distance = abs(middle - Double(max(0, value)))
        #expect(value < 128 || distance <= Double(value) * 0.008, "\(value)")
        #expect(HistogramStep.index(of: bounds.low) == step)
    }

    @Test func windowsLieSideBySide() {
        var random = SeededRandom(seed: 4)
        for _ in 0..<2_000 {
            let second = Int64(random.below(15_800_000_000)) - 8_520_336_000
            for window in [Window.minute, .quarter, .day, .month] {
                let number = window.number(ofSecond: second)
                #expect(window.start(of: number) <= second && second < window.end(of: number))
                #expect(window.end(of: number) == window.start(of: number + 1))
                #expect(window.number(ofSecond: window.start(of: number)) == number)
                #expect(window.number(ofSecond: window.end(of: number) - 1) == number)
            }
        }
    }
}
