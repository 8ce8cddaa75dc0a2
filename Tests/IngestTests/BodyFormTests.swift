import Ingest
import Testing

@Suite struct BodyFormTests {
    private func texts(_ body: String, _ form: BodyForm) throws -> [String] {
        let bytes = Array(body.utf8)
        return try form.events(of: bytes).map { String(decoding: bytes[$0], as: UTF8.self) }
    }

    private func refusal(_ body: String, _ form: BodyForm) -> IngestRefusal? {
        do throws(IngestRefusal) {
            _ = try form.events(of: Array(body.utf8))
            return nil
        } catch { return error }
    }

    @Test func mediaTypesAreReadWithTheirParametersAndInAnyCase() {
        func form(_ text: String, hasLines: Bool = true) -> BodyForm? {
            BodyForm(mediaType: Array(text.utf8), hasLines: hasLines)
        }
        #expect(form("application/cloudevents+json") == .single)
        #expect(form("Application/CloudEvents+JSON; charset=UTF-8") == .single)
        #expect(form("application/cloudevents-batch+json;charset=utf-8") == .batch)
        #expect(form("application/json ; charset=utf-8") == .singleOrBatch)
        #expect(form("application/x-ndjson") == .lines)
        #expect(form("application/ndjson") == .lines)
        #expect(form("application/x-ndjson", hasLines: false) == nil)
        #expect(form("text/plain") == nil)
        #expect(form("") == nil)
        #expect(form("application/jsonx") == nil)
    }

    @Test func anArrayIsDividedAtItsOwnCommas() throws {
        #expect(try texts("[]", .batch) == [])
        #expect(try texts(" [ \n ] ", .batch) == [])
        #expect(try texts("[{\"a\":1}]", .batch) == ["{\"a\":1}"])
        #expect(
            try texts(" [ {\"a\":[1,2,{\"b\":3}]} ,\n{\"c\":\"x,y]}\"} ] ", .batch)
                == ["{\"a\":[1,2,{\"b\":3}]}", "{\"c\":\"x,y]}\"}"])
        #expect(try texts("[{\"a\":\"\\\"],[\"},1]", .batch) == ["{\"a\":\"\\\"],[\"}", "1"])
        #expect(try texts("[\"\\\\\",2]", .batch) == ["\"\\\\\"", "2"])
    }

    @Test func brokenArraysAreRefusedAsAWhole() {
        for body in [
            "", "{}", "[", "]", "[1", "1]", "[1,]", "[,1]", "[1,,2]", "[1}]", "[{]", "[\"]",
            "[\"a\\\"]", "[[]", "[]]", "[1][2", "x[1]",
        ] { #expect(refusal(body, .batch)?.code == .malformed, "\(body)") }
    }

    @Test func oneObjectOrAnArrayIsToldByItsFirstCharacter() throws {
        #expect(try texts(" {\"a\":1} ", .singleOrBatch) == ["{\"a\":1}"])
        #expect(try texts("\t[{},{}]", .singleOrBatch) == ["{}", "{}"])
        #expect(try texts("", .singleOrBatch) == [""])
        #expect(try texts("[1]", .single) == ["[1]"])
    }

    @Test func blankLinesAreNoEvents() throws {
        #expect(try texts("", .lines) == [])
        #expect(try texts("\n \r\n\t\n", .lines) == [])
        #expect(
            try texts("{\"a\":1}\r\n\n {\"b\":2} \n{\"c\":3}", .lines)
                == ["{\"a\":1}", "{\"b\":2}", "{\"c\":3}"])
    }

    @Test func moreEventsThanTheLimitAreRefused() throws {
        let most = IngestLimits.events
        let lines = String(repeating: "1\n", count: most)
        #expect(try texts(lines, .lines).count == most)
        #expect(refusal(lines + "1", .lines)?.code == .tooLarge)
        let array = String(repeating: "1,", count: most - 1) + "1"
        #expect(try texts("[\(array)]", .batch).count == most)
        #expect(refusal("[\(array),1]", .batch)?.code == .tooLarge)
    }
}
