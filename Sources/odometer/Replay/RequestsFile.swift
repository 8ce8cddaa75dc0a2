import Foundation
import Laboratory
import Replay

/// The requests that are sent beside a replay, as a YAML file; docs/REPLAY.md describes it.
enum RequestsFile {
    /// The load that a file describes; `${NAME}` in header values is taken from the environment.
    static func read(_ text: [UInt8], name: String) throws(CommandFailure) -> RequestPlan {
        let form = try YAMLForm.read(text, name: name)
        let address = try form.address("server")
        let rate = try form.number("rate", 0.01...1_000_000) ?? 10
        let connections = try form.integer("connections", 1...1_000) ?? 16
        var requests: [LoadedRequest] = []
        if let forms = try form.forms("requests") {
            for form in forms { requests.append(try request(form)) }
        }
        if let documents = try form.form("documents") { requests += try routes(documents) }
        guard !requests.isEmpty else {
            throw form.failure("requests", "or documents are needed")
        }
        try form.end()
        return RequestPlan(
            host: address.host, port: address.port, rate: rate, connections: connections,
            requests: requests)
    }

    private static func request(_ form: YAMLForm) throws(CommandFailure) -> LoadedRequest {
        let target = try form.required("path")
        guard target.hasPrefix("/"), !target.contains(" ") else {
            throw form.failure("path", "must begin with / and hold no space")
        }
        var headers: [(name: String, value: String)] = []
        if let given = try form.form("headers") {
            for name in given.names {
                headers.append((name, try expanded(try given.required(name), given, name)))
            }
        }
        let request = LoadedRequest(
            name: try form.text("name") ?? target, target: target, headers: headers,
            weight: try form.integer("weight", 1...1_000) ?? 1)
        try form.end()
        return request
    }

    /// The eleven routes of the five documents, with the keys of one organization.
    private static func routes(_ form: YAMLForm) throws(CommandFailure) -> [LoadedRequest] {
        let organization = try form.required("organization")
        var keys: [String: String] = [:]
        if let given = try form.form("keys") {
            for name in given.names {
                keys[name] = try expanded(try given.required(name), given, name)
            }
        }
        let token = try expanded(try form.text("token") ?? "", form, "token")
        let routes = DemoRoutes(
            organization: organization, slug: try form.text("slug") ?? organization, keys: keys,
            token: token)
        try form.end()
        return routes.routes.compactMap { route in
            // Without a key of its document a route is left out.
            guard route.headers.allSatisfy({ !["", "Bearer "].contains($0.value) }) else {
                return nil
            }
            return LoadedRequest(name: route.title, target: route.path, headers: route.headers)
        }
    }

    /// A text with each `${NAME}` replaced by that variable of the environment.
    static func expanded(
        _ text: String, _ form: YAMLForm, _ name: String
    ) throws(CommandFailure) -> String {
        var expanded = ""
        var rest = text[...]
        while let start = rest.range(of: "${"),
            let end = rest.range(of: "}", range: start.upperBound..<rest.endIndex)
        {
            let variable = String(rest[start.upperBound..<end.lowerBound])
            guard let value = ProcessInfo.processInfo.environment[variable] else {
                throw form.failure(name, "names \(variable), which the environment does not have")
            }
            expanded += rest[..<start.lowerBound] + value
            rest = rest[end.upperBound...]
        }
        guard !(expanded + rest).contains(where: \.isNewline) else {
            throw form.failure(name, "must be one line")
        }
        return expanded + rest
    }
}
