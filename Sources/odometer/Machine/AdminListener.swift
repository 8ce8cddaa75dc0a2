import API
import Foundation
import HTTPServer

/// The listener for machines: health, readiness and metrics.
final class AdminListener: Sendable {
    private let server: Server<APIWorker>
    private let log: Log

    init(
        _ settings: Settings, parts: MachineParts, pages: StatePages, log: Log
    ) throws(CommandFailure) {
        server = Server(
            try settings.serverConfiguration(Options.adminListen, threads: 1),
            makeWorker: parts.makeWorker
        ) { worker, request in
            pages.answer(worker, request)
                ?? .error(status: 404, message: "/healthz, /readyz and /metrics are here")
        }
        self.log = log
    }

    var port: Int { server.port }

    func start() throws(CommandFailure) {
        try server.startPatiently(Options.adminListen)
        log.debug("health and metrics", ("port", LogValue(server.port)))
    }

    func stop() { server.stop() }
}

extension Settings {
    /// Refuses two listeners at one place, of which the second would wait for the first in vain.
    func checkListeners() throws(CommandFailure) {
        let (requests, pages) = (address(Options.listen), address(Options.adminListen))
        guard requests.port == pages.port, requests.port != 0 else { return }
        let everywhere = ["0.0.0.0", "::"]
        guard
            requests.host == pages.host || everywhere.contains(requests.host)
                || everywhere.contains(pages.host)
        else { return }
        throw .usage(
            "--\(Options.listen.name) and --\(Options.adminListen.name) both have port \(pages.port)"
        )
    }
}

extension Server {
    /// Starts listening; tries for three seconds, because a predecessor that was killed may still
    /// hold the port for a moment.
    func startPatiently(_ option: Option) throws(CommandFailure) {
        let deadline = ValueText.now() + 3_000
        while true {
            do throws(HTTPError) {
                return try start()
            } catch {
                guard ValueText.now() < deadline else {
                    throw CommandFailure(.failed, "--\(option.name): \(error.message)")
                }
            }
            usleep(50_000)
        }
    }
}
