import Laboratory
import Verify

/// Whose answers are compared, as a YAML file; docs/REPLAY.md describes it.
enum AnswersFile {
    /// A file with `server` and `organizations`, each with `id` and what opens its routes.
    static func read(_ text: [UInt8], name: String) throws(CommandFailure) -> AnswerCheck {
        let form = try YAMLForm.read(text, name: name)
        let address = try form.address("server")
        var readers: [AnswerCheck.Reader] = []
        for organization in try form.forms("organizations") ?? [] {
            readers.append(try reader(organization))
        }
        guard !readers.isEmpty else { throw form.failure("organizations", "are needed") }
        try form.end()
        return AnswerCheck(host: address.host, port: address.port, readers: readers)
    }

    private static func reader(_ form: YAMLForm) throws(CommandFailure) -> AnswerCheck.Reader {
        func expanded(_ form: YAMLForm, _ name: String) throws(CommandFailure) -> String? {
            let text = try RequestsFile.expanded(try form.text(name) ?? "", form, name)
            // An empty variable of the environment counts as not given.
            return text.isEmpty ? nil : text
        }
        let organization = try form.required("id")
        let slug = try form.text("slug") ?? organization
        let key = try expanded(form, "key")
        let token = try expanded(form, "token")
        var keys: [String: String] = [:]
        if let given = try form.form("keys") {
            for document in ExpectedRoute.Document.allCases where document != .identity {
                keys[document.rawValue] = try expanded(given, document.rawValue)
            }
            try given.end()
        }
        guard key != nil || token != nil || !keys.isEmpty else {
            throw form.failure("key", "or keys or token is needed")
        }
        try form.end()
        return AnswerCheck.Reader(
            organization: organization, key: key, keys: keys, slug: slug, token: token)
    }
}
