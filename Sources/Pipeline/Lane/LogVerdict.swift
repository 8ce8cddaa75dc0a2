internal import Ledger

/// Whether a log still is the one that was counted, by one record of it that was counted.
enum LogVerdict: Equatable {
    /// The record is there.
    case same
    /// The record was deleted with the beginning of the log, so nothing speaks against the log.
    case unverifiable
    /// The answer is not enough: ask Kafka where the log begins and ends, or ask again later.
    case unclear
    /// It is another log.
    case other(LogDifference)

    /// The verdict by the answer alone.
    init(of answer: ProbeAnswer, for witness: Fingerprint) {
        guard case .record(let found) = answer, found.offset == witness.offset else {
            self = .unclear
            return
        }
        self = found == witness ? .same : .other(.record(witness.offset))
    }

    /// The verdict with the log's start and end, which were asked for after the answer.
    ///
    /// A log that is not compacted loses records at its beginning only. Just after its leader has
    /// changed, a log may seem to end earlier than it does.
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
