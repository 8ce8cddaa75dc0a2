public import HTTPServer
public import Query

/// One API shape: its routes, its credentials, its JSON names and its errors.
public protocol Dialect: Sendable {
    /// The word in credentials and in configuration.
    var name: String { get }
    /// Request headers that its answers depend on, for `Vary`.
    var credentialHeaders: String { get }
    /// Its paths, all GET; a call knows its path by the place in this list.
    var routes: [DialectRoute] { get }
    /// What its answers are made of.
    var needs: [MeterNeed] { get }

    /// The answer to a call.
    func answer(_ call: borrowing Call) throws(Problem) -> Reply
    /// The body for a call that has no answer.
    func body(of problem: Problem) -> [UInt8]
}

/// One path of a dialect.
public struct DialectRoute: Sendable, Hashable {
    /// Word for metrics, unique in its dialect.
    public var name: String
    /// Path with `{name}` for a segment.
    public var pattern: String

    /// A route of these parts.
    public init(_ name: String, _ pattern: String) {
        self.name = name
        self.pattern = pattern
    }
}

/// What a dialect answers: a body and what stands beside it in headers.
public struct Reply: Sendable {
    /// JSON.
    public var body: [UInt8]
    /// The range that was really answered, as it stands in the header.
    public var range: String?
    /// Record time (ms) of the newest record counted.
    public var asOf: Int64?
    /// Whether everything was read at one moment.
    public var isAtomic: Bool
    /// Cells of the answer of which something is parked, because they refused it.
    public var parked: Int

    /// A reply made from answers.
    public init(
        _ body: [UInt8], asOf: Int64?, isAtomic: Bool, parked: Int = 0,
        range: TimeRange? = nil
    ) {
        self.body = body
        self.asOf = asOf
        self.isAtomic = isAtomic
        self.parked = parked
        self.range = range?.text
    }

    init(
        _ answers: Answers, range: TimeRange? = nil, _ build: (inout JSONWriter) -> Void
    ) {
        var writer = JSONWriter()
        build(&writer)
        self.init(
            writer.bytes, asOf: answers.asOf, isAtomic: answers.isAtomic, parked: answers.parked,
            range: range)
    }
}

/// One request on its way through a dialect.
public struct Call: ~Copyable {
    /// Place of the path in the dialect's `routes`.
    public let route: Int
    /// The request.
    public let request: Request
    /// Values of the path's named segments.
    public let segments: PathParameters
    /// Who answers questions.
    public let worker: QueryWorker

    /// A call of these parts.
    public init(route: Int, request: Request, segments: PathParameters, worker: QueryWorker) {
        self.route = route
        self.request = request
        self.segments = segments
        self.worker = worker
    }

    /// Seconds since 1970.
    public var now: Int64 { worker.engine.clock.seconds }

    /// Answers an inquiry, or says 503.
    public func answer(_ inquiry: Inquiry) throws(Problem) -> Answers {
        do throws(QueryError) {
            return try worker.answer(inquiry)
        } catch {
            throw Call.problem(error)
        }
    }

    /// The first members of a ranking, or says 503.
    func topMembers(
        _ meters: RankingMeters, _ coverage: Coverage, limit: Int, of organization: [UInt8]
    ) throws(Problem) -> TopMembers {
        do throws(QueryError) {
            return try worker.topMembers(meters, coverage, limit: limit, of: organization)
        } catch {
            throw Call.problem(error)
        }
    }

    static func problem(_ error: QueryError) -> Problem {
        error.code == .unavailable ? .unavailable : .fault
    }

    /// The token of `Authorization: Bearer TOKEN`; `isSchemeOptional` also takes the bare token.
    func bearerToken(isSchemeOptional: Bool = false) -> [UInt8]? {
        guard let value = request.headers.single("Authorization").value else { return nil }
        let scheme = Array("bearer ".utf8)
        let head = value.prefix(scheme.count).map { (65...90).contains($0) ? $0 | 32 : $0 }
        guard head == scheme else { return isSchemeOptional && !value.isEmpty ? value : nil }
        let token = value.dropFirst(scheme.count).drop { $0 == 0x20 }
        return token.isEmpty ? nil : Array(token)
    }
}

/// Error bodies `{"error": REASON PHRASE, "message": TEXT}`.
func plainErrorBody(_ problem: Problem) -> [UInt8] {
    Response.error(status: problem.status, message: problem.message).body
}
