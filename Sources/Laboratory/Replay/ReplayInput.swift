public import Replay

/// The opened source of a replay.
public struct ReplayInput {
    /// Where the records come from.
    public let source: any RecordSource
    /// How much of it has been sent, 0 to 1; nil when that is not known.
    public let share: () -> Double?
    /// What it is, for people.
    public let description: String
    /// What to report about it at the end, each a sentence.
    public let notes: () -> [String]

    /// Makes an input from a source that is ready.
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
