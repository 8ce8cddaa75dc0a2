import Foundation
import Printing
public import Replay
public import Verify

/// Everything that a replay reports at its end.
public struct ReplayOutcome {
    /// What was replayed, for people.
    var source: String
    var topic: String
    /// Its pace, for people.
    var pace: String
    /// When it began, since 1970.
    var beganMilliseconds: Int64
    /// From the first due record to the last acknowledgement.
    var durationMicroseconds: Int64
    /// What was measured.
    public var figures: ReplayFigures
    /// Whether freshness was measured.
    var isWatched: Bool
    /// The rates that a ramp tried; nil without a ramp.
    public var ramp: ReplayRamp?
    var requests: [RequestFigures] = []
    /// What the comparison of every cell found; nil when it was not asked for.
    public var check: VerificationReport?
    /// What the comparison of answers found; nil when it was not asked for.
    public var answers: AnswerCheck.Report?
    /// What the reader should know besides the numbers, each a sentence.
    var notes: [String] = []

    /// Acknowledged records a second.
    var rate: Double {
        durationMicroseconds == 0
            ? 0 : Double(figures.acknowledged) * 1_000_000 / Double(durationMicroseconds)
    }

    /// The histograms, each with its name in JSON and its title for people.
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

    /// The percentiles that are reported of every histogram.
    static let percentiles: [(name: String, value: Double)] = [
        ("p50", 50), ("p90", 90), ("p99", 99), ("p99.9", 99.9), ("p99.99", 99.99),
    ]

    // MARK: JSON

    /// The members of its JSON object; latencies in microseconds.
    public var object: [String: Any] {
        var object: [String: Any] = [
            "source": source, "topic": topic, "pace": pace,
            "began": ValueText.time(beganMilliseconds),
            "microseconds": durationMicroseconds, "rate": ReplayOutcome.rounded(rate),
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
            "end": interval.endMicroseconds, "sent": interval.sent,
            "acknowledged": interval.acknowledged,
            "seen": interval.seen, "send_lag_max": interval.sendLagMicroseconds,
            "acknowledgement_p50": interval.acknowledgedMedianMicroseconds,
            "acknowledgement_p99": interval.acknowledgedHighMicroseconds,
            "freshness_p50": interval.freshnessMedianMicroseconds,
            "freshness_p99": interval.freshnessHighMicroseconds,
            "unseen": interval.unseen, "oldest": interval.oldestMicroseconds,
        ]
    }

    private static func object(_ ramp: ReplayRamp) -> [String: Any] {
        [
            "bound": ramp.boundMicroseconds, "best": ramp.best.map { $0 as Any } ?? NSNull(),
            "steps": ramp.steps.map { step in
                [
                    "rate": rounded(step.rate), "sent": step.sent,
                    "within": step.within, "freshness_p99": step.freshnessMicroseconds,
                    "is_within": step.isWithin, "is_late": step.isSenderLate,
                ] as [String: Any]
            },
        ]
    }

    // MARK: Text

    /// Prints the report.
    public func printText() {
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
                    "highest rate with freshness within \(ValueText.latency(ramp.boundMicroseconds)): "
                        + "\(ValueText.grouped(Int64($0))) a second"
                } ?? "no rate keeps freshness within \(ValueText.latency(ramp.boundMicroseconds))")
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
        [title] + percentiles.map { ValueText.latency(histogram.percentile($0.value)) }
            + [ValueText.latency(histogram.greatest)]
    }
}

extension ReplayRampStep {
    /// The step in one line for people.
    var line: String {
        let share = sent == 0 ? 0 : Double(within) / Double(sent) * 100
        return
            "\(ValueText.grouped(Int64(rate))) a second: \(ValueText.decimal(share, 2)) % in time, "
            + "p99 \(ValueText.latency(freshnessMicroseconds))"
            + (isSenderLate ? ", sent late" : "") + (isWithin ? "" : ": too much")
    }
}
