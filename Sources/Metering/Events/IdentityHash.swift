/// The identity of an event: 128 bits of a keyed hash of subject, source and id.
///
/// It is a universal hash: two different identities agree in the 96 bits that are kept with a
/// probability below 2^-94 (docs/decisions/0025), unless their producer knows the key or hashes
/// made with it. It owns the words of its key; any thread may read them.
///
/// The lengths and then each part, in pairs of words, go through two sums of products. These are NH
/// by Black, Halevi, Krawczyk, Krovetz and Rogaway; the second sum uses the key shifted by one
/// pair, which is Toeplitz' construction. Dietzfelbinger's multiply-shift reduces each sum's 128
/// bits to 64.
struct IdentityHash: ~Copyable {
    /// The longest part: 16 pairs of words.
    private static var longestPartBytes: Int { EventLimits.textBytes }
    private static var pairs: Int { 1 + 3 * longestPartBytes / 16 + 1 }
    /// Key words of each reduction at the end: two factors and a summand of 128 bits each.
    private static var finalWords: Int { 6 }
    private let words: UnsafeMutablePointer<UInt64>
    private let final: UnsafeMutablePointer<UInt64>

    /// The hash under a key of 128 random bits, from which SipHash-2-4 derives all key words.
    init(key: (UInt64, UInt64)) {
        let count = Self.pairs * 2 + Self.finalWords * 2
        words = .allocate(capacity: count)
        final = words + Self.pairs * 2
        let stream = SipHash128(key: key)
        for index in stride(from: 0, to: count, by: 2) {
            let (first, second) = withUnsafeBytes(of: UInt64(index).littleEndian) {
                stream.hash($0)
            }
            words[index] = first
            words[index + 1] = second
        }
    }

    deinit { words.deallocate() }

    /// The hash of three parts of at most `EventLimits.textBytes` each, in this order.
    @inline(__always)
    func hash(
        _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer,
        _ third: UnsafeRawBufferPointer
    ) -> (UInt64, UInt64) {
        var sums = Sums()
        let lengths = first.count | second.count << 16 | third.count << 32
        sums.add(UInt64(truncatingIfNeeded: lengths), 0, words)
        var key = UnsafePointer(words + 2)
        add(first, to: &sums, &key)
        add(second, to: &sums, &key)
        add(third, to: &sums, &key)
        return (Self.shorten(sums.first, final), Self.shorten(sums.second, final + 6))
    }

    private struct Sums {
        var first: (high: UInt64, low: UInt64) = (0, 0)
        var second: (high: UInt64, low: UInt64) = (0, 0)

        /// Adds a pair of words to both sums, with the key words from `key` on.
        @inline(__always)
        mutating func add(_ left: UInt64, _ right: UInt64, _ key: UnsafePointer<UInt64>) {
            Self.add((left &+ key[0]).multipliedFullWidth(by: right &+ key[1]), to: &first)
            Self.add((left &+ key[2]).multipliedFullWidth(by: right &+ key[3]), to: &second)
        }

        @inline(__always)
        private static func add(
            _ product: (high: UInt64, low: UInt64), to sum: inout (high: UInt64, low: UInt64)
        ) {
            let (low, carry) = sum.low.addingReportingOverflow(product.low)
            sum = (sum.high &+ product.high &+ (carry ? 1 : 0), low)
        }
    }

    /// Adds a part in pairs of words; moves `key` past the words that were used.
    ///
    /// The last pair may overlap the one before, or its words each other.
    @inline(__always)
    private func add(
        _ part: UnsafeRawBufferPointer, to sums: inout Sums, _ key: inout UnsafePointer<UInt64>
    ) {
        let count = part.count
        var index = 0
        while index + 16 < count {
            sums.add(Self.word(part, index), Self.word(part, index + 8), key)
            index += 16
            key += 2
        }
        if count >= 16 {
            sums.add(Self.word(part, count - 16), Self.word(part, count - 8), key)
        } else if count >= 8 {
            sums.add(Self.word(part, 0), Self.word(part, count - 8), key)
        } else {
            sums.add(Self.shortWord(part), 0, key)
        }
        key += 2
    }

    @inline(__always)
    private static func word(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> UInt64 {
        UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    /// Up to seven bytes as one word; word and number of bytes together determine them.
    @inline(__always)
    private static func shortWord(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        let count = bytes.count
        if count >= 4 {
            let low = bytes.loadUnaligned(fromByteOffset: 0, as: UInt32.self)
            let high = bytes.loadUnaligned(fromByteOffset: count - 4, as: UInt32.self)
            return UInt64(UInt32(littleEndian: high)) << 32 | UInt64(UInt32(littleEndian: low))
        }
        guard count > 0 else { return 0 }
        return UInt64(bytes[0]) | UInt64(bytes[count / 2]) << 8 | UInt64(bytes[count - 1]) << 16
    }

    /// The upper half of a · high + b · low + c, with a, b and c of 128 bits.
    @inline(__always)
    private static func shorten(
        _ sum: (high: UInt64, low: UInt64), _ key: UnsafePointer<UInt64>
    ) -> UInt64 {
        let (high, low) = sum.high.multipliedFullWidth(by: key[0])
        let (otherHigh, otherLow) = sum.low.multipliedFullWidth(by: key[2])
        let (some, carry) = low.addingReportingOverflow(otherLow)
        let (_, secondCarry) = some.addingReportingOverflow(key[4])
        let top = high &+ otherHigh &+ sum.high &* key[1] &+ sum.low &* key[3] &+ key[5]
        return top &+ (carry ? 1 : 0) &+ (secondCarry ? 1 : 0)
    }
}
