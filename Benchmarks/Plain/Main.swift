import Catalog
import Foundation
import HTTPServer
import Kafka
import Ledger
import Metering
import Pipeline
import Redis

/// `odometer run` of the same build with plain pipelines instead of the commit script: what the
/// script is compared with.
///
/// It counts wrongly after any crash, lost answer or second process. So it is not part of the
/// product, refuses ledgers whose prefix does not begin with "bench", and makes its ledgers for a
/// consumer group of its own: `odometer run` refuses them, and it refuses those of `odometer run`.
@main
enum PlainProgram {
    private static let names = [
        "--bootstrap", "--topic", "--directory-topic", "--dead-letter-topic", "--redis", "--prefix",
        "--lanes", "--meters", "--admin-listen",
    ]

    static func main() {
        signal(SIGPIPE, SIG_IGN)
        // Before any thread starts, so that all threads inherit it.
        var stops = sigset_t()
        sigemptyset(&stops)
        sigaddset(&stops, SIGTERM)
        sigaddset(&stops, SIGINT)
        pthread_sigmask(SIG_BLOCK, &stops, nil)
        Niceness.adopt(Niceness.standard)
        do {
            let options = options(Array(CommandLine.arguments.dropFirst()))
            let configuration = try configuration(options)
            let supervisor = Supervisor(
                configuration, surround: { PlainWorld($0, redis: configuration.redis) },
                onEvent: { say("\($0.name): \($0.message)") })
            let server = try serve(supervisor, at: options["--admin-listen"] ?? "")
            say("WARNING: this counts without exactly once; it is for benchmarks only")
            try supervisor.start()
            var interval = timespec(tv_sec: 0, tv_nsec: 200_000_000)
            while sigtimedwait(&stops, nil, &interval) < 0 {
                if let failure = supervisor.finalError { end(failure.message) }
            }
            guard supervisor.stop(deadlineMilliseconds: 25_000) else { end("a lane did not end") }
            server.stop()
        } catch { end("\(error)") }
    }

    static func end(_ reason: String) -> Never {
        say(reason)
        exit(1)
    }

    private static func say(_ text: String) {
        FileHandle.standardError.write(Data("odometer-bench-plain: \(text)\n".utf8))
    }

    private static func options(_ words: [String]) -> [String: String] {
        guard words.first == "run", words.count == 1 + 2 * names.count else {
            end("usage: odometer-bench-plain run \(names.map { "\($0) …" }.joined(separator: " "))")
        }
        var options: [String: String] = [:]
        for at in stride(from: 1, to: words.count, by: 2) { options[words[at]] = words[at + 1] }
        for name in names where options[name] == nil { end("\(name) is missing") }
        return options
    }

    private static func configuration(_ options: [String: String]) throws -> PipelineConfiguration {
        let prefix = options["--prefix"] ?? ""
        guard prefix.hasPrefix("bench"), KeyLayout.isValidPrefix(prefix) else {
            end(
                "--prefix \(prefix): only a ledger whose prefix begins with \"bench\" is counted so"
            )
        }
        let meters = options["--meters"] ?? ""
        guard let text = FileManager.default.contents(atPath: meters) else {
            end("--meters \(meters) cannot be read")
        }
        let catalog = try CatalogReader.check(files: [(name: meters, text: Array(text))])
        // A least, greatest, first or last value needs a script, or must be read before.
        for meter in catalog.meters where meter.kind == .extreme {
            end("--meters \(meters): \(meter.name) has cells that no single command changes")
        }
        return PipelineConfiguration(
            client: ClientConfiguration(bootstrap: options["--bootstrap"] ?? ""),
            topics: [options["--topic"] ?? ""], directoryTopic: options["--directory-topic"],
            deadLetterTopic: options["--dead-letter-topic"], group: "plain-\(prefix)",
            redis: try RedisConfiguration(url: options["--redis"] ?? ""),
            layout: KeyLayout(prefix: prefix), catalog: catalog,
            lanes: Int(options["--lanes"] ?? "") ?? 0)
    }

    /// Serves those metrics of `odometer run` that the benchmark reads.
    private static func serve(
        _ supervisor: Supervisor, at address: String
    ) throws -> Server<Supervisor> {
        let parts = address.split(separator: ":")
        guard parts.count == 2, let port = Int(parts[1]) else { end("--admin-listen \(address)") }
        var settings = ServerConfiguration()
        settings.address = String(parts[0])
        settings.port = port
        settings.threads = 1
        let server = Server(settings, makeWorker: { supervisor }) { supervisor, _ in
            let metrics = supervisor.metrics
            var text = PrometheusText()
            for (name, count) in metrics.outcomes {
                text.sample("odometer_events_total", [("outcome", name)], count)
            }
            text.sample("odometer_commits_total", [], metrics.commits)
            text.sample("odometer_cells_total", [], metrics.cells)
            text.sample("odometer_committed_events_total", [], metrics.committedEvents)
            text.sample("odometer_dedupe_window_bytes", [], metrics.seenWindowBytes)
            text.sample("odometer_tally_bytes", [], metrics.tallyBytes)
            return Response(
                status: 200, body: text.bytes, contentType: PrometheusText.contentType)
        }
        try server.start()
        return server
    }
}
