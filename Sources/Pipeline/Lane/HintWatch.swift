internal import Kafka

/// Whether Kafka takes the group's offset commits, by how many it took and refused since the last
/// look.
///
/// A value that asks Kafka nothing. One look with refusals is no trouble: Kafka refuses once during
/// a rebalance.
struct HintWatch {
    /// When offsets are committed next.
    var nextAt: Milliseconds = 0
    private var before = HintCounts()
    /// How many looks in a row found refusals only.
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
    /// Reports whether Kafka takes the group's offset commits, which tell where counting began.
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
