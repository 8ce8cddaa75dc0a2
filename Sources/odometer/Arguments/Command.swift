/// One command: what it takes, how it is explained, and what it does.
struct Command: Sendable {
    /// The words that call it, like `keys create`.
    let path: [String]
    /// One line for the list of commands.
    let summary: String
    /// What people should know before they use it; paragraphs.
    var details = ""
    var operands: [Operand] = []
    var options: [Option] = []
    /// Command lines without the leading `odometer`, each with what it does.
    var examples: [(line: String, effect: String)] = []
    let run: @Sendable (borrowing Invocation) throws(CommandFailure) -> ExitCode

    var name: String { path.joined(separator: " ") }
}

/// A command line that was understood.
struct Invocation: Sendable {
    let settings: Settings
    let operands: [String]
    let log: Log
}
