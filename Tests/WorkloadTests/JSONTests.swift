import Testing

@testable import Workload

@Suite struct JSONTests {
    private func kind(_ bytes: [UInt8]) -> JSONKind? {
        var reader = JSONReader(tree: PointerTree())
        return bytes.withUnsafeBytes { reader.read($0, node: 0) }
    }

    private func isJSON(_ text: String) -> Bool { kind(Array(text.utf8)) != nil }

    @Test(arguments: [
        "{}", "[]", " \t\r\n{ } ", "0", "-0", "1.5e+3", "1E-0", "\"\"", "true", "false", "null",
        "[1,2]", "[[]]", "{\"a\":{\"b\":[]},\"a\":1}", "\"\\u0000\\ud83d\\ude00\\\"\\/\"",
        "\"\u{7F}ä😀\"",
        "1e999", "[1 , 2 ]", "{\"\" : 1}",
    ])
    func validTexts(_ text: String) {
        #expect(isJSON(text))
    }

    @Test(arguments: [
        "", " ", "{", "}", "[", "[1", "[1,", "[1,]", "[,1]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}",
        "{a:1}", "{'a':1}", "01", "-", "+1", "1.", ".5", "1e", "1e+", "0x1", "NaN", "nul", "tru e",
        "\"", "\"\\\"", "\"\\x\"", "\"\\u12g4\"", "\"\\u123", "\"a\nb\"", "\"\u{1}\"", "1 2",
        "{}{}",
        "[1}", "{\"a\":1]", "// c\n1", "\u{FEFF}1", "[1 2]", "{\"a\" 1}",
        "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\"", "\u{A0}1", "nullx",
    ])
    func invalidTexts(_ text: String) {
        #expect(!isJSON(text))
    }

    @Test func onlyWellFormedUTF8IsTaken() {
        func string(_ inside: [UInt8]) -> Bool { kind([0x22] + inside + [0x22]) != nil }
        #expect(
            string([0xC2, 0x80]) && string([0xEF, 0xBF, 0xBF]) && string([0xF4, 0x8F, 0xBF, 0xBF]))
        for bad: [UInt8] in [
            [0x80], [0xC0, 0xAF], [0xC1, 0x81], [0xE0, 0x9F, 0xBF], [0xED, 0xA0, 0x80],
            [0xF0, 0x8F, 0xBF, 0xBF], [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80],
            [0xE2, 0x82],
            [0xFF],
        ] { #expect(!string(bad)) }
        #expect(kind([0xEF, 0xBB, 0xBF, 0x31]) == nil)
        #expect(kind([0x31, 0x00]) == nil)
    }

    @Test func sixtyFourLevelsAreTheDeepest() {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        #expect(isJSON(nested(64)))
        #expect(!isJSON(nested(65)))
        #expect(!isJSON(String(repeating: "{\"a\":", count: 100_000)))
    }

    @Test func captureFollowsPointersThroughObjectsOnly() throws {
        var tree = PointerTree()
        let slot = try tree.add("/a/b~1~0")
        var reader = JSONReader(tree: tree)
        var isRepeated = false
        func capture(_ text: String) -> String? {
            defer { isRepeated = reader.hasRepeated }
            let bytes = Array(text.utf8)
            return bytes.withUnsafeBytes { bytes in
                guard reader.read(bytes, node: 0) != nil, let found = reader.capture(slot) else {
                    return nil
                }
                return String(decoding: bytes[found.start..<found.end], as: UTF8.self)
            }
        }
        #expect(capture(#"{"a":{"x":1,"b/~":"v"}}"#) == "v")
        #expect(capture(#"{"\u0061":{"b\/~":12}}"#) == "12")
        #expect(capture(#"{"a":[{"b/~":12}]}"#) == nil)
        #expect(capture(#"{"b/~":12}"#) == nil)
        #expect(!isRepeated)
        #expect(capture(#"{"a":{},"a":{"b/~":1}}"#) == "1")
        #expect(isRepeated)
        #expect(capture(#"[{"a":{}},{"a":{}}]"#) == nil)
        #expect(!isRepeated)
    }

    @Test func escapesBecomeUTF8() {
        func unescaped(_ text: String) -> String? {
            var bytes: [UInt8] = []
            let source = Array(text.utf8)
            let isFine = source.withUnsafeBytes {
                JSONReader.unescape($0, 0..<$0.count, into: &bytes)
            }
            return isFine ? String(decoding: bytes, as: UTF8.self) : nil
        }
        #expect(unescaped(#"a\"\\\/\b\f\n\r\tz"#) == "a\"\\/\u{8}\u{C}\n\r\tz")
        #expect(unescaped(#"\u0041\u00e4\u20AC\ud83D\uDE00"#) == "Aä€😀")
        for lone in [#"\ud800"#, #"\ud800x"#, #"\udc00"#, #"\ud800\ud800"#, #"\ud800\n"#] {
            #expect(unescaped(lone) == nil)
        }
    }

    @Test func integersAreExact() {
        func integer(_ text: String) -> Int64? {
            Array(text.utf8).withUnsafeBytes { JSONReader.integer($0, 0..<$0.count) }
        }
        #expect(integer("-0") == 0)
        #expect(integer("9007199254740991") == 9_007_199_254_740_991)
        #expect(integer("-9007199254740991") == -9_007_199_254_740_991)
        #expect(integer("9007199254740992") == nil)
        #expect(integer("10000000000000000") == nil)
        #expect(integer("1e3") == 1_000)
        #expect(integer("12.50e1") == 125)
        #expect(integer("0.1") == nil)
        #expect(integer("1e-400") == nil)
        #expect(integer("0e-400") == 0)
        #expect(integer("0.00120e5") == 120)
        #expect(integer("120000e-4") == 12)
        #expect(integer("9007199254740991.0") == 9_007_199_254_740_991)
        #expect(integer("1e400") == nil)
        #expect(integer("9007199254740990.6") == nil)
    }
}
