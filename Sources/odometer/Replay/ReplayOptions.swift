import Pipeline
import Printing
import Replay
import Workload

/// The options of `odometer replay` alone.
///
/// Their defaults and ranges are those of `EventProfile` and `RampSettings`.
enum ReplayOptions {
    private static let profileDefaults = EventProfile(endMilliseconds: 0)
    private static let rampDefaults = RampSettings(boundMicroseconds: 1)

    // MARK: Source
    static let generate = Option(
        name: "generate", placeholder: "", value: .flag,
        help: "Generated events of every type; equal seeds give equal events.", source: .call)
    static let profile = Option(
        name: "profile", placeholder: "FILE", value: .text,
        help: "YAML file that describes the generated events; the options below override it.",
        source: .call)
    static let events = Option(
        name: "events", placeholder: "N", value: .integer(EventProfile.eventRange),
        help: "How many events to generate (\(profileDefaults.events) unless the profile says).",
        source: .call)
    static let seed = Option(
        name: "seed", placeholder: "N", value: .integer(0...Int.max), help: "Which events.",
        standard: "1", source: .call)
    static let span = Option(
        name: "span", placeholder: "TIME", value: .duration(1_000...366 * 86_400_000),
        help: "Over how much time the generated events are spread "
            + "(\(ValueText.duration(Int(profileDefaults.spanMilliseconds))) unless the profile says).",
        source: .call)
    static let end = Option(
        name: "end", placeholder: "TIME", value: .moment(["now"]),
        help: "Event time of the last generated event.", standard: "now", source: .call)
    static let organizations = Option(
        name: "organizations", placeholder: "N",
        value: .integer(EventProfile.populationRange),
        help:
            "How many organizations they belong to (\(profileDefaults.organizations) unless the profile "
            + "says).", source: .call)
    static let binaryShare = Option(
        name: "binary-share", placeholder: "PERCENT", value: .integer(0...100),
        help: "Share of generated events in the binary mode "
            + "(\(Int(profileDefaults.binaryShare * 100)) unless the profile says).", source: .call)
    static let mapping = Option(
        name: "mapping", placeholder: "FILE", value: .text,
        help: "YAML file that makes CloudEvents of a CSV or foreign JSONL file.", source: .call)
    static let fromTopic = Option(
        name: "from-topic", placeholder: "TOPIC", value: .text,
        help: "Replay the records of a topic, in the order of their timestamps.", source: .call)
    static let fromBootstrap = Option(
        name: "from-bootstrap", placeholder: "HOST:PORT,…", value: .text,
        help: "First contact of that topic's cluster (that of --bootstrap).", source: .call)
    static let fromOffset = Option(
        name: "from-offset", placeholder: "N", value: .integer(0...Int.max),
        help: "First offset of each partition of --from-topic.", source: .call)
    static let toOffset = Option(
        name: "to-offset", placeholder: "N", value: .integer(0...Int.max),
        help: "First offset of each partition that is left out.", source: .call)
    static let since = Option(
        name: "since", placeholder: "TIME", value: .moment([]),
        help: "Record time from which on --from-topic is replayed.", source: .call)
    static let until = Option(
        name: "until", placeholder: "TIME", value: .moment([]),
        help: "Record time of the first record that is left out.", source: .call)

    // MARK: What is sent
    static let to = Option(
        name: "to", placeholder: "TOPIC", value: .text, help: "Topic to write to.",
        standard: PipelineConfiguration.Defaults.topic, source: .call)
    static let createTopic = Option(
        name: "create-topic", placeholder: "PARTITIONS", value: .integer(1...10_000),
        help: "Create the topic with so many partitions where it does not exist.", source: .call)
    static let times = Option(
        name: "times", placeholder: "keep|shift", value: .choice(["keep", "shift"]),
        help: "shift: event times of a file or topic are moved so that the last one is now.",
        standard: "keep", source: .call)
    static let mode = Option(
        name: "mode", placeholder: "MODE", value: .choice(["keep", "structured", "binary"]),
        help: "Content mode of the records; keep: as the source has them.", standard: "keep",
        source: .call)

    // MARK: Pace
    static let rate = Option(
        name: "rate", placeholder: "N", value: .integer(1...100_000_000),
        help: "Events a second, whatever becomes of the earlier ones.", source: .call)
    static let spacing = Option(
        name: "spacing", placeholder: "FACTOR", value: .text,
        help: "The original distances, so many times as fast: 1, 60, 0.5.", source: .call)
    static let longestGap = Option(
        name: "longest-gap", placeholder: "TIME", value: .duration(1...366 * 86_400_000),
        help: "With --spacing: a longer silence of the source is shortened to it.", standard: "1d",
        source: .call)
    static let ramp = Option(
        name: "ramp", placeholder: "BOUND", value: .duration(1...3_600_000),
        help: "Find the highest rate at which 99 of 100 events are visible within this time.",
        source: .call)
    static let rampStart = Option(
        name: "ramp-start", placeholder: "N",
        value: .integer(1...Int(rampDefaults.most)),
        help: "The first rate of a ramp.", standard: String(Int(rampDefaults.start)),
        source: .call)
    static let rampStep = Option(
        name: "ramp-step", placeholder: "TIME", value: .duration(100...3_600_000),
        help: "How long a ramp holds each rate.",
        standard: ValueText.duration(Int(rampDefaults.stepMicroseconds / 1_000)), source: .call)

    // MARK: Measures
    static let freshness = Option(
        name: "freshness", placeholder: "", value: .flag,
        help: "Measure how soon Redis shows the events, and wait until it shows all.",
        source: .call)
    static let check = Option(
        name: "check", placeholder: "", value: .flag,
        help: "Afterwards compare every cell with a second count of the topic.", source: .call)
    static let answers = Option(
        name: "answers", placeholder: "FILE", value: .text,
        help:
            "With --check: YAML file with a server, and keys of organizations whose routes are compared.",
        source: .call)
    static let requests = Option(
        name: "requests", placeholder: "FILE", value: .text,
        help: "YAML file with requests that are sent meanwhile, and timed.", source: .call)
    static let report = Option(
        name: "report", placeholder: "FILE", value: .text, help: "Write a report in HTML.",
        source: .call)
    static let timeout = Option(
        name: "timeout", placeholder: "TIME", value: .duration(1_000...86_400_000),
        help: "How long to wait where Redis shows nothing more.",
        standard: ValueText.duration(Int(rampDefaults.patienceMilliseconds)), source: .call)

    static let all = [
        to, generate, profile, events, seed, span, end, organizations, binaryShare, mapping,
        fromTopic, fromBootstrap, fromOffset, toOffset, since, until, createTopic, times, mode,
        rate, spacing, longestGap, ramp, rampStart, rampStep, freshness, check, answers, requests,
        report,
        timeout,
    ]
    /// Options that mean something to generated events only.
    static let ofGenerator = [events, span, organizations, binaryShare]
    /// Options that mean something to a topic only.
    static let ofTopic = [fromBootstrap, fromOffset, toOffset, since, until]
}
