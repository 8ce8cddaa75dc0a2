internal import Metering

/// How large a tally may get so that its script takes 3 ms, learned from the commits before.
///
/// On a slower Redis scripts take longer instead: smaller tallies would merge fewer events in each
/// cell, so the same events would cost it more, and it would fall behind further.
///
/// Where Redis does not tell how long a script took (its clock does not move within a script from
/// 7.2 on, or the user may not read it), only scores that were added one by one are known.
struct ScriptCost {
    /// What the latest scripts took, divided by the estimates made before them; a moving mean.
    private(set) var factor = 1.0
    /// How far a script's time may be from its estimate before that is not believed.
    private static let factors = 0.125...8.0

    /// Estimate at which a tally's script takes 3 ms.
    var fullNanoseconds: Int32 { Int32(Double(Tally.usualFullCostNanoseconds) / factor) }

    /// Learns from the commit of a tally with that estimate, which was full at `full`.
    ///
    /// `scriptMicroseconds`: 0 and less tell nothing; a clock may be set back within a script.
    mutating func learn(
        estimate: Int64, full: Int64, scriptMicroseconds: Int64, singleScores: Int64
    ) {
        guard estimate > 0 else { return }
        // What can be foreseen on any machine, with the scores that only the script found out.
        let foreseen = max(
            1,
            Double(estimate + singleScores * Tally.singleScoreCostNanoseconds) / Double(estimate))
        if scriptMicroseconds <= 0 {
            factor += (foreseen - factor) / 64
        } else if estimate * 4 >= full
            || scriptMicroseconds * 1_000 >= Int64(Tally.usualFullCostNanoseconds)
        {
            // What a script costs without cells tells nothing of a small tally's. A script that is
            // too long is learned from quickly: others wait for it.
            let found = min(foreseen, Double(scriptMicroseconds * 1_000) / Double(estimate))
            let change = min(found, 2 * factor) - factor
            factor += change / (change > 0 ? 4 : 16)
        }
        factor = min(max(factor, Self.factors.lowerBound), Self.factors.upperBound)
    }
}
