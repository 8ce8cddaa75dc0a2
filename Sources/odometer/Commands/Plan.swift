import Foundation
import Ledger
import Metering
import Printing
import Verify
import Workload

/// `odometer plan`: what a load will need, before it comes.
extension Commands {
    private static let rate = Option(
        name: "rate", placeholder: "N", value: .integer(1...100_000_000),
        help: "Events a second that arrive.", standard: "1000", source: .call)
    private static let sample = Option(
        name: "sample", placeholder: "N", value: .integer(1_000...1_000_000_000),
        help: "More events than these are not counted one by one, but extrapolated.",
        standard: "2000000", source: .call)
    private static let partitions = Option(
        name: "partitions", placeholder: "N", value: .integer(1...100_000),
        help: "Partitions of the topic.", standard: "4", source: .call)

    static let plan = Command(
        path: ["plan"],
        summary: "Compute keys, memory of Redis and cells a second that a load will need.",
        details: """
            Generates the events of a profile, counts them as `verify --full` does, and computes what Redis 7
            takes for the cells, and what the windows of ids take in the counting processes once they are full.
            Asks neither Kafka nor Redis. Of loads larger than --sample a quarter, a half and the whole sample
            are counted, each over the whole span, and what grows between them is carried on.
            """,
        options: [
            ReplayOptions.profile, ReplayOptions.events, ReplayOptions.seed, ReplayOptions.span,
            ReplayOptions.end, ReplayOptions.organizations, ReplayOptions.binaryShare,
            Options.meters, Options.prefix, Options.commitInterval, Options.dedupeWindow,
            Options.futureBound, rate, sample, partitions, Options.json,
        ],
        examples: [
            ("plan --profile shop.yaml --rate 5000", "a load of one's own, the shipped meters"),
            (
                "plan --events 100000000 --organizations 20000 --span 365d --meters my-meters/",
                "a year of events, other meters"
            ),
        ],
        run: runPlan)

    private static func runPlan(_ call: borrowing Invocation) throws(CommandFailure) -> ExitCode {
        let settings = call.settings
        let files = try MeterFiles.read(settings.text(Options.meters)).files
        let layout = try settings.keyLayout()
        let question = CapacityQuestion(
            catalogs: files.map { ($0.name, String(decoding: $0.text, as: UTF8.self)) },
            profile: try ProfileFile.profile(settings),
            seed: UInt64(settings.integer(ReplayOptions.seed)),
            rate: Double(settings.integer(rate)),
            commitIntervalMilliseconds: Int64(settings.milliseconds(Options.commitInterval)),
            partitions: settings.integer(partitions), sample: settings.integer(sample),
            settings: OracleSettings(
                prefix: layout.prefix, generation: layout.generation, shards: layout.shardCount,
                dedupeWindow: Int64(settings.integer(Options.dedupeWindow)),
                futureBoundMilliseconds: Int64(settings.milliseconds(Options.futureBound))))
        let plan: CapacityPlan
        do throws(VerifyError) {
            plan = try CapacityPlan.estimate(question)
        } catch {
            throw CommandFailure(error.code == .catalog ? .usage : .failed, "plan: \(error)")
        }
        if settings.isOn(Options.json) {
            try Output.json(object(plan, question))
        } else {
            printPlan(plan, question)
        }
        return .ok
    }

    private static func object(
        _ plan: CapacityPlan, _ question: CapacityQuestion
    ) -> [String: Any] {
        func object(_ share: CapacityPlan.Share) -> [String: Any] {
            ["keys": Int(share.keys), "cells": Int(share.cells), "bytes": Int(share.bytes)]
        }
        return [
            "events": question.profile.events, "reckoned": plan.countedEvents,
            "sum": object(plan.sum), "rate": question.rate,
            "cells_per_second": plan.cellsPerSecond,
            "dedupe_window_bytes": windowBytes(question),
            "meters": Dictionary(
                plan.meters.map { ($0.name, object($0.share)) },
                uniquingKeysWith: { first, _ in first }),
        ]
    }

    /// What the windows of ids of all partitions take once they are full.
    private static func windowBytes(_ question: CapacityQuestion) -> Int {
        question.partitions * SeenWindow.fullByteCount(span: question.settings.dedupeWindow)
    }

    private static func printPlan(_ plan: CapacityPlan, _ question: CapacityQuestion) {
        func row(_ name: String, _ share: CapacityPlan.Share) -> [String] {
            [
                name, ValueText.grouped(Int64(share.keys)), ValueText.grouped(Int64(share.cells)),
                bytes(share.bytes),
            ]
        }
        var rows = [["METER", "KEYS", "CELLS", "REDIS"]]
        for (name, share) in plan.meters.sorted(by: { $0.share.bytes > $1.share.bytes }) {
            rows.append(row(name, share))
        }
        rows.append(row("all, with marks and tables", plan.sum))
        Output.table(rows)
        let events = ValueText.grouped(Int64(question.profile.events))
        let interval = ValueText.duration(Int(question.commitIntervalMilliseconds))
        Output.line(
            """

            \(events) events over \(ValueText.duration(Int(question.profile.spanMilliseconds)))\
            \(plan.countedEvents < question.profile.events ? ", extrapolated" : "")
            \(ValueText.grouped(Int64(question.rate))) events a second, committed every \(interval): \
            \(ValueText.grouped(Int64(plan.cellsPerSecond))) cells a second
            \(question.partitions) partitions, \(ValueText.grouped(question.settings.dedupeWindow)) offsets \
            of each looked at for duplicates: \(bytes(Double(windowBytes(question)))) in the counting processes
            """)
    }

    static func bytes(_ number: Double) -> String {
        switch number {
        case ..<10_000: "\(Int(number)) B"
        case ..<10_000_000: "\(ValueText.decimal(number / 1_000, 1)) kB"
        case ..<10_000_000_000: "\(ValueText.decimal(number / 1_000_000, 1)) MB"
        default: "\(ValueText.decimal(number / 1_000_000_000, 1)) GB"
        }
    }
}
