import Testing
import Workload

@testable import Metering

@Suite struct SeenWindowTests {
    /// Remembers everything and looks at it all.
    private struct NaiveWindow {
        let span: Int64
        var entries: [(offset: Int64, high: UInt64, low: UInt32)] = []

        mutating func insert(_ hash: (UInt64, UInt64), at offset: Int64) -> Bool {
            let low = UInt32(truncatingIfNeeded: hash.1)
            let isDuplicate = entries.contains {
                $0.offset >= offset - span && $0.high == hash.0 && $0.low == low
            }
            entries.removeAll { $0.offset < offset - span }
            if span > 0 { entries.append((offset, hash.0, low)) }
            return span > 0 && isDuplicate
        }
    }

    @Test func itAgreesWithANaiveModel() {
        var random = SeededRandom(seed: 5)
        for round in 0..<240 {
            let span = Int64(round % 41)
            var window = SeenWindow(span: span)
            var naive = NaiveWindow(span: span)
            var offset = round % 3 == 0 ? Int64(UInt32.max) - 100 : Int64(random.below(5))
            let variety = 1 + random.below(60)
            for step in 0..<400 {
                // Few different homes and equal halves; in every fourth round one home for all, the
                // last one, so that ids pass full buckets and go on at the first.
                let number = UInt64(random.below(variety))
                let high = [
                    number, number << 40, number &* 0x9E37_79B9_7F4A_7C15, .max,
                    number << 40 | 0xFFFF,
                ][round % 4 == 1 ? 4 : random.below(4)]
                let hash = (high, UInt64(random.below(3)) | UInt64(random.below(2)) << 32)
                let found = window.insert(hash, at: offset)
                let expected = naive.insert(hash, at: offset)
                #expect(found == expected, "round \(round) step \(step) offset \(offset)")
                offset += random.below(8) > 0 ? 1 : 1 + Int64(random.below(60))
                if random.below(200) == 0 {
                    window.removeAll()
                    naive.entries.removeAll()
                }
            }
        }
    }

    @Test func aDuplicateLiesExactlyWithinTheSpan() {
        let records: [(hash: (UInt64, UInt64), offset: Int64, isDuplicate: Bool)] = [
            ((1, 1), 100, false), ((1, 1), 140, true), ((1, 1), 181, false),
            ((1, 2), 182, false),  // Equal in 64 bits is not equal.
            ((1, 3), 1 << 40, false), ((1, 3), 1 << 40 + 1, true),
        ]
        var window = SeenWindow(span: 40)
        for record in records {
            let isDuplicate = window.insert(record.hash, at: record.offset)
            #expect(isDuplicate == record.isDuplicate, "\(record)")
        }
    }

    @Test func aSpanOfNothingFindsNothing() {
        var window = SeenWindow(span: 0)
        let found = [window.insert((1, 1), at: 1), window.insert((1, 1), at: 2)]
        #expect(found == [false, false])
    }
}
