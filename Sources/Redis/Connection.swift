internal import CHiredis
internal import Glibc

/// One connection to Redis, for one thread at a time, with pipelines.
///
/// `begin`/`add` (or `append`) write commands into a buffer, `flush` sends it, and `receive` or
/// `tryReceive` take the answers in the same order. `init` authenticates and selects the database.
/// After any error thrown the connection is dead: `isAlive` is false and every call throws that
/// error again.
///
/// The hiredis library makes the connection and reads the protocol; bytes go through calls of our
/// own (`Transfer`), because hiredis' write raises SIGPIPE, its read cannot tell that nothing has
/// come yet, and it has no TLS.
public struct Connection: ~Copyable, @unchecked Sendable {
    // @unchecked: a context and its buffers have this one owner; a connection may be handed to
    // another thread.
    private let socket: Context?
    /// Leads to the masters of a cluster, with connections of their own; nil: there is one server.
    let router: Router?
    var output: CommandBuffer
    private var input: UnsafeMutableRawBufferPointer { context.input }
    private var commandTimeoutMilliseconds: Int32
    private let isTCP: Bool
    /// Answers that have not come yet, also those of buffered commands.
    public internal(set) var pendingReplies = 0
    /// Answers that have not come yet for commands already sent.
    private var awaitedReplies = 0
    /// Until when Redis may be silent.
    private var silenceLimit = Deadline(milliseconds: 0)
    /// Whether Redis has sent anything.
    private var hasAnswered = false
    var failure: RedisError?
    /// The address of the cluster, should the server turn out to be one of its nodes; nil where
    /// the connection is routed or goes over a unix socket.
    public let clusterURL: String?
    /// Where Sentinels led to this server: ends the connection when they name another master.
    private var watched: WatchedSocket?

    /// Whether the connection still works as far as is known.
    public var isAlive: Bool { failure == nil }

    /// What TLS has agreed on, in a cluster with one of its masters; nil where there is none.
    public var tlsFacts: TLSFacts? {
        if let router { router.tlsFacts } else { context.tls?.facts }
    }

    private var context: Context {
        guard let socket else { preconditionFailure("a routed connection has no socket") }
        return socket
    }

    /// Connects, then sends AUTH where a password is configured and SELECT where the database is
    /// not 0.
    ///
    /// Where the address is a cluster's, the connection is routed: `Cluster/Router.swift`.
    public init(_ configuration: RedisConfiguration) throws(RedisError) {
        let made = try Connection.entered(configuration)
        socket = made.socket
        router = made.router
        output = made.output
        commandTimeoutMilliseconds = made.commandTimeoutMilliseconds
        isTCP = made.isTCP
        hasAnswered = made.hasAnswered
        clusterURL = made.clusterURL
        watched = made.watched
    }

    // A throwing initializer of a noncopyable struct may not throw once its fields are set, so
    // AUTH and SELECT run on another value.
    private static func entered(
        _ configuration: RedisConfiguration
    ) throws(RedisError) -> Connection {
        if case .sentinels(let sentinels) = configuration.address {
            return try sentinels.connect(configuration)
        }
        if configuration.cluster != nil {
            return Connection(router: try Router(configuration), configuration)
        }
        var connection = Connection(context: try Context(configuration), configuration)
        do throws(RedisError) {
            try connection.enter(configuration)
        } catch {
            // A loss here is no loss of commands; the text of one does not say which server it was.
            guard error.code == .io else { throw error }
            throw RedisError(.connect, "\(configuration): \(error.message)")
        }
        return connection
    }

    /// Connects to the master that Sentinels name; throws where it does not say that it is one.
    ///
    /// `answerMilliseconds`: how long it may take to say so.
    static func toMaster(
        _ configuration: RedisConfiguration, answerMilliseconds: Int32,
        watch: (Int32) -> WatchedSocket?
    ) throws(RedisError) -> Connection {
        var connection = Connection(context: try Context(configuration), configuration)
        // Before the first answer is waited for: the server may hang.
        connection.watched = watch(connection.context.descriptor)
        connection.commandTimeoutMilliseconds = min(
            answerMilliseconds, configuration.commandTimeoutMilliseconds)
        try connection.enter(configuration)
        guard try connection.isMaster() else {
            throw RedisError(serverText: "READONLY it says that it is a replica")
        }
        connection.commandTimeoutMilliseconds = configuration.commandTimeoutMilliseconds
        return connection
    }

    /// Whether the server says that it is a master; HELLO says it to every user.
    private mutating func isMaster() throws(RedisError) -> Bool {
        append("HELLO")
        let greeting = try receive().copied().elements
        for index in stride(from: 0, to: greeting.count - 1, by: 2)
        where greeting[index].text == "role" {
            return greeting[index + 1].text == "master"
        }
        return try command("ROLE").elements.first?.text == "master"
    }

    private init(
        context: Context? = nil, router: Router? = nil, _ configuration: RedisConfiguration
    ) {
        socket = context
        self.router = router
        output = CommandBuffer(capacity: 16 * 1_024)
        commandTimeoutMilliseconds = configuration.commandTimeoutMilliseconds
        isTCP = if case .tcp = configuration.address { true } else { false }
        clusterURL = configuration.clusterURL
    }

    private mutating func enter(_ configuration: RedisConfiguration) throws(RedisError) {
        if let password = configuration.password {
            if let user = configuration.user {
                try command("AUTH", user, password)
            } else {
                try command("AUTH", password)
            }
        }
        if configuration.database != 0 {
            try command("SELECT", String(configuration.database))
        }
        guard !hasAnswered, context.tls?.awaitsConsent ?? false else { return }
        // So that a refusal of our certificate is told here. Any answer will do: the user may lack
        // the right to PING.
        append("PING")
        _ = try receive()
    }

    // MARK: Writing commands

    /// Begins a command of `count` arguments (its name is the first); exactly that many must
    /// follow.
    public mutating func begin(arguments count: Int) {
        output.appendHeader(count: count)
        pendingReplies += 1
    }

    /// Adds an argument of these bytes to the command that was begun.
    public mutating func add(_ argument: UnsafeRawBufferPointer) { output.append(argument) }
    /// Adds an argument of these bytes to the command that was begun.
    public mutating func add(_ argument: [UInt8]) { output.append(argument) }
    /// Adds a fixed text to the command that was begun.
    public mutating func add(_ argument: StaticString) { output.append(argument) }
    /// Adds a number in decimal to the command that was begun.
    public mutating func add(_ number: Int64) { output.append(number) }
    /// Adds a text to the command that was begun, for cold code.
    public mutating func add(text: String) { output.append(text: text) }

    /// Buffers a command of these arguments.
    public mutating func append(_ arguments: UnsafeBufferPointer<UnsafeRawBufferPointer>) {
        begin(arguments: arguments.count)
        for argument in arguments { output.append(argument) }
    }

    /// Buffers a command of these arguments, for cold code.
    public mutating func append(_ arguments: [[UInt8]]) {
        begin(arguments: arguments.count)
        for argument in arguments { output.append(argument) }
    }

    /// Buffers a command of these texts, for cold code.
    public mutating func append(_ arguments: String...) { append(texts: arguments) }

    private mutating func append(texts: [String]) {
        begin(arguments: texts.count)
        for text in texts { output.append(text: text) }
    }

    /// Adds arguments from a buffer, already in the protocol, to the command that was begun.
    public mutating func addEncoded(_ arguments: borrowing CommandBuffer) {
        output.appendEncoded(arguments.bytes)
    }

    /// Adds whole commands from another buffer, `count` of them.
    public mutating func append(encoded commands: borrowing CommandBuffer, count: Int) {
        output.appendEncoded(commands.bytes)
        pendingReplies += count
    }

    /// Adds whole commands, already in the protocol, `count` of them.
    mutating func append(encodedBytes commands: UnsafeRawBufferPointer, count: Int) {
        output.appendEncoded(commands)
        pendingReplies += count
    }

    /// Sends what is buffered.
    public mutating func flush() throws(RedisError) {
        try checkAlive()
        if let router { return try route(router) }
        let deadline = Deadline(milliseconds: commandTimeoutMilliseconds)
        var sent = 0
        while sent < output.byteCount {
            let rest = UnsafeRawBufferPointer(rebasing: output.bytes[sent...])
            switch context.send(rest) {
            case .moved(let count): sent += count
            case .blocked(let events):
                guard try wait(for: events, until: deadline) else {
                    throw die(
                        .timeout, "no room in the socket for \(commandTimeoutMilliseconds) ms")
                }
            case .failed(let text): throw lose(text)
            }
        }
        output.removeAll()
        if awaitedReplies == 0 { silenceLimit = Deadline(milliseconds: commandTimeoutMilliseconds) }
        awaitedReplies = pendingReplies
    }

    // MARK: Taking answers

    /// The next answer; sends what is buffered first and waits up to the command timeout or the one
    /// given.
    public mutating func receive(
        timeoutMilliseconds: Int32? = nil
    ) throws(RedisError) -> Reply {
        precondition(pendingReplies > 0, "no answer is to come")
        if output.byteCount > 0 { try flush() }
        try checkAlive()
        let limitMilliseconds = timeoutMilliseconds ?? commandTimeoutMilliseconds
        if let router { return try take(router, limitMilliseconds) }
        let deadline = Deadline(milliseconds: limitMilliseconds)
        while true {
            if let pointer = try nextParsed() { return Reply(pointer) }
            let restMilliseconds = deadline.remainingMilliseconds
            guard restMilliseconds > 0, try read(waitMilliseconds: restMilliseconds) else {
                throw die(.timeout, "no answer for \(limitMilliseconds) ms")
            }
        }
    }

    /// The next answer if all its bytes have been read from the socket already, else nil.
    public mutating func receiveBuffered() throws(RedisError) -> Reply? {
        precondition(pendingReplies > 0, "no answer is to come")
        try checkAlive()
        if let router { return try takeIfReady(router, waitMilliseconds: nil) }
        guard let pointer = try nextParsed() else { return nil }
        return Reply(pointer)
    }

    /// The next answer where it comes within this time, else nil; sends what is buffered first.
    ///
    /// Throws when Redis has been silent for the command timeout while answers are pending.
    public mutating func tryReceive(
        waitMilliseconds: Int32 = 0
    ) throws(RedisError) -> Reply? {
        guard pendingReplies > 0 else { return nil }
        if output.byteCount > 0 { try flush() }
        try checkAlive()
        if let router { return try takeIfReady(router, waitMilliseconds: waitMilliseconds) }
        let deadline = Deadline(milliseconds: waitMilliseconds)
        while true {
            if let pointer = try nextParsed() { return Reply(pointer) }
            if try read(waitMilliseconds: 0) { continue }
            let silenceMilliseconds = silenceLimit.remainingMilliseconds
            if silenceMilliseconds == 0 {
                throw die(.timeout, "no answer for \(commandTimeoutMilliseconds) ms")
            }
            let restMilliseconds = min(deadline.remainingMilliseconds, silenceMilliseconds)
            if deadline.remainingMilliseconds == 0 { return nil }
            _ = try wait(
                for: context.awaitedEvents, until: Deadline(milliseconds: restMilliseconds))
        }
    }

    /// One command and its answer, for cold code; an error answer is thrown.
    ///
    /// No other answer may be pending.
    @discardableResult
    public mutating func command(_ arguments: String...) throws(RedisError) -> ReplyValue {
        precondition(pendingReplies == 0, "answers of a pipeline are still to come")
        append(texts: arguments)
        return try takeCommandReply()
    }

    /// One command and its answer, for cold code; an error answer is thrown.
    ///
    /// No other answer may be pending.
    @discardableResult
    public mutating func command(_ arguments: [[UInt8]]) throws(RedisError) -> ReplyValue {
        precondition(pendingReplies == 0, "answers of a pipeline are still to come")
        append(arguments)
        return try takeCommandReply()
    }

    private mutating func takeCommandReply() throws(RedisError) -> ReplyValue {
        let reply = try receive()
        if let text = reply.errorText { throw RedisError(serverText: text) }
        return reply.copied()
    }

    // MARK: The socket

    private mutating func nextParsed() throws(RedisError) -> UnsafeMutablePointer<redisReply>? {
        var object: UnsafeMutableRawPointer?
        guard redisReaderGetReply(context.reader, &object) == REDIS_OK else {
            throw die(.protocolViolation, context.readerErrorText)
        }
        guard let object else { return nil }
        pendingReplies -= 1
        awaitedReplies -= 1
        return object.assumingMemoryBound(to: redisReply.self)
    }

    /// Reads what the socket has, and waits that long for it; false where nothing came.
    private mutating func read(waitMilliseconds: Int32) throws(RedisError) -> Bool {
        switch context.receive(waitMilliseconds: waitMilliseconds) {
        case .moved(let count):
            if !hasAnswered { try checkFirstByte() }
            guard
                redisReaderFeed(
                    context.reader, input.baseAddress?.assumingMemoryBound(to: CChar.self), count)
                    == REDIS_OK
            else { throw die(.protocolViolation, context.readerErrorText) }
            silenceLimit = Deadline(milliseconds: commandTimeoutMilliseconds)
            return true
        case .blocked: return false
        case .failed(let text): throw lose(text)
        }
    }

    /// Refuses what a TLS server says to bytes that are not TLS: an alert, which begins with 21.
    private mutating func checkFirstByte() throws(RedisError) {
        guard context.tls != nil || input.first != 21 else {
            throw die(
                .protocolViolation, "the server speaks TLS on this port: use rediss:// for it")
        }
        hasAnswered = true
    }

    /// Waits until the socket is ready or broken; false where the deadline passed.
    private mutating func wait(
        for events: Int16, until deadline: Deadline
    ) throws(RedisError) -> Bool {
        while true {
            var entry = pollfd(fd: context.descriptor, events: events, revents: 0)
            let ready = poll(&entry, 1, deadline.remainingMilliseconds)
            if ready > 0 { return true }
            if ready == 0 { return false }
            if errno != EINTR { throw die(.io, Context.text(ofError: errno)) }
        }
    }

    /// Dies of a loss; one before the first answer has a usual reason.
    private mutating func lose(_ text: String) -> RedisError {
        guard !hasAnswered, context.tls == nil, isTCP else { return die(.io, text) }
        return die(
            .io, "\(text) before Redis answered; a port with TLS does so: use rediss:// for it")
    }

    private func checkAlive() throws(RedisError) {
        if let failure { throw failure }
    }

    private mutating func die(_ code: RedisError.Code, _ message: String) -> RedisError {
        let error = RedisError(code, message)
        failure = error
        return error
    }
}
