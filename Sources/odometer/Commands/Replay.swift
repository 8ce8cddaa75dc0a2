import Foundation
import Kafka
import Replay
import Workload

/// `odometer replay`: events into a topic, generated or from a file.
extension Commands {
    private static let generate = Option(
        name: "generate", placeholder: "", value: .flag,
        help: "Generated events of every type; equal seeds give equal events.", source: .call)
    private static let events = Option(
        name: "events", placeholder: "N", value: .integer(1...10_000_000_000),
        help: "How many events to generate.", standard: "1000000", source: .call)
    private static let seed = Option(
        name: "seed", placeholder: "N", value: .integer(0...Int.max), help: "Which events.",
        standard: "1", source: .call)
    private static let to = Option(
        name: "to", placeholder: "TOPIC", value: .text, help: "Topic to write to.",
        standard: "usage-events", source: .call)
    private static let rate = Option(
        name: "rate", placeholder: "N", value: .integer(1...100_000_000),
        help: "Events a second; without it as fast as Kafka takes them.", source: .call)
    private static let span = Option(
        name: "span", placeholder: "TIME", value: .duration(1_000...366 * 86_400_000),
        help: "Over how much time the generated events are spread.", standard: "90d", source: .call)
    private static let end = Option(
        name: "end", placeholder: "TIME", value: .moment(["now"]),
        help: "Event time of the last generated event.", standard: "now", source: .call)
    private static let organizations = Option(
        name: "organizations", placeholder: "N", value: .integer(1...10_000_000),
        help: "How many organizations the generated events belong to.", standard: "100",
        source: .call)
    private static let binaryShare = Option(
        name: "binary-share", placeholder: "PERCENT", value: .integer(0...100),
        help: "Share of generated events in the binary mode.", standard: "10", source: .call)
    private static let createTopic = Option(
        name: "create-topic", placeholder: "PARTITIONS", value: .integer(1...10_000),
        help: "Create the topic with so many partitions where it does not exist.", source: .call)

    static let replay = Command(
        path: ["replay"], summary: "Write events to a topic: generated ones, or a file's.",
        details: """
            A file holds one structured CloudEvent a line, plain or packed with gzip or zstd; lines are
            sent as they are. Records are keyed by subject, idempotent, in order, packed with lz4.
            """,
        operands: [
            Operand(
                name: "FILE", help: "JSONL file; - is standard input. Not with --generate.",
                isRequired: false)
        ],
        options: Options.kafka + [
            to, generate, events, seed, rate, span, end, organizations, binaryShare, createTopic,
        ],
        examples: [
            (
                "replay --generate --events 3000000 --seed 7 --to usage-events",
                "three million generated events"
            ),
            ("replay events.jsonl.gz --rate 1000", "a file, a thousand events a second"),
        ],
        run: runReplay)

    private static func runReplay(_ call: borrowing Invocation) throws(CommandFailure) -> ExitCode {
        let settings = call.settings
        let isGenerated = settings.isOn(generate)
        guard isGenerated != (call.operands.count == 1) else {
            throw .usage("replay takes either FILE or --generate")
        }
        let topic = settings.required(to)
        let kafka = try settings.kafkaConfiguration(log: call.log)
        Signals.blockStops()
        let stop = Latch<Bool>()
        Signals.onStop { stop.set(true) }
        if settings.setting(createTopic) != nil {
            try Topics.create(
                topic, partitions: settings.integer(createTopic), configuration: kafka)
        }
        do throws(ReplayError) {
            let replayer = try Replayer(kafka, topic: topic)
            _ = try replayer.partitionCount()
            let rate = settings.setting(rate).map { _ in Double(settings.integer(self.rate)) }
            let progress: ReplayProgress
            if isGenerated {
                var source = GeneratedSource(
                    seed: UInt64(settings.integer(seed)), profile: profile(settings),
                    count: settings.integer(events))
                progress = try replayer.run(&source, rate: rate) { report($0, stop) }
            } else {
                var source = try JSONLinesSource(path: call.operands[0])
                progress = try replayer.run(&source, rate: rate) { report($0, stop) }
            }
            Output.line(
                "\(ValueText.grouped(Int64(progress.delivered))) records in \(topic), "
                    + "\(ValueText.grouped(Int64(progress.rate))) a second")
            return stop.wait(milliseconds: 0) == nil ? .ok : .failed
        } catch {
            throw CommandFailure(error.code == .source ? .usage : .failed, error.message)
        }
    }

    private static func report(_ progress: ReplayProgress, _ stop: Latch<Bool>) -> Bool {
        Output.line(
            "\(ValueText.grouped(Int64(progress.delivered))) acknowledged, "
                + "\(ValueText.grouped(Int64(progress.rate))) a second")
        return stop.wait(milliseconds: 0) == nil
    }

    private static func profile(_ settings: Settings) -> EventProfile {
        let last = settings.text(end).flatMap(ValueText.moment) ?? ValueText.now()
        var profile = EventProfile(end: last)
        profile.events = settings.integer(events)
        profile.span = Int64(settings.milliseconds(span))
        profile.organizations = settings.integer(organizations)
        profile.binaryShare = Double(settings.integer(binaryShare)) / 100
        return profile
    }
}

/// Creates topics on a real cluster.
enum Topics {
    /// Creates a topic, unless it exists.
    static func create(
        _ name: String, partitions: Int, settings: [(name: String, value: String)] = [],
        configuration: ClientConfiguration
    ) throws(CommandFailure) {
        do throws(KafkaError) {
            try Admin(configuration).createTopic(
                name, partitions: partitions, configuration: settings)
        } catch {
            if error.code != .topicAlreadyExists { throw CommandFailure(error) }
        }
    }
}
