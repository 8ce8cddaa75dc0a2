public import Replay

/// The source of a replay, opened.
public struct ReplayInput {
    /// Where the records come from.
    public let source: any RecordSource
    /// How much of it is sent, 0 to 1; nil where that is not known.
    public let share: () -> Double?
    /// What it is, for people.
    public let description: String
    /// What is to be told about it at the end.
    public let notes: () -> [String]

    /// A source that is ready.
    public init(
        source: any RecordSource, share: @escaping () -> Double?, description: String,
        notes: @escaping () -> [String] = { [] }
    ) {
        self.source = source
        self.share = share
        self.description = description
        self.notes = notes
    }
}
