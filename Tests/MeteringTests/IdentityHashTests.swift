import Testing

@testable import Metering

@Suite final class IdentityHashTests {
    private let hash = IdentityHash(key: (0x0706_0504_0302_0100, 0x0F0E_0D0C_0B0A_0908))

    private func words(_ parts: [[UInt8]]) -> [UInt64] {
        parts[0].withUnsafeBytes { first in
            parts[1].withUnsafeBytes { second in
                parts[2].withUnsafeBytes { third in
                    let found = hash.hash(first, second, third)
                    return [found.0, found.1]
                }
            }
        }
    }

    private func text(_ count: Int, from first: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0 + first) }
    }

    /// Computed by another program from the formulas: sums of products modulo 2^128, upper halves.
    @Test func knownAnswers() {
        let answers: [((Int, Int, Int), UInt64, UInt64)] = [
            ((0, 0, 0), 0xED1E_0289_E120_61D0, 0x7715_7590_2988_201D),
            ((1, 2, 3), 0x0DDD_D542_F1B5_7657, 0x3594_5E5F_4C34_5776),
            ((4, 7, 8), 0x156B_4C2C_8930_9631, 0x41A0_E41C_8224_23BD),
            ((9, 15, 16), 0x77F3_D91C_2663_44D0, 0xF7B1_A0A3_E34E_5799),
            ((17, 31, 32), 0x8098_F522_CF88_ECB7, 0xF5F6_5925_4FB6_2B8E),
            ((36, 20, 256), 0x839B_17A9_6F8A_8B94, 0x0B8B_4180_8016_011F),
            ((256, 256, 256), 0xFE00_49EE_8421_75D6, 0x073A_5A63_4D38_16C0),
        ]
        for (counts, first, second) in answers {
            let parts = [
                text(counts.0, from: 0), text(counts.1, from: 50), text(counts.2, from: 100),
            ]
            #expect(words(parts) == [first, second], "\(counts)")
        }
    }

    /// Every byte, the number of bytes and where one part ends decide.
    @Test func everyByteCounts() {
        var seen: Set<[UInt64]> = []
        var count = 0
        func add(_ parts: [[UInt8]]) {
            count += 1
            #expect(seen.insert(words(parts)).inserted, "\(parts)")
        }
        for length in [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 24, 31, 32, 33, 36, 255, 256] {
            for place in 0..<length {
                var part = [UInt8](repeating: 97, count: length)
                part[place] = 98
                add([part, [120], [121]])
                add([[120], part, [121]])
                add([[120], [121], part])
            }
        }
        // The same bytes, cut elsewhere.
        let all = [UInt8](repeating: 122, count: 40)
        for first in 0...40 {
            for second in first...40 {
                add([Array(all[..<first]), Array(all[first..<second]), Array(all[second...])])
            }
        }
        #expect(seen.count == count)
    }
}
