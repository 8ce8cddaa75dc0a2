internal import Ledger

/// What an answer of the probe says about the log from which a record was counted.
enum LogVerdict: Equatable {
    /// The record is there.
    case same
    /// The record is gone with the log's begin, by retention or deletion: nothing speaks against the log.
    case unverifiable
    /// Nothing can be said: Kafka must be asked where the log begins and ends, or later once more.
    case unclear
    case other(LogDifference)

    /// What the answer alone says.
    init(of answer: ProbeAnswer, for witness: Fingerprint) {
        guard case .record(let found) = answer, found.offset == witness.offset else {
            self = .unclear
            return
        }
        self = found == witness ? .same : .other(.record(witness.offset))
    }

    /// What it says with the log's start and end, asked after it.
    ///
    /// A log that is not compacted loses records at its begin only. Just after its leader changed a log may
    /// seem to end earlier than it does.
    init(of answer: ProbeAnswer, low: Int64, high: Int64, for witness: Fingerprint) {
        let offset = witness.offset
        if high <= offset {
            self = .other(.shorter(end: high, counted: offset + 1))
        } else if low > offset {
            self = .unverifiable
        } else {
            switch answer {
            case .record: self = .other(.missing(offset))
            case .end(let end) where end > offset: self = .other(.missing(offset))
            case .end, .outOfRange: self = .unclear
            }
        }
    }
}
