import Catalog
import Foundation
import Metering
import Pipeline

/// A catalog that several threads read.
final class CatalogBox: Sendable {
    let catalog: MeterCatalog
    init(_ catalog: MeterCatalog) { self.catalog = catalog }
}

/// The stages of `odometer run` one by one, for `make bench`: what each adds, with the modules of
/// the same build.
///
/// `odometer-bench-stages STAGE --bootstrap … --topic … --records … --threads … --meters
/// …` reads a topic and takes its records as far as STAGE (consume, scan, fold, encode)
/// goes. `odometer-bench-stages loop --events … --timestamp … --meters …` does the same
/// with events in memory, for a profiler that counts instructions. Both print a line of
/// JSON. Nothing is written anywhere.
@main
enum StagesProgram {
    private static let logNames = [
        "--bootstrap", "--topic", "--records", "--threads", "--meters",
    ]
    private static let loopNames = ["--events", "--timestamp", "--meters"]

    static func main() {
        let words = Array(CommandLine.arguments.dropFirst())
        do {
            if words.first == "loop" {
                try loop(options(words, loopNames))
            } else if let stage = words.first.flatMap(Stage.init(rawValue:)) {
                try read(stage, options(words, logNames))
            } else {
                usage()
            }
        } catch { end("\(error)") }
    }

    static func end(_ reason: String) -> Never {
        FileHandle.standardError.write(Data("odometer-bench-stages: \(reason)\n".utf8))
        exit(1)
    }

    private static func usage() -> Never {
        let stages = Stage.allCases.map(\.rawValue).joined(separator: "|")
        end(
            "usage: odometer-bench-stages \(stages) \(logNames.map { "\($0) …" }.joined(separator: " "))"
                + " | loop \(loopNames.map { "\($0) …" }.joined(separator: " "))")
    }

    private static func options(_ words: [String], _ names: [String]) -> [String: String] {
        guard words.count == 1 + 2 * names.count else { usage() }
        var options: [String: String] = [:]
        for at in stride(from: 1, to: words.count, by: 2) { options[words[at]] = words[at + 1] }
        for name in names where options[name] == nil { end("\(name) is missing") }
        return options
    }

    private static func number(_ options: [String: String], _ name: String) -> Int {
        guard let number = Int(options[name] ?? ""), number > 0 else {
            end("\(name) must be a positive number")
        }
        return number
    }

    /// A file, or all files of a folder.
    private static func catalog(_ path: String) throws -> MeterCatalog {
        let files = FileManager.default
        let names = (try? files.contentsOfDirectory(atPath: path).sorted()) ?? []
        let paths = names.isEmpty ? [path] : names.map { "\(path)/\($0)" }
        return try CatalogReader.check(
            files: paths.map { path in
                guard let text = files.contents(atPath: path) else {
                    end("--meters \(path) cannot be read")
                }
                return (name: path, text: Array(text))
            })
    }

    private static func read(_ stage: Stage, _ options: [String: String]) throws {
        let reader = LogReader(
            bootstrap: options["--bootstrap"] ?? "", topic: options["--topic"] ?? "",
            records: number(options, "--records"), threads: number(options, "--threads"),
            stage: stage, catalog: CatalogBox(try catalog(options["--meters"] ?? "")),
            dedupeWindow: Int64(PipelineConfiguration.Defaults.dedupeWindow))
        let taken = reader.run()
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        let cpu = seconds(usage.ru_utime) + seconds(usage.ru_stime)
        print(
            """
            {"events": \(taken.records), "good": \(taken.goodRecords), \
            "seconds": \(Double(taken.last - taken.first) / 1e9), "cpu_seconds": \(cpu), \
            "peak_kb": \(usage.ru_maxrss), "commits": \(taken.commits), "cells": \(taken.cells), \
            "encoded_bytes": \(taken.encodedBytes)}
            """)
        fflush(nil)
        // Everything has been measured; closing the clients would only take time.
        _exit(0)
    }

    private static func loop(_ options: [String: String]) throws {
        // Never deallocated: that is not part of the loop, and would be counted with it.
        let loop = UnsafeMutablePointer<EventLoop>.allocate(capacity: 1)
        loop.initialize(
            to: try EventLoop(
                events: options["--events"] ?? "",
                timestamp: Int64(number(options, "--timestamp")),
                catalog: try catalog(options["--meters"] ?? "")))
        let result = loop.pointee.run()
        print(
            """
            {"events": \(result.events), "fold_allocations": \(result.foldAllocations), \
            "commit_allocations": \(result.commitAllocations), \
            "seconds": \(result.seconds), "commits": \(result.commits), \
            "cells": \(result.cells), "encoded_bytes": \(result.encodedBytes)}
            """)
    }

    private static func seconds(_ time: timeval) -> Double {
        Double(time.tv_sec) + Double(time.tv_usec) / 1e6
    }
}
