import API
import HTTPServer
import Query

/// `/healthz`, `/readyz` and, on the listener for it, `/metrics`.
struct StatePages: Sendable {
    /// Why the process cannot do its work now; nil = it can.
    let hindrance: @Sendable (QueryWorker) -> String?
    /// Writes all metrics; nil = there is no such page here.
    let metrics: (@Sendable () -> [UInt8])?

    private static let paths = ["/healthz", "/readyz", "/metrics"]

    /// The answer, or nil where the path is none of these.
    func answer(_ worker: APIWorker, _ request: Request) -> Response? {
        let path = String(decoding: request.rawPath, as: UTF8.self)
        guard StatePages.paths.contains(path), path != "/metrics" || metrics != nil else {
            return nil
        }
        guard request.method == .get || request.method == .head else {
            return .methodNotAllowed(allow: "GET, HEAD")
        }
        if path == "/metrics", let metrics {
            var response = Response(
                status: 200, body: metrics(), contentType: PrometheusText.contentType)
            response.caching = .never
            return response
        }
        worker.query.deadline = .now + APIService.timeLimit
        if path == "/readyz", let reason = hindrance(worker.query) {
            var response = Response.error(status: 503, message: reason)
            response.setHeader("Retry-After", "1")
            response.caching = .never
            return response
        }
        var response = Response.json(Array(#"{"status":"ok"}"#.utf8))
        response.caching = .never
        return response
    }
}
