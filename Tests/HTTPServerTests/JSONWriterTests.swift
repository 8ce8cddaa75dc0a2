import Foundation
import HTTPServer
import Testing

@Suite struct JSONWriterTests {
    private func text(_ build: (inout JSONWriter) -> Void) -> String {
        var writer = JSONWriter()
        build(&writer)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    @Test func commasStandBetweenAndNowhereElse() {
        let json = text { json in
            json.object {
                $0.member("a", integer: 1)
                $0.array("b") {
                    $0.null()
                    $0.array { _ in }
                    $0.object { _ in }
                    $0.bool(true)
                    $0.string("x")
                }
                $0.object("c") { $0.memberNull("d") }
                $0.member("e", string: [UInt8]?.none)
                $0.member("f", integer: Int64?.none)
                $0.name(Array("g".utf8))
                $0.raw(Array("[1, 2]".utf8))
                $0.member("h", bool: false)
                $0.member("i", scaled: -5, digits: 2)
            }
        }
        #expect(
            json == #"{"a":1,"b":[null,[],{},true,"x"],"c":{"d":null},"e":null,"f":null,"#
                + #""g":[1, 2],"h":false,"i":-0.05}"#)
    }

    @Test func integersAndDecimalsHaveAllTheirDigits() {
        #expect(text { $0.integer(Int64.min) } == "-9223372036854775808")
        #expect(text { $0.integer(Int64.max) } == "9223372036854775807")
        #expect(text { $0.integer(0) } == "0")
        #expect(text { $0.decimal(scaled: 1234, digits: 2) } == "12.34")
        #expect(text { $0.decimal(scaled: 1200, digits: 2) } == "12.00")
        #expect(text { $0.decimal(scaled: 7, digits: 3) } == "0.007")
        #expect(text { $0.decimal(scaled: 0, digits: 1) } == "0.0")
        #expect(text { $0.decimal(scaled: 42, digits: 0) } == "42")
        #expect(text { $0.decimal(scaled: Int64.min, digits: 18) } == "-9.223372036854775808")
    }

    @Test func aWriterCanBeUsedAgain() {
        var writer = JSONWriter()
        writer.integer(1)
        writer.removeAll()
        writer.integer(2)
        #expect(writer.bytes == Array("2".utf8))
    }

    @Test func everyShortByteStringReadsBackAsTheRepairedString() throws {
        let interesting: [UInt8] = [
            0, 0x1f, 0x22, 0x41, 0x5c, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2,
            0xdf, 0xe0, 0xe1, 0xed, 0xef, 0xf0, 0xf1, 0xf4, 0xf5, 0xff,
        ]
        var strings: [[UInt8]] = (UInt8.min...UInt8.max).map { [$0] }
        for first in interesting {
            for second in interesting {
                strings.append([first, second])
                for third in interesting { strings.append([first, second, third]) }
            }
        }
        var random = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            let count = Int.random(in: 0...12, using: &random)
            strings.append(
                (0..<count).compactMap { _ in interesting.randomElement(using: &random) })
        }
        var writer = JSONWriter()
        writer.array { json in for bytes in strings { json.string(bytes) } }
        let read = try #require(
            try JSONSerialization.jsonObject(with: Data(writer.bytes)) as? [String])
        try #require(read.count == strings.count)
        for (bytes, string) in zip(strings, read) {
            // Scalars, because strings compare by canonical equivalence.
            let expected = String(decoding: bytes, as: UTF8.self).unicodeScalars
            if !expected.elementsEqual(string.unicodeScalars) {
                Issue.record("\(bytes) became \(string)")
            }
        }
    }

    @Test func oneOddByteIsFoundWhereverItStands() throws {
        var texts: [String] = []
        for count in 0...70 {
            let plain = String(repeating: "a", count: count)
            texts.append(plain)
            for place in 0..<count {
                for odd in ["\"", "\\", "\u{1f}", "\u{7f}", "é"] {
                    texts.append(plain.prefix(place) + odd + plain.dropFirst(place + 1))
                }
            }
        }
        for text in texts {
            var writer = JSONWriter()
            writer.object {
                $0.member(text, string: text)
                $0.member("bytes", string: Array(text.utf8))
            }
            let read = try #require(
                try JSONSerialization.jsonObject(with: Data(writer.bytes)) as? [String: String])
            #expect(read == [text: text, "bytes": text])
        }
    }

    private indirect enum Value {
        case string(String)
        case integer(Int64)
        case bool(Bool)
        case null
        case array([Value])
        case object([String: Value])

        static func random(_ depth: Int, _ random: inout some RandomNumberGenerator) -> Value {
            let scalars = ["a", "\"", "\\", "é", "\n", "\u{1}", "😀", "/", "\u{2028}"]
            func text() -> String {
                (0..<Int.random(in: 0...6, using: &random))
                    .compactMap { _ in scalars.randomElement(using: &random) }.joined()
            }
            switch Int.random(in: 0..<(depth > 0 ? 6 : 4), using: &random) {
            case 0: return .string(text())
            case 1: return .integer(Int64.random(in: -(1 << 53)...(1 << 53), using: &random))
            case 2: return .bool(Bool.random(using: &random))
            case 3: return .null
            case 4:
                return .array(
                    (0..<Int.random(in: 0...4, using: &random)).map { _ in
                        Value.random(depth - 1, &random)
                    })
            default:
                let keys = (0..<Int.random(in: 0...4, using: &random)).map { _ in text() }
                return .object(
                    Dictionary(keys.map { ($0, Value.random(depth - 1, &random)) }) { $1 })
            }
        }

        func write(_ json: inout JSONWriter) {
            switch self {
            case .string(let value): json.string(value)
            case .integer(let value): json.integer(value)
            case .bool(let value): json.bool(value)
            case .null: json.null()
            case .array(let values): json.array { for value in values { value.write(&$0) } }
            case .object(let fields):
                json.object {
                    for (name, value) in fields {
                        $0.name(name)
                        value.write(&$0)
                    }
                }
            }
        }

        var object: NSObject {
            switch self {
            case .string(let value): value as NSString
            case .integer(let value): NSNumber(value: value)
            case .bool(let value): NSNumber(value: value)
            case .null: NSNull()
            case .array(let values): values.map(\.object) as NSArray
            case .object(let fields): fields.mapValues(\.object) as NSDictionary
            }
        }
    }

    @Test func anyTreeReadsBackAsItself() throws {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<500 {
            let value = Value.array([.random(5, &random)])
            var writer = JSONWriter()
            value.write(&writer)
            let read = try JSONSerialization.jsonObject(with: Data(writer.bytes))
            let object = try #require(read as? NSArray)
            #expect(
                object.isEqual(value.object), "\(String(decoding: writer.bytes, as: UTF8.self))")
        }
    }
}
