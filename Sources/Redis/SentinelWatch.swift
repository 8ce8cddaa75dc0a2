internal import Glibc
internal import Synchronization

/// Looking for a newer master while connections to the known one are open.
///
/// A master that hangs answers nothing, and its connections do not break. So one thread asks every
/// Sentinel a few times a second. Where one names another master with a newer epoch, connections
/// to the old one are shut down: who waits for them gets an error, connects again, and asks as
/// at every connect. What the thread has heard is a hint and leads nowhere by itself.
extension Sentinels {
    /// The pause between two rounds of questions.
    static let pauseMicroseconds: UInt32 = 200_000
    /// How long the thread waits for a connection to a Sentinel, and for its answers in one round.
    static let roundMilliseconds: Int32 = 200
    /// How long a Sentinel may owe an answer before the thread leaves it.
    static let silenceMilliseconds: Int32 = 1_000
    /// After this time a Sentinel that was left or did not answer is tried again.
    static let retryMilliseconds: Int32 = 1_000

    /// A connection to a master.
    struct Socket {
        /// Another descriptor of the same socket, so that it cannot become one of something else.
        var descriptor: Int32
        /// The answer that led to it.
        var answer: Answer
    }

    /// Ends this connection when a newer master is named; nil where the system has no descriptor
    /// left.
    func watch(
        _ descriptor: Int32, _ answer: Answer, _ configuration: RedisConfiguration
    ) -> WatchedSocket? {
        let own = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        guard own >= 0 else { return nil }
        let (number, starts) = state.withLock { state -> (Int, Bool) in
            if answer.epoch >= state.newest?.epoch ?? answer.epoch { state.newest = answer }
            let number = state.nextSocket
            state.nextSocket += 1
            state.sockets[number] = Socket(descriptor: own, answer: answer)
            defer { state.isWatching = true }
            return (number, !state.isWatching)
        }
        if starts, !start(configuration) { state.withLock { $0.isWatching = false } }
        return WatchedSocket(self, number)
    }

    /// The connection is closed.
    func forget(_ number: Int) {
        state.withLock { state in
            if let socket = state.sockets.removeValue(forKey: number) { close(socket.descriptor) }
        }
    }

    /// Takes what a Sentinel says now, and shuts down connections to an older master.
    func learn(_ answer: Answer, from endpoint: Endpoint) {
        state.withLock { state in
            if answer.epoch > state.newest?.epoch ?? Int64.min {
                state.newest = answer
                state.putFirst(endpoint)
            }
            guard let newest = state.newest else { return }
            // Also those opened by an older answer since the last round.
            for socket in state.sockets.values
            where socket.answer.epoch < newest.epoch && socket.answer.master != newest.master {
                shutdown(socket.descriptor, Int32(SHUT_RDWR))
            }
        }
    }

    // MARK: The thread

    private func start(_ configuration: RedisConfiguration) -> Bool {
        DetachedThread.start { [self] in
            Watch(sentinels: self, configuration: configuration).run()
        }
    }

    /// Whether a connection is open; where none is, the thread ends.
    private func goesOn() -> Bool {
        state.withLock { state in
            state.isWatching = !state.sockets.isEmpty
            return state.isWatching
        }
    }

    /// The work of the thread.
    private final class Watch {
        private let sentinels: Sentinels
        private let links: [Link]

        init(sentinels: Sentinels, configuration: RedisConfiguration) {
            self.sentinels = sentinels
            links = sentinels.endpoints.map { Link($0, configuration) }
        }

        func run() {
            while sentinels.goesOn() {
                for link in links { link.send(sentinels) }
                let deadline = Deadline(milliseconds: Sentinels.roundMilliseconds)
                for link in links {
                    if let answer = link.receive(sentinels, deadline.remainingMilliseconds) {
                        sentinels.learn(answer, from: link.endpoint)
                    }
                }
                usleep(Sentinels.pauseMicroseconds)
            }
        }
    }

    /// The thread's connection to one Sentinel.
    private final class Link {
        let endpoint: Endpoint
        private let configuration: RedisConfiguration
        private var connection: Connection?
        private var description: ReplyValue?
        private var retryAt = Deadline(milliseconds: 0)

        init(_ endpoint: Endpoint, _ configuration: RedisConfiguration) {
            self.endpoint = endpoint
            self.configuration = configuration
        }

        /// Sends the questions, unless earlier ones are not answered yet.
        func send(_ sentinels: Sentinels) {
            guard connection != nil || retryAt.remainingMilliseconds == 0 else { return }
            do throws(RedisError) {
                var link: Connection
                if let open = connection.take() {
                    link = open
                } else {
                    link = try sentinels.open(
                        endpoint, configuration,
                        connectMilliseconds: Sentinels.roundMilliseconds,
                        answerMilliseconds: Sentinels.silenceMilliseconds)
                }
                if link.pendingReplies == 0 {
                    description = nil
                    sentinels.send(on: &link)
                    try link.flush()
                }
                connection = consume link
            } catch { retryAt = Deadline(milliseconds: Sentinels.retryMilliseconds) }
        }

        /// The answer, where it comes in this time; a Sentinel that stays silent is left.
        func receive(_ sentinels: Sentinels, _ milliseconds: Int32) -> Answer? {
            guard var link = connection.take() else { return nil }
            let deadline = Deadline(milliseconds: milliseconds)
            do throws(RedisError) {
                var answer: Answer?
                while answer == nil,
                    let reply = try link.tryReceive(
                        waitMilliseconds: deadline.remainingMilliseconds)?.copied()
                {
                    if let description {
                        answer = try sentinels.answer(description, reply, endpoint)
                    } else {
                        description = reply
                    }
                }
                connection = consume link
                return answer
            } catch {
                retryAt = Deadline(milliseconds: Sentinels.retryMilliseconds)
                return nil
            }
        }
    }
}

/// Lets a connection be shut down while its thread waits for an answer; ends with the connection.
final class WatchedSocket: Sendable {
    private let sentinels: Sentinels
    private let number: Int

    init(_ sentinels: Sentinels, _ number: Int) {
        self.sentinels = sentinels
        self.number = number
    }

    deinit { sentinels.forget(number) }
}
