import Foundation
import Printing
import Replay

/// Shows the progress of a replay: on a terminal lines that change, else a line every five seconds.
final class ReplayView {
    private static let width = 30

    private let isTerminal: Bool
    private let isSilent: Bool
    /// How much of the source has been sent, 0 to 1; nil when that is not known.
    private let share: () -> Double?
    private var nextLineMilliseconds: Int64
    private let descriptor: Int32
    private var height = 0
    private var last: (sent: UInt64, elapsedMicroseconds: Int64) = (0, 0)
    private var speed = 0.0

    /// - Parameter descriptor: where the lines are written; a silent view writes nothing.
    init(descriptor: Int32, isSilent: Bool = false, share: @escaping () -> Double?) {
        self.descriptor = descriptor
        self.isSilent = isSilent
        self.share = share
        isTerminal = isatty(descriptor) == 1
        nextLineMilliseconds = ValueText.now() + (isTerminal ? 0 : 5_000)
    }

    /// Shows the figures if enough time has passed.
    func show(_ figures: @autoclosure () -> ReplayFigures, isWatched: Bool) {
        let now = ValueText.now()
        guard !isSilent, now >= nextLineMilliseconds else { return }
        nextLineMilliseconds = now + (isTerminal ? 250 : 5_000)
        let figures = figures()
        let passed = figures.elapsedMicroseconds - last.elapsedMicroseconds
        if passed > 0 { speed = Double(figures.sent - last.sent) * 1_000_000 / Double(passed) }
        last = (figures.sent, figures.elapsedMicroseconds)
        if isTerminal {
            redraw(lines(figures, isWatched: isWatched))
        } else {
            Output.write(line(figures, isWatched: isWatched) + "\n", to: descriptor)
        }
    }

    /// Removes the lines from the terminal.
    func end() {
        if height > 0 { redraw([]) }
    }

    /// One line for a file.
    func line(_ figures: ReplayFigures, isWatched: Bool) -> String {
        var text = share().map { "\(Int($0 * 100)) %, " } ?? ""
        text +=
            "\(ValueText.grouped(Int64(figures.acknowledged))) acknowledged, "
            + "\(ValueText.grouped(Int64(speed))) a second"
        if figures.sendLag.count > 0 {
            text += ", send lag p99 \(ValueText.latency(figures.sendLag.percentile(99)))"
        }
        if isWatched {
            text +=
                ", \(ValueText.grouped(Int64(figures.unseen))) not seen, "
                + "freshness p99 \(ValueText.latency(figures.freshness.percentile(99)))"
        }
        return text + (remaining(figures).map { ", \($0) to go" } ?? "")
    }

    /// The lines of a terminal.
    func lines(_ figures: ReplayFigures, isWatched: Bool) -> [String] {
        let share = share()
        let full = Int((share ?? 0) * Double(ReplayView.width))
        let bar =
            String(repeating: "█", count: full)
            + String(repeating: "░", count: ReplayView.width - full)
        let time = ValueText.latency(figures.elapsedMicroseconds)
        var lines = [
            share.map { "\(bar) \(Int($0 * 100)) %  \(time)" } ?? "replaying  \(time)",
            "sent          \(ValueText.grouped(Int64(figures.sent))), "
                + "\(ValueText.grouped(Int64(speed))) a second, send lag p99 "
                + ValueText.latency(figures.sendLag.percentile(99)),
            "acknowledged  \(ValueText.grouped(Int64(figures.acknowledged))), "
                + ReplayView.summary(figures.acknowledgement),
        ]
        if let remaining = remaining(figures) { lines[0] += "  \(remaining) to go" }
        guard isWatched else { return lines }
        lines.append(
            "visible       \(ValueText.grouped(Int64(figures.seen))), "
                + ReplayView.summary(figures.freshness))
        lines.append(
            "lag           \(ValueText.grouped(Int64(figures.unseen))) records, "
                + "the oldest \(ValueText.latency(figures.oldestMicroseconds))")
        return lines
    }

    private static func summary(_ histogram: LatencyHistogram) -> String {
        "p50 \(ValueText.latency(histogram.percentile(50))), "
            + "p99 \(ValueText.latency(histogram.percentile(99))), "
            + "max \(ValueText.latency(histogram.greatest))"
    }

    private func remaining(_ figures: ReplayFigures) -> String? {
        guard let share = share(), share > 0.01, share < 1 else { return nil }
        let whole = Double(figures.elapsedMicroseconds) / share
        return "\(Int((whole - Double(figures.elapsedMicroseconds)) / 1_000_000)) s"
    }

    private func redraw(_ lines: [String]) {
        var text = height > 0 ? "\u{1B}[\(height)A\u{1B}[J" : ""
        for line in lines { text += line + "\n" }
        height = lines.count
        Output.write(text, to: descriptor)
    }
}
