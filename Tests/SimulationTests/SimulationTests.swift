import Catalog
import Foundation
import Metering
import Testing

/// Seeds of the simulation: as many as there is time for, or those that the environment names.
///
/// `SIMULATION_SEED=17` runs one seed and tells what happens in it; `SIMULATION_SEEDS=2000` runs
/// that many, from `SIMULATION_FIRST` on.
@Suite struct SimulationTests {
    private static let environment = ProcessInfo.processInfo.environment

    private static func catalog() throws -> MeterCatalog { try SimulatedEvent.readCatalog() }

    @Test func theLedgerIsRightAfterEveryStepAndCatchesUp() throws {
        try run(SimulatedEvent.readCatalog(), seeds: 60)
    }

    /// The same with meters whose limits are soon reached: what was
    /// admitted is told by Redis alone.
    @Test func theLedgerIsRightWhereValuesAreBeyondTheirLimits() throws {
        try run(SimulatedEvent.readCatalog(isLimited: true), seeds: 40)
    }

    /// Records of several events, in several shards: all of them count or none does.
    @Test func theLedgerIsRightWhereRecordsHaveSeveralEvents() throws {
        try run(SimulatedEvent.readCatalog(isListed: true), seeds: 60)
        try run(SimulatedEvent.readCatalog(isLimited: true, isListed: true), seeds: 20)
    }

    /// Several masters: slots move key by key, masters fail, also in the middle of a move.
    @Test func theLedgerIsRightOnAClusterOrTheShardIsTorn() throws {
        try run(SimulatedEvent.readCatalog(), seeds: 60, isClustered: true)
    }

    private func run(_ catalog: MeterCatalog, seeds: UInt64, isClustered: Bool = false) throws {
        if let seed = Self.environment["SIMULATION_SEED"].flatMap({ UInt64($0) }) {
            let simulation = Simulation(
                seed: seed, catalog: catalog, isClustered: isClustered, isTraced: true)
            #expect(simulation.run(), "\(simulation.failures)")
            return
        }
        let count = Self.environment["SIMULATION_SEEDS"].flatMap { UInt64($0) } ?? seeds
        let first = Self.environment["SIMULATION_FIRST"].flatMap { UInt64($0) } ?? 1
        var sum = SimulationReport()
        var failed = 0
        for seed in first..<(first + count) {
            let simulation = Simulation(seed: seed, catalog: catalog, isClustered: isClustered)
            if !simulation.run() {
                failed += 1
                Issue.record(
                    """
                    seed \(seed): \(simulation.failures.joined(separator: "; "))
                    again: SIMULATION_SEED=\(seed) swift test --filter SimulationTests
                    """)
            }
            sum = sum + simulation.report
            if failed == 5 { break }
        }
        if count >= 60 { #expect(sum.parkings > 0, "no cell ever refused") }
        if count >= 60, isClustered {
            #expect(sum.moves > 0 && sum.cuts > 0 && sum.splits > 0, "nothing went wrong")
        }
        print("seeds \(first) to \(first + count - 1), \(failed) failed: \(sum)")
    }

    /// What the longer runs found.
    ///
    /// 10269: assigned again without a revocation, then a failure half way through taking up.
    /// 12719: marks went back while the window of ids warmed up for higher ones. 5770: of two
    /// shards set aside one was taken up again, then the connection broke before the step back.
    /// 19355: a mark went back to the very position while the window of ids warmed up for a higher
    /// one. 5024: partitions that could not be taken up were followed by none at all, and the lane
    /// complained for ever. 1095: a topic made again had no record at the offset by which the old
    /// one was known, and that was taken for retention. 101930: a lane that read again after a
    /// rollback forgot the newest record that was counted, and took a log cut above its own place
    /// for the same. 501520: marks moved on without a lane, which went on to look at its own,
    /// older record, and took a log cut between the two for the same. 500726: a refusal was told
    /// on when all partitions were stopped.
    @Test(
        arguments: [
            10269, 12719, 5770, 19355, 5024, 1095, 101_930, 501_520, 500_726,
        ] as [UInt64])
    func seedsThatOnceFailed(seed: UInt64) throws {
        let simulation = Simulation(seed: seed, catalog: try Self.catalog())
        #expect(simulation.run(), "seed \(seed): \(simulation.failures)")
    }

    @Test func aSeedRunsTheSameEveryTime() throws {
        let catalog = try Self.catalog()
        let reports = (0..<2).map { _ in
            let simulation = Simulation(seed: 7, catalog: catalog)
            _ = simulation.run()
            return
                "\(simulation.report) \(simulation.clock) \(simulation.server.content.shards.map(\.marks.count))"
        }
        #expect(reports[0] == reports[1])
    }
}
