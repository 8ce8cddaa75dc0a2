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

    /// A window and the model beside it.
    private struct Pair: ~Copyable {
        var window: SeenWindow
        var naive: NaiveWindow
        var differences = 0

        init(span: Int64, block: Int) {
            window = SeenWindow(span: span, block: block)
            naive = NaiveWindow(span: span)
        }

        mutating func insert(_ hash: (UInt64, UInt64), at offset: Int64) {
            if window.insert(hash, at: offset) != naive.insert(hash, at: offset) {
                differences += 1
            }
        }

        mutating func removeAll() {
            window.removeAll()
            naive.entries.removeAll()
        }
    }

    @Test func itAgreesWithANaiveModel() {
        var random = SeededRandom(seed: 5)
        for round in 0..<240 {
            // Some spans fit into the first block, some need up to 16, few are powers of two.
            let span = Int64(round % 3 == 0 ? round % 41 : round)
            var pair = Pair(span: span, block: 16)
            var offset = round % 5 == 0 ? Int64(UInt32.max) - 100 : Int64(random.below(5))
            let variety = 1 + random.below(round % 2 == 0 ? 60 : 400)
            for _ in 0..<800 {
                // Few different homes and equal halves; in every fourth round one home for all, the
                // last one, so that ids pass full buckets, and find whole groups full.
                let number = UInt64(random.below(variety))
                let high = [
                    number, number << 40, number &* 0x9E37_79B9_7F4A_7C15, .max,
                    number << 40 | 0xFFFF,
                ][round % 4 == 1 ? 4 : random.below(4)]
                pair.insert(
                    (high, UInt64(random.below(3)) | UInt64(random.below(2)) << 32), at: offset)
                offset += random.below(8) > 0 ? 1 : 1 + Int64(random.below(60))
                if random.below(200) == 0 { pair.removeAll() }
            }
            #expect(pair.differences == 0, "round \(round), span \(span)")
        }
    }

    /// Every way to place a second record of an id while the ring grows from one block to eight.
    ///
    /// Ids have few homes or their own, the spans are no powers of two and powers of two.
    @Test(arguments: [100, 128])
    func duplicatesAreFoundAtEveryMomentOfItsGrowth(span: Int64) {
        for distance in 1...span + 2 {
            for homes in [1, 3, 1_000] {
                var pair = Pair(span: span, block: 16)
                for offset in 0..<2 * span + 20 {
                    // Each id is that of the record `distance` before it in every second stretch.
                    let id = offset / distance % 2 == 1 ? offset - distance : offset
                    let number = UInt64(id)
                    let high = number % UInt64(homes) | (number &* 0x9E37_79B9) << 12
                    pair.insert((high, number), at: 5 + offset)
                }
                #expect(pair.differences == 0, "distance \(distance), homes \(homes)")
                #expect(pair.window.byteCount == SeenWindow.fullByteCount(span: span))
            }
        }
    }

    @Test func itAgreesWithANaiveModelWhereOffsetsHaveSeveralIDs() {
        var random = SeededRandom(seed: 6)
        for round in 1..<120 {
            let span = Int64(round)
            var window = SeenWindow(span: span, block: 16)
            var known: [(id: UInt64, offset: Int64)] = []
            var (offset, differences) = (Int64(0), 0)
            for _ in 0..<200 {
                offset += Int64(random.below(10) == 0 ? 1 + random.below(2 * round) : 1)
                for _ in 0..<random.below(round % 3 == 0 ? 3 * round : 6) {
                    let id = UInt64(random.below(2 * round + 4))
                    let expected = known.suffix(round).contains {
                        $0.id == id && $0.offset >= offset - span
                    }
                    let hash = (id &* 0x9E37_79B9_7F4A_7C15, id)
                    if window.insert(hash, at: offset) != expected { differences += 1 }
                    known.append((id, offset))
                    let oldest = known[max(0, known.count - round)].offset
                    if known.count > round,
                        known.suffix(round).allSatisfy({
                            $0.offset > offset - span
                        }), window.reach != offset - oldest
                    {
                        differences += 1
                    }
                }
            }
            #expect(differences == 0, "span \(span)")
            #expect(window.byteCount <= SeenWindow.fullByteCount(span: span))
        }
    }

    @Test func emptiedAtAnyMomentItWarmsUpAgain() {
        for emptied in 0..<140 {
            var pair = Pair(span: 100, block: 16)
            for offset in 0..<400 {
                if offset == emptied || offset == 2 * emptied { pair.removeAll() }
                let number = UInt64(offset % 130 / (1 + offset % 2))
                pair.insert((number &* 0x9E37_79B9_7F4A_7C15, number), at: Int64(offset))
            }
            #expect(pair.differences == 0, "emptied at \(emptied)")
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
        #expect(window.byteCount == 0)
    }
}
