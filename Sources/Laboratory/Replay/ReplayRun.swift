import Foundation
import Printing
public import Replay

/// One replay from its first record to its last measurement.
///
/// One thread. It prints its progress on stdout, unless the output is to be a JSON document.
public struct ReplayRun {
    private let plan: ReplayPlan
    private let isStopped: () -> Bool
    private let replayer: Replayer
    private let input: ReplayInput
    private let view: ReplayView
    private let isJSON: Bool
    /// Whether everything was sent, and seen in Redis if freshness is measured.
    public private(set) var isComplete = false

    /// Connects to Kafka and Redis.
    ///
    /// `isStopped` is called often; true ends the replay.
    public init(
        _ plan: ReplayPlan, _ input: ReplayInput, isJSON: Bool, isStopped: @escaping () -> Bool
    ) throws(ReplayError) {
        self.plan = plan
        self.input = input
        self.isJSON = isJSON
        self.isStopped = isStopped
        replayer = try Replayer(plan.kafka, topic: plan.topic)
        _ = try replayer.partitionCount()
        if let marks = plan.marks { try replayer.watch(marks) }
        // Progress must not get into a JSON document.
        view = ReplayView(
            descriptor: isJSON ? STDERR_FILENO : STDOUT_FILENO, isSilent: isJSON,
            share: input.share)
    }

    /// Sends everything, waits until Redis shows it if freshness is measured, and returns the
    /// report.
    public mutating func send() throws(ReplayError) -> ReplayOutcome {
        let began = ValueText.now()
        let load = plan.requests.map { $0.start() }
        defer { load?.stop() }
        var source = input.source
        var ramp: ReplayRamp?
        let start = replayer.figures.elapsedMicroseconds
        if let settings = plan.ramp {
            ramp = try replayer.ramp(&source, settings, onProgress: onProgress) { step in
                view.end()
                if !isJSON { Output.line(step.line) }
            }
        } else {
            _ = try replayer.run(&source, pace: plan.pace, onProgress: onProgress)
        }
        let duration = replayer.figures.elapsedMicroseconds - start
        var isSeen = true
        if plan.isWatched, !isStopped() {
            isSeen = replayer.waitUntilSeen(
                patienceMilliseconds: plan.patienceMilliseconds, onProgress: onProgress)
        }
        load?.stop()
        replayer.closeTimeline()
        view.end()
        isComplete = isSeen && !isStopped()
        var outcome = ReplayOutcome(
            source: input.description, topic: plan.topic, pace: plan.paceText,
            beganMilliseconds: began,
            durationMicroseconds: duration, figures: replayer.figures, isWatched: plan.isWatched,
            ramp: ramp,
            requests: load?.figures ?? [])
        note(&outcome, isSeen: isSeen, load)
        return outcome
    }

    private func note(_ outcome: inout ReplayOutcome, isSeen: Bool, _ load: RequestLoad?) {
        if isStopped() { outcome.notes.append("stopped before the end") }
        if !isSeen {
            let unseen = ValueText.grouped(Int64(outcome.figures.unseen))
            outcome.notes.append(
                "\(unseen) records were not seen in Redis"
                    + (replayer.watchError.map { ": \($0)" } ?? ""))
        }
        if let unsent = load?.unsent, unsent > 0 {
            outcome.notes.append(
                "\(unsent) requests were due and never sent: all connections waited for answers")
        }
        for route in outcome.requests {
            guard let error = route.lastError else { continue }
            outcome.notes.append(
                "GET \(route.name): \(route.failed) of \(route.latency.count) failed, the last with \(error)"
            )
        }
        outcome.notes += input.notes()
    }

    private func onProgress(_ progress: ReplayProgress) -> Bool {
        view.show(replayer.figures, isWatched: plan.isWatched)
        return !isStopped()
    }
}
