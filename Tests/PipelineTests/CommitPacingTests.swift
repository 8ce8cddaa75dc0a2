import Testing

@testable import Pipeline

/// Readers of Redis wait behind the commits that a lane has sent: so few, unless they are late.
@Suite struct CommitPacingTests {
    @Test func inFlight() {
        func limit(_ late: Int64, _ interval: Int64 = 500, isCatchingUp: Bool = false) -> Int {
            Lane.inFlightLimit(late: late, interval: interval, isCatchingUp: isCatchingUp)
        }
        #expect(limit(0) == 1 && limit(15) == 1 && limit(-7) == 1)
        #expect(limit(16) == 2 && limit(50) == 4)
        // A quarter of an interval late, all go at once; so does whoever catches up.
        #expect(limit(125) == Lane.mostInFlight && limit(.max / 64) == Lane.mostInFlight)
        #expect(limit(0, isCatchingUp: true) == Lane.mostInFlight)
        #expect(limit(2, 10) == 7 && limit(1_000, 60_000) == 1)
        for late in Int64(0)..<600 { #expect(limit(late + 1) >= limit(late)) }
    }
}
