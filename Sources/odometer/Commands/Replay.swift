import Kafka
import Laboratory
import Printing
import Replay
import Verify

/// `odometer replay`: events into a topic at a pace, measured and checked.
extension Commands {
    static let replay = Command(
        path: ["replay"],
        summary:
            "Write events to a topic at a pace; measure how soon they count, check the numbers.",
        details: """
            Sources: generated events (--generate, or --profile FILE), a JSONL file with one structured CloudEvent a
            line, a CSV or foreign JSONL file with --mapping FILE, or another topic (--from-topic). Files may be packed
            with gzip or zstd. Records are keyed by subject, idempotent, in order for each key, packed with lz4.
            Pace: as fast as Kafka takes them, or --rate N, or --spacing FACTOR, or --ramp BOUND. Nothing waits for an
            acknowledgement; a record goes out late rather than not at all, and latencies count from its due time.
            --freshness waits until Redis shows everything; --check then computes every cell again (verify --full),
            with --answers FILE also what the routes of organizations answer.
            Exit code 1: a difference, or records that Kafka did not take; 3: Redis does not show all in time.
            docs/REPLAY.md has the files and the measures.
            """,
        operands: [
            Operand(
                name: "FILE", help: "JSONL or CSV file; - is standard input.", isRequired: false)
        ],
        options: Options.kafka + ReplayOptions.all + Options.redisServer
            + [
                Options.meters, Options.dedupeWindow, Options.futureBound, Options.commitInterval,
                Options.json,
            ] + Options.schemaPlace,
        examples: [
            (
                "replay --generate --events 3000000 --seed 7 --to usage-events",
                "three million generated events, as fast as possible"
            ),
            (
                "replay events.jsonl.gz --rate 1000 --freshness --report report.html",
                "a file, a thousand events a second, with a report"
            ),
            (
                "replay --from-topic usage-events --from-offset 5000 --to copy --spacing 60",
                "a topic again, sixty times as fast as it was"
            ),
            ("replay --generate --ramp 2s", "the highest rate with freshness within 2 s"),
            (
                "replay sales.csv.zst --mapping sales.yaml --times shift --check",
                "a foreign file that ends now, every cell checked"
            ),
        ],
        run: runReplay)

    private static func runReplay(_ call: borrowing Invocation) throws(CommandFailure) -> ExitCode {
        let settings = call.settings
        let replay = try ReplaySettings(settings, operands: call.operands, log: call.log)
        Signals.blockStops()
        let stop = Latch<Bool>()
        Signals.onStop { stop.set(true) }
        if settings.setting(ReplayOptions.createTopic) != nil {
            try Topics.create(
                replay.plan.topic, partitions: settings.integer(ReplayOptions.createTopic),
                configuration: replay.plan.kafka)
        }
        let isJSON = settings.isOn(Options.json)
        let input = try ReplayInput(replay)
        var outcome: ReplayOutcome
        let isComplete: Bool
        do throws(ReplayError) {
            var run = try ReplayRun(replay.plan, input, isJSON: isJSON) {
                stop.wait(milliseconds: 0) != nil
            }
            outcome = try run.send()
            isComplete = run.isComplete
        } catch {
            throw CommandFailure(error.code == .source ? .usage : .failed, error.message)
        }
        if isComplete, settings.isOn(ReplayOptions.check) {
            try check(replay, isJSON, &outcome)
        }
        if let path = settings.text(ReplayOptions.report) {
            try FileText.write(ReplayPage(outcome: outcome, version: Main.version).html, to: path)
        }
        if isJSON { try Output.json(outcome.object) } else { outcome.printText() }
        return exitCode(outcome, stop)
    }

    /// Compares every cell and, with `--answers`, the answers of routes.
    private static func check(
        _ replay: ReplaySettings, _ isJSON: Bool, _ outcome: inout ReplayOutcome
    ) throws(CommandFailure) {
        let show = VerifyProgressLines(isSilent: isJSON)
        defer { show.end() }
        do throws(VerifyError) {
            outcome.check = try Verification.run(replay.verification) { show.take($0) }
        } catch {
            throw CommandFailure(
                error.code == .catalog ? .usage : .failed, "replay --check: \(error)")
        }
        guard let answers = replay.answers, let check = outcome.check else { return }
        outcome.answers = answers.run(check.answers, check.routes, check.unchecked)
    }

    private static func exitCode(_ outcome: ReplayOutcome, _ stop: Latch<Bool>) -> ExitCode {
        if stop.wait(milliseconds: 0) != nil { return .failed }
        switch outcome.check?.ending {
        case .different: return .failed
        case .timedOut: return .timeout
        case .equal, nil: break
        }
        if let answers = outcome.answers, !answers.differences.isEmpty { return .failed }
        if outcome.ramp != nil { return outcome.ramp?.best == nil ? .failed : .ok }
        return outcome.figures.unseen > 0 ? .timeout : .ok
    }
}
