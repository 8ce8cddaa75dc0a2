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

    @Test func `a record is the same or another one`() {
        #expect(found(99, witness.timestamp, 7) == .same)
        #expect(found(99, witness.timestamp, 8) == .other(.record(99)))
        // The same bytes at another time are another record.
        #expect(found(99, witness.timestamp + 1, 7) == .other(.record(99)))
        // It was deleted: nothing can be said.
        #expect(found(100, witness.timestamp, 8) == .unverifiable)
    }

    @Test func `an end before the witness must be confirmed by the log's own bounds`() {
        #expect(LogVerdict(of: .end(100), for: witness) == .unverifiable)
        #expect(LogVerdict(of: .end(99), for: witness) == .unclear)
        #expect(LogVerdict(of: .outOfRange, for: witness) == .unclear)
        let shorter = LogDifference.shorter(end: 99, counted: 100)
        #expect(LogVerdict(low: 0, high: 99, for: witness) == .other(shorter))
        #expect(LogVerdict(low: 0, high: 0, for: witness) != .unverifiable)
        #expect(LogVerdict(low: 100, high: 100, for: witness) == .unverifiable)
        // It was just about to change.
        #expect(LogVerdict(low: 0, high: 100, for: witness) == .unclear)
    }

    @Test func `one look at a time, and not too often`() {
        var look = LogComparison()
        let question = LogComparison.Question(slot: 0, witness: witness, next: nil)
        look.ask([question], batch: 5, now: 1_000, pause: 50)
        #expect(look.isAsked && look.batch == 5 && look.nextAt == 1_050)
        look.end()
        #expect(!look.isAsked && look.questions.isEmpty && look.nextAt == 1_050)
        look.ask([question], batch: 6, now: 1_060, pause: 50)
        look.end(retryAt: 1_560)
        #expect(look.nextAt == 1_560)
    }
}
