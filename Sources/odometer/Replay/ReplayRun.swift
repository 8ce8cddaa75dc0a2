import Foundation
import Kafka
import Replay

/// One replay from its first record to its last measure.
struct ReplayRun {
    private let plan: ReplayPlan
    private let stop: Latch<Bool>
    private let replayer: Replayer
    private let input: ReplayInput
    private let view: ReplayView
    private let isJSON: Bool
    /// Whether everything was sent, and seen where somebody looks.
    private(set) var isComplete = false

    /// Opens source, Kafka and Redis.
    init(_ plan: ReplayPlan, stop: Latch<Bool>, isJSON: Bool) throws(CommandFailure) {
        self.plan = plan
        self.stop = stop
        self.isJSON = isJSON
        input = try ReplayInput(plan)
        do throws(ReplayError) {
            replayer = try Replayer(plan.kafka, topic: plan.topic)
            _ = try replayer.partitionCount()
            if plan.isWatched { try replayer.watch(plan.marks) }
        } catch {
            throw CommandFailure(error.code == .source ? .usage : .failed, error.message)
        }
        // Lines of progress are no part of a JSON document.
        view = ReplayView(
            descriptor: isJSON ? STDERR_FILENO : STDOUT_FILENO, isSilent: isJSON,
            share: input.share)
    }

    /// Sends everything, waits as far as that is wanted, and tells what was measured.
    mutating func send() throws(ReplayError) -> ReplayOutcome {
        let began = ValueText.now()
        let load = plan.requests.map { $0.load() }
        load?.start(connections: plan.requests?.connections ?? 0)
        defer { load?.stop() }
        var source = input.source
        var ramp: ReplayRamp?
        let start = replayer.figures.elapsed
        if let settings = plan.ramp {
            ramp = try replayer.ramp(&source, settings, onProgress: onProgress) { step in
                view.end()
                if !isJSON { Output.line(step.line) }
            }
        } else {
            _ = try replayer.run(&source, pace: plan.pace, onProgress: onProgress)
        }
        let duration = replayer.figures.elapsed - start
        let patience = Int64(plan.settings.milliseconds(ReplayOptions.timeout))
        var isSeen = true
        if plan.isWatched, stop.wait(milliseconds: 0) == nil {
            isSeen = replayer.waitUntilSeen(patience: patience, onProgress: onProgress)
        }
        load?.stop()
        replayer.closeTimeline()
        view.end()
        isComplete = isSeen && stop.wait(milliseconds: 0) == nil
        var outcome = ReplayOutcome(
            source: input.description, topic: plan.topic, pace: plan.paceText, began: began,
            duration: duration, figures: replayer.figures, isWatched: plan.isWatched, ramp: ramp,
            requests: load?.figures ?? [])
        note(&outcome, isSeen: isSeen, load)
        return outcome
    }

    private func note(_ outcome: inout ReplayOutcome, isSeen: Bool, _ load: RequestLoad?) {
        if stop.wait(milliseconds: 0) != nil { outcome.notes.append("stopped before the end") }
        if !isSeen {
            let unseen = ValueText.grouped(Int64(outcome.figures.unseen))
            outcome.notes.append(
                "\(unseen) records were not seen in Redis"
                    + (replayer.watchProblem.map { ": \($0)" } ?? ""))
        }
        if let unsent = load?.unsent, unsent > 0 {
            outcome.notes.append(
                "\(unsent) requests were due and never sent: all connections waited for answers")
        }
        for route in outcome.requests {
            guard let problem = route.problem else { continue }
            outcome.notes.append(
                "GET \(route.name): \(route.failed) of \(route.latency.count) failed, the last with \(problem)"
            )
        }
        outcome.notes += input.notes()
    }

    private func onProgress(_ progress: ReplayProgress) -> Bool {
        view.show(replayer.figures, isWatched: plan.isWatched)
        return stop.wait(milliseconds: 0) == nil
    }

    /// Writes a text to a file.
    static func write(_ text: String, to path: String) throws(CommandFailure) {
        do {
            try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        } catch {
            throw CommandFailure(.failed, "\(path) cannot be written")
        }
    }
}
