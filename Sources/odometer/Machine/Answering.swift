import API
import Glibc
import HTTPServer
import Ledger
import Printing
import Query
import Redis

/// The answering half of the process: the API on its listener.
final class Answering: Sendable {
    let service: APIService
    private let server: Server<APIWorker>
    private let certificate: CertificateFiles?
    private let ingesting: Ingesting?
    private let takesTokens: Bool
    private let parts: MachineParts
    private let log: Log

    /// Prepares everything; does not listen yet.
    init(
        _ settings: Settings, parts: MachineParts,
        trouble: @escaping @Sendable (QueryWorker) -> String?,
        log: Log
    ) throws(CommandFailure) {
        let verifier = try settings.tokenVerifier(log: log)
        let portal = try settings.portalTokens()
        takesTokens = verifier != nil
        certificate = try settings.certificateFiles(log: log)
        let ingesting = try Ingesting.make(settings, parts: parts, log: log)
        self.ingesting = ingesting
        self.parts = parts
        do throws(HTTPError) {
            service = try APIService(
                engine: parts.engine,
                dialects: Dialects.all(
                    verifier: verifier, portal: portal, intake: ingesting?.intake),
                documents: [Answering.description], limits: try settings.requestLimits())
        } catch {
            throw .usage("http: \(error.message)")
        }
        let pages = StatePages(trouble: trouble)
        server = Server(
            try settings.publicConfiguration(), identities: certificate,
            makeWorker: parts.makeWorker
        ) { [service] worker, request in
            pages.answer(worker, request) ?? service.handle(worker, request)
        }
        self.log = log
    }

    private static let description = Document(
        path: "/openapi.yaml", contentType: "application/yaml", body: Array(OpenAPI.text.utf8))

    /// The port that is listened on.
    var port: Int { server.port }

    func start(on listener: Int32? = nil) throws(CommandFailure) {
        do throws(CommandFailure) {
            try checkServer()
            try ingesting?.start()
        } catch {
            if let listener { close(listener) }
            throw error
        }
        try server.startPatiently(Options.listen, on: listener)
        if !takesTokens {
            log.warning("no key for tokens is configured: the identity API refuses every token")
        }
        for api in service.missing {
            log.warning(
                "the catalog does not have all meters of an API: requests that need them get 501",
                ("dialect", .text(api.dialect)), ("missing", .text(api.list)))
        }
        if let certificate {
            log.info(
                "answering", ("port", LogValue(server.port)), ("scheme", "https"),
                ("expires", .text(ValueText.time(certificate.current().expiresMilliseconds))))
        } else {
            log.info("answering", ("port", LogValue(server.port)), ("scheme", "http"))
        }
    }

    /// Refuses a node of a cluster under an address that names it alone.
    ///
    /// A Redis that does not answer now is no error, it may come later.
    /// Readers begin with the ledger's number of shards, where it can be read now.
    private func checkServer() throws(CommandFailure) {
        do throws(RedisError) {
            var connection = try Connection(parts.redis)
            let greeting = try ServerGreeting(&connection)
            guard let product = greeting.product else { return }
            if parts.redis.cluster == nil,
                let refusal = greeting.clusterRefusal(connection.clusterURL)
            {
                throw refusal
            }
            if let layout = try? parts.layout.ofLedger(on: &connection) {
                parts.shared.shardCount = layout.shardCount
            }
            log.info("reading", ("server", .text(product)))
        } catch {
            if error.code == .configuration { throw CommandFailure(.refused, error.message) }
        }
    }

    /// Stops accepting and waits for the requests that have begun.
    func stop() {
        server.stop()
        ingesting?.stop()
    }

    /// Stops, and returns the socket, which goes on listening.
    func stopKeepingListener() -> Int32? {
        defer { ingesting?.stop() }
        return server.stopKeepingListener()
    }

    /// Requests by route, and connections.
    func write(to text: inout PrometheusText) {
        service.metrics.write(to: &text)
        ingesting?.write(to: &text)
        let statistics = server.statistics
        text.gauge(
            "odometer_http_connections", help: "Connections open.", Double(statistics.open))
        text.counter(
            "odometer_http_refused_total", help: "Requests refused for their framing.",
            statistics.refused)
        text.counter(
            "odometer_http_cut_total", help: "Connections ended because a request took too long.",
            statistics.cut)
        guard let certificate else { return }
        MetricsPage.writeTLS(
            handshakes: statistics.handshakes, failed: statistics.failedHandshakes,
            plain: statistics.plainOnTLS,
            expiresMilliseconds: certificate.current().expiresMilliseconds, to: &text)
    }
}
