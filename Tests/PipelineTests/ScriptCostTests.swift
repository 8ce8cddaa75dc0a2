import Metering
import Testing

@testable import Pipeline

/// How large tallies get by the time that their scripts take.
@Suite struct ScriptCostTests {
    /// The time of the last of `count` scripts that take so many times what was estimated.
    private func milliseconds(
        _ cost: inout ScriptCost, trueFactor: Double, count: Int, singleScores: Int64 = 0
    ) -> Double {
        var last = 0.0
        for _ in 0..<count {
            let estimate = Int64(cost.fullNanoseconds)
            last = Double(estimate) * trueFactor / 1_000_000
            cost.learn(
                estimate: estimate, full: estimate, scriptMicroseconds: Int64(last * 1_000),
                singleScores: singleScores)
        }
        return last
    }

    @Test(arguments: [0.15, 0.5, 1])
    func fullTalliesTakeThreeMilliseconds(trueFactor: Double) {
        var cost = ScriptCost()
        #expect(abs(milliseconds(&cost, trueFactor: trueFactor, count: 100) - 3) < 0.2)
    }

    /// Smaller ones would merge less, and cost a slow Redis more.
    @Test(arguments: [1.5, 2.7, 7]) func onASlowServerTalliesStayAsLarge(trueFactor: Double) {
        var cost = ScriptCost()
        let milliseconds = milliseconds(&cost, trueFactor: trueFactor, count: 100)
        #expect(abs(milliseconds - 3 * trueFactor) < 0.1 * trueFactor)
    }

    /// That is work which the estimate could not know, on any server.
    @Test func scoresAddedAloneMakeTalliesSmaller() {
        var cost = ScriptCost()
        #expect(milliseconds(&cost, trueFactor: 2.7, count: 100, singleScores: 5_000) < 3.2)
    }

    /// Cells become dearer after a time of cheap ones: few scripts are long.
    @Test func longScriptsAreSoonShort() {
        var cost = ScriptCost()
        _ = milliseconds(&cost, trueFactor: 0.15, count: 200)
        #expect(milliseconds(&cost, trueFactor: 1, count: 20) < 4)
    }

    /// Tallies that are sent before they are full, but take too long.
    @Test func aLongScriptOfASmallTallyIsBelieved() {
        var cost = ScriptCost()
        _ = milliseconds(&cost, trueFactor: 0.15, count: 200)
        let full = Int64(cost.fullNanoseconds)
        for _ in 0..<20 {
            cost.learn(
                estimate: full / 5, full: full, scriptMicroseconds: 12_000, singleScores: 0)
        }
        #expect(Int64(cost.fullNanoseconds) < full / 4)
    }

    @Test func whatTellsNothingChangesNothing() {
        var cost = ScriptCost()
        cost.learn(estimate: 0, full: 3_000_000, scriptMicroseconds: 5_000, singleScores: 0)
        cost.learn(estimate: 100_000, full: 3_000_000, scriptMicroseconds: 60, singleScores: 0)
        cost.learn(
            estimate: 3_000_000, full: 3_000_000, scriptMicroseconds: -1_000_000_000_000,
            singleScores: 0)
        #expect(cost.factor == 1)
    }

    @Test func scoresAddedAloneCountWhereNoTimeIsTold() {
        var cost = ScriptCost()
        for _ in 0..<500 {
            cost.learn(
                estimate: 3_000_000, full: 3_000_000, scriptMicroseconds: 0, singleScores: 625)
        }
        #expect(abs(cost.factor - 2) < 0.01)
    }
}
