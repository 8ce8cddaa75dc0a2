import Metering
import Testing

@testable import API
@testable import Query

@Suite struct CoverageTests {
    private let now: Int64 = 1_773_065_251

    private func sevenDecimals(_ nanoseconds: Int64) -> String {
        var text = ""
        TimeText.withSevenDecimals(nanoseconds: nanoseconds) {
            text = String(decoding: $0, as: UTF8.self)
        }
        return text
    }

    private let connections = [
        Coverage.Kept(window: .quarter, seconds: 92 * 86_400),
        Coverage.Kept(window: .day, seconds: 400 * 86_400),
        Coverage.Kept(window: .month, seconds: nil),
    ]

    /// Several meters answer by the windows that all of them keep,
    /// for as long as the shortest does.
    @Test func severalMeters() {
        func kept(_ windows: (Window, Int64?)...) -> [Coverage.Kept] {
            windows.map { Coverage.Kept(window: $0, seconds: $1) }
        }
        let one = kept((.minute, 60), (.day, 400), (.month, nil))
        #expect(Coverage.Kept.shared([]) == [])
        #expect(Coverage.Kept.shared([one]) == one)
        #expect(Coverage.Kept.shared([one, []]) == [])
        #expect(Coverage.Kept.shared([[], one]) == [])
        let other = kept((.quarter, 900), (.day, 300), (.month, 5))
        #expect(Coverage.Kept.shared([one, other]) == kept((.day, 300), (.month, 5)))
        #expect(Coverage.Kept.shared([other, one]) == kept((.day, 300), (.month, 5)))
        let longer = kept((.day, nil), (.month, nil))
        #expect(Coverage.Kept.shared([longer, one]) == kept((.day, 400), (.month, nil)))
        #expect(Coverage.Kept.shared([one, longer, other]) == kept((.day, 300), (.month, 5)))
    }

    /// The windows follow one another, cover the range exactly, and are all kept.
    @Test func tiles() {
        var state: UInt64 = 7
        func next(_ bound: Int64) -> Int64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int64(state >> 33) % bound
        }
        for round in 0..<3_000 {
            let reach: Int64 = [3_600, 86_400, 90 * 86_400, 120 * 86_400, 900 * 86_400][round % 5]
            let start = now - next(reach)
            let range = TimeRange(start: start, end: start + next(reach))
            let coverage = Coverage(range, kept: connections, nowSeconds: now)
            let answered = coverage.range ?? range
            #expect(answered.start <= range.start && answered.end >= range.end)
            var position = answered.start
            for piece in coverage.pieces {
                for number in piece.numbers {
                    #expect(piece.window.start(of: number) == position)
                    position = piece.window.end(of: number)
                    let kept = connections.first { $0.window == piece.window }?.seconds ?? nil
                    if let kept { #expect(position + kept > now) }
                }
            }
            #expect(position == answered.end)
        }
    }

    @Test func longestWindowsInTheMiddle() {
        let range = TimeRange(start: 1_764_547_200, end: 1_772_323_200)
        let coverage = Coverage(range, kept: connections, nowSeconds: now)
        #expect(
            coverage.pieces == [Coverage.Piece(window: .month, numbers: 671..<674)])
    }

    @Test func numbersForPeople() {
        for (bytes, text) in [
            (0, "0 B"), (1, "1 B"), (1_023, "1023 B"), (1_024, "1 KB"), (1_536, "1.5 KB"),
            (1_029, "1 KB"), (1_034, "1.01 KB"), (1_048_575, "1 MB"), (52_428_800, "50 MB"),
            (1_610_612_736, "1.5 GB"), (Int64.max, "8 EB"),
        ] {
            #expect(Rounded.byteSize(bytes) == text)
        }
        #expect(Rounded.ratio(45, times: 1, by: 10) == 5)
        #expect(Rounded.ratio(-45, times: 1, by: 10) == -5)
        #expect(Rounded.ratio(44, times: 1, by: 10) == 4)
        #expect(Rounded.ratio(1, times: 1, by: 0) == 0)
        #expect(Rounded.ratio(.max, times: 1_000, by: 1) == .max)
        #expect(Hashing.crc32("123456789".utf8) == 0xCBF4_3926)
        #expect(
            String(decoding: APIKey.sha256([]), as: UTF8.self)
                == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    }

    @Test func times() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0), ("1969-12-31T23:59:59Z", -1),
            ("2026-03-09t14:07:31z", 1_773_065_251), ("2026-03-09T15:37:31+01:30", 1_773_065_251),
            ("2024-02-29T00:00:00-00:00", 1_709_164_800),
            ("1700-01-01T00:00:00Z", -8_520_336_000), ("2200-12-31T23:59:59Z", 7_289_654_399),
        ] {
            #expect(TimeText.nanoseconds(rfc3339: text.utf8) == Int64(seconds) * 1_000_000_000)
        }
        for text in [
            "", "2026-03-09T14:07:31", "2026-03-09T14:07Z", "2026-3-09T14:07:31Z",
            "2026-03-09T14:07:31.Z", "2026-03-09T14:07:31.1234567890Z", "2026-02-29T00:00:00Z",
            "2026-03-09T24:00:00Z", "2026-03-09T14:60:00Z", "2026-03-09T14:07:61Z",
            "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z",
            "2026-03-09T14:07:31+2:00", "2026-03-09T14:07:31Zx", " 2026-03-09T14:07:31Z",
            "1699-12-31T23:59:59Z", "2201-01-01T00:00:00Z", "2026-03-09T14:07:31+24:00",
        ] {
            #expect(TimeText.nanoseconds(rfc3339: text.utf8) == nil, "\(text)")
        }
        #expect(sevenDecimals(-1) == "1969-12-31T23:59:59.9999999Z")
        #expect(
            sevenDecimals(1_234_567_899) == "1970-01-01T00:00:01.2345678Z")
        // Nanoseconds where milliseconds belong: nonsense, but a text.
        #expect(!TimeText.millisecond(1_780_000_000_000_000_000).isEmpty)
        #expect(!TimeText.millisecond(.max).isEmpty)
        let day = TimeRange(wholeDaysFrom: 5, to: 5)
        #expect(day == TimeRange(start: 0, end: 86_400))
        #expect(TimeRange(wholeDaysFrom: 0, to: 86_400).dayCount == 1)
        #expect(TimeRange(wholeDaysFrom: 0, to: 86_401).dayCount == 2)
    }
}
