import Foundation
import Verify

/// Compares answers of the HTTP interface with what the oracle expects.
struct AnswerCheck {
    /// An organization whose answers are asked for, and the key that opens them.
    struct Reader {
        let organization: String
        let key: String
    }

    /// What was compared.
    struct Report {
        var compared = 0
        /// One line each.
        var differences: [String] = []
    }

    let host: String
    let port: UInt16
    let readers: [Reader]

    /// A file with `server` and `organizations`, each with `id` and `key`.
    static func read(_ text: [UInt8], name: String) throws(CommandFailure) -> AnswerCheck {
        let form = try YAMLForm.read(text, name: name)
        let address = try form.address("server")
        var readers: [Reader] = []
        for one in try form.forms("organizations") ?? [] {
            let key = try RequestsFile.expanded(try one.required("key"), one, "key")
            readers.append(Reader(organization: try one.required("id"), key: key))
            try one.end()
        }
        guard !readers.isEmpty else { throw form.failure("organizations", "are needed") }
        try form.end()
        return AnswerCheck(host: address.host, port: address.port, readers: readers)
    }

    /// Asks for every expected answer.
    func run(_ expected: [ExpectedAnswer]) -> Report {
        var report = Report()
        for answer in expected {
            guard let reader = readers.first(where: { $0.organization == answer.organization })
            else { continue }
            report.compared += 1
            let path = "/v1/meters/\(answer.meter)?limit=10000"
            let place = "\(answer.organization) GET \(path)"
            let found = HTTPProbe.get(
                host: host, port: port, path: path,
                headers: [("Authorization", "Bearer \(reader.key)")])
            guard let found, found.status == 200 else {
                report.differences.append(
                    "\(place): \(found.map { "HTTP \($0.status)" } ?? "no answer")")
                continue
            }
            guard let rows = AnswerCheck.rows(found.body, isSingle: answer.isSingle) else {
                report.differences.append("\(place): an answer of another form")
                continue
            }
            // More rows than one answer holds are compared as far as it goes.
            let isCut = answer.rows.count > 10_000
            if isCut ? !rows.isSubset(of: answer.rows) : rows != answer.rows {
                report.differences.append(
                    "\(place): expected \(AnswerCheck.shown(answer.rows, but: rows)), "
                        + "found \(AnswerCheck.shown(rows, but: answer.rows))")
            }
        }
        return report
    }

    /// The rows of an answer; nil where it is none.
    static func rows(_ body: String, isSingle: Bool) -> Set<ExpectedAnswer.Row>? {
        guard let object = JSONText.object(Array(body.utf8)),
            let piece = (object["data"] as? [[String: Any]])?.first
        else { return nil }
        if isSingle {
            guard let value = piece["value"] as? NSNumber else { return nil }
            return [ExpectedAnswer.Row(dimensions: [:], value: value.int64Value)]
        }
        guard let rows = piece["rows"] as? [[String: Any]] else { return nil }
        var found: Set<ExpectedAnswer.Row> = []
        for row in rows {
            guard let value = row["value"] as? NSNumber else { return nil }
            let dimensions = row.compactMapValues { $0 as? String }
            found.insert(ExpectedAnswer.Row(dimensions: dimensions, value: value.int64Value))
        }
        return found
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
