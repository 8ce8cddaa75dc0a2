/// Conditional requests: entity tags and the answer 304.
public enum Conditional {
    /// A strong entity tag of the bytes, with its quotes.
    ///
    /// It is made of two 64-bit sums like FNV-1a, but over eight bytes a step, and of the length. A
    /// change of the body changes the tag; a deliberate collision is possible.
    public static func entityTag(_ body: [UInt8]) -> String {
        var first: UInt64 = 0xcbf2_9ce4_8422_2325
        var second: UInt64 = 0x8422_2325_cbf2_9ce4
        func add(_ word: UInt64) {
            first = (first ^ word) &* 0x0000_0100_0000_01b3
            first ^= first >> 32
            second = (second ^ ~word) &* 0x9e37_79b9_7f4a_7c15
            second ^= second >> 29
        }
        body.withUnsafeBytes { bytes in
            var index = 0
            while index + 8 <= bytes.count {
                add(bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self).littleEndian)
                index += 8
            }
            while index < bytes.count {
                add(UInt64(bytes[index]))
                index += 1
            }
        }
        add(UInt64(body.count))
        return String(unsafeUninitializedCapacity: 34) { text in
            text[0] = UInt8(ascii: "\"")
            write(first, to: UnsafeMutableBufferPointer(rebasing: text[1..<17]))
            write(second, to: UnsafeMutableBufferPointer(rebasing: text[17..<33]))
            text[33] = UInt8(ascii: "\"")
            return 34
        }
    }

    /// Adds the entity tag to a 200 answer for GET or HEAD; a client that holds it gets 304.
    ///
    /// `body` is kept, so that Content-Length is that of the 200; the server does not send it.
    public static func apply(to response: inout Response, for request: Request) {
        guard response.status == 200, response.caching == .revalidate,
            request.method == .get || request.method == .head
        else { return }
        let tag = entityTag(response.body)
        response.setHeader("ETag", tag)
        let held = request.headers.values(of: "If-None-Match")
        if held.contains(where: { matches($0, tag: Array(tag.utf8)) }) {
            response.status = 304
        }
    }

    /// Whether a list in If-None-Match contains the tag, by weak comparison.
    static func matches(_ list: [UInt8], tag: [UInt8]) -> Bool {
        var rest = list[...]
        while true {
            rest = rest.drop { ASCII.isBlank($0) || $0 == UInt8(ascii: ",") }
            if rest.isEmpty { return false }
            if rest.elementsEqual([UInt8(ascii: "*")]) { return true }
            if rest.starts(with: [UInt8(ascii: "W"), UInt8(ascii: "/")]) {
                rest = rest.dropFirst(2)
            }
            // What is not a quoted tag ends the list.
            guard rest.first == UInt8(ascii: "\""),
                let end = rest.dropFirst().firstIndex(of: UInt8(ascii: "\""))
            else { return false }
            if rest[...end].elementsEqual(tag) { return true }
            rest = rest[(end + 1)...]
        }
    }

    private static func write(_ value: UInt64, to text: UnsafeMutableBufferPointer<UInt8>) {
        for index in 0..<16 {
            let digit = UInt8(truncatingIfNeeded: value >> UInt64(60 - 4 * index)) & 0x0f
            text[index] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
        }
    }
}
