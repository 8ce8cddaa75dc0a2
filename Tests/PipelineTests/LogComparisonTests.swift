import Testing

@testable import Ledger
@testable import Pipeline

/// What a look at the log says, for every answer that there can be.
@Suite struct LogComparisonTests {
    private let witness = Fingerprint(offset: 99, timestamp: 1_700_000_000_000, hash: 7)

    private func found(_ offset: Int64, _ timestamp: Int64, _ hash: UInt64) -> LogVerdict {
        LogVerdict(
            of: .record(Fingerprint(offset: offset, timestamp: timestamp, hash: hash)), for: witness
        )
    }

    @Test func aRecordIsTheSameOrAnotherOne() {
        #expect(found(99, witness.timestamp, 7) == .same)
        #expect(found(99, witness.timestamp, 8) == .other(.record(99)))
        // The same bytes at another time are another record.
        #expect(found(99, witness.timestamp + 1, 7) == .other(.record(99)))
    }

    private func bounded(_ answer: ProbeAnswer, _ low: Int64, _ high: Int64) -> LogVerdict {
        #expect(LogVerdict(of: answer, for: witness) == .unclear)
        return LogVerdict(of: answer, low: low, high: high, for: witness)
    }

    /// Retention takes records from the begin of a log only; a hole
    /// where a record was is another log.
    @Test func withoutTheRecordTheLogsStartAndEndDecide() {
        let later = ProbeAnswer.record(Fingerprint(offset: 100, timestamp: 5, hash: 8))
        #expect(bounded(later, 100, 200) == .unverifiable)
        #expect(bounded(.end(100), 100, 100) == .unverifiable)
        #expect(bounded(.outOfRange, 100, 100) == .unverifiable)
        #expect(bounded(later, 0, 200) == .other(.missing(99)))
        #expect(bounded(.end(120), 99, 120) == .other(.missing(99)))
        for answer in [ProbeAnswer.end(99), .end(0), .outOfRange] {
            #expect(bounded(answer, 0, 99) == .other(.shorter(end: 99, counted: 100)))
            // It only seemed to end so early, or was just about to change.
            #expect(bounded(answer, 0, 100) == .unclear)
        }
    }

    @Test func oneLookAtATimeAndNotTooOften() {
        var look = LogComparison()
        let question = LogComparison.Question(slot: 0, witness: witness, next: nil)
        look.ask([question], batch: 5, now: 1_000, pause: 50)
        #expect(look.isAsked && look.batch == 5 && look.nextAt == 1_050)
        look.end()
        #expect(!look.isAsked && look.questions.isEmpty && look.nextAt == 1_050)
        look.ask([question], batch: 6, now: 1_060, pause: 50)
        look.end(retryAt: 1_560)
        #expect(look.retryAt == 1_560 && look.nextAt == 1_110)
    }
}
