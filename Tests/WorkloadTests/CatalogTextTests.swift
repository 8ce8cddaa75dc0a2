import Testing
import Verify
import Workload

@Suite struct CatalogTextTests {
    @Test func everyAttributeIsRead() throws {
        let one = """
            version: 1
            envelope: {id: /i, source: {const: s}, type: /t, subject: /u, time: {at: /w, format: unix}}
            events:
              a: {type: x.a, fields: {n: {at: /n, is: integer, default: 0}}}
              b:
            meters:
              m:
                kind: extreme
                keep: last
                value: n
                windows: [day, all]
                per: [organization, p, [p, q]]
                by: [r]
                retention: {day: 26h, all: forever}
                signed: true
                on:
                  - {event: a, amount: -n, time: w, with: {p: z}, needs: [n]}
                  - {event: b, amount: -1}
            """
        let two = """
            version: 1
            events: {a: {type: x.a, fields: {p: {at: /p, required: true, values: [u, "1"]}}}}
            """
        let catalog = try CatalogText.read([("one", one), ("two", two)])
        #expect(
            catalog.envelope
                == OracleEnvelope(
                    id: .pointer("/i"), source: .constant("s"), type: .pointer("/t"),
                    subject: .pointer("/u"), time: .pointer("/w"),
                    timeRule: OracleTimeRule(formats: [.unix(digits: 9)])))
        #expect(
            catalog.events == [
                OracleEvent(
                    "a", type: "x.a",
                    fields: [
                        OracleField("n", at: "/n", is: .integer, standIn: "0"),
                        OracleField("p", at: "/p", required: true, values: ["u", "1"]),
                    ]),
                OracleEvent("b"),
            ])
        let meter = try #require(catalog.meters.first)
        #expect(meter.kind == .extreme && meter.keep == .last && meter.value == "n")
        #expect(meter.windows == [.day, .all] && meter.by == ["r"] && meter.isSigned)
        #expect(meter.scopes == [[], ["p"], ["p", "q"]])
        #expect(meter.retention == [.day: .seconds(93_600), .all: .forever])
        #expect(meter.clauses[0].amount == .field("n", isNegated: true))
        #expect(meter.clauses[0].with == ["p": "z"] && meter.clauses[0].needs == ["n"])
        #expect(meter.clauses[0].time == "w")
        #expect(meter.clauses[1].amount == .constant(-1))
    }

    @Test(arguments: [
        "version: 2", "version: 1\nmetres: {}", "a: [", "events: [1]",
        "meters: {m: {kind: tally}}", "meters: {m: {kind: count, windows: [year]}}",
        "events: {e: {fields: {f: {is: float}}}}",
    ])
    func whatIsNotUnderstoodIsAnError(_ text: String) {
        #expect(throws: VerifyError.self) { try CatalogText.read([("c.yaml", text)]) }
    }
}
