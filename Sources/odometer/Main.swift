import Foundation
import Printing

/// The process: reads the command line, runs one command, ends with its code.
@main
enum Main {
    static let version = "0.2.0"

    static func main() {
        Signals.ignoreBrokenPipes()
        // Swift reads the command line from /proc; without it every call would look like one
        // without arguments.
        guard !Swift.CommandLine.arguments.isEmpty else {
            Output.failure("the command line cannot be read: /proc is not mounted")
            exit(ExitCode.failed.rawValue)
        }
        exit(run(Array(Swift.CommandLine.arguments.dropFirst())).rawValue)
    }

    static func run(_ arguments: [String]) -> ExitCode {
        do throws(CommandFailure) {
            let parser = ArgumentParser(commands: Commands.all, common: Options.common)
            switch try parser.parse(arguments) {
            case .version:
                Output.line("odometer \(version)")
                Output.line(ZoneRules.line)
                return .ok
            case .help(let words):
                guard
                    let text = HelpText(commands: Commands.all, common: Options.common).text(
                        for: words)
                else { throw .usage("unknown command \"\(words.joined(separator: " "))\"") }
                Output.text(text)
                return .ok
            case .run(let command, let flags, let operands):
                return try run(command, flags: flags, operands: operands)
            }
        } catch {
            Output.failure(error.message)
            return error.code
        }
    }

    private static func run(
        _ command: Command, flags: [String: [String]], operands: [String]
    ) throws(CommandFailure) -> ExitCode {
        let settings = try Settings(
            options: command.options, flags: flags,
            environment: ProcessInfo.processInfo.environment
        ) { (path) throws(CommandFailure) in try FileText.read(path) }
        let level = LogLevel.allCases.first { $0.name == settings.text(Options.logLevel) }
        let log = Log(
            isJSON: settings.text(Options.logFormat) == "json", least: level ?? .info)
        let asksRedis = command.options.contains { $0.name == Options.redisTLSUnverified.name }
        if asksRedis, settings.takesAnyCertificate {
            log.warning(
                "the certificate of Redis is not checked (--redis-tls-unverified): "
                    + "anybody on the way may read and change what is sent")
        }
        return try command.run(Invocation(settings: settings, operands: operands, log: log))
    }
}
