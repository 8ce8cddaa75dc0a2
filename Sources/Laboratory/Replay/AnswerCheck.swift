import Foundation
import HTTPServer
import Printing
public import Verify

/// Compares answers of the HTTP interface with what the oracle expects.
public struct AnswerCheck {
    /// An organization whose answers are asked for, and the credentials that open them;
    /// docs/REPLAY.md describes the file.
    public struct Reader {
        /// Its id.
        public let organization: String
        /// The key that opens `/v1/meters`; nil when none is given.
        let key: String?
        /// By dialect, the key that opens its routes.
        let keys: [String: String]
        /// The organization's slug, which is sent with the workspace's key.
        let slug: String
        /// The identity provider's token; nil when none is given.
        let token: String?

        /// Makes an organization with its credentials; routes without one are skipped.
        public init(
            organization: String, key: String? = nil, keys: [String: String] = [:], slug: String,
            token: String? = nil
        ) {
            self.organization = organization
            self.key = key
            self.keys = keys
            self.slug = slug
            self.token = token
        }

        /// The headers that open a document's routes; nil when no credential for them is given.
        func headers(_ document: ExpectedRoute.Document) -> [(name: String, value: String)]? {
            if document == .identity {
                return token.map { [("Authorization", "Bearer \($0)")] }
            }
            guard let key = keys[document.rawValue] else { return nil }
            switch document {
            case .overview: return [("X-API-Key", key)]
            case .workspace: return [("Authorization", "Bearer \(key)"), ("x-org", slug)]
            case .connections: return [("Authorization", key)]
            case .privacy, .identity: return [("x-api-key", key)]
            }
        }
    }

    /// What was compared.
    public struct Report {
        /// How many requests were compared.
        public var compared = 0
        /// The differences, one line each.
        public var differences: [String] = []
        /// Routes that were not asked, with the reason, one line each.
        public var skipped: [String] = []

        mutating func skip(_ line: String) {
            if !skipped.contains(line) { skipped.append(line) }
        }
    }

    /// How many differences of one answer are reported.
    private static let mostPlaces = 3

    let host: String
    let port: UInt16
    /// The organizations whose answers are compared.
    public let readers: [Reader]

    /// Makes a comparison with the answers of the server at `host` and `port`.
    public init(host: String, port: UInt16, readers: [Reader]) {
        self.host = host
        self.port = port
        self.readers = readers
    }

    /// Asks for every expected answer that a reader's credentials open, and compares.
    public func run(
        _ answers: [ExpectedAnswer], _ routes: [ExpectedRoute], _ unchecked: [UncheckedRoute]
    ) -> Report {
        var report = Report()
        for answer in answers { compare(answer, &report) }
        for route in routes { compare(route, &report) }
        for route in unchecked {
            report.skip("\(route.organization) GET \(route.path): \(route.reason)")
        }
        return report
    }

    private func reader(of organization: String) -> Reader? {
        readers.first { $0.organization == organization }
    }

    /// The body of the answer to a request; nil, with a difference noted, when the status is not
    /// 200.
    private func ask(
        _ path: String, _ headers: [(name: String, value: String)], _ place: String,
        _ report: inout Report
    ) -> String? {
        report.compared += 1
        var found: HTTPProbe.Answer?
        // A server that is too busy, or was asked too often, says so and may be asked again.
        for attempt in 0..<6 {
            if attempt > 0 { Thread.sleep(forTimeInterval: 1) }
            found = HTTPProbe.get(host: host, port: port, path: path, headers: headers)
            guard let found, [429, 503].contains(found.status) else { break }
        }
        guard let found, found.status == 200 else {
            report.differences.append(
                "\(place): \(found.map { "HTTP \($0.status)" } ?? "no answer")")
            return nil
        }
        return found.body
    }

    // MARK: Routes of the five documents

    private func compare(_ route: ExpectedRoute, _ report: inout Report) {
        guard let reader = reader(of: route.organization) else { return }
        let path = route.target.split(separator: "?")[0]
        guard let headers = reader.headers(route.document) else {
            let credential =
                route.document == .identity ? "token" : "key of \(route.document.rawValue)"
            report.skip("\(route.organization) GET \(path): no \(credential) is given")
            return
        }
        let place = "\(route.organization) GET \(route.target)"
        guard let body = ask(route.target, headers, place, &report) else { return }
        guard let found = JSONText.value(Array(body.utf8)) else {
            report.differences.append("\(place): an answer of another form")
            return
        }
        // The answer must equal one of the bodies; else the differences from the first are
        // reported.
        let differences = route.bodies.map { $0.differences(from: found) }
        guard !differences.contains([]), let told = differences.first else { return }
        var text = told.prefix(Self.mostPlaces).joined(separator: "; ")
        if told.count > Self.mostPlaces { text += "; \(told.count - Self.mostPlaces) more" }
        report.differences.append("\(place): \(text)")
    }

    // MARK: Meters

    private func compare(_ answer: ExpectedAnswer, _ report: inout Report) {
        guard let reader = reader(of: answer.organization) else { return }
        guard let key = reader.key else {
            report.skip("\(answer.organization) GET /v1/meters/{meter}: no key is given")
            return
        }
        // JSON numbers with decimals would be read as doubles here.
        let style = answer.scale > 0 ? "&numbers=text" : ""
        let path = "/v1/meters/\(answer.meter)?limit=10000\(style)"
        let place = "\(answer.organization) GET \(path)"
        guard let body = ask(path, [("Authorization", "Bearer \(key)")], place, &report) else {
            return
        }
        let rows = AnswerCheck.rows(body, isSingle: answer.isSingle, scale: answer.scale)
        guard let rows else {
            report.differences.append("\(place): an answer of another form")
            return
        }
        // One answer has at most 10,000 rows; of more, only those in the answer are compared.
        let isCut = answer.rows.count > 10_000
        if isCut ? !rows.isSubset(of: answer.rows) : rows != answer.rows {
            report.differences.append(
                "\(place): expected \(AnswerCheck.shown(answer.rows, but: rows)), "
                    + "found \(AnswerCheck.shown(rows, but: answer.rows))")
        }
    }

    /// The rows of an answer; nil when the body is not an answer of this form.
    static func rows(
        _ body: String, isSingle: Bool, scale: Int = 0
    ) -> Set<ExpectedAnswer.Row>? {
        guard let object = JSONText.object(Array(body.utf8)),
            let piece = (object["data"] as? [[String: Any]])?.first
        else { return nil }
        if isSingle {
            guard let value = number(piece["value"], scale) else { return nil }
            return [ExpectedAnswer.Row(dimensions: [:], value: value)]
        }
        guard let rows = piece["rows"] as? [[String: Any]] else { return nil }
        var found: Set<ExpectedAnswer.Row> = []
        for row in rows {
            guard let value = number(row["value"], scale) else { return nil }
            let dimensions = row.filter { $0.key != "value" }.compactMapValues { $0 as? String }
            found.insert(ExpectedAnswer.Row(dimensions: dimensions, value: value))
        }
        return found
    }

    /// A value times 10^scale: an integer, or a text with exactly `scale` decimals.
    private static func number(_ value: Any?, _ scale: Int) -> Int64? {
        guard scale > 0 else { return (value as? NSNumber)?.int64Value }
        guard let text = value as? String else { return nil }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[1].utf8.count == scale else { return nil }
        return Int64(parts[0] + parts[1])
    }

    private static func shown(
        _ rows: Set<ExpectedAnswer.Row>, but others: Set<ExpectedAnswer.Row>
    ) -> String {
        let own = rows.subtracting(others).prefix(3).map { row in
            row.dimensions.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value) " }.joined()
                + String(row.value)
        }
        return own.isEmpty ? "nothing more" : own.joined(separator: "; ")
    }
}
