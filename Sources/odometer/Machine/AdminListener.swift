import API
import HTTPServer

/// The listener for health, readiness, metrics and troubles.
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

    func start(on listener: Int32? = nil) throws(CommandFailure) {
        try server.startPatiently(Options.adminListen, on: listener)
        log.debug("health and metrics", ("port", LogValue(server.port)))
    }

    func stop() { server.stop() }

    /// Stops, and returns the socket, which goes on listening.
    func stopKeepingListener() -> Int32? { server.stopKeepingListener() }
}
