import Testing

@testable import Verify
@testable import Workload

/// The parts of a capacity plan; check_plan.py compares whole ones with real runs.
struct CapacityPlanTests {
    @Test(
        arguments: [(1, 16), (16, 16), (17, 32), (128, 128), (129, 160), (161, 192), (513, 640)]
            + [(12_312, 14_336)])
    func bytesAreRoundedAsTheAllocatorDoes(_ bytes: Int, _ given: Int) {
        #expect(RedisMemory.allocated(bytes) == Double(given))
    }

    @Test func growthGoesOnAsItDid() {
        let growth = CapacityPlan.Growth(doublings: 2)
        // Each event a cell of its own; cells that are all met; a root.
        #expect(growth.extrapolate([250, 500, 1_000]) == 4_000)
        #expect(growth.extrapolate([100, 100, 100]) == 100)
        #expect(abs(growth.extrapolate([500, 707.1068, 1_000]) - 2_000) < 0.01)
        // What fills up grows less and less.
        let filled = growth.extrapolate([600, 900, 1_080])
        #expect(filled > 1_080 && filled < 1_080 * 1.3)
        #expect(CapacityPlan.Growth(doublings: 0).extrapolate([7]) == 7)
    }

    @Test func aPlanOfASampleIsNearThatOfTheWhole() throws {
        var profile = EventProfile(endMilliseconds: 1_773_066_000_000)
        profile.events = 12_000
        profile.organizations = 20
        var question = CapacityQuestion(
            catalogs: try GeneratorTests.shippedTexts(), profile: profile, seed: 1, rate: 1_000,
            commitIntervalMilliseconds: 500, partitions: 4, sample: 2_000_000, settings: .test())
        let whole = try CapacityPlan.estimate(question)
        #expect(whole.countedEvents == 12_000)
        question.sample = 4_000
        let part = try CapacityPlan.estimate(question)
        #expect(part.countedEvents == 7_000)
        #expect(abs(part.sum.keys / whole.sum.keys - 1) < 0.1)
        #expect(abs(part.sum.cells / whole.sum.cells - 1) < 0.1)
        // A key takes much more memory once it has more than 128 fields, so bytes grow in steps.
        #expect(abs(part.sum.bytes / whole.sum.bytes - 1) < 0.15)
        // The more events a commit holds, the fewer cells an event changes.
        question.sample = 12_000
        question.commitIntervalMilliseconds = 10_000
        let merged = try CapacityPlan.estimate(question)
        #expect(merged.cellsPerSecond < whole.cellsPerSecond)
    }

    @Test func answersAreThoseOfTheCells() throws {
        let catalog = try GeneratorTests.shippedCatalog()
        var profile = EventProfile(endMilliseconds: 1_773_066_000_000)
        profile.organizations = 2
        var generator = EventGenerator(seed: 4, profile: profile)
        var oracle = try Oracle(catalog: catalog, settings: .test())
        _ = oracle.addPartition(topic: "t", number: 0)
        for number in 0..<3_000 {
            generator.withNext { record in
                _ = oracle.feed(
                    0, offset: Int64(number), timestamp: profile.endMilliseconds,
                    value: record.value,
                    headers: record.headers)
            }
        }
        oracle.sortCells()
        let name = String(decoding: generator.population.organizationID(0), as: UTF8.self)
        let answers = ExpectedAnswer.all(
            [name, "nobody"], catalog.meters, "odo:1:", shards: 64, oracle.cells)
        #expect(answers.count == 2 * Set(answers.map(\.meter)).count)
        let calls = answers.first { $0.organization == name && $0.meter == "api_calls" }
        #expect(calls?.isSingle == true && (calls?.rows.first?.value ?? 0) > 100)
        let nothing = answers.filter { $0.organization == "nobody" }
        #expect(nothing.allSatisfy { $0.rows.allSatisfy { $0.value == 0 } })
        let open = answers.first { $0.organization == name && $0.meter == "connections_open" }
        let names = open?.rows.first?.dimensions.keys.sorted() ?? []
        #expect(names == ["dataCenter", "protocol", "service"])
        // EdgeValues names come back as they were.
        let services = Set(open?.rows.compactMap { $0.dimensions["service"] } ?? [])
        #expect(services.contains("mqtt: edge {1}") || services.contains("100% syslog"))
    }
}
