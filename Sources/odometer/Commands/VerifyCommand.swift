import Foundation
import Ledger
import Verify

/// `odometer verify`: the numbers in Redis against the log, by a second reckoning.
extension Commands {
    private static let timeout = Option(
        name: "timeout", placeholder: "TIME", value: .duration(1_000...86_400_000),
        help: "How long to wait for the marks and for each next record.", standard: "60s",
        source: .call)

    static let verify = Command(
        path: ["verify"], summary: "Reckon everything again from the log and compare with Redis.",
        details: """
            Reads catalog, log and Redis with code of its own, by the published rules, and compares every
            cell both ways as soon as every mark stands at the end of the log. The meters and --dedupe-window,
            --future-bound and --commit-interval must be those of the running machine.
            Exit code 0: equal; 1: different; 3: the marks did not reach the end of the log in time.
            """,
        options: Options.kafka + [Options.topic] + Options.redisServer
            + [
                Options.meters, Options.dedupeWindow, Options.futureBound, Options.commitInterval,
                timeout, Options.json,
            ],
        examples: [
            ("verify", "the shipped meters"),
            ("verify --meters my-meters/ --timeout 10m --json", "other meters, for a program"),
        ],
        run: runVerify)

    private static func runVerify(_ call: borrowing Invocation) throws(CommandFailure) -> ExitCode {
        let settings = call.settings
        let files = try MeterFiles.read(settings.text(Options.meters)).files
        var configuration = VerificationConfiguration(
            kafka: try settings.kafkaConfiguration(log: call.log),
            topics: settings.texts(Options.topic), redis: try settings.redisConfiguration(),
            catalogs: files.map { ($0.name, String(decoding: $0.text, as: UTF8.self)) })
        let layout = try settings.keyLayout()
        configuration.prefix = layout.prefix
        configuration.generation = layout.generation
        configuration.commitInterval = Int64(settings.milliseconds(Options.commitInterval))
        configuration.timeout = Int64(settings.milliseconds(timeout))
        configuration.dedupeSpan = Int64(settings.integer(Options.dedupeWindow))
        configuration.futureBound = Int64(settings.milliseconds(Options.futureBound))
        let isJSON = settings.isOn(Options.json)
        let show = VerifyProgressLines(isSilent: isJSON)
        let report: VerificationReport
        do throws(VerifyError) {
            report = try Verification.run(configuration) { show.take($0) }
        } catch {
            throw CommandFailure(error.code == .catalog ? .usage : .failed, "verify: \(error)")
        }
        if isJSON { Output.line(report.json) } else { report.printText() }
        switch report.ending {
        case .equal: return .ok
        case .different: return .failed
        case .timedOut: return .timeout
        }
    }
}

/// One line a second about a verification under way.
final class VerifyProgressLines {
    private let isSilent: Bool
    private var nextLine: Int64 = 0

    init(isSilent: Bool) { self.isSilent = isSilent }

    func take(_ progress: VerificationProgress) {
        guard !isSilent, ValueText.now() >= nextLine else { return }
        nextLine = ValueText.now() + 1_000
        switch progress {
        case .reading(let records, let all):
            Output.line(
                "read \(ValueText.grouped(records)) of \(ValueText.grouped(all)) records")
        case .waiting(let marks):
            Output.line("waiting for \(marks) marks to reach the end of the log")
        case .comparing(let keys, let all):
            Output.line(
                "compared \(ValueText.grouped(Int64(keys))) of \(ValueText.grouped(Int64(all))) keys"
            )
        }
    }
}

extension VerificationReport {
    fileprivate var word: String {
        switch ending {
        case .equal: "equal"
        case .different: "different"
        case .timedOut: "timed out"
        }
    }

    fileprivate func printText() {
        let outcomes = outcomes.map { "\($0.name) \(ValueText.grouped($0.count))" }
        Output.line("records  \(ValueText.grouped(records)): \(outcomes.joined(separator: ", "))")
        Output.line(
            "compared \(ValueText.grouped(Int64(keys))) keys, \(ValueText.grouped(Int64(cells))) cells"
        )
        for reason in Reason.allCases {
            guard let count = notComparable[reason] else { continue }
            Output.line("not compared: \(ValueText.grouped(Int64(count))) keys, \(reason.rawValue)")
        }
        for difference in differences { Output.line(difference.description) }
        let found = missing + extra + different + audit
        if found > 0 {
            Output.line(
                "missing \(missing), extra \(extra), different \(different), audit \(audit)"
                    + (found > differences.count ? "; the first \(differences.count) above" : ""))
        }
        if let note { Output.line(note) }
        Output.line(word)
    }

    fileprivate var json: String {
        var object: [String: Any] = [
            "result": word, "records": records, "keys": keys, "cells": cells, "missing": missing,
            "extra": extra, "different": different, "audit": audit,
            "differences": differences.map(\.description),
        ]
        object["outcomes"] = Dictionary(
            outcomes.map { ($0.name, $0.count) }, uniquingKeysWith: { first, _ in first })
        object["notCompared"] = Dictionary(
            notComparable.map { ($0.key.rawValue, $0.value) },
            uniquingKeysWith: { first, _ in first })
        object["note"] = note
        let data = try? JSONSerialization.data(
            withJSONObject: object, options: [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes])
        return data.map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }
}
