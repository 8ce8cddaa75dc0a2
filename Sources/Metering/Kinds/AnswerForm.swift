/// How the cells of a meter become an answer for a range of time.
///
/// A kind's file names one of these. The code that makes answers switches on it, never on the kind:
/// it need not change for a new kind that is answered like an existing one.
public enum AnswerForm: Sendable, Hashable {
    /// One number: the sum of the windows of a series.
    case sum
    /// A number for each value of `by`: the sums of the windows' tables.
    case table
    /// One stored value: the least, greatest, first or last of the windows' values.
    case extreme
    /// A stored value for each value of `by`.
    case extremeTable
    /// How many different values the windows' HyperLogLogs hold together.
    case distinct
    /// Numbers of values by size.
    case histogram
    /// A number for each member: the sums of the windows' sorted sets.
    case ranking
    /// Numbers by weekday and hour, over all time.
    case grid

    /// Whether the answer is a value of the meter's field and not a number that was counted.
    ///
    /// Such a value may be a time or a text.
    public var isStoredValue: Bool {
        switch self {
        case .extreme, .extremeTable: true
        case .sum, .table, .distinct, .histogram, .ranking, .grid: false
        }
    }
}

extension MeterDeclaration {
    /// The structure that this meter's cells live in.
    public var shape: CellShape { kind.rules.shape(of: self) }
    /// How this meter is answered.
    public var answerForm: AnswerForm { kind.rules.answerForm(of: self) }
}
