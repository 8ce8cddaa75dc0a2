import Foundation
import Verify
import Workload

/// What a program that adds nothing up would send to Redis for the events of a generated load: each
/// event's changes by themselves, for the cells of a catalog.
///
/// `odometer-bench-increments --meters … --events … --organizations … --span … --end … --seed …
/// --out …` writes the commands to a file, which `Benchmarks/send_events.c` sends. They come from
/// the oracle (`Sources/Workload/Oracle`), which shares no code with what is measured. The events
/// are those of `odometer replay --generate` with the same options; times are in milliseconds.
/// Repetitions and records that cannot be counted are left out already. Prints a line of JSON.
@main
enum IncrementsProgram {
    private static let names = [
        "--meters", "--events", "--organizations", "--span", "--end", "--seed", "--out",
    ]

    static func main() {
        do {
            let options = options(Array(CommandLine.arguments.dropFirst()))
            var oracle = try Oracle(
                catalog: try CatalogText.read(catalogs(options["--meters"] ?? "")),
                settings: OracleSettings(
                    prefix: "increments", generation: 1, shards: 256, dedupeWindow: 1_048_576,
                    futureBoundMilliseconds: 300_000))
            oracle.keepsEveryChange = true
            _ = oracle.addPartition(topic: "increments", number: 0)
            let file = try EventFile(options["--out"] ?? "")
            feed(&oracle, options, to: file)
            try file.finish()
            print(
                """
                {"events": \(file.events), "commands": \(file.commands), \
                "expiries": \(file.expiries), "bytes": \(file.bytes)}
                """)
        } catch { end("\(error)") }
    }

    static func end(_ reason: String) -> Never {
        FileHandle.standardError.write(Data("odometer-bench-increments: \(reason)\n".utf8))
        exit(1)
    }

    private static func options(_ words: [String]) -> [String: String] {
        var options: [String: String] = [:]
        for at in stride(from: 0, to: words.count - 1, by: 2) { options[words[at]] = words[at + 1] }
        guard words.count == 2 * names.count, names.allSatisfy({ options[$0] != nil }) else {
            end("usage: \(names.map { "\($0) …" }.joined(separator: " "))")
        }
        return options
    }

    private static func number(_ options: [String: String], _ name: String) -> Int {
        guard let number = Int(options[name] ?? ""), number > 0 else {
            end("\(name) must be a positive number")
        }
        return number
    }

    private static func catalogs(_ folder: String) throws -> [(name: String, text: String)] {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder)
        return try names.filter { $0.hasSuffix(".yaml") }.sorted().map {
            (name: $0, text: try String(contentsOfFile: "\(folder)/\($0)", encoding: .utf8))
        }
    }

    private static func feed(
        _ oracle: inout Oracle, _ options: [String: String], to file: EventFile
    ) {
        var profile = EventProfile(endMilliseconds: Int64(number(options, "--end")))
        profile.events = number(options, "--events")
        profile.organizations = number(options, "--organizations")
        profile.spanMilliseconds = Int64(number(options, "--span"))
        var generator = EventGenerator(
            seed: UInt64(number(options, "--seed")), profile: profile)
        for record in 0..<profile.events {
            generator.withNext {
                _ = oracle.feed(
                    0, offset: Int64(record), timestamp: profile.endMilliseconds, value: $0.value,
                    headers: $0.headers)
            }
            let changes = oracle.takeEveryChange()
            if !changes.isEmpty { file.append(changes, oracle.cells) }
        }
    }
}
