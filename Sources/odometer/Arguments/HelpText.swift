/// The text of `--help`, made from the declarations.
struct HelpText: Sendable {
    let commands: [Command]
    let common: [Option]

    func text(for words: [String]) -> String? {
        if words.isEmpty { return overview() }
        if let command = commands.first(where: { $0.path == words }) { return text(of: command) }
        let group = commands.filter { $0.path.starts(with: words) }
        guard !group.isEmpty else { return nil }
        return "Usage: odometer \(words.joined(separator: " ")) COMMAND [OPTIONS]\n\nCommands:\n"
            + list(group) + "\nodometer COMMAND --help explains one of them.\n"
    }

    private func overview() -> String {
        """
        Odometer turns usage events on Kafka into exact numbers in Redis and answers analytics requests.

        Usage: odometer COMMAND [OPTIONS]

        Commands:
        \(list(commands))
        odometer COMMAND --help explains one of them; odometer --version prints the version.

        Values come from, in rising order: defaults, the file of --config, environment variables
        (ODOMETER_…), options. `odometer check` prints which value holds and where it came from.

        Exit codes:
        \(exitCodes())
        """
    }

    private func exitCodes() -> String {
        ExitCode.allCases.map { code in
            "  " + pad(String(code.rawValue), 4) + code.meaning + "\n"
        }.joined()
    }

    private func list(_ commands: [Command]) -> String {
        let width = (commands.map(\.name.count).max() ?? 0) + 3
        return commands.map { "  " + pad($0.name, width) + $0.summary + "\n" }.joined()
    }

    private func text(of command: Command) -> String {
        var text = "Usage: odometer \(command.name)"
        for operand in command.operands {
            let name = operand.name + (operand.isRepeatable ? "…" : "")
            text += operand.isRequired ? " \(name)" : " [\(name)]"
        }
        text += " [OPTIONS]\n\n\(command.summary)\n"
        if !command.details.isEmpty { text += "\n\(command.details)\n" }
        if !command.operands.isEmpty {
            text += "\nOperands:\n"
            for operand in command.operands { text += entry(operand.name, operand.help) }
        }
        if !command.options.isEmpty {
            text += "\nOptions:\n" + command.options.map(entry).joined()
        }
        text += "\nCommon options:\n" + common.map(entry).joined()
        if !command.examples.isEmpty {
            text += "\nExamples:\n"
            for example in command.examples {
                text += "  # \(example.effect)\n  odometer \(example.line)\n"
            }
        }
        return text
    }

    private func entry(_ option: Option) -> String {
        var notes: [String] = []
        if let standard = option.standardHelp ?? option.standard {
            notes.append("default \(standard)")
        }
        if option.isRepeatable { notes.append("repeatable") }
        if let name = option.environmentName { notes.append(name) }
        if let path = option.path { notes.append("file \(path)") }
        let help = option.help + (notes.isEmpty ? "" : " [\(notes.joined(separator: "; "))]")
        if option.source == .environment, let name = option.environmentName {
            return entry(name, option.help)
        }
        return entry("--\(option.name)" + (option.isFlag ? "" : " \(option.placeholder)"), help)
    }

    /// A term and its explanation, the explanation wrapped at 100 columns.
    private func entry(_ term: String, _ explanation: String) -> String {
        let indent = 26
        var lines = [""]
        for word in explanation.split(separator: " ") {
            let line = lines[lines.count - 1]
            if !line.isEmpty, line.count + word.count + 1 > 100 - indent {
                lines.append(String(word))
            } else {
                lines[lines.count - 1] = line.isEmpty ? String(word) : line + " " + word
            }
        }
        let margin = "\n" + String(repeating: " ", count: indent)
        let head = "  " + term
        let start = head.count < indent - 1 ? pad(head, indent) : head + margin
        return start + lines.joined(separator: margin) + "\n"
    }

    private func pad(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(1, width - text.count))
    }
}
