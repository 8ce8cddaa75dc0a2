import Foundation
import Metering
import Testing
import Workload

/// The program and the oracle share nothing but the published rules; whatever the records are, they
/// must agree about every outcome and every cell.
@Suite struct DifferentialTests {
    @Test(arguments: [1, 2, 3] as [UInt64])
    func generatedEventsCountAlike(seed: UInt64) throws {
        var profile = EventProfile(endMilliseconds: 1_773_066_000_000)
        profile.events = 3_000
        profile.spanMilliseconds = 500 * 86_400_000
        profile.organizations = 6
        profile.binaryShare = 0.3
        profile.duplicateShare = 0.1
        profile.malformedShare = 0.05
        profile.badFieldShare = 0.05
        profile.futureShare = 0.02
        profile.unknownTypeShare = 0.02
        profile.timelessShare = 0.05
        profile.lateArrivalShare = 0.2
        profile.openConnections = 50
        profile.openRequests = 50
        var generator = EventGenerator(seed: seed, profile: profile)
        let twin = try Twin(Catalogs.shipped(), span: 200)
        var random = SeededRandom(seed: seed)
        var offsets: [Int64] = [0, 0]
        var batch: [LogRecord] = []
        for _ in 0..<profile.events {
            let partition = random.below(2)
            var record = generator.withNext { one in
                LogRecord(
                    partition: partition,
                    timestamp: min(
                        one.eventMilliseconds ?? profile.endMilliseconds, profile.endMilliseconds),
                    key: Array(one.key), value: one.value.map { Array($0) },
                    headers: one.headers.map { (Array($0.name), $0.value.map { Array($0) }) })
            }
            record.timestamp += Int64(random.below(200_000))
            record.offset = offsets[partition]
            offsets[partition] += 1 + Int64(random.below(20) / 19)
            batch.append(record)
            if random.below(40) == 0 {
                twin.take(batch, oneByOne: seed % 2 == 1)
                batch.removeAll()
                if random.below(3) == 0 { twin.commit(random.below(Twin.shardCount)) }
            }
        }
        twin.take(batch, oneByOne: true)
        twin.finish()
        #expect(twin.differences.isEmpty, "\(twin.differences.joined(separator: "\n"))")
        for outcome in OracleOutcome.allCases where outcome != .late {
            #expect(twin.oracle.count(outcome) > 0, "\(outcome)")
        }
    }

    @Test(arguments: [11, 12, 13, 14] as [UInt64])
    func hostileEventsOfTheShippedCatalogCountAlike(seed: UInt64) throws {
        try run(Catalogs.shipped(), seed: seed, records: 1_500)
    }

    @Test(arguments: [21, 22, 23] as [UInt64])
    func hostileEventsOfEveryFeatureCountAlike(seed: UInt64) throws {
        try run(Catalogs.everything(envelope: ""), seed: seed, records: 2_000)
    }

    @Test(arguments: [51, 52, 53] as [UInt64])
    func hostileEventsOfFamiliesCountAlike(seed: UInt64) throws {
        let catalog = try Catalogs.inFamilies(Catalogs.everything(envelope: ""))
        #expect(Set(catalog.meters.compactMap(\.family)).count < catalog.meters.count / 2)
        try run(catalog, seed: seed, records: 2_000)
    }

    @Test(arguments: [55, 56, 57, 58] as [UInt64])
    func hostileEventsOverAllOrganizationsCountAlike(seed: UInt64) throws {
        var catalog = try Catalogs.everything(envelope: "")
        if seed % 2 == 0 { catalog = try Catalogs.inFamilies(catalog) }
        catalog = try Catalogs.across(catalog)
        #expect(catalog.meters.count { $0.isAcross } > catalog.meters.count / 2)
        try run(catalog, seed: seed, records: 2_000)
    }

    @Test(arguments: [31, 32, 33] as [UInt64])
    func hostileEventsUnderAForeignEnvelopeCountAlike(seed: UInt64) throws {
        try run(
            Catalogs.everything(envelope: Catalogs.milliseconds), seed: seed, records: 2_000)
    }

    @Test(arguments: [41, 42] as [UInt64])
    func hostileEventsWithTimesInSecondsCountAlike(seed: UInt64) throws {
        try run(Catalogs.everything(envelope: Catalogs.seconds), seed: seed, records: 2_000)
    }

    @Test(arguments: [61, 62, 63] as [UInt64])
    func hostileEventsWithForeignValuesCountAlike(seed: UInt64) throws {
        let envelope = seed == 61 ? "" : Catalogs.foreignValues
        try run(Catalogs.values(envelope: envelope), seed: seed, records: 1_500)
    }

    @Test(arguments: [71, 72, 73, 74] as [UInt64])
    func hostileEventsWithValuesInOtherPlacesCountAlike(seed: UInt64) throws {
        let envelope = ["", Catalogs.textData, Catalogs.foreignPlaces][Int(seed % 3)]
        try run(Catalogs.places(envelope: envelope), seed: seed, records: 1_500)
    }

    @Test(arguments: [81, 82, 83, 84, 85] as [UInt64])
    func hostileEventsWithForeignTimesCountAlike(seed: UInt64) throws {
        let envelopes = ["", Catalogs.foreignTimes, Catalogs.iso8601, Catalogs.nanoseconds]
        let envelope = (envelopes + [Catalogs.patterns])[Int(seed % 5)]
        let changes = try run(Catalogs.times(envelope: envelope), seed: seed, records: 1_500)
        #expect(changes.twice + changes.never > 0, "\(changes)")
    }

    @Test(arguments: [91, 92, 93] as [UInt64])
    func hostileEventsWithConditionsCountAlike(seed: UInt64) throws {
        try run(Catalogs.read(Catalogs.rows), seed: seed, records: 2_000)
    }

    @Test(arguments: [101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 112] as [UInt64])
    func hostileRecordsOfSeveralEventsCountAlike(seed: UInt64) throws {
        try run(Catalogs.lists(Int(seed % 6)), seed: seed, records: 1_000, listShare: 60)
    }

    /// How many more seeds to try: `TEST_SEEDS=500 swift test -c release --filter Differential`.
    static let more = UInt64(ProcessInfo.processInfo.environment["TEST_SEEDS"] ?? "") ?? 0

    @Test(.enabled(if: more > 0, "TEST_SEEDS is not set"))
    func manyMoreSeedsCountAlike() throws {
        for seed in 1_000..<1_000 + Self.more {
            try run(Catalogs.shipped(), seed: seed, records: 2_000)
            for envelope in ["", Catalogs.milliseconds, Catalogs.seconds] {
                try run(Catalogs.everything(envelope: envelope), seed: seed, records: 2_000)
            }
            try run(Catalogs.read(Catalogs.rows), seed: seed, records: 2_000)
            for envelope in ["", Catalogs.foreignValues] {
                try run(Catalogs.values(envelope: envelope), seed: seed, records: 2_000)
            }
            for envelope in [
                "", Catalogs.foreignTimes, Catalogs.iso8601, Catalogs.nanoseconds,
                Catalogs.patterns,
            ] {
                try run(Catalogs.times(envelope: envelope), seed: seed, records: 2_000)
            }
            for number in Catalogs.lists.indices {
                try run(Catalogs.lists(number), seed: seed, records: 2_000, listShare: 60)
            }
            for envelope in ["", Catalogs.textData, Catalogs.foreignPlaces] {
                try run(Catalogs.places(envelope: envelope), seed: seed, records: 2_000)
            }
        }
    }

    @discardableResult private func run(
        _ catalog: MeterCatalog, seed: UInt64, records: Int, listShare: Int = 0
    ) throws -> ClockChanges {
        let twin = try Twin(catalog, span: 100)
        var events = HostileEvents(seed: seed, catalog: catalog)
        events.listShare = listShare
        var random = SeededRandom(seed: ~seed)
        var left = records
        while left > 0 {
            let size = min(left, 1 + random.below(60))
            left -= size
            var batch: [LogRecord] = []
            for _ in 0..<size { batch.append(events.next()) }
            twin.take(batch, oneByOne: random.below(4) > 0)
            if random.below(3) == 0 { twin.commit(random.below(Twin.shardCount)) }
        }
        twin.finish()
        #expect(twin.differences.isEmpty, "\(twin.differences.joined(separator: "\n"))")
        // A test in which nearly nothing counts would prove nothing.
        #expect(twin.oracle.count(.accepted) > Int64(records / 15))
        #expect(twin.oracle.count(.malformed) > 0 && twin.oracle.count(.badField) > 0)
        let hasIDs = catalog.envelope.id != .places([.record], takesAny: false)
        #expect(twin.oracle.count(.duplicate) > 0 || !hasIDs)
        #expect(twin.oracle.count(.future) > 0)
        return twin.program.counters.clockChanges
    }
}
