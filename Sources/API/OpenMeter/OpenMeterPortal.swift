public import HTTPServer
import Metering
import Query

/// Tokens for portals: made with an admin key, used by a customer's browser.
extension OpenMeterDialect {
    var portalRoutes: [DialectRoute] {
        let path = root + "/portal/tokens"
        return [
            DialectRoute("portal_tokens_post", path, method: .post, answer: makeToken),
            DialectRoute("portal_tokens", path, answer: refuseTokens),
            DialectRoute(
                "portal_tokens_invalidate", path + "/invalidate", method: .post,
                answer: refuseTokens),
        ]
    }

    private func requireAdmin(_ call: borrowing Call) throws(Problem) -> OpenMeterSight {
        let (credential, sight) = try enter(call)
        guard credential.role != .read else {
            throw Problem(403, "Tokens for portals are made with admin keys only")
        }
        return sight
    }

    private func refuseTokens(_ call: borrowing Call) throws(Problem) -> Reply {
        _ = try requireAdmin(call)
        throw Problem(
            501,
            "Tokens are not stored, so that they are neither listed nor taken back; "
                + "give them a short life with expiresAt")
    }

    private func makeToken(_ call: borrowing Call) throws(Problem) -> Reply {
        let sight = try requireAdmin(call)
        try Parameters.refuseAll(of: call.request, badStatus: 400)
        guard let tokens else {
            throw Problem(
                501, "No secret for portals is configured: --openmeter-portal-secret-file")
        }
        let asked = try TokenRequest(call.request.body, nowSeconds: call.nowSeconds)
        guard sight.isOperator || asked.subject == sight.organization else {
            throw Problem(403, "The key may make tokens for its own organization only")
        }
        for name in asked.meters ?? [] {
            let text = String(decoding: name, as: UTF8.self)
            guard call.worker.engine.openMeter(text) != nil else {
                throw Problem(404, "There is no meter \(text.prefix(64))")
            }
        }
        let id = PortalTokens.newID(milliseconds: call.nowSeconds * 1_000)
        let token = tokens.make(
            id: id, subject: asked.subject, meters: asked.meters, nowSeconds: call.nowSeconds,
            expirySeconds: asked.expirySeconds)
        var json = JSONWriter()
        json.object { json in
            json.member("id", string: id)
            json.member("subject", string: asked.subject)
            json.member("expiresAt", string: TimeText.second(asked.expirySeconds))
            json.member("expired", bool: false)
            json.member("createdAt", string: TimeText.second(call.nowSeconds))
            json.member("token", string: token)
            guard let meters = asked.meters else { return }
            json.array("allowedMeterSlugs") { list in meters.forEach { list.string($0) } }
        }
        return Reply(json.bytes, asOfMilliseconds: nil, isAtomic: true)
    }
}

/// What a token is asked for: `{subject, allowedMeterSlugs?, expiresAt?}`.
private struct TokenRequest {
    var subject: [UInt8] = []
    var meters: [[UInt8]]?
    var expirySeconds: Int64

    init(_ body: [UInt8], nowSeconds: Int64) throws(Problem) {
        expirySeconds = nowSeconds + PortalTokens.standardLifeSeconds
        for (name, value) in try OpenMeterReader.members(body) {
            switch (name, value) {
            case ("subject", .string(let text)): subject = text
            case ("expiresAt", .string(let text)):
                expirySeconds = try OpenMeterQuestion.second(name, text)
                guard expirySeconds > nowSeconds else {
                    throw Problem.invalid(name, "is not in the future", source: .body)
                }
            case ("allowedMeterSlugs", .array(let values)):
                var meters: [[UInt8]] = []
                for value in values {
                    guard case .string(let text) = value else {
                        throw Problem.invalid(name, "must be a list of texts", source: .body)
                    }
                    meters.append(text)
                }
                guard (1...OpenMeterQuestion.mostEntries).contains(meters.count) else {
                    throw Problem.invalid(
                        name, "must have 1 to \(OpenMeterQuestion.mostEntries) entries",
                        source: .body)
                }
                self.meters = meters
            // What only answers have, and what is not known, is dropped like OpenMeter drops it.
            default:
                guard !["subject", "expiresAt", "allowedMeterSlugs"].contains(name) else {
                    throw Problem.invalid(name, "is of the wrong type", source: .body)
                }
            }
        }
        guard (1...EventLimits.textBytes).contains(subject.count) else {
            throw Problem.invalid(
                "subject", "must have 1 to \(EventLimits.textBytes) bytes", source: .body)
        }
    }
}

/// What a customer's browser asks: `GET /api/v1/portal/meters/{meter}/query`.
public struct OpenMeterPortalDialect: Dialect {
    /// Its name in configuration.
    public let name = "openmeter_portal"
    /// None: it is opened by tokens.
    public let keys: DialectKeys? = nil
    /// Request headers that its answers depend on: `Accept` chooses between JSON and CSV.
    public let credentialHeaders = "Authorization, Accept"
    /// A token in `Authorization`.
    public let scheme = CredentialScheme.bearer
    /// All of its paths are below it.
    public let root = "/api/v1/portal/meters"
    /// RFC 9457.
    public let problemType = "application/problem+json"
    /// Pages of every origin may read the answers, because a token is no cookie.
    public let answerHeaders = [
        Response.Field(name: "Access-Control-Allow-Origin", value: "*"),
        Response.Field(name: "Access-Control-Expose-Headers", value: "Content-Disposition"),
    ]
    /// Its paths; they need no particular meter.
    public var routes: [DialectRoute] {
        let path = root + "/{meter}/query"
        return [
            DialectRoute("query", path, answer: query),
            DialectRoute("query_options", path, method: .options) { _ throws(Problem) in
                var reply = Reply([], asOfMilliseconds: nil, isAtomic: true)
                reply.status = 204
                reply.contentType = nil
                reply.headers = [
                    .init(name: "Access-Control-Allow-Methods", value: "GET, OPTIONS"),
                    .init(
                        name: "Access-Control-Allow-Headers",
                        value: "Accept, Authorization, Content-Type"),
                    .init(name: "Access-Control-Max-Age", value: "300"),
                ]
                return reply
            },
        ]
    }
    private let tokens: PortalTokens?

    /// The dialect; without `tokens` every token is refused.
    public init(tokens: PortalTokens?) { self.tokens = tokens }

    private func query(_ call: borrowing Call) throws(Problem) -> Reply {
        let token = call.bearerToken()
        guard let token, let grant = tokens?.grant(token, nowSeconds: call.nowSeconds) else {
            throw Problem.unauthorized("Missing, invalid or expired token", secret: token)
        }
        try call.charge.begin(token: grant.claims)
        try call.charge.enter(grant.subject)
        let meter = try OpenMeterDialect.meter(call)
        guard grant.meters?.contains(Array(meter.name.utf8)) ?? true else {
            throw Problem.unauthorized("The token does not open this meter", secret: token)
        }
        var question = try OpenMeterReader(meter: meter)
            .question(call.request.query, isPortal: true)
        try question.set(subjects: [grant.subject])
        let sight = OpenMeterSight(organization: grant.subject, isOperator: false)
        return try OpenMeterDialect.reply(question, call, sight)
    }

    /// RFC 9457, as OpenMeter writes it.
    public func body(of problem: Problem) -> [UInt8] { OpenMeterDialect().body(of: problem) }
}

extension PortalTokens {
    /// A ULID: the time and 80 random bits, in Crockford's base 32.
    static func newID(milliseconds: Int64) -> String {
        let alphabet = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ".utf8)
        var generator = SystemRandomNumberGenerator()
        var text: [UInt8] = []
        for position in (0..<10).reversed() {
            text.append(alphabet[Int(milliseconds >> Int64(5 * position) & 31)])
        }
        for _ in 0..<16 { text.append(alphabet[Int.random(in: 0..<32, using: &generator)]) }
        return String(decoding: text, as: UTF8.self)
    }
}
