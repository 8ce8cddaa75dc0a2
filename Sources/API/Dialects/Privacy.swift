import HTTPServer
import Metering
import Query

/// Organization metrics: sessions, consent, compliance requests.
public struct PrivacyDialect: Dialect {
    /// Its name in credentials and in configuration.
    public let name = "privacy"
    /// Request headers that its answers depend on.
    public let credentialHeaders = "x-api-key"
    /// A key in a header of its own.
    public let scheme = CredentialScheme.apiKey
    /// All of its paths are below it.
    public let root = "/organizations"
    /// Its paths.
    public var routes: [DialectRoute] {
        [
            DialectRoute(
                "metrics", root + "/{organizationId}/metrics", needs: PrivacyNumbers.needs,
                answer: metrics)
        ]
    }
    /// 422.
    public let badRequestStatus = 422

    private static let mostProjects = 20
    private static let profileMembers = ProfileMembers(["name"])

    /// The dialect.
    public init() {}

    private func metrics(_ call: borrowing Call) throws(Problem) -> Reply {
        let credential = try call.requireCredential(
            call.request.headers.single("x-api-key").value, for: self, message: "Unauthorized")
        let parameters = try Parameters(
            call.request, known: ["startDate", "endDate"], lists: ["project"], badStatus: 422)
        guard let id = call.segments["organizationId"].flatMap(PrivacyDialect.canonicalUUID) else {
            throw parameters.problem("organizationId is not a UUID")
        }
        let names = (start: "startDate", end: "endDate")
        let range = try parameters.wholeDays(
            start: try parameters.time("startDate"),
            end: try parameters.time("endDate", roundingUp: true), names: names,
            nowSeconds: call.nowSeconds)
        let scopes = try scopes(parameters)
        _ = try parameters.exactCoverage(
            of: PrivacyNumbers.dailyMeters, range, names: names, call.worker.engine)
        guard id == PrivacyDialect.canonicalUUID(credential.organization),
            credential.role != .write
        else { throw Problem(403, "Forbidden") }
        try call.requireMeters()

        var inquiry = call.worker.inquiry(credential.organization)
        let profile = inquiry.profile("organization", members: PrivacyDialect.profileMembers)
        let numbers = PrivacyNumbers(
            inquiry: inquiry, engine: call.worker.engine, range: range, scopes: scopes)
        let answers = try call.answer(numbers.inquiry)
        guard answers[profile] != nil else { throw Problem(404, "Not Found") }
        return Reply(answers, range: range) { numbers.write(answers, &$0) }
    }

    /// The cells of the given projects, each once; without one, those of the whole organization.
    ///
    /// An empty value means the events without a project.
    private func scopes(_ parameters: Parameters) throws(Problem) -> [CellScope] {
        var projects: [[UInt8]] = []
        let given = parameters.texts("project")
        guard given.count <= PrivacyDialect.mostProjects else {
            throw parameters.problem(
                "project is given more than \(PrivacyDialect.mostProjects) times")
        }
        for project in given where !projects.contains(project) {
            guard project.count <= EventLimits.textBytes else {
                throw parameters.problem("project has more than \(EventLimits.textBytes) bytes")
            }
            projects.append(project)
        }
        return projects.isEmpty
            ? [.organization] : projects.map { CellScope([("project", $0)]) }
    }

    /// The lower-case form of a UUID written with hyphens; nil for anything else.
    private static func canonicalUUID(_ text: [UInt8]) -> [UInt8]? {
        guard text.count == 36 else { return nil }
        var canonical: [UInt8] = []
        for (index, byte) in text.enumerated() {
            switch byte {
            case UInt8(ascii: "-") where [8, 13, 18, 23].contains(index): canonical.append(byte)
            case 48...57 where ![8, 13, 18, 23].contains(index): canonical.append(byte)
            case 65...70 where ![8, 13, 18, 23].contains(index): canonical.append(byte | 32)
            case 97...102 where ![8, 13, 18, 23].contains(index): canonical.append(byte)
            default: return nil
            }
        }
        return canonical
    }

    /// `{statusCode, error, message}`.
    public func body(of problem: Problem) -> [UInt8] {
        var json = JSONWriter(capacity: 128)
        json.object {
            $0.member("statusCode", integer: Int64(problem.status))
            $0.member("error", string: Status.phrase(problem.status))
            $0.member("message", string: problem.message)
        }
        return json.bytes
    }
}
