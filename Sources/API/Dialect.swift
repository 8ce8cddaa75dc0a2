public import HTTPServer
public import Query

/// One API shape: its routes, its credentials, its JSON names and its errors.
public protocol Dialect: Sendable {
    /// Its name in credentials and in configuration.
    var name: String { get }
    /// The API keys that open it; nil where no API key does.
    var keys: DialectKeys? { get }
    /// Request headers that its answers depend on, for `Vary`.
    var credentialHeaders: String { get }
    /// How a client authenticates, for `WWW-Authenticate`.
    var scheme: CredentialScheme { get }
    /// The path above all its paths, without a slash at its end.
    ///
    /// Unknown paths below it are answered with the dialect's own error body.
    var root: String { get }
    /// Whether keys of the role `operator` open it; its handlers must then tell them from others.
    var takesOperators: Bool { get }
    /// What such keys are told where they do not.
    var operatorRefusal: String { get }
    /// Its paths, each with the method that answers it.
    var routes: [DialectRoute] { get }
    /// The status for a request with bad parameters; 400 where the dialect names no other.
    var badRequestStatus: Int { get }
    /// The media type of its error answers.
    var problemType: String { get }
    /// Header fields of all its answers.
    var answerHeaders: [Response.Field] { get }

    /// The body of an error answer.
    func body(of problem: Problem) -> [UInt8]
}

extension Dialect {
    /// The meters that its routes need; a meter that several routes need is there several times.
    var needs: [MeterNeed] { routes.flatMap(\.needs) }
    /// Keys of the product's own brand, of any role.
    public var keys: DialectKeys? { .standard }
    /// 400.
    public var badRequestStatus: Int { 400 }
    /// JSON.
    public var problemType: String { "application/json" }
    /// None.
    public var answerHeaders: [Response.Field] { [] }
    /// No: an operator's key is no organization's.
    public var takesOperators: Bool { false }
    /// That they do not open it.
    public var operatorRefusal: String { "Operator keys do not open this API" }
}

/// The API keys that open a dialect.
public struct DialectKeys: Sendable, Hashable {
    /// First word of the key's text.
    public var brand: String
    /// Whether the dialect answers `admin` keys only.
    ///
    /// `KeyMaker` takes its default role from it; the dialect refuses other roles itself, with an
    /// error of its own form.
    public var isForAdminsOnly: Bool
    /// Keys of the brand of all dialects that have none of their own; any role.
    public static let standard = DialectKeys(brand: "odo", isForAdminsOnly: false)

    /// Keys of this brand.
    public init(brand: String, isForAdminsOnly: Bool) {
        self.brand = brand
        self.isForAdminsOnly = isForAdminsOnly
    }
}

/// The way a dialect's clients authenticate.
public enum CredentialScheme: String, Sendable {
    /// A token or key in `Authorization`: RFC 6750.
    case bearer = "Bearer"
    /// A key in a header of its own. No scheme is registered for that; this name is in common use.
    case apiKey = "ApiKey"

    /// The value of `WWW-Authenticate` for a 401.
    func challenge(isCredentialInvalid: Bool) -> String {
        let challenge = "\(rawValue) realm=\"odometer\""
        // RFC 6750 3.1: no error code where the request had no token.
        guard self == .bearer, isCredentialInvalid else { return challenge }
        return challenge + ", error=\"invalid_token\""
    }
}

/// One path of a dialect.
public struct DialectRoute: Sendable {
    /// Answers a call: checks credential and parameters, reads the numbers, writes the body.
    public typealias Handler = @Sendable (borrowing Call) throws(Problem) -> Reply

    /// Its name in metrics, unique in its dialect.
    public var name: String
    /// Path with `{name}` for a segment.
    public var pattern: String
    /// GET answers HEAD too.
    public var method: HTTPServer.Method
    /// The meters that its answers need.
    public var needs: [MeterNeed]
    /// Answers a call of this path.
    let answer: Handler

    /// A route of these parts.
    public init(
        _ name: String, _ pattern: String, method: HTTPServer.Method = .get,
        needs: [MeterNeed] = [], answer: @escaping Handler
    ) {
        self.name = name
        self.method = method
        self.pattern = pattern
        self.needs = needs
        self.answer = answer
    }
}

/// A dialect's answer: the body, and the values for its headers.
public struct Reply: Sendable {
    /// 200 to 299; with 204 no body is sent.
    ///
    /// An answer of `Reply.later` may have an error's status.
    public var status = 200
    /// JSON, where `contentType` says nothing else.
    public var body: [UInt8]
    /// The media type; nil where there is no body.
    public var contentType: String? = "application/json"
    /// Header fields of this answer alone.
    public var headers: [Response.Field] = []
    /// The range that was really answered, in the form of its header.
    public var range: String?
    /// Record time (ms) of the newest record counted.
    public var asOfMilliseconds: Int64?
    /// Whether everything was read at one moment.
    public var isAtomic: Bool
    /// Cells of the answer of which something is parked, because they refused changes.
    public var parked: Int
    /// How far levels that the answer shows as 0 are below zero, added up.
    public var orphans: Int64
    /// The answer that is sent instead of this one, once it is there; nil: this one is sent.
    public var later: Later<Result<Reply, Problem>>?

    /// A reply made from answers.
    public init(
        _ body: [UInt8], asOfMilliseconds: Int64?, isAtomic: Bool, parked: Int = 0,
        orphans: Int64 = 0,
        range: TimeRange? = nil
    ) {
        self.body = body
        self.asOfMilliseconds = asOfMilliseconds
        self.isAtomic = isAtomic
        self.parked = parked
        self.orphans = orphans
        self.range = range?.text
    }

    init(
        _ answers: Answers, range: TimeRange? = nil, _ build: (inout JSONWriter) -> Void
    ) {
        var writer = JSONWriter()
        build(&writer)
        self.init(
            writer.bytes, asOfMilliseconds: answers.asOfMilliseconds, isAtomic: answers.isAtomic,
            parked: answers.parked,
            orphans: answers.orphans, range: range)
    }
}

/// One request that a dialect answers.
public struct Call: ~Copyable {
    /// The request.
    public let request: Request
    /// Values of the path's named segments.
    public let segments: PathParameters
    /// Answers questions.
    public let worker: QueryWorker
    /// The meters that the path needs and the catalog does not have.
    let gaps: [MeterGap]
    /// What the request uses of the limits; it learns the credential as soon as that is known.
    let charge: RequestCharge

    init(
        request: Request, segments: PathParameters, worker: QueryWorker, gaps: [MeterGap],
        charge: RequestCharge
    ) {
        self.request = request
        self.segments = segments
        self.worker = worker
        self.gaps = gaps
        self.charge = charge
    }

    /// Throws 501 where the catalog lacks meters that the path needs; the last check before reads.
    ///
    /// `names`: the meters that this call reads; nil: all those of its path.
    func requireMeters(_ names: [String]? = nil) throws(Problem) {
        let missing = names.map { names in gaps.filter { names.contains($0.name) } } ?? gaps
        guard missing.isEmpty else {
            throw Problem(
                501, "The catalog does not have what this needs: \(MeterGap.list(missing))")
        }
    }

    /// The time in seconds since 1970.
    public var nowSeconds: Int64 { worker.engine.clock.seconds }

    /// The answers to an inquiry; throws 503 where they cannot be read.
    public func answer(_ inquiry: Inquiry) throws(Problem) -> Answers {
        do throws(QueryError) {
            return try worker.answer(inquiry)
        } catch {
            throw Call.problem(error)
        }
    }

    /// The rows of a plan; throws 503 where they cannot be read, 400 where they are too many.
    func rows(
        _ plan: QuestionPlan, of organization: [UInt8]
    ) throws(Problem) -> (rows: QuestionRows, answers: Answers) {
        do throws(QueryError) {
            return try worker.rows(plan, of: organization)
        } catch {
            throw Call.problem(error)
        }
    }

    /// The first members of a ranking; throws 503 where they cannot be read.
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
        switch error.code {
        case .unavailable: .unavailable
        case .tooManyCells: Problem(400, error.message)
        case .unknownMeter, .refused, .tooLarge: .fault
        }
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

extension MeterGap {
    /// The names in one line, each with its difference where the catalog has such a meter.
    static func list(_ gaps: [MeterGap]) -> String {
        gaps.map { gap in gap.name + (gap.difference.map { " (\($0))" } ?? "") }
            .joined(separator: ", ")
    }
}

/// Error bodies `{"error": REASON PHRASE, "message": TEXT}`.
func plainErrorBody(_ problem: Problem) -> [UInt8] {
    Response.error(status: problem.status, message: problem.message).body
}
