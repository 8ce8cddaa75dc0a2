/// What is asked of a single Sentinel.
extension Sentinels {
    /// The code of an error that says that a Sentinel does not know the master.
    static let unknownName = RedisError.Code.server("UNKNOWN-MASTER")

    /// Connects to a Sentinel, with the same settings as to a server but as its own user.
    func open(
        _ endpoint: Endpoint, _ configuration: RedisConfiguration, connectMilliseconds: Int32,
        answerMilliseconds: Int32
    ) throws(RedisError) -> Connection {
        var direct = configuration.leading(to: endpoint)
        direct.user = user
        direct.password = password
        direct.database = 0
        direct.connectTimeoutMilliseconds = connectMilliseconds
        direct.commandTimeoutMilliseconds = answerMilliseconds
        do throws(RedisError) { return try Connection(direct) } catch {
            throw explained(error, endpoint)
        }
    }

    /// Buffers the questions of `receive`.
    func send(on link: inout Connection) {
        link.append("SENTINEL", "MASTER", name)
        link.append("SENTINEL", "GET-MASTER-ADDR-BY-NAME", name)
    }

    /// Where the master is and which failover made it one.
    func ask(_ link: inout Connection, at endpoint: Endpoint) throws(RedisError) -> Answer {
        send(on: &link)
        let description = try link.receive().copied()
        let address = try link.receive().copied()
        return try answer(description, address, endpoint)
    }

    /// What the two answers to `send` mean.
    func answer(
        _ description: ReplyValue, _ address: ReplyValue, _ endpoint: Endpoint
    ) throws(RedisError) -> Answer {
        if case .error(let text) = address {
            throw explained(RedisError(serverText: text), endpoint)
        }
        let parts = address.elements
        guard parts.count == 2, let host = parts[0].text, !host.isEmpty,
            let port = parts[1].integer, (1...65_535).contains(port)
        else { throw RedisError(Self.unknownName, "it knows no master named \(name)") }
        // Without the right to ask for it, answers have no order.
        let epoch = Self.pairs(description)["config-epoch"].flatMap { Int64($0) } ?? 0
        return Answer(master: Endpoint(host: host, port: Int32(port)), epoch: epoch)
    }

    /// A list of names and values as a table.
    static func pairs(_ reply: ReplyValue) -> [String: String] {
        var pairs: [String: String] = [:]
        let elements = reply.elements
        for index in stride(from: 0, to: elements.count - 1, by: 2) {
            if let name = elements[index].text { pairs[name] = elements[index + 1].text }
        }
        return pairs
    }

    /// The error with what to do about it.
    private func explained(_ error: RedisError, _ endpoint: Endpoint) -> RedisError {
        switch error.serverPrefix {
        case "NOAUTH", "WRONGPASS", "NOPERM":
            RedisError(error.code, "\(error.message) (--redis-sentinel-password-file)")
        case "ERR" where error.message.contains("unknown command"):
            RedisError(error.code, "this is no Sentinel: \(error.message)")
        default: error
        }
    }

    /// The error's message without the address before it, which is said already.
    static func reason(_ error: RedisError) -> String {
        guard ["redis://", "rediss://"].contains(where: error.message.hasPrefix),
            let colon = error.message.firstRange(of: ": ")
        else { return error.message }
        return String(error.message[colon.upperBound...])
    }

    // MARK: For people

    /// What one Sentinel says, for a person who looks after it.
    public struct Report: Sendable, Hashable {
        /// Where it is.
        public var endpoint: Endpoint
        /// Where it says the master is; nil where it did not say.
        public var master: Endpoint?
        /// Why it did not say; nil where it did.
        public var failure: String?
        /// How many of them must agree that the master is down; nil where it did not say.
        public var quorum: Int?
        /// How many Sentinels it knows, itself included.
        public var known: Int?
        /// How many replicas it knows.
        public var replicas: Int?
        /// Why no failover can be made now, in its words; nil where one can, or it did not say.
        public var obstacle: String?

        /// A report in which nothing is said yet.
        public init(endpoint: Endpoint) { self.endpoint = endpoint }
    }

    /// Asks every Sentinel.
    public func reports(_ configuration: RedisConfiguration) -> [Report] {
        endpoints.map { endpoint in
            var report = Report(endpoint: endpoint)
            do throws(RedisError) {
                var link = try open(
                    endpoint, configuration, connectMilliseconds: Self.stepMilliseconds,
                    answerMilliseconds: Self.stepMilliseconds)
                send(on: &link)
                link.append("SENTINEL", "CKQUORUM", name)
                let description = try link.receive().copied()
                let address = try link.receive().copied()
                let check = try link.receive().copied()
                report.master = try answer(description, address, endpoint).master
                let values = Self.pairs(description)
                report.quorum = values["quorum"].flatMap { Int($0) }
                report.known = values["num-other-sentinels"].flatMap { Int($0) }.map { $0 + 1 }
                report.replicas = values["num-slaves"].flatMap { Int($0) }
                if case .error(let text) = check, text.hasPrefix("NOQUORUM") {
                    report.obstacle = text
                }
            } catch { report.failure = Self.reason(error) }
            return report
        }
    }
}
