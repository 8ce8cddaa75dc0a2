import Foundation
import Kafka

/// `odometer dead-letters`: what could not be counted, and why.
extension Commands {
    private static let count = Option(
        name: "count", placeholder: "N", value: .integer(1...10_000),
        help: "How many are shown.", standard: "10", source: .call)
    private static let reason = Option(
        name: "reason", placeholder: "WORD",
        value: .choice(["malformed", "bad_field", "late", "future"]),
        help: "Only those that were rejected for this reason.", source: .call)

    static let deadLetters = Command(
        path: ["dead-letters"],
        summary: "Show the newest records that could not be counted, and why.",
        details: """
            Reads the end of the dead-letter topic, the newest first, and ends. Each letter has the time at
            which it was written, the reason, what exactly is wrong with its place in the event, where the
            record came from, its key and the start of its value. What a terminal would obey is escaped.
            Letters are written at least once: the same record may have several.
            """,
        options: Options.kafka
            + [Options.deadLetterTopic, count, reason, Options.json, Options.timeout],
        examples: [
            ("dead-letters", "the last ten"),
            ("dead-letters --count 100 --reason bad_field --json", "for programs"),
        ],
        run: runDeadLetters)

    private static func runDeadLetters(
        _ call: borrowing Invocation
    ) throws(CommandFailure) -> ExitCode {
        let settings = call.settings
        let topic = settings.required(Options.deadLetterTopic)
        let kafka = try settings.kafkaConfiguration(log: call.log)
        let letters: [DeadLetter]
        do throws(KafkaError) {
            let reader = try DeadLetterReader(
                kafka, topic: topic,
                timeoutMilliseconds: settings.milliseconds(Options.timeout))
            letters = try reader.newest(settings.integer(count), reason: settings.text(reason))
        } catch {
            throw error.code == .timedOut
                ? CommandFailure(.timeout, "kafka: \(error.message)") : CommandFailure(error)
        }
        if settings.isOn(Options.json) {
            try Output.json(letters.map(\.json))
        } else if letters.isEmpty {
            Output.line("no dead letters in \(topic)")
        } else {
            for letter in letters { letter.lines().forEach(Output.line) }
        }
        return .ok
    }
}
