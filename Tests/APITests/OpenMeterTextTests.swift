import Query
import Testing

@testable import API

/// The texts that OpenMeter's API reads and writes.
@Suite struct OpenMeterTextTests {
    @Test(arguments: [
        (12_345, 0, "12345", "12345.000000"), (-12_300, 4, "-1.23", "-1.230000"),
        (0, 6, "0", "0.000000"), (5, 7, "0.0000005", "0.000001"),
        (-14, 7, "-0.0000014", "-0.000001"),
        (
            9_007_199_254_740_993, 2, "90071992547409.93",
            "90071992547409.930000"
        ),
    ])
    func numbers(value: Int, scale: Int, shortest: String, fixed: String) {
        #expect(OpenMeterNumber.shortest(Int64(value), scale: scale) == shortest)
        #expect(OpenMeterNumber.sixDecimals(Int64(value), scale: scale) == fixed)
    }

    private func read(_ text: String) -> [[String]]? {
        PythonDictionary.pairs(Array(text.utf8))?.map { pair in
            [
                String(decoding: pair.key, as: UTF8.self),
                String(decoding: pair.value, as: UTF8.self),
            ]
        }
    }

    /// What `str` of Python makes of dictionaries, and what looks like it.
    @Test func dictionaries() {
        #expect(read("{}") == [])
        #expect(read("{'a': 'b'}") == [["a", "b"]])
        #expect(
            read(#"{'a': "it's", 'ü': 'x\'"\\', 'c': '\n\x7f\u200b\U0001f600'}"#)
                == [["a", "it's"], ["ü", #"x'"\"#], ["c", "\n\u{7f}\u{200b}\u{1f600}"]])
        for text in [
            "", "{", "{'a'}", "{'a': 1}", "{'a': 'b'", "{'a': 'b'} ", "{'a': 'b',}", "{'a':'b'}",
            #"{'a': '\x7'}"#, #"{'a': '\ud800'}"#, #"{'a': '\q'}"#, "{'a': \"b'}", "['a']",
        ] { #expect(read(text) == nil, "\(text)") }
    }

    @Test(arguments: [
        ("%", "", true), ("", "", true), ("", "a", false), ("a%c", "abbc", true),
        ("a%c", "abcd", false), ("_", "ö", true), ("_", "", false), (#"a\%"#, "a%", true),
        (#"a\%"#, "ab", false), ("%a%b", "xaxaxb", true), ("%%a", "a", true), ("a", "A", false),
        (#"a\"#, #"a\"#, true), ("%ab", "aab", true),
    ])
    func patterns(pattern: String, text: String, matches: Bool) {
        let test = TextTest.like(LikePattern(Array(pattern.utf8), ignoresCase: false))
        #expect(test.admits(Array(text.utf8)) == matches)
        #expect(TextTest.not(test).admits(Array(text.utf8)) != matches)
    }

    @Test func foldedPatterns() {
        for (text, matches) in [("STRAẞE", true), ("straße", true), ("strasse", false)] {
            let test = TextTest.like(LikePattern(containing: Array("Aß".utf8), ignoresCase: true))
            #expect(test.admits(Array(text.utf8)) == matches, "\(text)")
        }
    }

    /// Tokens of another secret, changed ones and those of other issuers are none.
    @Test func tokens() throws {
        let tokens = try PortalTokens(secret: TestService.secret)
        func make(_ meters: [[UInt8]]?) -> [UInt8] {
            tokens.make(
                id: "1", subject: Array("Kundin ü".utf8), meters: meters, nowSeconds: 100,
                expirySeconds: 200)
        }
        let grant = try #require(tokens.grant(make(nil), nowSeconds: 199))
        #expect(grant.subject == Array("Kundin ü".utf8) && grant.meters == nil)
        #expect(tokens.grant(make(nil), nowSeconds: 200) == nil)
        let one = Array("one".utf8)
        #expect(tokens.grant(make([one]), nowSeconds: 199)?.meters == [one])
        let other = try PortalTokens(secret: TestService.secret + [0x61])
        #expect(other.grant(make(nil), nowSeconds: 199) == nil)
        let foreign = try signed(#"{"sub": "o", "exp": 200}"#, key: TestService.secret)
        #expect(tokens.grant(Array(foreign.utf8), nowSeconds: 199) == nil)
        #expect(PortalTokens.newID(milliseconds: 1_773_065_251_000).count == 26)
        for bytes in [[], [0xff], [0, 1], [0xfb, 0xff, 0xfe], Array(0...255)] as [[UInt8]] {
            #expect(Base64URL.bytes(Base64URL.text(bytes)) == bytes)
        }
    }
}
