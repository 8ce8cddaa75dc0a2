internal import CMicroHTTPD
import Glibc
import Synchronization

/// An HTTP/1.1 server: each worker thread has many connections and answers one request at a time.
///
/// The handler is called on a worker thread, with that thread's worker, for every request that
/// `Framing` does not refuse. It may block, but the other connections of its thread wait meanwhile.
/// `start`, `stop` and the properties may be used on every thread except a worker's own.
public final class Server<Worker: AnyObject>: Sendable {
    /// What has happened since the start.
    public struct Statistics: Equatable, Sendable {
        /// Connections accepted.
        public var accepted: UInt64
        /// Connections open now.
        public var open: Int
        /// Requests that have begun and not ended.
        public var active: Int
        /// Requests answered by the handler, or with 400 for a malformed target.
        public var answered: UInt64
        /// Requests refused by `Framing`; their connections were closed.
        public var refused: UInt64
        /// Connections ended because a request took too long.
        public var cut: UInt64
        /// TLS handshakes that were completed.
        public var handshakes: UInt64 = 0
        /// Connections that had sent something and ended before their handshake was complete.
        public var failedHandshakes: UInt64 = 0
        /// Connections that sent something else than TLS where it is spoken, such as plain HTTP.
        public var plainOnTLS: UInt64 = 0
    }

    // The daemon is used only under the lock of `running`.
    private struct Running: @unchecked Sendable {
        var daemon: OpaquePointer
        var keeper: Unmanaged<ServerCore>
    }

    private let configuration: ServerConfiguration
    private let identities: (any TLSIdentitySource)?
    private let makeWorker: @Sendable () -> Worker
    private let handle: @Sendable (Worker, Request) -> Response
    private let running = Mutex<Running?>(nil)
    private let core = Mutex<ServerCore?>(nil)
    private let boundPort = Atomic<Int>(0)

    /// Makes a server that does not listen yet.
    ///
    /// `makeWorker` is called once on each worker thread, at its first request; the worker is
    /// released on the same thread. With `identities` the server speaks HTTPS, and each connection
    /// uses the certificate that is current when it begins.
    public init(
        _ configuration: ServerConfiguration, identities: (any TLSIdentitySource)? = nil,
        makeWorker: @escaping @Sendable () -> Worker,
        handle: @escaping @Sendable (Worker, Request) -> Response
    ) {
        self.configuration = configuration
        self.identities = identities
        self.makeWorker = makeWorker
        self.handle = handle
    }

    deinit { stop() }

    /// The port that the server listens on; 0 before the start.
    public var port: Int { boundPort.load(ordering: .acquiring) }

    /// What has happened since the last start.
    public var statistics: Statistics {
        guard let core = core.withLock({ $0 }) else {
            return Statistics(accepted: 0, open: 0, active: 0, answered: 0, refused: 0, cut: 0)
        }
        return Statistics(
            accepted: core.accepted.load(ordering: .relaxed), open: core.deadlines.openCount,
            active: core.active.load(ordering: .relaxed),
            answered: core.answered.load(ordering: .relaxed),
            refused: core.refused.load(ordering: .relaxed), cut: core.deadlines.cutCount,
            handshakes: core.tlsCounters.completed.load(ordering: .relaxed),
            failedHandshakes: core.tlsCounters.failed.load(ordering: .relaxed),
            plainOnTLS: core.tlsCounters.plain.load(ordering: .relaxed))
    }

    /// Listens and starts the threads; requests may be handled before this returns.
    ///
    /// - Parameter listener: a socket that listens already, from `stopKeepingListener` of a server
    ///   with the same address; it is this server's from now on, also where the start fails.
    public func start(on listener: Int32? = nil) throws(HTTPError) {
        do throws(HTTPError) {
            try configuration.validate()
            try running.withLock { running throws(HTTPError) in
                guard running == nil else { throw HTTPError(.start, "the server runs already") }
                running = try launch(listener)
            }
        } catch {
            if let listener { close(listener) }
            throw error
        }
    }

    /// Stops accepting, waits for requests that have begun, then ends and joins all threads.
    ///
    /// Waits at most `drainSeconds`; does nothing where the server does not run.
    public func stop() {
        if let listener = end(keepsListener: false) { close(listener) }
    }

    /// Stops like `stop`, but the socket goes on listening: new connections wait in its queue for
    /// the server that is started on it.
    ///
    /// - Returns: the socket, which the caller must close or hand on; nil where no server runs.
    public func stopKeepingListener() -> Int32? { end(keepsListener: true) }

    private func end(keepsListener: Bool) -> Int32? {
        running.withLock { running in
            guard let current = running else { return nil }
            let core = current.keeper.takeUnretainedValue()
            core.isDraining.store(true, ordering: .relaxed)
            let listener = MHD_quiesce_daemon(current.daemon)
            // New clients are refused at once; else they would wait in the queue for nothing.
            if listener >= 0, !keepsListener { shutdown(listener, Int32(SHUT_RDWR)) }
            let deadline =
                MonotonicTime.nanoseconds() + UInt64(configuration.drainSeconds) * 1_000_000_000
            while core.active.load(ordering: .relaxed) > 0,
                MonotonicTime.nanoseconds() < deadline
            {
                usleep(2_000)
            }
            // The library must not be stopped while a connection is suspended.
            let isResumed = core.waiting.resumeAll()
            let last = MonotonicTime.nanoseconds() + (isResumed ? 1_000_000_000 : 0)
            while core.active.load(ordering: .relaxed) > 0, MonotonicTime.nanoseconds() < last {
                usleep(2_000)
            }
            // Before the daemon: after its end the descriptors may be used for something else.
            core.deadlines.stop()
            MHD_stop_daemon(current.daemon)
            current.keeper.release()
            running = nil
            return listener >= 0 ? listener : nil
        }
    }

    private func launch(_ inherited: Int32?) throws(HTTPError) -> Running {
        guard identities == nil || odometer_tls_is_supported() else {
            throw HTTPError(.start, "this libmicrohttpd was built without TLS")
        }
        let workers = try WorkerSlot(makeWorker)
        let handle = self.handle
        let core = ServerCore(configuration, identities: identities) {
            handle(workers.current, $0)
        }
        let listener: Listener
        if let inherited {
            listener = Listener(adopting: inherited)
        } else {
            listener = try Listener(configuration)
        }
        // What was handed in is closed by the caller of this function.
        let ownDescriptor = inherited == nil ? listener.descriptor : -1
        guard core.deadlines.start() else {
            if ownDescriptor >= 0 { close(ownDescriptor) }
            throw HTTPError(.start, "no thread for the request deadlines")
        }
        let keeper = Unmanaged.passRetained(core)
        var settings = odometer_mhd_settings(
            context: keeper.toOpaque(), on_request: httpOnRequest, on_target: httpOnTarget,
            on_completed: httpOnCompleted, on_connection: httpOnConnection,
            on_accept: httpOnAccept,
            listen_socket: listener.descriptor, threads: UInt32(configuration.threads),
            connection_limit: UInt32(configuration.connectionLimit),
            idle_timeout_seconds: UInt32(configuration.idleTimeoutSeconds),
            memory_per_connection: configuration.bytesPerConnection, tls_priorities: nil,
            allows_suspending: configuration.allowsLaterAnswers)
        // The text is used only while the daemon starts.
        let started = TLSConnection.priorities.withCString { priorities in
            if identities != nil { settings.tls_priorities = priorities }
            return odometer_mhd_start(&settings)
        }
        guard let daemon = started else {
            core.deadlines.stop()
            keeper.release()
            if ownDescriptor >= 0 { close(ownDescriptor) }
            throw HTTPError(.start, "the HTTP library could not start its threads")
        }
        self.core.withLock { $0 = core }
        boundPort.store(listener.port, ordering: .releasing)
        return Running(daemon: daemon, keeper: keeper)
    }
}
