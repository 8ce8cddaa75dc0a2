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
