/// The address that names nodes of a cluster.
extension RedisConfiguration {
    /// What the address of a cluster begins with.
    static let clusterScheme = "redis+cluster://"
    /// The same with TLS to every node.
    static let clusterTLSScheme = "rediss+cluster://"

    /// From `user:password@host:port,host:port`; a cluster has one database only.
    init(clusterRest rest: Substring) throws(RedisError) {
        self.init()
        var rest = try takeCredentials(of: rest)
        for end in ["/0", "/"] where rest.hasSuffix(end) {
            rest = rest.dropLast(end.count)
            break
        }
        guard !rest.contains(where: { $0 == "/" || $0 == "?" }) else {
            throw RedisError(
                .configuration,
                "text after the nodes; permitted: \(Self.clusterScheme)HOST:PORT,HOST:PORT "
                    + "(a cluster has database 0 only)")
        }
        var seeds: [Endpoint] = []
        for text in rest.split(separator: ",", omittingEmptySubsequences: false) {
            let endpoint = try Endpoint(text: text, defaultPort: Self.defaultPort)
            if !seeds.contains(endpoint) { seeds.append(endpoint) }
        }
        address = .cluster(Cluster(seeds: seeds))
    }

    /// The cluster that the address names; nil where it names something else.
    public var cluster: Cluster? {
        guard case .cluster(let cluster) = address else { return nil }
        return cluster
    }

    /// Lets the cluster, where the address names one, reach its nodes as this configuration does.
    func reachNodes() { cluster?.use(self) }

    /// The address of the cluster that this server would be a node of, without user and password;
    /// nil where the address is no host's.
    var clusterURL: String? {
        guard case .tcp(let host, let port) = address else { return nil }
        let scheme = tls == nil ? Self.clusterScheme : Self.clusterTLSScheme
        return scheme + Endpoint(host: host, port: port).description
    }

    /// One configuration for each server that has data: this one, or of a cluster one that leads
    /// to each of its masters.
    ///
    /// Throws where the cluster's map cannot be read. Reads it from the cluster each time.
    public func servers() throws(RedisError) -> [RedisConfiguration] {
        guard let cluster else { return [self] }
        return try cluster.refresh().masters.map { leading(to: $0.endpoint) }
    }
}
