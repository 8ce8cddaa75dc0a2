import Printing
import Spelling

/// What a command line asks for.
enum CommandRequest: Sendable {
    case version
    /// Help for the commands that begin with these words; for all commands when there are none.
    case help([String])
    case run(Command, flags: [String: [String]], operands: [String])
}

/// Reads a command line by the declarations of the commands.
struct ArgumentParser: Sendable {
    let commands: [Command]
    /// Options that every command takes.
    let common: [Option]

    func parse(_ arguments: [String]) throws(CommandFailure) -> CommandRequest {
        guard let first = arguments.first else { return .help([]) }
        if first == "--version" { return .version }
        if first == "--help" || first == "-h" { return .help([]) }
        if first == "help" { return .help(Array(arguments.dropFirst())) }
        guard let command = command(for: arguments) else {
            return try incomplete(arguments)
        }
        return try parse(Array(arguments.dropFirst(command.path.count)), for: command)
    }

    private func command(for arguments: [String]) -> Command? {
        commands.first { arguments.starts(with: $0.path) }
    }

    /// `odometer keys` and `odometer keys --help` ask for help; anything else is unknown.
    private func incomplete(_ arguments: [String]) throws(CommandFailure) -> CommandRequest {
        let words = Array(arguments.prefix { !$0.hasPrefix("-") })
        let group = commands.filter { $0.path.starts(with: words) }
        if !words.isEmpty, !group.isEmpty {
            let rest = arguments.dropFirst(words.count)
            if rest.contains("--help") || rest.contains("-h") { return .help(words) }
            let names = ValueText.alternatives(group.map(\.name))
            throw .usage("\"\(words.joined(separator: " "))\" needs one more word: \(names)")
        }
        let unknown = arguments[0]
        let known = Array(Set(commands.map { $0.path[0] }))
        throw .usage(
            (unknown.hasPrefix("-")
                ? "unknown option \(unknown)" : "unknown command \"\(unknown)\"")
                + Suggestion.text(for: unknown, among: known) + "; see odometer --help")
    }

    private func parse(
        _ words: [String], for command: Command
    ) throws(CommandFailure) -> CommandRequest {
        var flags: [String: [String]] = [:]
        var operands: [String] = []
        var index = 0
        while index < words.count {
            let word = words[index]
            index += 1
            if word == "--" {
                operands += words[index...]
                break
            }
            if word == "--help" || word == "-h" { return .help(command.path) }
            guard word.hasPrefix("-"), word != "-" else {
                operands.append(word)
                continue
            }
            let (option, attached) = try option(of: word, for: command)
            let value: String
            if option.isFlag {
                value = attached ?? "on"
            } else if let attached {
                value = attached
            } else if index < words.count, !words[index].hasPrefix("--") {
                value = words[index]
                index += 1
            } else {
                throw .usage(
                    "--\(option.name) needs a value: --\(option.name) \(option.placeholder)")
            }
            if let refusal = option.refusal(of: value) {
                throw .usage("--\(option.name) must be \(refusal), not \"\(value)\"")
            }
            guard flags[option.name] == nil || option.isRepeatable else {
                throw .usage("--\(option.name) stands twice")
            }
            flags[option.name, default: []].append(value)
        }
        try check(operands, of: command)
        return .run(command, flags: flags, operands: operands)
    }

    private func option(
        of word: String, for command: Command
    ) throws(CommandFailure) -> (Option, String?) {
        let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let name = String(parts[0].drop { $0 == "-" })
        let options = (command.options + common).filter { $0.source != .environment }
        guard word.hasPrefix("--"), let option = options.first(where: { $0.name == name }) else {
            throw .usage(
                "unknown option \(parts[0])"
                    + (Suggestion.nearest(to: name, among: options.map(\.name))
                        .map { " (did you mean --\($0)?)" } ?? "")
                    + "; see odometer \(command.name) --help")
        }
        return (option, parts.count > 1 ? String(parts[1]) : nil)
    }

    private func check(_ operands: [String], of command: Command) throws(CommandFailure) {
        let required = command.operands.filter(\.isRequired)
        guard operands.count >= required.count else {
            throw .usage(
                "\(required[operands.count].name) is missing; see odometer \(command.name) --help")
        }
        guard
            command.operands.last?.isRepeatable == true || operands.count <= command.operands.count
        else {
            throw .usage(
                "unexpected word \"\(operands[command.operands.count])\"; "
                    + "see odometer \(command.name) --help")
        }
    }
}
