/// The address that names Sentinels.
extension RedisConfiguration {
    /// What the address of Sentinels begins with.
    static let sentinelScheme = "redis+sentinel://"
    /// The same with TLS to the Sentinels and to the servers that they name.
    static let sentinelTLSScheme = "rediss+sentinel://"

    /// From `user:password@host:port,host:port/name?db=1&sentinel_user=user`; user and password are
    /// those of the data servers.
    init(sentinelRest rest: Substring, sentinelPassword: String?) throws(RedisError) {
        self.init()
        var rest = try takeCredentials(of: rest)
        var sentinelUser: String?
        if let question = rest.firstIndex(of: "?") {
            for item in rest[rest.index(after: question)...].split(separator: "&") {
                let parts = item.split(separator: "=", maxSplits: 1)
                switch parts.count == 2 ? parts[0] : "" {
                case "db": database = try Self.number(parts[1], "db")
                case "sentinel_user":
                    sentinelUser = try Self.decoded(parts[1], "sentinel_user")
                default:
                    throw RedisError(
                        .configuration,
                        "unknown part after ?; permitted: db=NUMBER and sentinel_user=USER")
                }
            }
            rest = rest[..<question]
        }
        guard let slash = rest.firstIndex(of: "/"), rest.index(after: slash) < rest.endIndex else {
            throw RedisError(
                .configuration,
                "the master's name is missing: \(Self.sentinelScheme)HOST:PORT,HOST:PORT/NAME")
        }
        let name = try Self.decoded(rest[rest.index(after: slash)...], "name")
        var endpoints: [Endpoint] = []
        for text in rest[..<slash].split(separator: ",", omittingEmptySubsequences: false) {
            let endpoint = try Endpoint(text: text, defaultPort: Sentinels.defaultPort)
            if !endpoints.contains(endpoint) { endpoints.append(endpoint) }
        }
        address = .sentinels(
            Sentinels(
                endpoints: endpoints, name: name, user: sentinelUser, password: sentinelPassword))
    }

    /// How to reach a server directly; everything but the address stays.
    func leading(to endpoint: Endpoint) -> RedisConfiguration {
        var direct = self
        direct.address = .tcp(host: endpoint.host, port: endpoint.port)
        return direct
    }
}
