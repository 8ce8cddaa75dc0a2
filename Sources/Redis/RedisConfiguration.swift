/// Where Redis is, as which user to authenticate, and how long to wait.
public struct RedisConfiguration: Sendable, Hashable, CustomStringConvertible {
    /// The socket that Redis listens on.
    public enum Address: Sendable, Hashable {
        /// A host name or address, and a port.
        case tcp(host: String, port: Int32)
        /// The path of a unix socket.
        case unixSocket(path: String)
        /// Sentinels, which are asked at each connect where the master is.
        case sentinels(Sentinels)
        /// A cluster: each command goes to the master that has its key.
        case cluster(Cluster)
    }

    /// The socket that Redis listens on.
    public var address: Address
    /// ACL user; nil: the default user.
    public var user: String?
    /// Password; nil: none is sent.
    public var password: String?
    /// Number of the database.
    public var database: Int
    /// How to speak TLS over TCP; nil: bytes go as they are.
    ///
    /// Of a cluster all copies of this configuration ask for the map as the one that was set last.
    public var tls: TLSClient? {
        didSet { reachNodes() }
    }
    /// Longest wait for a connection, its TLS handshake included.
    public var connectTimeoutMilliseconds: Int32
    /// Longest wait for one answer, and for room in the socket.
    public var commandTimeoutMilliseconds: Int32

    /// The TCP port that Redis listens on unless it is told otherwise.
    public static let defaultPort: Int32 = 6379

    /// A configuration of these parts.
    public init(
        address: Address = .tcp(host: "127.0.0.1", port: defaultPort), user: String? = nil,
        password: String? = nil, database: Int = 0, connectTimeoutMilliseconds: Int32 = 2_000,
        commandTimeoutMilliseconds: Int32 = 10_000
    ) {
        self.address = address
        self.user = user
        self.password = password
        self.database = database
        self.connectTimeoutMilliseconds = connectTimeoutMilliseconds
        self.commandTimeoutMilliseconds = commandTimeoutMilliseconds
    }

    /// A configuration from `redis://user:password@host:port/database`,
    /// `unix://user:password@/path?db=1`, plain `host:port`,
    /// `redis+sentinel://user:password@host:port,host:port/name?db=1&sentinel_user=user`, or
    /// `redis+cluster://user:password@host:port,host:port`.
    ///
    /// `rediss://`, `rediss+sentinel://` and `rediss+cluster://` are the same over TLS, with
    /// default settings until `tls` is set. User, password, path and name may hold `%XX`. Other
    /// schemes are refused.
    ///
    /// - Parameters:
    ///   - password: replaces the URL's; nil: the URL's is used.
    ///   - sentinelPassword: what Sentinels ask for; nil: none is sent.
    public init(
        url: String, password: String? = nil, sentinelPassword: String? = nil
    ) throws(RedisError) {
        var text = Substring(url)
        if let scheme = [Self.sentinelScheme, Self.sentinelTLSScheme].first(where: text.hasPrefix) {
            text.removeFirst(scheme.count)
            try self.init(sentinelRest: text, sentinelPassword: sentinelPassword)
            if scheme == Self.sentinelTLSScheme { tls = try TLSClient(TLSSettings()) }
        } else if let scheme = [Self.clusterScheme, Self.clusterTLSScheme].first(
            where: text.hasPrefix)
        {
            text.removeFirst(scheme.count)
            try self.init(clusterRest: text)
            if scheme == Self.clusterTLSScheme { tls = try TLSClient(TLSSettings()) }
        } else if text.hasPrefix("unix://") {
            text.removeFirst("unix://".count)
            try self.init(unixRest: text)
        } else if text.hasPrefix("redis://") {
            text.removeFirst("redis://".count)
            try self.init(redisRest: text)
        } else if text.hasPrefix("rediss://") {
            text.removeFirst("rediss://".count)
            try self.init(redisRest: text)
            tls = try TLSClient(TLSSettings())
        } else if text.contains("://") {
            throw RedisError(
                .configuration,
                "unknown scheme; use redis://, rediss://, unix://, redis+sentinel://, "
                    + "rediss+sentinel://, redis+cluster:// or rediss+cluster://")
        } else {
            try self.init(redisRest: text)
        }
        if let password { self.password = password }
        if case .sentinels = address {
        } else if sentinelPassword != nil {
            throw RedisError(
                .configuration, "a password for Sentinels, but the address names no Sentinels")
        }
        try validate()
        reachNodes()
    }

    /// Throws where a value is outside its permitted range; the message names it.
    public func validate() throws(RedisError) {
        switch address {
        case .tcp(let host, let port): try Endpoint(host: host, port: port).validate()
        case .unixSocket(let path):
            guard tls == nil else {
                throw RedisError(.configuration, "TLS needs a host, not a path")
            }
            // sockaddr_un has room for 108 bytes with the final zero; longer paths would be cut.
            guard (1...107).contains(path.utf8.count) else {
                throw RedisError(
                    .configuration,
                    "unix socket path of \(path.utf8.count) bytes; permitted 1 to 107")
            }
        case .sentinels(let sentinels): try sentinels.validate()
        case .cluster(let cluster):
            try cluster.validate()
            guard database == 0 else {
                throw RedisError(.configuration, "a cluster has database 0 only")
            }
        }
        guard (0...65_535).contains(database) else {
            throw RedisError(.configuration, "database is \(database); permitted 0 to 65535")
        }
        guard connectTimeoutMilliseconds > 0, commandTimeoutMilliseconds > 0 else {
            throw RedisError(.configuration, "timeouts must be at least 1 ms")
        }
        guard user == nil || password != nil else {
            throw RedisError(.configuration, "user without password")
        }
    }

    /// How long to wait after a connection could not be made, or was left, before the next try.
    ///
    /// Shorter with Sentinels and in a cluster, where another server may serve by then.
    public var reconnectMilliseconds: Int64 {
        switch address {
        case .sentinels, .cluster: 100
        case .tcp, .unixSocket: 500
        }
    }

    /// Address, user and database; never the password.
    public var description: String {
        let userPart = user.map { "\($0)@" } ?? ""
        switch address {
        case .tcp(let host, let port):
            let scheme = tls == nil ? "redis" : "rediss"
            return "\(scheme)://\(userPart)\(Endpoint(host: host, port: port))/\(database)"
        case .unixSocket(let path): return "unix://\(userPart)\(path)?db=\(database)"
        case .sentinels(let sentinels):
            let sentinelUser = sentinels.user.map { "&sentinel_user=\($0)" } ?? ""
            let scheme = tls == nil ? Self.sentinelScheme : Self.sentinelTLSScheme
            return "\(scheme)\(userPart)\(sentinels)?db=\(database)\(sentinelUser)"
        case .cluster(let cluster):
            return "\(tls == nil ? Self.clusterScheme : Self.clusterTLSScheme)\(userPart)\(cluster)"
        }
    }
}

extension RedisConfiguration {
    private init(redisRest rest: Substring) throws(RedisError) {
        self.init()
        var rest = try takeCredentials(of: rest)
        if let question = rest.firstIndex(of: "?") {
            try takeQuery(rest[rest.index(after: question)...])
            rest = rest[..<question]
        }
        if let slash = rest.firstIndex(of: "/") {
            let number = rest[rest.index(after: slash)...]
            if !number.isEmpty { database = try Self.number(number, "database") }
            rest = rest[..<slash]
        }
        let endpoint = try Endpoint(text: rest, defaultPort: Self.defaultPort)
        address = .tcp(
            host: endpoint.host.isEmpty ? "127.0.0.1" : endpoint.host, port: endpoint.port)
    }

    private init(unixRest rest: Substring) throws(RedisError) {
        self.init()
        var rest = rest.hasPrefix("/") ? rest : try takeCredentials(of: rest)
        if let question = rest.firstIndex(of: "?") {
            try takeQuery(rest[rest.index(after: question)...])
            rest = rest[..<question]
        }
        address = .unixSocket(path: try Self.decoded(rest, "path"))
    }

    /// Takes `user:password@` and returns what follows.
    mutating func takeCredentials(of text: Substring) throws(RedisError) -> Substring {
        guard let at = text.lastIndex(of: "@") else { return text }
        let credentials = text[..<at]
        let colon = credentials.firstIndex(of: ":") ?? credentials.endIndex
        let name = try Self.decoded(credentials[..<colon], "user")
        user = name.isEmpty ? nil : name
        if colon < credentials.endIndex {
            password = try Self.decoded(
                credentials[credentials.index(after: colon)...], "password")
        }
        return text[text.index(after: at)...]
    }

    private mutating func takeQuery(_ query: Substring) throws(RedisError) {
        for item in query.split(separator: "&") {
            let parts = item.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, parts[0] == "db" else {
                throw RedisError(.configuration, "unknown part after ?; permitted: db=NUMBER")
            }
            database = try Self.number(parts[1], "db")
        }
    }

    static func number(_ text: Substring, _ part: String) throws(RedisError) -> Int {
        guard let number = Int(text), number >= 0 else {
            throw RedisError(.configuration, "\(part) is not a number")
        }
        return number
    }

    static func decoded(_ text: Substring, _ part: String) throws(RedisError) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8.makeIterator()
        while let byte = rest.next() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.next().flatMap(hexValue), let low = rest.next().flatMap(hexValue)
            else { throw RedisError(.configuration, "\(part) has a broken %XX") }
            bytes.append(high << 4 | low)
        }
        guard let decoded = String(validating: bytes, as: UTF8.self) else {
            throw RedisError(.configuration, "\(part) is not UTF-8")
        }
        return decoded
    }

    private static func hexValue(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
