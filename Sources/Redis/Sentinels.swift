internal import Glibc
internal import Synchronization

/// Redis Sentinels that watch one master, and what this process has learned from them.
///
/// All connections made of copies of one configuration share it: the Sentinel that answered last is
/// asked first, and while connections are open one thread looks for a newer master
/// (`SentinelWatch.swift`). Thread-safe.
public final class Sentinels: Sendable, Hashable, CustomStringConvertible {
    /// The port that Sentinels listen on unless they are told otherwise.
    public static let defaultPort: Int32 = 26379
    /// How long a connection to a Sentinel or to a server that it named, and each answer of a
    /// Sentinel, is waited for at most.
    static let stepMilliseconds: Int32 = 500
    /// How long the server that it named may take to say that it is a master.
    ///
    /// Longer, because the watch ends the wait when another master is named meanwhile.
    static let masterMilliseconds: Int32 = 2_000

    /// Where they are, in the order of the URL.
    public let endpoints: [Endpoint]
    /// What they call the master.
    public let name: String
    /// ACL user of the Sentinels; nil: the default user.
    public let user: String?
    /// Their password; nil: none is sent.
    let password: String?
    let state: Mutex<State>

    /// Sentinels of these parts.
    public init(endpoints: [Endpoint], name: String, user: String? = nil, password: String? = nil) {
        self.endpoints = endpoints
        self.name = name
        self.user = user
        self.password = password
        state = Mutex(State(order: endpoints))
    }

    func validate() throws(RedisError) {
        guard !endpoints.isEmpty, !name.isEmpty else {
            throw RedisError(.configuration, "Sentinels need an address and a master's name")
        }
        for endpoint in endpoints { try endpoint.validate() }
        guard user == nil || password != nil else {
            throw RedisError(
                .configuration,
                "sentinel_user without a password (--redis-sentinel-password-file)")
        }
    }

    /// Their endpoints and the master's name; never the password.
    public var description: String {
        "\(endpoints.map(\.description).joined(separator: ","))/\(name)"
    }

    /// Whether both ask the same Sentinels for the same master.
    public static func == (left: Sentinels, right: Sentinels) -> Bool {
        left.endpoints == right.endpoints && left.name == right.name && left.user == right.user
            && left.password == right.password
    }

    /// The parts that are compared.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(endpoints)
        hasher.combine(name)
        hasher.combine(user)
    }

    /// What this process has learned.
    struct State {
        /// All endpoints; the one that answered last comes first.
        var order: [Endpoint]
        /// The newest answer: Sentinels raise the epoch with each failover.
        var newest: Answer?
        /// Connections to masters that they named, by a number of ours.
        var sockets: [Int: Socket] = [:]
        var nextSocket = 0
        /// Whether the thread that looks for a newer master runs.
        var isWatching = false

        init(order: [Endpoint]) { self.order = order }

        /// Asks this one first from now on.
        mutating func putFirst(_ endpoint: Endpoint) {
            order.removeAll { $0 == endpoint }
            order.insert(endpoint, at: 0)
        }
    }

    /// What a Sentinel says about the master.
    struct Answer: Sendable, Hashable {
        /// Where the master is.
        var master: Endpoint
        /// The number of its failover: of two answers the one with the larger number is newer.
        var epoch: Int64
    }

    // MARK: Connecting

    /// Connects to the master that a Sentinel names and that says itself that it is one.
    ///
    /// Sentinels are asked in order until one leads to a master. An answer that is older than one
    /// that is known counts only where nobody gives a newer one.
    func connect(_ configuration: RedisConfiguration) throws(RedisError) -> Connection {
        let deadline = Deadline(milliseconds: configuration.connectTimeoutMilliseconds)
        var attempt = Attempt()
        var older: [(endpoint: Endpoint, answer: Answer)] = []
        for endpoint in state.withLock({ $0.order }) {
            let rest = min(Self.stepMilliseconds, deadline.remainingMilliseconds)
            guard rest > 0 else { break }
            let answer: Answer
            do throws(RedisError) {
                var link = try open(
                    endpoint, configuration, connectMilliseconds: rest, answerMilliseconds: rest)
                answer = try ask(&link, at: endpoint)
            } catch {
                attempt.failed(endpoint, error)
                continue
            }
            if answer.epoch < state.withLock({ $0.newest?.epoch ?? answer.epoch }) {
                older.append((endpoint, answer))
                continue
            }
            attempt.hasAnswer = true
            if let connection = enter(answer, of: endpoint, configuration, &attempt) {
                return connection
            }
        }
        if !attempt.hasAnswer, let newest = older.map(\.answer.epoch).max() {
            // The Sentinels were set up again, or those that knew better are away.
            state.withLock { $0.newest = nil }
            for (endpoint, answer) in older where answer.epoch == newest {
                attempt.hasAnswer = true
                if let connection = enter(answer, of: endpoint, configuration, &attempt) {
                    return connection
                }
            }
        }
        throw attempt.error(configuration, self)
    }

    /// Connects to the server that was named, unless this attempt did that before.
    private func enter(
        _ answer: Answer, of endpoint: Endpoint, _ configuration: RedisConfiguration,
        _ attempt: inout Attempt
    ) -> Connection? {
        guard attempt.tried.insert(answer.master).inserted else { return nil }
        var direct = configuration.leading(to: answer.master)
        direct.connectTimeoutMilliseconds = min(
            Self.stepMilliseconds, direct.connectTimeoutMilliseconds)
        do throws(RedisError) {
            let connection = try Connection.toMaster(
                direct, answerMilliseconds: Self.masterMilliseconds
            ) { descriptor in watch(descriptor, answer, configuration) }
            state.withLock { $0.putFirst(endpoint) }
            return connection
        } catch {
            attempt.failed(answer.master, namedBy: endpoint, error)
            return nil
        }
    }

    /// One attempt to connect: what was tried and what went wrong.
    private struct Attempt {
        /// Whether a Sentinel has named a server.
        var hasAnswer = false
        /// Servers that were named.
        var tried: Set<Endpoint> = []
        private var silent: [String] = []
        private var unaware: [String] = []
        private var servers: [String] = []
        /// Answers that do not change by themselves, such as a wrong password.
        private var refusals: [RedisError.Code] = []
        private var serverRefusal: RedisError.Code?

        /// A Sentinel gave no address.
        mutating func failed(_ endpoint: Endpoint, _ error: RedisError) {
            if error.code == Sentinels.unknownName {
                unaware.append(endpoint.description)
            } else {
                silent.append("\(endpoint): \(Sentinels.reason(error))")
                if case .server = error.code { refusals.append(error.code) }
            }
        }

        /// A server that was named could not be used.
        mutating func failed(_ master: Endpoint, namedBy endpoint: Endpoint, _ error: RedisError) {
            servers.append("\(endpoint) names \(master): \(Sentinels.reason(error))")
            if case .server = error.code, !error.leavesServer { serverRefusal = error.code }
        }

        /// The error of the attempt as a whole.
        func error(_ configuration: RedisConfiguration, _ sentinels: Sentinels) -> RedisError {
            let silence = silent.isEmpty ? "" : " (\(silent.joined(separator: "; ")))"
            if hasAnswer {
                return RedisError(
                    serverRefusal ?? .connect,
                    "\(configuration): no master can be used: "
                        + servers.joined(separator: "; ") + silence)
            }
            if !unaware.isEmpty {
                return RedisError(
                    .connect,
                    "\(configuration): the Sentinels know no master named \(sentinels.name): "
                        + unaware.joined(separator: ", ") + silence)
            }
            let isFinal = refusals.count == silent.count
            return RedisError(
                isFinal ? refusals.first ?? .connect : .connect,
                "\(configuration): no Sentinel answers\(silence)")
        }
    }
}
