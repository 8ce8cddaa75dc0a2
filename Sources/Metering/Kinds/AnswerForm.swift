/// How the cells of a meter become an answer for a range of time.
///
/// A kind's file names one of these. Readers switch on it, never on the kind: a new kind that is
/// answered like an existing one needs no change where answers are made.
public enum AnswerForm: Sendable, Hashable {
    /// One number: the sum of a series' windows.
    case sum
    /// A number by the values of `by`: the sums of the windows' tables.
    case table
    /// One stored value, the least, greatest, first or last of the windows' values.
    case extreme
    /// A stored value by the values of `by`.
    case extremeTable
    /// How many different values the windows' sketches hold together.
    case distinct
    /// Numbers of values by size.
    case histogram
    /// A number by member: the sums of the windows' sorted sets.
    case ranking
    /// Numbers by weekday and hour, over all of time.
    case grid

    /// Whether the answer is a value of the meter's field, which may be a time or a text, not a
    /// number that was counted.
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
