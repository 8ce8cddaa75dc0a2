import Foundation
import Replay
import Verify

/// Everything that one replay has to tell at its end.
struct ReplayOutcome {
    /// What was replayed, for people.
    var source: String
    var topic: String
    /// How, for people.
    var pace: String
    /// Milliseconds since 1970.
    var began: Int64
    /// Microseconds from the first due record to the last acknowledgement.
    var duration: Int64
    var figures: ReplayFigures
    /// Whether freshness was measured.
    var isWatched: Bool
    var ramp: ReplayRamp?
    var requests: [RequestFigures] = []
    var check: VerificationReport?
    var answers: AnswerCheck.Report?
    /// What went wrong, each a sentence for people.
    var notes: [String] = []

    /// Acknowledged records a second.
    var rate: Double {
        duration == 0 ? 0 : Double(figures.acknowledged) * 1_000_000 / Double(duration)
    }

    /// The measures by their names.
    var measures: [(name: String, title: String, histogram: LatencyHistogram)] {
        var measures = [
            ("send_lag", "Send lag", figures.sendLag),
            ("acknowledgement", "Due to acknowledged", figures.acknowledgement),
        ]
        if isWatched {
            measures.append(("freshness", "Due to visible in Redis", figures.freshness))
        }
        return measures
    }

    /// What is told of every histogram.
    static let percentiles: [(name: String, value: Double)] = [
        ("p50", 50), ("p90", 90), ("p99", 99), ("p99.9", 99.9), ("p99.99", 99.99),
    ]

    // MARK: JSON

    /// What programs read; latencies in microseconds.
    var object: [String: Any] {
        var object: [String: Any] = [
            "source": source, "topic": topic, "pace": pace, "began": ValueText.time(began),
            "microseconds": duration, "rate": ReplayOutcome.rounded(rate),
            "records": [
                "sent": figures.sent, "acknowledged": figures.acknowledged, "seen": figures.seen,
                "unwatched": figures.unwatched, "unseen": figures.unseen,
            ],
            "latency": Dictionary(
                measures.map { ($0.name, ReplayOutcome.object($0.histogram)) },
                uniquingKeysWith: { first, _ in first }),
            "intervals": figures.intervals.map(ReplayOutcome.object), "notes": notes,
        ]
        if let ramp { object["ramp"] = ReplayOutcome.object(ramp) }
        if !requests.isEmpty {
            object["requests"] = requests.map { route in
                [
                    "name": route.name, "failed": route.failed,
                    "latency": ReplayOutcome.object(route.latency),
                ] as [String: Any]
            }
        }
        if let check { object["check"] = check.object }
        if let answers {
            object["answers"] =
                [
                    "compared": answers.compared, "differences": answers.differences,
                    "skipped": answers.skipped,
                ] as [String: Any]
        }
        return object
    }

    private static func rounded(_ number: Double) -> Double { (number * 10).rounded() / 10 }

    private static func object(_ histogram: LatencyHistogram) -> [String: Any] {
        var object: [String: Any] = [
            "count": histogram.count, "min": histogram.least, "max": histogram.greatest,
            "mean": rounded(histogram.mean),
        ]
        for (name, value) in percentiles { object[name] = histogram.percentile(value) }
        return object
    }

    private static func object(_ interval: ReplayInterval) -> [String: Any] {
        [
            "end": interval.end, "sent": interval.sent, "acknowledged": interval.acknowledged,
            "seen": interval.seen, "send_lag_max": interval.sendLag,
            "acknowledgement_p50": interval.acknowledgedMedian,
            "acknowledgement_p99": interval.acknowledgedHigh,
            "freshness_p50": interval.freshnessMedian, "freshness_p99": interval.freshnessHigh,
            "unseen": interval.unseen, "oldest": interval.oldest,
        ]
    }

    private static func object(_ ramp: ReplayRamp) -> [String: Any] {
        [
            "bound": ramp.bound, "best": ramp.best.map { $0 as Any } ?? NSNull(),
            "steps": ramp.steps.map { step in
                [
                    "rate": rounded(step.rate), "sent": step.sent,
                    "within": step.within, "freshness_p99": step.freshness,
                    "is_within": step.isWithin, "is_late": step.isSenderLate,
                ] as [String: Any]
            },
        ]
    }

    // MARK: Text

    /// A latency as people write it.
    static func latency(_ microseconds: Int64) -> String {
        switch microseconds {
        case ..<1_000: "\(microseconds) µs"
        case ..<100_000: "\(decimal(Double(microseconds) / 1_000, 1)) ms"
        case ..<10_000_000: "\(ValueText.grouped(microseconds / 1_000)) ms"
        default: "\(decimal(Double(microseconds) / 1_000_000, 1)) s"
        }
    }

    static func decimal(_ number: Double, _ digits: Int) -> String {
        String(format: "%.\(digits)f", number)
    }

    /// What is printed at the end.
    func printText() {
        Output.line(
            "\(ValueText.grouped(Int64(figures.acknowledged))) records in \(topic), "
                + "\(ValueText.grouped(Int64(rate))) a second (\(pace))")
        var rows = [[""] + ReplayOutcome.percentiles.map(\.name) + ["max"]]
        for (_, title, histogram) in measures where histogram.count > 0 {
            rows.append(ReplayOutcome.row(title, histogram))
        }
        for route in requests {
            rows.append(ReplayOutcome.row("GET \(route.name)", route.latency))
        }
        Output.table(rows)
        for step in ramp?.steps ?? [] { Output.line(step.line) }
        if let ramp {
            Output.line(
                ramp.best.map {
                    "highest rate with freshness within \(ReplayOutcome.latency(ramp.bound)): "
                        + "\(ValueText.grouped(Int64($0))) a second"
                } ?? "no rate keeps freshness within \(ReplayOutcome.latency(ramp.bound))")
        }
        check?.printText()
        if let answers {
            for difference in answers.differences.prefix(20) { Output.line(difference) }
            Output.line(
                "answers  \(answers.compared) compared, \(answers.differences.count) different, "
                    + "\(answers.skipped.count) routes skipped")
            for route in answers.skipped { Output.line("  skipped \(route)") }
        }
        for note in notes { Output.line(note) }
    }

    private static func row(_ title: String, _ histogram: LatencyHistogram) -> [String] {
        [title] + percentiles.map { latency(histogram.percentile($0.value)) }
            + [latency(histogram.greatest)]
    }
}

extension ReplayRampStep {
    /// One line for people.
    var line: String {
        let share = sent == 0 ? 0 : Double(within) / Double(sent) * 100
        return
            "\(ValueText.grouped(Int64(rate))) a second: \(ReplayOutcome.decimal(share, 2)) % in time, "
            + "p99 \(ReplayOutcome.latency(freshness))"
            + (isSenderLate ? ", sent late" : "") + (isWithin ? "" : ": too much")
    }
}
