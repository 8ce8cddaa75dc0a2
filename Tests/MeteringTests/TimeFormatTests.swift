import Catalog
import Metering
import Testing
import Workload

/// Times as others write them.
@Suite struct TimeFormatTests {
    private static let moment = 1_773_065_716
    /// A rule, a JSON value, and nanoseconds after 2026-03-09T14:15:16Z, or what is wrong.
    private static let times = [
        ("unix", "1773065716", "0"), ("unix", "1773065716.5", "500000000"),
        ("unix", "1773065716.1234567891234", "123456789"),
        ("unix", "\"1773065716.000000001\"", "1"),
        ("unix", "1.773065716e9", "0"), ("unix", "\"1773065716.\"", "number of seconds"),
        ("unix", "\" 1773065716\"", "number of seconds"), ("unix", "\"\"", "number of seconds"),
        ("unix", "0", "before the catalog's not_before"),
        ("unix-ms", "1773065716000", "0"), ("unix-ms", "1773065716000.25", "250000"),
        ("unix-ms", "1773065716", "before the catalog's not_before"),
        ("unix-us", "1773065716000001", "1000"), ("unix-us", "\"1773065716000001.5\"", "1500"),
        ("unix-ns", "1773065716000000007", "7"), ("unix-ns", "1773065716000000007.9", "7"),
        ("unix-ns", "\"1773065716000000007\"", "7"),
        ("unix-ns", "9223372036854775808", "number of nanoseconds"),
        ("rfc3339", "\"2026-03-09T14:15:16Z\"", "0"),
        ("rfc3339", "\"2026-03-09 14:15:16Z\"", "RFC 3339"),
        ("rfc3339", "\"2026-03-09T14:15:16+00\"", "RFC 3339"),
        ("iso8601", "\"2026-03-09 14:15:16Z\"", "0"),
        ("iso8601", "\"2026-03-09 15:15:16.25+01\"", "250000000"),
        ("iso8601", "\"2026-03-09 13:45:16-0030\"", "0"),
        ("iso8601", "\"2026-03-09T14:15:16,1234567899+00:00\"", "123456789"),
        ("iso8601", "\"20260309T141516Z\"", "0"),
        ("iso8601", "\"20260309 141516.5 +0000\"", "500000000"),
        ("iso8601", "\"2026-03-09 14:15:16 UTC\"", "0"),
        ("iso8601", "\"2026-03-09T14:15:16\"", "ISO 8601"),
        ("iso8601", "\"2026-03-09T141516Z\"", "ISO 8601"),
        ("iso8601", "\"2026-03-09\"", "ISO 8601"), ("iso8601", "1773065716", "ISO 8601"),
        ("iso8601", "\"2026-02-29T14:15:16Z\"", "ISO 8601"),
        ("iso8601", "\"2026-03-09T14:14:76Z\"", "ISO 8601"),
        ("iso8601", "\"2026-03-09T14:15:16 CET\"", "ISO 8601"),
        ("iso8601, zone: UTC", "\"2026-03-09T14:15:16\"", "0"),
        ("iso8601, zone: UTC", "\"2026-03-09T15:15:16+01\"", "0"),
        ("iso8601, zone: Europe/Berlin", "\"2026-03-09 15:15:16\"", "0"),
        ("iso8601, zone: Europe/Berlin", "\"2026-03-09 14:15:16+00\"", "0"),
        ("iso8601, zone: Asia/Kolkata", "\"20260309T194516.000000001\"", "1"),
        ("\"%d.%m.%Y %H:%M:%S\", zone: America/Havana", "\"09.03.2026 10:15:16\"", "0"),
        ("common-log", "\"09/Mar/2026:15:15:16 +0100\"", "0"),
        ("common-log", "\"9/mar/2026:14:15:16 Z\"", "0"),
        ("common-log", "\"09/Mrz/2026:15:15:16 +0100\"", "like %d/%b/%Y"),
        ("\"%d.%m.%Y %H:%M:%S\", zone: UTC", "\"09.03.2026 14:15:16\"", "0"),
        ("\"%d.%m.%Y %H:%M:%S\", zone: UTC", "\"09.03.2026 14:15:16 \"", "like %d.%m.%Y"),
        ("\"%m/%d/%y %I:%M:%S.%f %p%z\"", "\"3/9/26 2:15:16.000000001 PM+00:00\"", "1"),
        ("\"100%% %Y%m%dT%H%M%S%z\"", "\"100% 20260309T141516Z\"", "0"),
        ("[unix, unix-ms, iso8601]", "1773065716", "0"),
        ("[unix, unix-ms, iso8601]", "1773065716000", "0"),
        ("[unix-ms, unix, iso8601]", "1773065716", "0"),
        ("[unix-ns, unix-us, unix-ms, unix]", "\"1773065716000\"", "0"),
        ("[unix-ns, unix-us, unix-ms, unix]", "1773065716000000", "0"),
        ("[unix, iso8601]", "\"2026-03-09 14:15:16+00\"", "0"),
        ("[unix, iso8601]", "\"yesterday\"", "one of unix, iso8601"),
        ("[unix-ms, unix-us]", "1773065716", "before the catalog's not_before"),
    ]

    @Test(arguments: times) func timesAreExact(
        _ rule: String, _ json: String, _ expected: String
    ) throws {
        let text = #"{"id":"1","s":"s","type":"e","org":"a","at":\#(json)}"#
        let envelope = "id: /id, source: /s, type: /type, subject: /org"
        let own = try outcome(
            text, "envelope: {\(envelope), time: {at: /at, format: \(rule)}}", "events: {e: {}}",
            value: "time")
        let field = try outcome(
            text, "envelope: {\(envelope), time: /none}",
            "events: {e: {fields: {at: {at: /at, is: time, format: \(rule)}}}}", value: "at")
        for found in [own, field] {
            let isFine = Int(expected) == nil ? found.contains(expected) : found == expected
            #expect(isFine, "\(rule) of \(json): \(found)")
        }
    }

    /// Nanoseconds after the moment that an event's time is kept at, or what is wrong.
    private func outcome(
        _ text: String, _ envelope: String, _ events: String, value: String
    ) throws -> String {
        let catalog = try Catalogs.read(
            "version: 1\n\(envelope)\n\(events)\n"
                + "meters: {m: {kind: extreme, keep: max, value: \(value), windows: [all], on: [{event: e}]}}"
        )
        let twin = try Twin(catalog, span: 10)
        twin.take(
            [LogRecord(timestamp: 1_773_065_800_000, key: nil, value: Array(text.utf8))],
            oneByOne: true)
        let detail = twin.program.rejected.first?.detail ?? "nothing"
        let cell = twin.content(of: "odo:1:{44}:a:totals")?.cells[Array("m".utf8)]
        twin.finish()
        #expect(twin.differences.isEmpty, "\(text): \(twin.differences)")
        guard case .text(let digits)? = cell, let time = SortableNumber.read(digits) else {
            return detail
        }
        return "\(time - Int64(Self.moment) * 1_000_000_000)"
    }

    /// Of a time that clocks show twice the first is taken, one that they leave out is moved on by
    /// the gap; both are counted.
    @Test(
        arguments: [
            ("2025-10-26 01:59:59.5", 1_761_436_799_500, 0, 0),
            ("2025-10-26 02:00:00", 1_761_436_800_000, 1, 0),
            ("2025-10-26 02:59:59", 1_761_440_399_000, 1, 0),
            ("2025-10-26 03:00:00", 1_761_444_000_000, 0, 0),
            ("2025-10-26 02:30:00+01", 1_761_442_200_000, 0, 0),
            ("2025-03-30 01:59:59", 1_743_296_399_000, 0, 0),
            ("2025-03-30 02:00:00", 1_743_296_400_000, 0, 1),
            ("2025-03-30 02:30:00", 1_743_298_200_000, 0, 1),
            ("2025-03-30 03:00:00", 1_743_296_400_000, 0, 0),
        ]) func clockChangesAreReadAndCounted(
            _ text: String, _ milliseconds: Int64, _ twice: Int64, _ never: Int64
        ) throws
    {
        let catalog = try Catalogs.read(
            """
            version: 1
            envelope: {id: /id, source: /id, type: {const: e}, subject: /id, time: {at: /at, format: iso8601, zone: Europe/Berlin}}
            events: {e: {}}
            meters: {m: {kind: extreme, keep: max, value: time, windows: [all], on: [{event: e}]}}
            """)
        let twin = try Twin(catalog, span: 10)
        let value = #"{"id":"a","at":"\#(text)"}"#
        twin.take(
            [LogRecord(timestamp: 1_773_065_800_000, key: nil, value: Array(value.utf8))],
            oneByOne: true)
        let cell = twin.content(of: "odo:1:{44}:a:totals")?.cells[Array("m".utf8)]
        #expect(cell == .text(TallyText.twentyDigits(milliseconds * 1_000_000)), "\(text)")
        twin.finish()
        let changes = twin.program.counters.clockChanges
        #expect(twin.differences.isEmpty)
        #expect(changes.twice == twice && changes.never == never, "\(changes)")
    }

    @Test func aTimeMayBeInAHeader() throws {
        let catalog = try Catalogs.read(
            """
            version: 1
            envelope: {id: /id, source: /s, type: /type, subject: /org, time: {at: [/at, {header: at}], format: [unix-ms, unix]}}
            events: {e: {}}
            meters: {m: {kind: extreme, keep: max, value: time, windows: [all], on: [{event: e}]}}
            """)
        let twin = try Twin(catalog, span: 10)
        let attributes = [
            "specversion": "1.0", "id": "2", "source": "s", "type": "e", "subject": "a",
        ]
        let binary = attributes.map { ("ce_\($0.key)", $0.value) }
        for (offset, headers) in [[], binary].enumerated() {
            twin.take(
                [
                    LogRecord(
                        offset: Int64(offset), timestamp: 1_773_065_800_000, key: nil,
                        value: Array(#"{"id":"1","s":"s","type":"e","org":"a"}"#.utf8),
                        headers: (headers + [("at", "177306571\(6 + offset).25")]).map {
                            (Array($0.0.utf8), Array($0.1.utf8))
                        })
                ], oneByOne: true)
        }
        let cell = twin.content(of: "odo:1:{44}:a:totals")?.cells[Array("m".utf8)]
        #expect(cell == .text(TallyText.twentyDigits(1_773_065_717_250_000_000)))
        twin.finish()
        #expect(twin.differences.isEmpty && twin.program.counters.untimed == 0)
    }

    private static let wrong = [
        ("format: rfc339", "format", "(did you mean rfc3339?)"),
        ("format: unixms", "format", "(did you mean unix-ms?)"),
        ("format: seconds", "format", "must be one of rfc3339, iso8601, unix"),
        ("format: []", "format", "1 to 8 formats"),
        ("format: [unix, unix]", "format[1]", "is there twice"),
        ("format: \"%Y-%m-%d %H:%M:%S.%N%z\"", "format", "unknown directive %N (did you mean %f?)"),
        ("format: \"%Y-%m-%dT%T%z\"", "format", "unknown directive %T (did you mean %H:%M:%S?)"),
        ("format: \"%Y-%m-%D%z\"", "format", "(did you mean %m/%d/%y?)"),
        ("format: \"%s\"", "format", "(did you mean the format unix?)"),
        ("format: \"%Y-%m-%d%q\"", "format", "known are %Y"),
        ("format: \"%H:%M%z\"", "format", "a date needs"),
        ("format: \"%Y%y%m%d%z\"", "format", "in two ways"),
        ("format: \"%Y%m%d %I%z\"", "format", "go together"),
        ("format: \"%Y%m%d%\"", "format", "% at the end"),
        ("format: \"%Y-%m-%d\"", "format", "needs 'zone'"),
        ("format: iso8601, zone: Berlin", "zone", "no such name, but Europe/Berlin"),
        ("format: iso8601, zone: europe/berlin", "zone", "no such name, but Europe/Berlin"),
        ("format: iso8601, zone: BST", "zone", "no such name, but Europe/London"),
        ("format: iso8601, zone: ../../etc/passwd", "zone", "like Europe/Berlin"),
        ("format: unix, zone: UTC", "zone", "is for iso8601"),
        ("zone: UTC", "zone", "is for iso8601"),
    ]

    @Test(arguments: wrong) func whatIsWrongWithAFormatIsNamed(
        _ rule: String, _ place: String, _ word: String
    ) {
        for (text, path) in [
            ("events:\n  e: {fields: {t: {at: /t, is: time, \(rule)}}}", "events.e.fields.t"),
            ("envelope:\n  time: {at: /t, \(rule)}", "envelope.time"),
        ] {
            let error = #expect(throws: CatalogError.self) {
                try Catalogs.read("version: 1\n\(text)")
            }
            let found = String(describing: error)
            #expect(error?.line == 3 && error?.field == "\(path).\(place)", "\(found)")
            #expect(error?.message.contains(word) == true, "\(found)")
        }
        let other = #expect(throws: CatalogError.self) {
            try Catalogs.read("version: 1\nevents: {e: {fields: {t: {at: /t, format: unix}}}}")
        }
        #expect(other?.message == "is for times")
    }

    /// A ledger of an earlier build keeps its contract.
    @Test func onlyAnotherFormatIsInTheContract() throws {
        func digest(_ field: String, _ envelope: String, _ name: String) throws -> String? {
            let text = """
                version: 1
                envelope: {id: /id, time: \(envelope)}
                events: {e: {fields: {t: {at: /t, is: time\(field)}}}}
                """
            return try Program(
                catalog: Catalogs.read(text), shardCount: 1, dedupeKey: (1, 2),
                futureBoundMilliseconds: 0
            ).contractEntries.first { $0.name == name }?.digest
        }
        let fields = ["", ", format: rfc3339", ", format: unix", ", format: [rfc3339, unix]"]
        let digests = try fields.map { try digest($0, "/t", "event:e/t") }
        #expect(digests[0] == digests[1] && Set(digests).count == 3)
        let envelopes = [
            "/t", "{at: /t, format: rfc3339}", "{at: [/t], format: rfc3339}", "[/t, /u]",
            "{at: /t, format: iso8601}", "{at: /t, format: iso8601, zone: UTC}",
        ]
        let own = try envelopes.map { try digest("", $0, "envelope") }
        #expect(own[0] == own[1] && own[0] == own[2] && Set(own).count == 4)
    }
}
