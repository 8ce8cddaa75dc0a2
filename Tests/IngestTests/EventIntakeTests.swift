import Catalog
import Ingest
import Metering
import Testing

@Suite struct EventIntakeTests {
    let log = MemoryLog()

    private func intake() throws -> EventIntake {
        try EventIntake(catalog: try smallCatalog(), futureBoundMilliseconds: 300_000, log: log)
    }

    /// What is said of each event of a body of `acme`, in words.
    private func verdicts(
        _ body: String, _ form: BodyForm = .singleOrBatch, assumesVersion: Bool = false,
        organization: String? = "acme"
    ) throws -> [String] {
        let judged = try intake().judge(
            Array(body.utf8), form, .identity, organization: organization.map { Array($0.utf8) },
            assumesVersion: assumesVersion, nowMilliseconds: now)
        return judged.verdicts.map { verdict in
            switch verdict {
            case .accepted(let event, let id, let isIgnored):
                let key = String(decoding: event.key, as: UTF8.self)
                let name = String(decoding: id, as: UTF8.self)
                return (isIgnored ? "ignored " : "accepted ") + "\(key)/\(name)"
            case .rejected(let reason, let detail, _): return "\(reason): \(detail)"
            case .foreign(let id): return "foreign \(String(decoding: id, as: UTF8.self))"
            }
        }
    }

    @Test func eachEventGetsTheVerdictOfCounting() throws {
        #expect(try verdicts(event()) == ["accepted acme/1"])
        #expect(try verdicts(event(type: "other")) == ["ignored acme/1"])
        #expect(
            try verdicts(event(id: "")) == ["malformed: id is missing, empty or not a text: /id"])
        #expect(
            try verdicts(event(time: "yesterday"))
                == ["malformed: time is not RFC 3339 with a zone: /time"])
        #expect(
            try verdicts(event(time: "2026-03-09T14:05:00.001Z"))
                == ["future: event time lies in the future: /time"])
        #expect(try verdicts(event(time: "2026-03-09T14:05:00Z")) == ["accepted acme/1"])
        #expect(
            try verdicts(event(data: "{}")) == ["bad_field: required field is missing: /data/units"]
        )
        #expect(
            try verdicts(event(data: #"{"units": -1}"#)) == [
                "bad_field: negative amount: /data/units"
            ])
        #expect(
            try verdicts(event(version: nil)) == ["malformed: specversion is not 1.0: /specversion"]
        )
        #expect(try verdicts("{").first?.hasPrefix("malformed: value is not one JSON text") == true)
        #expect(try verdicts("").first?.hasPrefix("malformed: ") == true)
        #expect(try verdicts("[1, null]").allSatisfy { $0.hasPrefix("malformed: ") })
    }

    @Test func verdictsOfABatchAreInItsOrder() throws {
        let body = [
            event(id: "a"), event(id: "b", subject: "other"), event(id: "c", data: "{}"),
            event(id: "d", type: "other"),
        ].joined(separator: ",")
        let said = [
            "accepted acme/a", "foreign b", "bad_field: required field is missing: /data/units",
            "ignored acme/d",
        ]
        #expect(try verdicts("[\(body)]") == said)
        #expect(
            try verdicts("[\(body)]", organization: nil)
                == [said[0], "accepted other/b"] + said.dropFirst(2))
    }

    @Test func organizationsAreComparedAsBytesAndEscapesAreRead() throws {
        #expect(try verdicts(event(subject: #"\u0061cme"#)) == ["accepted acme/1"])
        #expect(try verdicts(event(subject: "ACME")) == ["foreign 1"])
        #expect(try verdicts(event(subject: "acme ")) == ["foreign 1"])
        // é, composed and decomposed: equal as String, not as bytes.
        #expect(
            try verdicts(event(subject: "caf\u{e9}"), organization: "cafe\u{301}") == ["foreign 1"])
        let twice = event().dropLast() + #", "subject": "other"}"#
        #expect(try verdicts(String(twice)).first?.hasPrefix("malformed: ") == true)
    }

    @Test func aMissingVersionMayBeAssumedAWrongOneNot() throws {
        #expect(try verdicts(event(version: nil), assumesVersion: true) == ["accepted acme/1"])
        for wrong in [event(version: "2.0"), event(version: "")] {
            #expect(
                try verdicts(wrong, assumesVersion: true)
                    == ["malformed: specversion is not 1.0: /specversion"])
        }
        #expect(try verdicts("{}", assumesVersion: true).first?.hasPrefix("malformed: ") == true)
        let judged = try intake().judge(
            Array(event(version: nil).utf8), .single, .identity, organization: nil,
            assumesVersion: true, nowMilliseconds: now)
        let sent = try #require(judged.outgoing.first)
        #expect(
            String(decoding: sent.value, as: UTF8.self)
                == #"{"specversion":"1.0","# + event(version: nil).dropFirst())
    }

    @Test func eventsAreSentAsTheyCameWithTheOrganizationAsKey() throws {
        let intake = try intake()
        let (first, second) = (event(id: "a"), event(id: "b", type: "other"))
        let judged = try intake.judge(
            Array("\(first)\n\(event(data: "{}"))\n \(second)".utf8), .lines, .identity,
            organization: nil, assumesVersion: false, nowMilliseconds: now)
        log.say([.acknowledged, .unknown])
        let answer = intake.send(judged) { fates in
            #expect(fates == [.acknowledged, .unknown])
        }
        #expect(answer == .taken)
        #expect(log.events.map { String(decoding: $0.value, as: UTF8.self) } == [first, second])
        #expect(log.events.allSatisfy { $0.key.elementsEqual("acme".utf8) })
        let numbers = intake.metrics.numbers
        #expect(numbers.accepted == 1 && numbers.rejected == 1 && numbers.unknown == 1)
        #expect(numbers.latencies.reduce(0, +) == 1)
    }

    @Test func aFullLogIsToldAndCounted() throws {
        let intake = try intake()
        log.say(.full)
        let judged = try intake.judge(
            Array(event().utf8), .single, .identity, organization: nil, assumesVersion: false,
            nowMilliseconds: now)
        #expect(intake.send(judged) { _ in Issue.record("it was not taken") } == .full)
        #expect(intake.metrics.numbers.refusedBodies == 1)
        #expect(intake.metrics.numbers.bytes == 0)
    }

    @Test func anEventLargerThanKafkaTakesIsRejected() throws {
        let large = String(repeating: "x", count: IngestLimits.eventBytes)
        #expect(
            try verdicts(event(data: #"{"units": 1, "other": "\#(large)"}"#))
                == ["malformed: event larger than \(IngestLimits.eventBytes) bytes"])
    }

    @Test func catalogsThatNeedMoreThanTheEventAreNamed() throws {
        func obstacle(_ text: String) throws -> String? {
            try CatalogReader.read(files: [(name: "own.yaml", text: Array(text.utf8))])
                .plainEventsObstacle
        }
        #expect(try smallCatalog().plainEventsObstacle == nil)
        let rest = """
            events:
              a: {fields: {units: {at: PLACE, is: integer, required: true}}}
            meters:
              units: {kind: sum, windows: [all], on: [{event: a, amount: units}]}
            """
        func catalog(_ head: String, _ place: String) -> String {
            "version: 1\n" + head + rest.replacing("PLACE", with: place)
        }
        #expect(try obstacle(catalog("", "/data/units")) == nil)
        let own = try obstacle(
            catalog(
                """
                envelope:
                  id: /id
                  source: {const: x}
                  type: /type
                  subject: /customer
                  time: {at: /time}

                """, "/units"))
        #expect(own?.contains("envelope") == true)
    }
}
