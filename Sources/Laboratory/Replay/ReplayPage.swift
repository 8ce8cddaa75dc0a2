import Printing
import Replay
import Verify

/// The report of a replay as one self-contained HTML file, for light and dark screens and for
/// print.
public struct ReplayPage {
    private let outcome: ReplayOutcome
    private let version: String

    /// Makes a page; `version` is the version of this program.
    public init(outcome: ReplayOutcome, version: String) {
        self.outcome = outcome
        self.version = version
    }

    /// The whole document.
    public var html: String {
        let title = "Replay to \(outcome.topic)"
        return """
            <!doctype html>
            <html lang=en><head><meta charset=utf-8><title>\(HTMLText.escaped(title))</title>
            <meta name=viewport content="width=device-width, initial-scale=1">
            <meta name=color-scheme content="light dark"><style>\(PageStyle.sheet)</style></head>
            <body><main><header><h1>\(HTMLText.escaped(title))</h1>
            <p>\(HTMLText.escaped(outcome.source)), \(HTMLText.escaped(outcome.pace)). \
            Began \(ValueText.time(outcome.beganMilliseconds)). Odometer \(version).</p></header>
            \(tiles)\(verdict)
            <section><h2>Over time</h2>\(plots)</section>
            <section><h2>Latencies</h2>\(distribution)\(table)</section>\(rampTable)
            <section class=how><h2>How it was measured</h2><p>Every latency begins when a record was due by the \
            pace, not when it was sent: a pause of the sender, of Kafka or of Redis shows in full length. Send lag \
            is how late a record was handed to the Kafka client. A record is visible when the mark of its \
            organization’s shard in Redis has passed it; marks are read every 10 ms. Records that change no number \
            are not waited for.</p></section></main></body></html>

            """
    }

    // MARK: Parts

    private var tiles: String {
        let figures = outcome.figures
        var tiles = [
            ("records", ValueText.grouped(Int64(figures.acknowledged)), "acknowledged by Kafka"),
            ("rate", ValueText.grouped(Int64(outcome.rate)), "records a second"),
            (
                "send lag", ValueText.latency(figures.sendLag.percentile(99)),
                "99 of 100 at most"
            ),
        ]
        if outcome.isWatched {
            tiles.append(
                (
                    "freshness", ValueText.latency(figures.freshness.percentile(99)),
                    "99 of 100 at most"
                ))
        }
        return "<section class=tiles>"
            + tiles.map { "<div><b>\($0.0)</b><strong>\($0.1)</strong><span>\($0.2)</span></div>" }
            .joined() + "</section>"
    }

    private var verdict: String {
        var lines = outcome.notes.map { "<p class=note>\(HTMLText.escaped($0))</p>" }
        if let check = outcome.check {
            let isEqual = check.ending == .equal
            lines.append(
                "<p class=\(isEqual ? "good" : "bad")><b>Check: \(check.word).</b> "
                    + "\(ValueText.grouped(check.records)) records of the log counted again; "
                    + "\(ValueText.grouped(Int64(check.keys))) keys and "
                    + "\(ValueText.grouped(Int64(check.cells))) cells compared.</p>")
            for difference in check.differences {
                lines.append("<p class=note>\(HTMLText.escaped(difference.description))</p>")
            }
        }
        if let answers = outcome.answers {
            let isEqual = answers.differences.isEmpty
            lines.append(
                "<p class=\(isEqual ? "good" : "bad")><b>Answers: "
                    + "\(isEqual ? "equal" : "different").</b> \(answers.compared) compared.</p>")
            for difference in answers.differences.prefix(20) {
                lines.append("<p class=note>\(HTMLText.escaped(difference))</p>")
            }
            for route in answers.skipped {
                lines.append("<p class=note>Skipped: \(HTMLText.escaped(route))</p>")
            }
        }
        return lines.joined()
    }

    private var plots: String {
        let intervals = outcome.figures.intervals
        func series(
            _ name: String, _ value: (ReplayInterval, Double) -> Double?
        ) -> LinePlot.Series {
            var last: Int64 = 0
            var points: [(x: Double, y: Double?)] = []
            for interval in intervals {
                let seconds = max(1e-3, Double(interval.endMicroseconds - last) / 1_000_000)
                last = interval.endMicroseconds
                points.append(
                    (Double(interval.endMicroseconds) / 1_000_000, value(interval, seconds)))
            }
            return LinePlot.Series(name: name, points: points)
        }
        let time = LinePlot.Axis(least: 0, isTime: true, text: LinePlot.clock)
        let latency = LinePlot.Axis(least: 0, text: LinePlot.milliseconds)
        let count = LinePlot.Axis(least: 0)
        var rates = [
            series("sent") { Double($0.sent) / $1 },
            series("acknowledged") { Double($0.acknowledged) / $1 },
        ]
        if outcome.isWatched { rates.append(series("visible") { Double($0.seen) / $1 }) }
        var html = LinePlot(
            title: "Rate", note: "Records a second.", x: time, y: count, series: rates
        ).html
        if outcome.isWatched {
            html +=
                LinePlot(
                    title: "Freshness", note: "From due to visible in Redis.", x: time, y: latency,
                    series: [
                        series("median") { interval, _ in
                            interval.seen > 0
                                ? Double(interval.freshnessMedianMicroseconds) / 1_000 : nil
                        },
                        series("99th percentile") { interval, _ in
                            interval.seen > 0
                                ? Double(interval.freshnessHighMicroseconds) / 1_000 : nil
                        },
                        series("oldest not visible") { interval, _ in
                            Double(interval.oldestMicroseconds) / 1_000
                        },
                    ]
                ).html
            html +=
                LinePlot(
                    title: "Lag", note: "Records that Kafka had and Redis did not show.", x: time,
                    y: count, series: [series("records") { interval, _ in Double(interval.unseen) }]
                ).html
        }
        html +=
            LinePlot(
                title: "Sender and Kafka", note: "Greatest send lag; from due to acknowledged.",
                x: time, y: latency,
                series: [
                    series("send lag") { interval, _ in
                        interval.sent > 0 ? Double(interval.sendLagMicroseconds) / 1_000 : nil
                    },
                    series("acknowledged, median") { interval, _ in
                        interval.acknowledged > 0
                            ? Double(interval.acknowledgedMedianMicroseconds) / 1_000 : nil
                    },
                    series("acknowledged, 99th percentile") { interval, _ in
                        interval.acknowledged > 0
                            ? Double(interval.acknowledgedHighMicroseconds) / 1_000 : nil
                    },
                ]
            ).html
        return html
    }

    /// Plots latencies over percentiles; the x axis is 100 / (100 − percentile), both are
    /// logarithmic.
    private var distribution: String {
        let shares = [50.0, 75, 90, 95, 99, 99.5, 99.9, 99.95, 99.99]
        let series = outcome.measures.filter { $0.histogram.count > 0 }.map { measure in
            LinePlot.Series(
                name: measure.title,
                points: shares.map { share in
                    (
                        100 / (100 - share),
                        max(0.001, Double(measure.histogram.percentile(share)) / 1_000)
                    )
                })
        }
        let ticks = [50.0, 90, 99, 99.9, 99.99].map { share in
            (100 / (100 - share), LinePlot.plain(share) + " %")
        }
        return LinePlot(
            title: "Distribution", note: "Latency that so many of the records did not exceed.",
            x: LinePlot.Axis(isLogarithmic: true, least: 2, ticks: ticks),
            y: LinePlot.Axis(isLogarithmic: true, text: LinePlot.milliseconds), series: series
        ).html
    }

    private var table: String {
        let head = ReplayOutcome.percentiles.map { "<th>\($0.name)</th>" }.joined()
        func row(_ title: String, _ histogram: LatencyHistogram) -> String {
            let cells = ReplayOutcome.percentiles.map {
                "<td>\(ValueText.latency(histogram.percentile($0.value)))</td>"
            }.joined()
            return "<tr><th>\(HTMLText.escaped(title))</th>\(cells)"
                + "<td>\(ValueText.latency(histogram.greatest))</td>"
                + "<td>\(ValueText.grouped(Int64(histogram.count)))</td></tr>"
        }
        let rows =
            outcome.measures.map { row($0.title, $0.histogram) }
            + outcome.requests.map { row("GET \($0.name)", $0.latency) }
        return "<table><thead><tr><th></th>\(head)<th>max</th><th>count</th></tr></thead><tbody>"
            + rows.joined() + "</tbody></table>"
    }

    private var rampTable: String {
        guard let ramp = outcome.ramp else { return "" }
        let rows = ramp.steps.map { step in
            "<tr><th>\(ValueText.grouped(Int64(step.rate)))</th>"
                + "<td>\(ValueText.grouped(Int64(step.within))) of \(ValueText.grouped(Int64(step.sent)))</td>"
                + "<td>\(ValueText.latency(step.freshnessMicroseconds))</td>"
                + "<td>\(step.isWithin ? "yes" : step.isSenderLate ? "no, sent late" : "no")</td></tr>"
        }.joined()
        let best = ramp.best.map { ValueText.grouped(Int64($0)) + " records a second" } ?? "none"
        return """
            <section><h2>Ramp</h2><p>Highest rate with freshness within \
            \(ValueText.latency(ramp.boundMicroseconds)) for 99 of 100: <b>\(best)</b>.</p><table><thead><tr>\
            <th>records a second</th><th>in time</th><th>freshness p99</th><th>within the bound</th></tr></thead>\
            <tbody>\(rows)</tbody></table></section>
            """
    }
}
