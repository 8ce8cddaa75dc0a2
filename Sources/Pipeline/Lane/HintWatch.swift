internal import Kafka

/// Whether Kafka takes the group's offset commits, by what became of them from look to look.
///
/// A value without Kafka. Refused means twice in a row: during a rebalance Kafka does so once.
struct HintWatch {
    /// When offsets are committed next, in milliseconds of the steady clock.
    var nextAt: Int64 = 0
    private var before = HintCounts()
    /// Looks in a row that found refusals only.
    private var refusedLooks = 0

    enum Finding: Equatable { case taken, refused, nothingNew }

    mutating func judge(_ counts: HintCounts) -> Finding {
        defer { before = counts }
        if counts.taken != before.taken {
            refusedLooks = 0
            return .taken
        }
        guard counts.refused != before.refused else { return .nothingNew }
        refusedLooks += 1
        return refusedLooks > 1 ? .refused : .nothingNew
    }
}

extension Lane {
    /// Tells whether Kafka takes the group's offsets: the witness of where counting began.
    func judgeHints() {
        let counts = consumer.hintCounts
        switch hints.judge(counts) {
        case .taken: passed(.hint, "Kafka takes the group's offsets again")
        case .refused:
            trouble(
                .hint,
                "Kafka refuses the group's offsets, the witness of where counting began: "
                    + counts.lastRefusal)
        case .nothingNew: break
        }
    }
}
