import API
import Foundation
import HTTPServer
import Ledger
import Metering
import Query
import Redis

/// The answering half of the process: the API on its listener.
final class Answering: Sendable {
    let service: APIService
    private let server: Server<APIWorker>
    private let takesTokens: Bool
    private let redis: RedisConfiguration
    private let log: Log

    /// Everything that is needed, without listening yet.
    init(
        _ settings: Settings, parts: MachineParts,
        hindrance: @escaping @Sendable (QueryWorker) -> String?,
        log: Log
    ) throws(CommandFailure) {
        let verifier = try settings.tokenVerifier()
        takesTokens = verifier != nil
        redis = parts.redis
        do throws(HTTPError) {
            var limits = RateLimits()
            let rate = settings.integer(Options.rateLimit)
            if rate > 0 {
                limits.perAddress = try RateLimiter(perSecond: Double(rate), burst: rate)
                limits.perCredential = try RateLimiter(perSecond: Double(rate), burst: rate)
            }
            service = try APIService(
                engine: parts.engine, dialects: APIService.allDialects(verifier: verifier),
                documents: [Answering.description], limits: limits)
        } catch {
            throw .usage("http: \(error.message)")
        }
        let pages = StatePages(hindrance: hindrance)
        server = Server(
            try settings.serverConfiguration(
                Options.listen, threads: settings.integer(Options.httpThreads)),
            makeWorker: parts.makeWorker
        ) { [service] worker, request in
            pages.answer(worker, request) ?? service.handle(worker, request)
        }
        self.log = log
    }

    private static let description = Document(
        path: "/openapi.yaml", contentType: "application/yaml", body: Array(OpenAPIText.text.utf8))

    /// The port that is listened on.
    var port: Int { server.port }

    func start() throws(CommandFailure) {
        try checkServer()
        try server.startPatiently(Options.listen)
        if !takesTokens {
            log.warning("no key for tokens is configured: the identity API refuses every token")
        }
        for line in service.missing {
            log.warning("this catalog cannot answer everything", ("missing", .text(line)))
        }
        log.info("answering", ("port", LogValue(server.port)))
    }

    /// Refuses a node of a cluster; a Redis that is away now is waited for.
    private func checkServer() throws(CommandFailure) {
        do throws(RedisError) {
            var connection = try Connection(redis)
            let greeting = try ServerGreeting(&connection)
            guard let product = greeting.product else { return }
            guard greeting.isCluster != true else {
                throw RedisError(
                    .configuration, "\(product) runs as a node of a cluster, which is not supported"
                )
            }
            log.info("reading", ("server", .text(product)))
        } catch {
            if error.code == .configuration { throw CommandFailure(.refused, error.message) }
        }
    }

    /// Stops accepting and waits for the requests that have begun.
    func stop() { server.stop() }

    /// Requests by route, and connections.
    func write(to text: inout PrometheusText) {
        service.metrics.write(to: &text)
        let statistics = server.statistics
        text.gauge(
            "odometer_http_connections", help: "Connections open.", Double(statistics.open))
        text.counter(
            "odometer_http_refused_total", help: "Requests refused for their framing.",
            statistics.refused)
        text.counter(
            "odometer_http_cut_total", help: "Connections ended because a request took too long.",
            statistics.cut)
    }
}

/// What both halves read by: catalog, names and Redis.
struct MachineParts: Sendable {
    let catalog: MeterCatalog
    let layout: KeyLayout
    let redis: RedisConfiguration
    let engine: QueryEngine
    private let rankings: RankingMemory

    init(_ settings: Settings) throws(CommandFailure) {
        catalog = try MeterFiles.read(settings.text(Options.meters)).catalog()
        layout = try settings.keyLayout()
        redis = try settings.redisConfiguration()
        engine = QueryEngine(
            catalog: catalog, layout: layout,
            clock: WallClock {
                var time = timespec()
                clock_gettime(CLOCK_REALTIME, &time)
                return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
            })
        rankings = RankingMemory { [engine, redis, layout] in
            QueryWorker(
                engine: engine, cells: CellReader(configuration: redis, layout: layout))
        }
    }

    /// What an HTTP thread owns; made on that thread.
    @Sendable func makeWorker() -> APIWorker {
        APIWorker(
            query: QueryWorker(
                engine: engine, cells: CellReader(configuration: redis, layout: layout),
                rankings: rankings))
    }
}

extension Settings {
    /// Address, port and threads of a listener.
    func serverConfiguration(
        _ option: Option, threads: Int
    ) throws(CommandFailure) -> ServerConfiguration {
        var configuration = ServerConfiguration()
        let (host, port) = address(option)
        configuration.address = host == "localhost" ? "127.0.0.1" : host
        configuration.port = Int(port)
        configuration.threads = threads
        do throws(HTTPError) {
            try configuration.validate()
        } catch {
            throw .usage("--\(option.name): \(error.message)")
        }
        return configuration
    }

    /// How tokens are verified; nil where no key is configured.
    func tokenVerifier() throws(CommandFailure) -> TokenVerifier? {
        guard let algorithm = TokenVerifier.Algorithm(rawValue: required(Options.jwtAlgorithm))
        else { preconditionFailure("--jwt-algorithm was not checked") }
        let key: [UInt8]
        switch algorithm {
        case .hs256:
            if let file = text(Options.jwtSecretFile) {
                key = Array(try FileText.secret(file).utf8)
            } else if let secret = text(Options.jwtSecret) {
                key = Array(secret.utf8)
            } else {
                return nil
            }
        case .rs256, .es256:
            guard let file = text(Options.jwtPublicKey) else { return nil }
            key = try FileText.read(file)
        }
        do throws(TokenConfigurationError) {
            return try TokenVerifier(
                algorithm: algorithm, key: key, issuer: text(Options.jwtIssuer),
                audience: text(Options.jwtAudience))
        } catch {
            throw .usage("jwt: \(error.message)")
        }
    }
}
