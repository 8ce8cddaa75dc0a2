import Catalog
import Metering
import Testing
import Workload

/// Values in other places than at one pointer: the first of several, elements of arrays, entries of
/// lists, headers, keys, and JSON inside a text.
@Suite struct PlaceTests {
    /// A record beside its value, and what the dimension is, or what is wrong.
    private struct Case: Sendable, CustomTestStringConvertible {
        var at: String
        var members: String
        var headers: [(name: String, value: String?)] = []
        var key: String?
        var expected: String
        var testDescription: String { "\(at) of \(members)" }

        init(
            _ at: String, _ members: String, _ expected: String,
            headers: [(name: String, value: String?)] = [], key: String? = nil
        ) {
            (self.at, self.members, self.expected) = (at, members, expected)
            (self.headers, self.key) = (headers, key)
        }
    }

    private static let model = "{list: /attributes, key: key, value: value/text, name: model}"
    private static let twice = "a member that is asked for is there twice"
    private static let cases = [
        Case("[/a, /b]", #""a":"x","b":"y""#, "x"), Case("[/a, /b]", #""b":"y""#, "y"),
        Case("[/a, /b]", #""a":null,"b":"y""#, "y"), Case("[/a, /b]", #""a":"","b":"y""#, ""),
        Case("[/a, /b]", #""a":1,"b":"y""#, "field has the wrong type: /a or /b"),
        Case("[/a, /b], otherwise: unknown", #""a":1,"b":"y""#, "unknown"),
        Case("/items/0/id", #""items":[{"id":"x"},{"id":"y"}]"#, "x"),
        Case("/items/1/id", #""items":[{"id":"x"},{"id":"y"}]"#, "y"),
        Case("/items/2/id", #""items":[{"id":"x"},{"id":"y"}]"#, "unknown"),
        Case("/items/01/id", #""items":[{"id":"x"},{"id":"y"}]"#, "unknown"),
        Case("/items/1/id", #""items":{"1":{"id":"x"}}"#, "x"),
        Case("/items/1/0/0", #""items":[0,[["x"]]]"#, "x"),
        Case("/items/0/id", #""items":[{"id":"x","id":"y"}]"#, twice),
        Case("/items/0/id", #""items":[{"i":1},{"id":"x","id":"y"}]"#, "unknown"),
        Case("{header: region}", "", "eu", headers: [("region", "eu")]),
        Case("{header: region}", "", "us", headers: [("region", "eu"), ("region", "us")]),
        Case("{header: region}", "", "unknown", headers: [("region", "eu"), ("region", nil)]),
        Case("{header: region}", "", "unknown", headers: [("Region", "eu")]),
        Case("{header: region}", "", "", headers: [("region", "")]),
        Case("[{header: region}, /region]", #""region":"x""#, "x"),
        Case("{key: true}", "", "unknown"), Case("{key: true}", "", "k1", key: "k1"),
        Case("{key: /id}", "", "k1", key: #"{"id":"k1"}"#),
        Case("{key: /id}, from: any", "", "12", key: #"{"id":12}"#),
        Case("{key: /id}", "", "unknown", key: "k1"),
        Case("{key: /id}", "", "unknown", key: #"{"id":"a","id":"b"}"#),
        Case(model, #""attributes":[{"key":"model","value":{"text":"x"}}]"#, "x"),
        Case(model, #""attributes":[{"key":"m"},7,{"value":{"text":"x"},"key":"model"}]"#, "x"),
        Case(model, #""attributes":[{"key":"m\u006fdel","value":{"text":"x"}}]"#, "x"),
        Case(model, #""attributes":[{"key":"model"},{"key":"model","value":{"text":"x"}}]"#, twice),
        Case(model, #""attributes":[{"key":"other","key":"model"}]"#, twice),
        Case(model, #""attributes":[{"key":"model","value":{"number":1}}]"#, "unknown"),
        Case(model, #""attributes":{"key":"model","value":{"text":"x"}}"#, "unknown"),
        Case(
            model, #""attributes":[{"key":"model","value":{"text":1}}]"#,
            "field has the wrong type: /attributes[key=model]/value/text"),
        Case("/text/n", #""text":"{\"n\":\"x\"}""#, "x"),
        Case("/text/n", #""text":{"n":"x"}"#, "x"),
        Case("/text/n", #""text":"{}""#, "unknown"), Case("/text/n", #""text":"null""#, "unknown"),
        Case("/text/n", #""text":7"#, "unknown"),
        Case("/text/n", #""text":"""#, "text does not hold a JSON object: /text"),
        Case("/text/n", #""text":"[1]""#, "text does not hold a JSON object: /text"),
        Case("/text/n", #""text":"{\"n\":}""#, "text does not hold a JSON object: /text"),
        Case(
            "/text/n", #""text":"{\"n\":1,\"n\":2}""#,
            "a member that is asked for is there twice in the text: /text"),
        Case("/text/l/1", #""text":"{\"l\":[1,\"x\"]}""#, "x"),
        Case(
            "{list: /text/l, key: k, value: v, name: a}",
            #""text":"{\"l\":[{\"k\":\"a\",\"v\":\"x\"}]}""#, "x"),
        Case("/n, otherwise: unknown", #""n":1"#, "unknown"),
        Case("/n, otherwise: bad_field", #""n":1"#, "field has the wrong type: /n"),
        Case("/n, otherwise: unknown, default: d", #""n":[]"#, "d"),
        Case("/n, otherwise: unknown, values: [a, b]", #""n":"c""#, "unknown"),
        Case("/n, is: integer, otherwise: unknown", #""n":1.5"#, "unknown"),
        Case("/n, is: integer, otherwise: unknown, default: 4", #""n":"x""#, "4"),
        Case(
            "/n, is: integer, otherwise: unknown, max: 5", #""n":6"#,
            "number beyond the field's max: /n"),
        Case(
            "/n, is: integer, otherwise: unknown", #""n":9007199254740992"#,
            "number beyond the field's max: /n"),
        Case("{header: n}, is: integer", "", "200", headers: [("n", "2e2")]),
        Case(
            "{header: n}, is: integer", "", "text is not a number: header n", headers: [("n", "x")]),
        Case("{header: n}, is: boolean", "", "true", headers: [("n", "true")]),
        Case(
            "{header: n}, is: boolean", "", "field has the wrong type: header n",
            headers: [("n", "True")]),
    ]

    @Test(arguments: cases) private func valuesAreFoundWhereTheyAre(_ one: Case) throws {
        let catalog = try Catalogs.read(
            """
            version: 1
            envelope: {id: /id, source: /s, type: /type, subject: /subject, time: /time, data: {at: /text, inside: json}}
            events: {e: {fields: {n: {at: \(one.at)}}}}
            meters: {m: {kind: count, windows: [all], by: [n], on: [{event: e}]}}
            """)
        let twin = try Twin(catalog, span: 10)
        let members = one.members.isEmpty ? "" : ",\(one.members)"
        let text = #"{"id":"1","s":"s","type":"e","subject":"a"\#(members)}"#
        twin.take(
            [
                LogRecord(
                    timestamp: 1_773_065_800_000, key: one.key.map { Array($0.utf8) },
                    value: Array(text.utf8),
                    headers: one.headers.map {
                        (Array($0.name.utf8), $0.value.map { Array($0.utf8) })
                    })
            ], oneByOne: true)
        let detail = twin.program.rejected.first?.detail ?? "nothing"
        let cells = twin.content(of: "odo:1:{44}:a:m:all")?.cells ?? [:]
        let found = cells.keys.first.map { String(decoding: $0, as: UTF8.self) } ?? detail
        #expect(found == one.expected)
        twin.finish()
        #expect(twin.differences.isEmpty, "\(twin.differences)")
    }

    /// CloudEvents' own scenarios for Kafka have events without a subject.
    @Test func recordsInBinaryModeTakeWhatTheyLackFromTheEnvelope() throws {
        func outcome(
            _ envelope: String, _ headers: [(String, String)], key: String? = nil
        ) throws -> String {
            let catalog = try Catalogs.read(
                """
                version: 1
                envelope: {\(envelope)}
                events: {e: {}}
                meters: {m: {kind: count, windows: [all], on: [{event: e}]}}
                """)
            let twin = try Twin(catalog, span: 10)
            let attributes = [("specversion", "1.0"), ("id", "1"), ("source", "s"), ("type", "e")]
            let all = attributes.map { ("ce_\($0.0)", $0.1) } + headers
            twin.take(
                [
                    LogRecord(
                        timestamp: 1_773_065_800_000, key: key.map { Array($0.utf8) },
                        value: Array("{}".utf8),
                        headers: all.map { (Array($0.0.utf8), Array($0.1.utf8)) })
                ], oneByOne: true)
            let detail = twin.program.rejected.first?.detail
            let subject = twin.contents.first.map { $0.key.split(separator: ":")[3] }
            twin.finish()
            #expect(twin.differences.isEmpty, "\(twin.differences)")
            return detail ?? subject.map(String.init) ?? "nothing"
        }
        let missing = "subject is missing, empty or not a text: ce_subject"
        #expect(try outcome("id: /id", []) == missing)
        #expect(try outcome("subject: {const: acme}", []) == "acme")
        #expect(try outcome("subject: {const: acme}", [("ce_subject", "own")]) == "own")
        #expect(try outcome("subject: {const: acme}", [("ce_subject", "")]) == missing)
        #expect(try outcome("subject: {key: true}", [], key: "k") == "k")
        #expect(try outcome("subject: {key: true}", []) == missing)
        #expect(try outcome("subject: [{header: tenant}, {const: acme}]", []) == "acme")
        let tenant = try outcome(
            "subject: [{header: ce_tenant}, {const: acme}]", [("ce_tenant", "t")])
        #expect(tenant == "t")
        // Its pointers are those of structured events.
        #expect(try outcome("subject: [/data/org, /org]", []) == missing)
    }

    /// Fields and what is wrong with them.
    private static let wrong = [
        ("at: []", "events.e.fields.n.at", "1 to 8 places"),
        ("at: [/a, /a]", "events.e.fields.n.at[1]", "is there twice"),
        ("at: {}", "events.e.fields.n.at", "must be a JSON pointer"),
        ("at: {header: \"\"}", "events.e.fields.n.at.header", "must not be empty"),
        ("at: {key: false}", "events.e.fields.n.at.key", "must be a JSON pointer"),
        ("at: {list: /a, key: k}", "events.e.fields.n.at", "needs 'key', 'value' and 'name'"),
        ("at: {head: x}", "events.e.fields.n.at.head", "unknown key"),
        ("at: [/a, {const: x}]", "events.e.fields.n.at[1]", "'default'"),
        ("at: [/a, /b], each: true", "events.e.fields.n", "'each' has one pointer"),
        ("at: {header: a}, each: true", "events.e.fields.n", "'each' has one pointer"),
        ("at: /a, otherwise: ignore", "events.e.fields.n.otherwise", "unknown or bad_field"),
        ("at: /a, otherwise: unknown, required: true", "events.e.fields.n", "optional"),
        ("at: /a, is: decimal", "events.e.fields.n", "needs 'scale'"),
        ("at: /a, is: decimal, scale: 13", "events.e.fields.n.scale", "from 0 to 12"),
        ("at: /a, is: integer, scale: 2", "events.e.fields.n.scale", "is for decimals"),
        ("at: /a, is: integer, round: half_even", "events.e.fields.n.round", "is for decimals"),
        ("at: /a, is: decimal, scale: 2, round: up", "events.e.fields.n.round", "half_even"),
        (
            "at: /a, is: decimal, scale: 2, max: 0.001", "events.e.fields.n.max",
            "at most 2 decimals"
        ),
        ("at: /a, is: decimal, scale: 2, max: 0", "events.e.fields.n.max", "above 0"),
        (
            "at: /a, is: decimal, scale: 12, default: 9008", "events.e.fields.n.default",
            "at most 9007.199254740991"
        ),
        ("at: /a, is: boolean, default: 1", "events.e.fields.n.default", "true or false"),
        ("at: /a, is: boolean, from: any", "events.e.fields.n.from", "is for texts"),
        ("at: /a, from: text", "events.e.fields.n.from", "one of any"),
        ("at: /a, is: integer, from: any", "events.e.fields.n.from", "one of text"),
    ]

    @Test(arguments: wrong) func whatIsWrongIsNamed(
        _ field: String, _ place: String, _ word: String
    ) {
        let error = #expect(throws: CatalogError.self) {
            try Catalogs.read("version: 1\nevents:\n  e: {fields: {n: {\(field)}}}")
        }
        #expect(error?.line == 3 && error?.field == place, "\(String(describing: error))")
        #expect(error?.message.contains(word) == true, "\(String(describing: error))")
    }

    @Test(arguments: [
        ("n: {at: /a/0}, l: {at: {list: /a, key: k, value: v, name: x}}", "by their index"),
        ("n: {at: /a, each: true}, l: {at: {list: /a, key: k, value: v, name: x}}", "by 'each'"),
        ("n: {at: /text/a, each: true}", "inside a text"),
    ])
    func listsAreAskedForInOneWay(_ fields: String, _ word: String) throws {
        let catalog = try Catalogs.read(
            """
            version: 1
            envelope: {id: /id, data: {at: /text, inside: json}}
            events: {e: {fields: {\(fields)}}}
            """)
        let error = #expect(throws: ProgramError.self) {
            _ = try Program(
                catalog: catalog, shardCount: 1, dedupeKey: (0, 0), futureBoundMilliseconds: 0)
        }
        #expect(error?.message.contains(word) == true, "\(String(describing: error))")
    }
}
