import HTTPServer
import Printing

/// Every route of the five APIs, with the headers that open it.
public struct DemoRoutes {
    /// One route.
    public struct Route {
        /// What it answers, for people.
        public let title: String
        /// Path and query.
        public let path: String
        /// The headers with its credential.
        public let headers: [(name: String, value: String)]
    }

    /// The routes in the order in which they are shown.
    public let routes: [Route]

    /// The routes of one organization.
    ///
    /// - Parameters:
    ///   - keys: dialect → secret.
    ///   - token: signed as an identity provider does.
    public init(organization: String, slug: String, keys: [String: String], token: String) {
        func key(_ dialect: String) -> String { keys[dialect] ?? "" }
        let workspace = [
            (name: "Authorization", value: "Bearer \(key("workspace"))"),
            (name: "x-org", value: slug),
        ]
        let analytics = "/api/v1/app/organization/analytics"
        let identity = [(name: "Authorization", value: "Bearer \(token)")]
        routes = [
            Route(
                title: "Organization overview", path: "/api/analytics/overview",
                headers: [("X-API-Key", key("overview"))]),
            Route(title: "Workspace: totals", path: analytics + "/totals", headers: workspace),
            Route(
                title: "Workspace: most active users",
                path: analytics + "/ranking/active-users?limit=3",
                headers: workspace),
            Route(
                title: "Workspace: most active projects",
                path: analytics + "/ranking/active-projects?limit=3", headers: workspace),
            Route(
                title: "Workspace: interactions by day",
                path: analytics + "/timeseries?type=interactions", headers: workspace),
            Route(
                title: "Connections of the last day",
                path: "/api/connection-analytics/summary?minutes=1440",
                headers: [("Authorization", key("connections"))]),
            Route(
                title: "Organization metrics", path: "/organizations/\(organization)/metrics",
                headers: [("x-api-key", key("privacy"))]),
            Route(
                title: "Identity: tokens by day", path: "/api/v1/analytics/tokens?days=7",
                headers: identity),
            Route(
                title: "Identity: activity by weekday and hour",
                path: "/api/v1/analytics/agents/activity", headers: identity),
            Route(
                title: "Identity: tokens by agent", path: "/api/v1/analytics/agents",
                headers: identity),
            Route(
                title: "Any meter", path: "/v1/meters",
                headers: [("Authorization", "Bearer \(key("operations"))")]),
        ]
    }

    /// Asks every route and prints a curl line and the beginning of the answer; false when a route
    /// was not answered with 200.
    func show(host: String, port: UInt16, lines: Int = 9) -> Bool {
        var isComplete = true
        for route in routes {
            let headers = route.headers.map { "-H '\($0.name): \($0.value)' " }.joined()
            Output.line("\n\(route.title)")
            Output.line("  curl -s \(headers)'http://\(host):\(port)\(route.path)'")
            let answer = HTTPProbe.get(
                host: host, port: port, path: route.path, headers: route.headers)
            guard let answer else {
                Output.line("  no answer")
                isComplete = false
                continue
            }
            if answer.status != 200 { isComplete = false }
            let text = JSONText.indented(answer.body).split(separator: "\n")
            Output.line("  HTTP \(answer.status)")
            for line in text.prefix(lines) { Output.line("  \(line)") }
            if text.count > lines { Output.line("  … \(text.count - lines) lines more") }
        }
        return isComplete
    }
}
