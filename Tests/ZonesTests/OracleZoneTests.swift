import Testing
import Verify
import Zones

@testable import Workload

/// The oracle reads zones by code of its own.
@Suite struct OracleZoneTests {
    @Test func everyZoneIsAsTheOracleHasIt() throws {
        var random = SeededRandom(seed: 54)
        for name in ZoneDatabase.system.names {
            let zone = try ZoneDatabase.system.zone(named: name)
            let other = try ZoneFiles.zone(name)
            var locals = (0..<200).map { _ in Int64(random.below(8_500_000_000)) - 3_000_000_000 }
            // Around the changes of some year, where there are any.
            var second = locals[0]
            for _ in 0..<4 {
                let span = zone.span(at: second)
                guard span.end < 5_500_000_000 else { break }
                locals += (0..<20).map { _ in
                    span.end + span.offset + Int64(random.below(14_400)) - 7_200
                }
                second = span.end
            }
            for local in locals {
                let (found, expected) = (zone.time(ofLocal: local), other.second(ofLocal: local))
                #expect(found.second == expected, "\(name) \(local): \(found), \(expected)")
            }
        }
    }

    @Test func otherBytesAreNoZone() throws {
        #expect(OracleZone(name: "x", file: []) == nil)
        #expect(OracleZone(name: "x", file: Array(repeating: 0, count: 100)) == nil)
        #expect(throws: VerifyError.self) { try ZoneFiles.zone("Europe/Nowhere") }
    }
}
