/// How a log differs from the one that was counted.
enum LogDifference: Equatable {
    /// Another record is at an offset that was counted.
    case record(Int64)
    /// No record is at an offset that was counted, although the log begins before that offset.
    case missing(Int64)
    /// The log ends before a record that was counted.
    case shorter(end: Int64, counted: Int64)
    /// Another partition of its topic holds another log, so this one does too.
    case sibling(Int32)

    /// The reason as a sentence for people.
    var text: String {
        let cause = ": the topic was recreated or cut; use a new topic or prefix"
        return switch self {
        case .record(let offset):
            "offset \(offset) holds another record than the one counted\(cause)"
        case .missing(let offset): "offset \(offset) was counted and holds no record\(cause)"
        case .shorter(let end, let counted):
            "the log ends at \(end), but \(counted) was counted\(cause)"
        case .sibling(let partition):
            "partition \(partition) of its topic is not the one that was counted\(cause)"
        }
    }
}
