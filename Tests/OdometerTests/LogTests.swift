import Foundation
import Printing
import Testing

@testable import odometer

/// Log lines as machines and people read them.
struct LogTests {
    /// What `write` puts into a log of this kind.
    private func lines(isJSON: Bool, least: LogLevel = .info, _ write: (Log) -> Void) -> [String] {
        let pipe = Pipe()
        let log = Log(
            isJSON: isJSON, least: least, descriptor: pipe.fileHandleForWriting.fileDescriptor)
        write(log)
        try? pipe.fileHandleForWriting.close()
        let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        return text.split(separator: "\n").map(String.init)
    }

    @Test func aLineIsOneLineWhateverStandsInIt() throws {
        let write: (Log) -> Void = {
            $0.warning("two\nlines \u{1B}[31m", ("topic", "a\"b\\c\r\n\u{1}"), ("offset", 7))
        }
        let json = lines(isJSON: true, write)
        #expect(json.count == 1)
        let object = try #require(JSONText.object(Array(json[0].utf8)))
        #expect(object["message"] as? String == "two\nlines \u{1B}[31m")
        #expect(object["topic"] as? String == "a\"b\\c\r\n\u{1}")
        #expect(object["offset"] as? Int == 7)
        #expect(object["level"] as? String == "warning")
        #expect((object["time"] as? String)?.hasSuffix("Z") == true)
        let plain = lines(isJSON: false, write)
        #expect(plain.count == 1)
        #expect(plain[0].hasSuffix(" warning two lines  [31m topic=a\"b\\c    offset=7"))
    }

    @Test func levelsBelowTheLeastAreSilent() {
        let lines = lines(isJSON: false, least: .error) {
            $0.debug("a")
            $0.info("b")
            $0.warning("c")
            $0.error("d")
        }
        #expect(lines.count == 1)
    }

    @Test func whatIsRepeatedIsWrittenSeldom() {
        let lines = lines(isJSON: false) { log in
            for broker in ["one", "two", "one", "two", "one"] {
                log.seldom(about: broker, .warning, "no broker \(broker)", [])
            }
            log.seldom(about: "one", every: .zero, .warning, "no broker once-more", [])
        }
        #expect(lines.map { $0.split(separator: " ").last } == ["one", "two", "once-more"])
    }

    @Test func jsonIsIndentedWithoutTouchingTexts() {
        let text = #"{"a":[1,{"b":"x,{:\"]"}],"c":{},"d":[]}"#
        let expected = """
            {
              "a": [
                1,
                {
                  "b": "x,{:\\"]"
                }
              ],
              "c": {},
              "d": []
            }
            """
        #expect(JSONText.indented(text) == expected)
    }
}
