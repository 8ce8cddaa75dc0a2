import API
import HTTPServer
import Query

/// `/healthz`, `/readyz` and, on the admin listener, `/metrics` and `/troubles`.
struct StatePages: Sendable {
    /// Why the process cannot do its work now; nil when it can.
    let trouble: @Sendable (QueryWorker) -> String?
    /// The pages of the admin listener only; nil on the other listener, which does not say why the
    /// process is not ready.
    var admin: Admin?
    private let readiness = Readiness()

    init(trouble: @escaping @Sendable (QueryWorker) -> String?, admin: Admin? = nil) {
        self.trouble = trouble
        self.admin = admin
    }

    /// What only the admin listener shows.
    struct Admin: Sendable {
        /// All metrics.
        let metrics: @Sendable () -> [UInt8]
        /// What is wrong or could not be checked, for `odometer status`.
        let troubles: @Sendable () -> [String]
    }

    private static let paths = ["/healthz", "/readyz", "/metrics", "/troubles"]

    /// The answer, or nil where the path is none of these.
    func answer(_ worker: APIWorker, _ request: Request) -> Response? {
        let path = String(decoding: request.rawPath, as: UTF8.self)
        guard StatePages.paths.contains(path), path.hasSuffix("z") || admin != nil else {
            return nil
        }
        guard request.method == .get || request.method == .head else {
            return .methodNotAllowed(allow: "GET, HEAD")
        }
        if path == "/metrics", let admin {
            var response = Response(
                status: 200, body: admin.metrics(), contentType: PrometheusText.contentType)
            response.caching = .never
            return response
        }
        if path == "/troubles", let admin {
            var response = Response.json { json in
                json.array { list in admin.troubles().forEach { list.string($0) } }
            }
            response.caching = .never
            return response
        }
        if path == "/readyz", let reason = reason(worker.query) {
            var response = Response.error(status: 503, message: reason)
            response.setHeader("Retry-After", "1")
            response.caching = .never
            return response
        }
        var response = Response.json(Array(#"{"status":"ok"}"#.utf8))
        response.caching = .never
        return response
    }

    /// Why it is not ready; outside only that it is not, because reasons name servers and users.
    private func reason(_ query: QueryWorker) -> String? {
        guard admin == nil else {
            query.deadline = .now + APIService.timeLimit
            return trouble(query)
        }
        let isReady = readiness.isReady {
            query.deadline = .now + Readiness.patience
            return trouble(query) == nil
        }
        return isReady ? nil : "Not ready"
    }
}
