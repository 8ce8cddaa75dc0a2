import Foundation
import Ledger
import Verify

/// `odometer verify`: the numbers in Redis against the log, by a second reckoning.
extension Commands {
    private static let timeout = Option(
        name: "timeout", placeholder: "TIME", value: .duration(1_000...86_400_000),
        help: "How long to wait for the marks and for each next record.", standard: "60s",
        source: .call)

    private static let full = Option(
        name: "full", placeholder: "", value: .flag,
        help: "Reckon every cell again from the log and compare.", source: .call)
    /// Options that mean nothing to the books alone.
    private static let ofFull = [
        Options.topic, Options.meters, Options.dedupeWindow, Options.futureBound,
        Options.commitInterval, timeout,
    ]

    static let verify = Command(
        path: ["verify"],
        summary: "Check the books in Redis; with --full every cell against the log.",
        details: """
            Without --full: reads marks and audit of every shard, also while it counts, and checks that
            delivered + gaps + lost = mark - origin, and that the outcomes of all shards add up to what was
            delivered. Asks Redis alone; done in a moment.
            With --full: reads catalog, log and Redis with code of its own, by the published rules, and
            compares every cell both ways as soon as every mark stands at the end of the log. The meters and
            --dedupe-window, --future-bound and --commit-interval must be those of the running machine.
            Exit code 0: equal; 1: different; 3: the marks did not reach the end of the log in time.
            """,
        options: Options.kafka + Options.redisServer + [full] + ofFull + [Options.json],
        examples: [
            ("verify", "the books alone"), ("verify --full", "every cell, the shipped meters"),
            (
                "verify --full --meters my-meters/ --timeout 10m --json",
                "other meters, for a program"
            ),
        ],
        run: runVerify)

    private static func runVerify(_ call: borrowing Invocation) throws(CommandFailure) -> ExitCode {
        let settings = call.settings
        let isFull = settings.isOn(full)
        if !isFull {
            for option in ofFull where settings.setting(option)?.source == .flag {
                throw .usage("--\(option.name) goes with --full")
            }
        }
        let isJSON = settings.isOn(Options.json)
        let configuration = try verification(settings, call.log)
        let report: VerificationReport
        do throws(VerifyError) {
            if isFull {
                let show = VerifyProgressLines(isSilent: isJSON)
                defer { show.end() }
                report = try Verification.run(configuration) { show.take($0) }
            } else {
                report = try BookCheck.run(
                    configuration.redis, prefix: configuration.prefix,
                    generation: configuration.generation)
            }
        } catch {
            throw CommandFailure(error.code == .catalog ? .usage : .failed, "verify: \(error)")
        }
        if isJSON { try Output.json(report.object) } else { report.printText() }
        switch report.ending {
        case .equal: return .ok
        case .different: return .failed
        case .timedOut: return .timeout
        }
    }

    /// What `verify --full` and `replay --check` compare.
    static func verification(
        _ settings: Settings, _ log: Log, timeout: Option = Commands.timeout
    ) throws(CommandFailure) -> VerificationConfiguration {
        let files = try MeterFiles.read(settings.text(Options.meters)).files
        let kafka = try settings.kafkaConfiguration(log: log)
        let redis = try settings.redisConfiguration()
        let layout = try settings.keyLayout()
        return VerificationConfiguration(
            kafka: kafka, topics: settings.texts(Options.topic), redis: redis,
            prefix: layout.prefix, generation: layout.generation,
            catalogs: files.map { ($0.name, String(decoding: $0.text, as: UTF8.self)) },
            commitIntervalMilliseconds: Int64(settings.milliseconds(Options.commitInterval)),
            dedupeWindow: Int64(settings.integer(Options.dedupeWindow)),
            futureBoundMilliseconds: Int64(settings.milliseconds(Options.futureBound)),
            timeoutMilliseconds: Int64(settings.milliseconds(timeout)))
    }
}

/// How far a verification is, on stderr: one line that changes at a terminal, else a line every 5 s.
final class VerifyProgressLines {
    private let isSilent: Bool
    private let isTerminal = isatty(STDERR_FILENO) == 1
    private var nextLine: Int64 = 0
    /// When the first records came.
    private var began: Int64?
    private var isLineOpen = false

    init(isSilent: Bool) { self.isSilent = isSilent }

    func take(_ progress: VerificationProgress) {
        let now = ValueText.now()
        if case .reading = progress, began == nil { began = now }
        guard !isSilent, now >= nextLine else { return }
        nextLine = now + (isTerminal ? 200 : 5_000)
        let text = Self.text(progress, milliseconds: now - (began ?? now))
        Output.write(isTerminal ? "\r\u{1B}[K\(text)" : text + "\n", to: STDERR_FILENO)
        isLineOpen = isTerminal
    }

    /// Takes the line at the terminal away.
    func end() {
        if isLineOpen { Output.write("\r\u{1B}[K", to: STDERR_FILENO) }
    }

    /// One line; `milliseconds` have passed since the first records.
    static func text(_ progress: VerificationProgress, milliseconds: Int64) -> String {
        switch progress {
        case .reading(let records, let all):
            var line =
                "read \(ValueText.grouped(records)) of \(ValueText.grouped(all)) records"
            if milliseconds > 0, records > 0 {
                let rate = max(1, records * 1_000 / milliseconds)
                line +=
                    ", \(ValueText.grouped(rate)) events/s, \((all - records) / rate) s to go"
            }
            return line
        case .waiting(let marks): return "waiting for \(marks) marks to reach the end of the log"
        case .comparing(let keys, let all):
            return
                "compared \(ValueText.grouped(Int64(keys))) of \(ValueText.grouped(Int64(all))) keys"
        }
    }
}

extension VerificationReport {
    /// The ending in a word.
    var word: String {
        switch ending {
        case .equal: "equal"
        case .different: "different"
        case .timedOut: "timed out"
        }
    }

    func printText() {
        let outcomes = outcomes.map { "\($0.name) \(ValueText.grouped($0.count))" }
        Output.line("records  \(ValueText.grouped(records)): \(outcomes.joined(separator: ", "))")
        if sums > 0 {
            Output.line("checked  \(ValueText.grouped(Int64(sums))) sums of the audit")
        } else {
            Output.line(
                "compared \(ValueText.grouped(Int64(keys))) keys, \(ValueText.grouped(Int64(cells))) cells"
            )
        }
        for reason in Reason.allCases {
            guard let count = notComparable[reason] else { continue }
            Output.line("not compared: \(ValueText.grouped(Int64(count))) keys, \(reason.rawValue)")
        }
        if parked > 0 {
            Output.line(
                "parked   \(parked) cells: cell + parked is compared; odometer parked lists them")
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

    /// What programs read.
    var object: [String: Any] {
        var object: [String: Any] = [
            "result": word, "records": records, "keys": keys, "cells": cells, "missing": missing,
            "extra": extra, "different": different, "audit": audit, "sums": sums,
            "differences": differences.map(\.description), "parked": parked,
        ]
        object["outcomes"] = Dictionary(
            outcomes.map { ($0.name, $0.count) }, uniquingKeysWith: { first, _ in first })
        object["notCompared"] = Dictionary(
            notComparable.map { ($0.key.rawValue, $0.value) },
            uniquingKeysWith: { first, _ in first })
        object["note"] = note
        return object
    }
}
