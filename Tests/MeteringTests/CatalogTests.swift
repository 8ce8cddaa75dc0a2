import Catalog
import Metering
import Testing

@Suite struct CatalogTests {
    private static let head = "version: 1\nevents: {e: {fields: {n: {at: /n, is: integer}}}}\n"

    private func problem(_ text: String) -> CatalogError? {
        do throws(CatalogError) {
            _ = try Catalogs.read(text)
            return nil
        } catch { return error }
    }

    /// What is wrong with a text, the line and the field that the
    /// error must name, and a word of it.
    private static let wrong: [(text: String, line: Int, field: String, word: String)] = [
        ("", 0, "", "empty"),
        ("events: {}", 1, "", "version is missing"),
        ("version: 2", 1, "version", "must be 1"),
        ("version: \"1\"", 1, "version", "integer"),
        ("version: 1\nversion: 1", 2, "version", "twice"),
        ("version: 1\nmeter: {}", 2, "meter", "unknown key"),
        ("- version", 1, "", "mapping"),
        ("version: 1\nevents:\n  e: {feilds: {}}", 3, "events.e.feilds", "unknown key"),
        ("version: 1\nevents:\n  E: {}", 3, "events.E", "a name is"),
        ("version: 1\nevents:\n  e: {type: \"\"}", 3, "events.e.type", "empty"),
        (
            "version: 1\nevents:\n  e:\n    fields:\n      n: {is: text}", 5, "events.e.fields.n",
            "'at'"
        ),
        ("version: 1\nevents: {e: {fields: {n: {at: n}}}}", 2, "events.e.fields.n.at", "pointer"),
        ("version: 1\nevents: {e: {fields: {n: {at: /a~2}}}}", 2, "events.e.fields.n.at", "~"),
        (
            "version: 1\nevents: {e: {fields: {n: {at: /n, is: number}}}}", 2,
            "events.e.fields.n.is", "one of"
        ),
        (
            "version: 1\nevents: {e: {fields: {n: {at: /n, required: yes}}}}", 2,
            "events.e.fields.n.required", "true or false"
        ),
        (
            "version: 1\nevents: {e: {fields: {n: {at: /n, is: integer, default: 1.5}}}}", 2,
            "events.e.fields.n.default", "integer"
        ),
        (
            "version: 1\nevents: {e: {fields: {n: {at: /n, is: integer, default: -9223372036854775808}}}}",
            2, "events.e.fields.n.default", "integer"
        ),
        (
            "version: 1\nevents: {e: {fields: {n: {at: /n, max: 5}}}}", 2, "events.e.fields.n.max",
            "integers"
        ),
        (
            "version: 1\nevents: {e: {fields: {n: {at: /n, is: integer, max: 0}}}}", 2,
            "events.e.fields.n.max", "above 0"
        ),
        (
            "version: 1\nevents: {e: {fields: {n: {at: /n, is: integer, max: 5, default: -6}}}}",
            2, "events.e.fields.n", "beyond 'max'"
        ),
        (
            "version: 1\nevents: {e: {fields: {n: {at: /n, is: time, default: now}}}}", 2,
            "events.e.fields.n.default", "no default"
        ),
        (
            "version: 1\nevents: {e: {fields: {n: {at: /n, is: integer, each: true}}}}", 2,
            "events.e.fields.n", "texts"
        ),
        (
            "version: 1\nevents: {e: {fields: {n: {at: /n}, n: {at: /m}}}}", 2, "events.e.fields.n",
            "twice"
        ),
        ("version: 1\nmeters:\n  m: {windows: [day]}", 3, "meters.m", "'kind'"),
        ("version: 1\nmeters:\n  totals: {kind: count}", 3, "meters.totals", "a name is"),
        ("version: 1\nmeters:\n  mM: {kind: count}", 3, "meters.mM", "a name is"),
        ("version: 1\nmeters:\n  m:\n    kind: counter", 4, "meters.m.kind", "one of"),
        (
            "version: 1\nmeters:\n  m:\n    kind: count\n    windows: [day,\n      hour]", 6,
            "meters.m.windows[1]", "one of"
        ),
        ("version: 1\nmeters:\n  m: {kind: count, on: [{}]}", 3, "meters.m.on[0]", "'event'"),
        ("version: 1\nmeters:\n  m: {kind: count, on: {event: e}}", 3, "meters.m.on", "list"),
        (
            "version: 1\nmeters:\n  m: {kind: count, on: [{event: e, amount: 9007199254740992}]}",
            3, "meters.m.on[0].amount", "2^53"
        ),
        (
            "version: 1\nmeters:\n  m: {kind: count, on: [{event: e, amount: -9223372036854775808}]}",
            3, "meters.m.on[0].amount", "2^53"
        ),
        (
            "version: 1\nmeters:\n  m: {kind: count, retention: {day: 5}}", 3,
            "meters.m.retention.day", "26h"
        ),
        (
            "version: 1\nmeters:\n  m: {kind: count, retention: {day: 0d}}", 3,
            "meters.m.retention.day", "26h"
        ),
        (
            "version: 1\nmeters:\n  m: {kind: count, retention: {all: 1d}}", 3,
            "meters.m.retention.all", "for ever"
        ),
        (
            "version: 1\nmeters:\n  m: {kind: count, retention: {week: 1d}}", 3,
            "meters.m.retention.week", "unknown key"
        ),
        ("version: 1\nenvelope: {id: {const: \"\"}}", 2, "envelope.id.const", "256"),
        ("version: 1\nenvelope: {id: {}}", 2, "envelope.id", "pointer"),
        (
            "version: 1\nenvelope: {time: {at: /t, format: seconds}}", 2, "envelope.time.format",
            "one of"
        ),
        ("version: 1\nevents: [", 2, "", ""),
        ("version: 1\n?", 2, "", "unknown key"),
        ("version: 1\n\tevents: {}", 2, "", ""),
        ("version: 1\n---\nversion: 1", 2, "", "more than one document"),
        ("version: 1\n? [a]\n: b", 2, "", "no text"),
    ]

    @Test func everyErrorNamesFileLineAndField() {
        for one in Self.wrong {
            guard let error = problem(one.text) else {
                Issue.record("accepted: \(one.text)")
                continue
            }
            #expect(error.file == "test.yaml" && error.description.hasPrefix("test.yaml"))
            #expect(error.line == one.line, "\(one.text): \(error)")
            #expect(error.field == one.field, "\(one.text): \(error)")
            #expect(error.message.contains(one.word), "\(one.text): \(error)")
        }
    }

    @Test func bytesThatAreNoTextNameTheirLine() {
        for bytes in [[0xFF], [0xC3, 0x28], [0x07]] as [[UInt8]] {
            let text = Array("version: 1\nmeters: {}\n# ".utf8) + bytes + [0x0A]
            let error = #expect(throws: CatalogError.self) {
                try CatalogReader.read(files: [(name: "a.yaml", text: text)])
            }
            #expect(error?.line == 3, "\(bytes)")
        }
    }

    @Test func aliasesCannotBlowUp() {
        var bomb = "version: 1\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1..<9 {
            let alias = "*a\(level - 1)"
            bomb +=
                "a\(level): &a\(level) [\(Array(repeating: alias, count: 10).joined(separator: ", "))]\n"
        }
        #expect(problem(bomb)?.message == "too deep or too large")
        #expect(problem("version: 1\nevents: &e {e: *e}")?.message == "too deep or too large")
        let deep = String(repeating: "[", count: 2_000) + String(repeating: "]", count: 2_000)
        #expect(problem("version: 1\nevents: \(deep)") != nil)
        let same = "version: 1\nevents: {a: &f {fields: {n: {at: /n}}}, b: *f}"
        #expect(problem(same) == nil)
    }

    @Test func filesAreMerged() throws {
        func read(_ texts: String...) throws -> MeterCatalog {
            try CatalogReader.read(
                files: texts.enumerated().map { (name: "\($0).yaml", text: Array($1.utf8)) })
        }
        let one = "version: 1\nevents: {e: {fields: {n: {at: /n}}}}\nmeters: {m: {kind: count}}"
        let other = "version: 1\nevents: {e: {fields: {n: {at: /n}, o: {at: /o}}}}"
        let merged = try read(one, other)
        #expect(merged.events.count == 1 && merged.events[0].fields.map(\.name) == ["n", "o"])
        #expect(throws: CatalogError.self) { try read(one, one) }
        for different in [
            "events: {e: {type: x}}", "events: {e: {fields: {n: {at: /o}}}}",
        ] {
            let error = #expect(throws: CatalogError.self) {
                try read(one, "version: 1\n\(different)")
            }
            #expect(error?.file == "1.yaml" && error?.line == 2 && error?.field == "events.e")
        }
        let envelope = "version: 1\nenvelope: {id: /a}"
        #expect(throws: CatalogError.self) { try read(envelope, "version: 1\nenvelope: {id: /b}") }
        #expect(throws: Never.self) { try read(envelope, one, envelope) }
    }

    @Test func theShippedCatalogLowers() throws {
        let catalog = try Catalogs.shipped()
        #expect(catalog.meters.count > 50 && catalog.events.count > 25)
        let program = try Program(
            catalog: catalog, shardCount: 64, dedupeKey: (1, 2), futureBoundMilliseconds: 0)
        let entries = program.contractEntries.map(\.name)
        #expect(entries.count > catalog.meters.count && Set(entries).count == entries.count)
    }

    /// Meters that read well and make no sense, and a word of the error, which names the meter.
    private static let senseless: [(meter: String, word: String)] = [
        ("kind: count, windows: [day]", "names no event"),
        ("kind: count, windows: [day], on: [{event: x}]", "no event 'x'"),
        ("kind: count, on: [{event: e}]", "at least one window"),
        ("kind: count, windows: [day, day], on: [{event: e}]", "twice"),
        ("kind: count, windows: [day], per: [], on: [{event: e}]", "no scope"),
        (
            "kind: count, windows: [day], per: [organization, organization], on: [{event: e}]",
            "twice"
        ),
        ("kind: count, windows: [day], per: [who], on: [{event: e}]", "no field 'who'"),
        ("kind: count, windows: [day], by: [c], on: [{event: e}]", "no text"),
        ("kind: count, windows: [day], by: [d], on: [{event: e}]", "no text"),
        ("kind: count, windows: [day], by: [t, t, t, t, t], on: [{event: e}]", "dimensions"),
        ("kind: count, windows: [day], by: [l], on: [{event: e}]", "no text"),
        ("kind: count, windows: [day], by: [t.key], on: [{event: e}]", "no text"),
        ("kind: count, windows: [day], per: [l.key], on: [{event: e}]", "'per'"),
        ("kind: count, windows: [day], by: [l.key, k.key], on: [{event: e}]", "two lists"),
        ("kind: count, windows: [day], keep: min, on: [{event: e}]", "'keep'"),
        ("kind: count, windows: [day], on: [{event: e, amount: t}]", "no integer"),
        ("kind: count, windows: [day], on: [{event: e, time: n}]", "no time"),
        ("kind: count, windows: [day], on: [{event: e, needs: [x]}]", "no field 'x'"),
        ("kind: count, windows: [day], on: [{event: e, with: {tt: t}}]", "no dimension 'tt'"),
        ("kind: sum, windows: [day], on: [{event: e}]", "a field as 'amount'"),
        ("kind: extreme, windows: [day], value: n, on: [{event: e}]", "'keep'"),
        ("kind: extreme, windows: [day], keep: min, on: [{event: e}]", "'value'"),
        ("kind: extreme, windows: [day], keep: min, value: t, on: [{event: e}]", "first and last"),
        ("kind: extreme, windows: [day], keep: first, value: l, on: [{event: e}]", "a list"),
        (
            "kind: extreme, windows: [day], keep: max, value: n, on: [{event: e, amount: 2}]",
            "'amount'"
        ),
        ("kind: distinct, windows: [day], on: [{event: e}]", "'of'"),
        ("kind: distinct, windows: [day], of: c, on: [{event: e}]", "no text"),
        ("kind: distinct, windows: [day], of: d, on: [{event: e}]", "no text"),
        ("kind: histogram, windows: [day], value: time, on: [{event: e}]", "decimal field"),
        ("kind: extreme, windows: [day], keep: min, value: b, on: [{event: e}]", "first and last"),
        (
            "kind: sum, windows: [day], on: [{event: e, amount: n}, {event: e, amount: d}]",
            "different scales: 'e/n' has 0 decimals, 'e/d' 9"
        ),
        (
            "kind: count, windows: [day], on: [{event: e, amount: 9007200}, {event: e, amount: d}]",
            "amount 9007200 is beyond 2^53 - 1"
        ),
        ("kind: histogram, windows: [day], value: t, on: [{event: e}]", "text"),
        ("kind: histogram, windows: [day], value: c, on: [{event: e}]", "no integer"),
        ("kind: ranking, windows: [day], on: [{event: e}]", "'by'"),
        ("kind: grid, windows: [day], on: [{event: e}]", "no windows"),
        ("kind: grid, by: [t], on: [{event: e}]", "'by'"),
    ]

    @Test func anotherDefaultIsAnotherDigest() throws {
        let digests = try ["", ", default: \"\"", ", default: \"-\"", ", default: \"--\""].map {
            let text = "version: 1\nevents: {e: {fields: {t: {at: /t\($0)}}}}"
            let program = try Program(
                catalog: Catalogs.read(text), shardCount: 1, dedupeKey: (1, 2),
                futureBoundMilliseconds: 0)
            return program.contractEntries.first { $0.name == "event:e/t" }?.digest
        }
        #expect(Set(digests).count == 4)
    }

    /// A ledger of a build without `max` is taken over as it is, as long as no
    /// `max` differs from the default.
    @Test func onlyAMaximumThatDiffersIsInTheContract() throws {
        func digest(_ field: String, _ meter: String) throws -> String? {
            let text =
                "version: 1\nevents: {e: {fields: {n: {at: /n, is: integer\(field)}}}}\n"
                + "meters: {m: {\(meter), windows: [all], on: [{event: e\(meter.hasSuffix("sum") ? ", amount: n" : "")}]}}"
            let program = try Program(
                catalog: Catalogs.read(text), shardCount: 1, dedupeKey: (1, 2),
                futureBoundMilliseconds: 0)
            return program.contractEntries.first { $0.name == "event:e/n" }?.digest
        }
        let sum = "kind: sum"
        let least = "value: n, keep: min, kind: extreme"
        #expect(try digest("", sum) == digest(", max: 1099511627776", sum))
        #expect(try digest("", sum) != digest(", max: 9007199254740991", sum))
        #expect(try digest("", sum) != digest(", max: 5", sum))
        #expect(try digest("", least) == digest(", max: 9007199254740991", least))
        #expect(try digest("", least) != digest(", max: 1099511627776", least))
    }

    @Test func metersWithoutSenseAreRefusedWithTheirPlace() {
        let fields =
            "n: {at: /n, is: integer}, t: {at: /t}, c: {at: /c, is: time}, l: {at: /l, each: true}, k: {at: /k, each: true}, "
            + "d: {at: /d, is: decimal, scale: 9}, b: {at: /b, is: boolean}"
        for one in Self.senseless {
            let text =
                "version: 1\nevents: {e: {fields: {\(fields)}}}\nmeters:\n  the_meter: {\(one.meter)}"
            let error = #expect(throws: CatalogError.self, "\(one.meter)") {
                try CatalogReader.check(files: [(name: "a.yaml", text: Array(text.utf8))])
            }
            #expect(error?.description.hasPrefix("a.yaml:4: meters.the_meter: ") ?? false)
            #expect(
                error?.message.contains(one.word) ?? false,
                "\(one.meter): \(error?.message ?? "")")
        }
    }

    /// A second meter beside `first`, which is in the family `f`, and a word of what is wrong with
    /// it.
    private static let strangers = [
        ("kind: ranking, by: [t], windows: [day], family: f", "a ranking has no family"),
        ("kind: distinct, of: t, windows: [day], family: f", "a distinct has no family"),
        ("kind: grid, family: f", "a grid has no family"),
        ("kind: count, windows: [day], family: first", "name of the meter 'first'"),
        ("kind: count, windows: [day], family: totals", "a name is"),
        ("kind: count, windows: [day], family: F", "a name is"),
        (
            "kind: count, windows: [day, minute], retention: {minute: 1h}, family: f",
            "keeps 'minute' for another time than 'first', which is in the family 'f' too"
        ),
        (
            "kind: count, by: [t], windows: [month], most: 7, family: f",
            "'most' for 'by' differs from that of 'first'"
        ),
    ]

    @Test func metersThatDoNotFitTheirFamilyAreRefusedWithTheirPlace() {
        for (meter, word) in Self.strangers {
            let text = """
                version: 1
                events: {e: {fields: {t: {at: /t}}}}
                meters:
                  first: {kind: count, family: f, by: [t], windows: [day, minute], on: [{event: e}]}
                  other: {\(meter), on: [{event: e}]}
                """
            let error = #expect(throws: CatalogError.self, "\(meter)") {
                try CatalogReader.check(files: [(name: "a.yaml", text: Array(text.utf8))])
            }
            let place = error?.description.hasPrefix("a.yaml:5: meters.other") ?? false
            #expect(place, "\(meter): \(error?.description ?? "")")
            #expect(error?.message.contains(word) ?? false, "\(meter): \(error?.message ?? "")")
        }
    }

    /// A ledger of a build without families is taken over as it is; a meter that joins one is
    /// another meter.
    @Test func aFamilyIsInTheContractOfItsMetersAlone() throws {
        func digests(_ family: String) throws -> [String: String] {
            let text = """
                version: 1
                events: {e: {}}
                meters:
                  a: {kind: count, windows: [day]\(family), on: [{event: e}]}
                  b: {kind: count, windows: [day], on: [{event: e}]}
                """
            let program = try Program(
                catalog: Catalogs.read(text), shardCount: 1, dedupeKey: (1, 2),
                futureBoundMilliseconds: 0)
            return Dictionary(
                program.contractEntries.map { ($0.name, $0.digest) },
                uniquingKeysWith: { first, _ in first })
        }
        let without = try digests("")
        let first = try digests(", family: f")
        let second = try digests(", family: g")
        #expect(Set([without, first, second].map { $0["meter:a"] }).count == 3)
        #expect(Set([without, first, second].map { $0["meter:b"] }).count == 1)
    }

    @Test func anEventChangesAtMost256Cells() throws {
        func lower(_ meters: Int) throws {
            var text = "version: 1\nevents: {e: {fields: {l: {at: /l, each: true}}}}\nmeters:\n"
            for number in 0..<meters {
                text +=
                    "  m\(number): {kind: count, windows: [day, all], by: [l.key], on: [{event: e}]}\n"
            }
            _ = try Program(
                catalog: Catalogs.read(text), shardCount: 64, dedupeKey: (1, 2),
                futureBoundMilliseconds: 0)
        }
        #expect(throws: Never.self) { try lower(4) }
        #expect(throws: ProgramError.self) { try lower(5) }
    }
}
