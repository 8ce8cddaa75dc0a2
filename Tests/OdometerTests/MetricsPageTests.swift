import Foundation
import HTTPServer
import Ingest
import TestSupport
import Testing

@testable import Metering
@testable import Pipeline
@testable import odometer

/// Metrics, the documents that explain them and the alert rules that ask for them.
struct MetricsPageTests {
    /// Names of all metrics of the counting half, of HTTPS and of ingest.
    private static let families: Set<String> = {
        var text = PrometheusText()
        MetricsPage.writeState(isReady: true, isMirrored: true, refusedRecords: 3, to: &text)
        MetricsPage.write(PipelineMetrics(), to: &text)
        MetricsPage.writeTLS(
            handshakes: 1, failed: 2, plain: 3, expiresMilliseconds: 4_000, to: &text)
        MetricsPage.writeIngest(IngestMetrics.Numbers(), waiting: (events: 1, bytes: 2), to: &text)
        let lines = String(decoding: text.bytes, as: UTF8.self).split(separator: "\n")
        return Set(
            lines.compactMap { line in
                let words = line.split(separator: " ")
                return words.starts(with: ["#", "TYPE"]) ? String(words[2]) : nil
            })
    }()

    private static func names(in text: String) -> Set<String> {
        Set(text.matches(of: /odometer_[a-z_]+/).map { String($0.output) })
    }

    @Test func everyMetricOfARuleIsExported() throws {
        let rules = try Checkout.text("deploy/alerts.yml").split(separator: "\n")
        let asked = rules.filter { $0.contains("expr:") }.map { Self.names(in: String($0)) }
        #expect(asked.count > 8)
        for name in asked.joined() {
            #expect(Self.families.contains(name), "\(name) is not a metric of ours")
        }
    }

    /// A row of the table of metrics that says "Alarm" has a rule for each metric that it names.
    @Test func everyAlarmOfTheDocumentsHasARule() throws {
        let rules = Self.names(
            in: try Checkout.text("deploy/alerts.yml").split(separator: "\n")
                .filter { $0.contains("expr:") }.joined(separator: "\n"))
        let rows = try Checkout.text("docs/OPERATIONS.md").split(separator: "\n").filter {
            $0.contains("**Alarm**") && $0.hasPrefix("| `odometer_")
        }
        #expect(rows.count > 5)
        for row in rows {
            let first = String(row.split(separator: "|")[0])
            #expect(
                !Self.names(in: first).isDisjoint(with: rules), "no rule asks for: \(first)")
        }
    }

    @Test func everyMetricIsDocumented() throws {
        let document = try Checkout.text("docs/OPERATIONS.md")
        for name in Self.families.sorted() {
            let ending = name.split(separator: "_").last ?? ""
            #expect(
                document.contains("`\(name)") || document.contains("`…_\(ending)"),
                "docs/OPERATIONS.md does not name \(name)")
        }
    }

    @Test func typesThatNobodyTakesAreEscaped() {
        var metrics = PipelineMetrics()
        var counters = FoldCounters()
        for type in ["a\"b\\c\nd", "plain"] {
            Array(type.utf8).withUnsafeBytes { counters.ignoredTypes.count($0) }
        }
        metrics.add(counters)
        var text = PrometheusText()
        MetricsPage.write(metrics, to: &text)
        let said = String(decoding: text.bytes, as: UTF8.self)
        #expect(said.contains(#"odometer_ignored_events_total{type="a\"b\\c\nd"} 1"#))
        #expect(said.contains(#"odometer_ignored_events_total{type="plain"} 1"#))
        #expect(said.contains(#"odometer_ignored_events_total{type="other"} 0"#))
    }
}
