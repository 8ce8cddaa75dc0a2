import Printing
import Testing

@testable import odometer

/// The command line as a person types it.
struct ArgumentTests {
    private let parser = ArgumentParser(commands: Commands.all, common: Options.common)

    private func failure(_ words: String...) -> CommandFailure? {
        do throws(CommandFailure) {
            _ = try parser.parse(words)
            return nil
        } catch {
            return error
        }
    }

    @Test func valuesFollowTheirOptionOrStandBehindAnEqualsSign() throws {
        let request = try parser.parse(["check", "--topic", "a", "--topic=b", "--lanes", "3"])
        guard case .run(let command, let flags, let operands) = request else {
            Issue.record("not a run")
            return
        }
        #expect(command.name == "check")
        #expect(flags["topic"] == ["a", "b"])
        #expect(flags["lanes"] == ["3"])
        #expect(operands.isEmpty)
    }

    @Test(arguments: [
        (["check", "--lane", "3"], "did you mean --lanes"),
        (["check", "--lanes", "0"], "an integer from 1 to 64, not \"0\""),
        (["check", "--lanes"], "needs a value: --lanes N"),
        (["check", "--lanes", "1", "--lanes", "2"], "stands twice"),
        (["check", "--commit-interval", "5 parsecs"], "a duration from 10ms to 1m"),
        (["check", "--from", "2026-03-09"], "earliest, latest or a time"),
        (["check", "--dead-letters", "maybe"], "on or off"),
        (["check", "--listen", "8080"], "HOST:PORT"),
        (["check", "--redis-password", "secret"], "unknown option --redis-password"),
        (["check", "surplus"], "unexpected word \"surplus\""),
        (["chekc"], "unknown command \"chekc\" (did you mean check?)"),
        (["--verbose"], "unknown option --verbose"),
    ])
    func wrongOnesGetOneClearLine(_ words: [String], _ part: String) throws {
        let failure = #expect(throws: CommandFailure.self) { try parser.parse(words) }
        let message = try #require(failure).message
        #expect(failure?.code == .usage)
        #expect(message.contains(part), "\(message)")
        #expect(!message.contains("\n"))
    }

    /// Without these options the demonstration has servers of its own.
    @Test func theDemonstrationHasNoServersByDefault() throws {
        let help = HelpText(commands: Commands.all, common: Options.common)
        let text = try #require(help.text(for: ["demo"]))
        #expect(text.contains("--bootstrap") && text.contains("--redis"))
        #expect(!text.contains("localhost:9092]") && !text.contains("default localhost:9092;"))
        #expect(!text.contains("default redis://localhost:6379"))
    }

    @Test func everyCommandExplainsItselfWithExamples() throws {
        let help = HelpText(commands: Commands.all, common: Options.common)
        for command in Commands.all {
            let request = try parser.parse(command.path + ["--help"])
            guard case .help(let words) = request else {
                Issue.record("\(command.name) --help")
                continue
            }
            let text = try #require(help.text(for: words))
            #expect(text.hasPrefix("Usage: odometer \(command.name)"))
            #expect(text.contains("Examples:\n  # "), "\(command.name)")
            for example in command.examples {
                let line = example.line.split(separator: " ").map(String.init)
                _ = try parser.parse(line.filter { $0 != "|" })
            }
        }
        let overview = try #require(help.text(for: []))
        for code in ExitCode.allCases { #expect(overview.contains("  \(code.rawValue)")) }
    }

    @Test func durationsReadWhatTheyWrite() {
        for milliseconds in [0, 1, 500, 1_000, 1_500, 60_000, 90_000, 93_600_000, 86_400_000 * 92] {
            #expect(ValueText.milliseconds(ValueText.duration(milliseconds)) == milliseconds)
        }
        for wrong in ["", "5", "m", "-5m", "5 m", "1.5s", "99999999999999999999d", "5M", "٥s"] {
            #expect(ValueText.milliseconds(wrong) == nil, "\(wrong)")
        }
    }

    @Test func timesNeedAZone() {
        #expect(ValueText.moment("2026-03-09T14:15:00Z") == 1_773_065_700_000)
        #expect(ValueText.moment("2026-03-09T15:15:00.250+01:00") == 1_773_065_700_250)
        #expect(ValueText.moment("2026-03-09T14:15:00") == nil)
        #expect(ValueText.time(1_773_065_700_000) == "2026-03-09T14:15:00Z")
        #expect(ValueText.time(-1_000) == "1969-12-31T23:59:59Z")
    }
}
