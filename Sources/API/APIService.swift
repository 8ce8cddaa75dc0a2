public import HTTPServer
public import Query

/// What one HTTP thread owns: a worker with its connection to Redis.
public final class APIWorker {
    /// Answers questions.
    public let query: QueryWorker

    /// A worker for the thread that makes it.
    public init(query: QueryWorker) { self.query = query }
}

/// A document that is served to everybody, without authentication.
public struct Document: Sendable {
    /// Its path.
    public var path: String
    /// Its media type.
    public var contentType: String
    /// Its bytes.
    public var body: [UInt8]

    /// A document of these parts.
    public init(path: String, contentType: String, body: [UInt8]) {
        self.path = path
        self.contentType = contentType
        self.body = body
    }
}

/// The meters that a dialect needs and the catalog does not have.
public struct MissingMeters: Sendable {
    /// Name of the dialect.
    public let dialect: String
    let gaps: [MeterGap]
    /// The meters in one line, with how those that the catalog has differ.
    public var list: String { MeterGap.list(gaps) }
    /// One line for each meter.
    public var lines: [String] {
        gaps.map { "\(dialect): meter \($0.name) \($0.difference ?? "is not in the catalog")" }
    }
}

/// All dialects as one HTTP handler.
public final class APIService: Sendable {
    /// The meters and the clock.
    public let engine: QueryEngine
    /// Counts and durations of requests, by route and status.
    public let metrics: RequestMetrics
    /// The dialects for which the catalog lacks meters; requests that need them get 501.
    public let missing: [MissingMeters]

    private let dialects: [any Dialect]
    /// For each dialect, the names of the request headers that its answers depend on.
    private let credentialHeaders: [[String]]
    private let documents: [Document]
    private let limits: RequestLimits
    private let router: Router
    private let entries: [Entry]

    /// What answers a route.
    private enum Entry: Sendable {
        case dialect(index: Int, answer: DialectRoute.Handler, gaps: [MeterGap])
        case document(index: Int)
    }

    /// The longest an answer may take.
    public static let timeLimit: Duration = .seconds(1)

    /// A service of these dialects; throws where two of them have the same path.
    public init(
        engine: QueryEngine, dialects: [any Dialect], documents: [Document] = [],
        limits: RequestLimits = RequestLimits()
    ) throws(HTTPError) {
        self.engine = engine
        self.dialects = dialects
        credentialHeaders = dialects.map { dialect in
            dialect.credentialHeaders.split(separator: ",").map { name in
                String(name.drop { $0 == " " })
            }
        }
        self.documents = documents
        self.limits = limits
        var routes: [Route] = []
        var names: [String] = []
        var entries: [Entry] = []
        for (index, dialect) in dialects.enumerated() {
            for route in dialect.routes {
                routes.append(Route(route.method, route.pattern, id: entries.count))
                names.append("\(dialect.name)/\(route.name)")
                entries.append(
                    .dialect(
                        index: index, answer: route.answer, gaps: engine.missing(route.needs)))
            }
        }
        for (index, document) in documents.enumerated() {
            routes.append(Route(.get, document.path, id: entries.count))
            names.append(document.path)
            entries.append(.document(index: index))
        }
        router = try Router(routes)
        self.entries = entries
        metrics = RequestMetrics(routes: names)
        missing = dialects.compactMap { dialect in
            var gaps: [MeterGap] = []
            for gap in engine.missing(dialect.needs)
            where !gaps.contains(where: { $0.name == gap.name }) {
                gaps.append(gap)
            }
            return gaps.isEmpty ? nil : MissingMeters(dialect: dialect.name, gaps: gaps)
        }
    }

    /// The answer to a request, on the thread that owns `worker`.
    public func handle(_ worker: APIWorker, _ request: Request) -> Response {
        let begin = MonotonicTime.nanoseconds()
        let (response, route) = respond(worker, request)
        guard let later = response.later else {
            metrics.record(
                route: route, status: response.status,
                nanoseconds: MonotonicTime.nanoseconds() - begin)
            return response
        }
        var counted = response
        let answer = Later<Response>()
        later.whenComplete { [metrics] in
            answer.complete {
                let response = later.take() ?? .error(status: 500, message: "no answer")
                metrics.record(
                    route: route, status: response.status,
                    nanoseconds: MonotonicTime.nanoseconds() - begin)
                return response
            }
        }
        counted.later = answer
        return counted
    }

    private func respond(_ worker: APIWorker, _ request: Request) -> (Response, route: Int?) {
        switch router.match(request.method, request.rawPath) {
        case .notFound:
            let problem = Problem(404, "There is nothing at this path")
            guard let dialect = dialect(above: request.rawPath) else {
                return (.error(status: problem.status, message: problem.message), nil)
            }
            return (response(problem, dialect), nil)
        case .methodNotAllowed(let allow):
            // The dialect of the path writes the body.
            guard let id = route(of: request.rawPath), case .dialect(let index, _, _) = entries[id]
            else { return (.methodNotAllowed(allow: allow), nil) }
            let problem = Problem(405, "The method must be one of: \(allow)", allow: allow)
            return (response(problem, dialects[index]), id)
        case .found(let id, let segments):
            switch entries[id] {
            case .document(let index):
                let document = documents[index]
                return (
                    Response(
                        status: 200, body: document.body, contentType: document.contentType), id
                )
            case .dialect(let index, let answer, let gaps):
                let dialect = dialects[index]
                let charge = RequestCharge(limits, badRequestStatus: dialect.badRequestStatus)
                let call = Call(
                    request: request, segments: segments, worker: worker.query, gaps: gaps,
                    charge: charge)
                worker.query.begin(
                    request.digest(with: credentialHeaders[index]),
                    deadline: .now + APIService.timeLimit, admission: charge)
                defer {
                    worker.query.end()
                    charge.end()
                }
                do throws(Problem) {
                    return (response(try answer(call), dialect), id)
                } catch {
                    // Else a key that is no longer valid would still cause its request's reads
                    // ahead.
                    if error.status == 401 { worker.query.forget() }
                    let problem = charge.problem(error, from: request.remoteAddress)
                    return (response(problem, dialect), id)
                }
            }
        }
    }

    /// A route of a path, for whatever method.
    private func route(of path: [UInt8]) -> Int? {
        for method in [HTTPServer.Method.get, .post, .delete] {
            if case .found(let id, _) = router.match(method, path) { return id }
        }
        return nil
    }

    /// The dialect that a path without a route belongs to.
    private func dialect(above path: [UInt8]) -> (any Dialect)? {
        dialects.first { dialect in
            guard path.starts(with: dialect.root.utf8) else { return false }
            let rest = path.dropFirst(dialect.root.utf8.count)
            return rest.isEmpty || rest.first == UInt8(ascii: "/")
        }
    }

    private func response(_ reply: Reply, _ dialect: any Dialect) -> Response {
        var response = Response(
            status: reply.status, body: reply.body, contentType: reply.contentType)
        if let later = reply.later {
            let answer = Later<Response>()
            later.whenComplete { [self] in
                answer.complete { [self] in
                    switch later.take() ?? .failure(.fault) {
                    case .success(let reply): self.response(reply, dialect)
                    case .failure(let problem): self.response(problem, dialect)
                    }
                }
            }
            response.later = answer
        }
        response.headers = dialect.answerHeaders + reply.headers
        response.vary = dialect.credentialHeaders
        if let asOfMilliseconds = reply.asOfMilliseconds {
            response.setHeader("X-Odometer-As-Of", TimeText.millisecond(asOfMilliseconds))
        }
        if let range = reply.range { response.setHeader("X-Odometer-Range", range) }
        if !reply.isAtomic { response.setHeader("X-Odometer-Snapshot", "no") }
        if reply.parked > 0 { response.setHeader("X-Odometer-Parked", String(reply.parked)) }
        if reply.orphans > 0 { response.setHeader("X-Odometer-Orphans", String(reply.orphans)) }
        return response
    }

    private func response(_ problem: Problem, _ dialect: any Dialect) -> Response {
        var response = Response(
            status: problem.status, body: dialect.body(of: problem),
            contentType: dialect.problemType)
        response.headers = dialect.answerHeaders
        response.vary = dialect.credentialHeaders
        if let seconds = problem.retryAfterSeconds {
            response.setHeader("Retry-After", String(seconds))
        }
        if problem.status == 401 {
            response.setHeader(
                "WWW-Authenticate",
                dialect.scheme.challenge(isCredentialInvalid: problem.isCredentialInvalid))
        }
        if let allow = problem.allow { response.setHeader("Allow", allow) }
        return response
    }
}
