internal import CMicroHTTPD
import Glibc
import Synchronization

/// One open connection: its socket, its peer, and when its current request began.
final class ConnectionClock: Sendable {
    let descriptor: Int32
    let peer: RemoteAddress
    /// Its encrypted side; nil where the server speaks plain HTTP.
    let tls: TLSConnection?
    private let sinceNanoseconds: Atomic<UInt64>

    init(descriptor: Int32, peer: RemoteAddress, tls: TLSConnection? = nil) {
        self.descriptor = descriptor
        self.peer = peer
        self.tls = tls
        sinceNanoseconds = Atomic(MonotonicTime.nanoseconds())
    }

    /// Starts the time of the next request, at the end of one.
    func restart() { sinceNanoseconds.store(MonotonicTime.nanoseconds(), ordering: .relaxed) }

    /// Whether the current request began more than `nanoseconds` before `now`.
    func isOlder(than nanoseconds: UInt64, at now: UInt64) -> Bool {
        let since = sinceNanoseconds.load(ordering: .relaxed)
        return now > since && now - since > nanoseconds
    }
}

/// Ends connections whose request takes too long, whichever side is slow.
///
/// The library's own timeout restarts with every byte, so a client that sends or reads one byte a
/// second could keep a connection for ever. A thread checks all connections several times within
/// the limit and shuts down the sockets of late ones; the worker of such a connection then sees its
/// end and cleans up. A connection is removed here, under the same lock, before its descriptor is
/// closed: so a descriptor that is already used for something else is never shut down.
final class RequestDeadlines: Sendable {
    private let limitNanoseconds: UInt64
    private let clocks = Mutex<[ObjectIdentifier: ConnectionClock]>([:])
    private let cut = Atomic<UInt64>(0)
    private let stopSignal: Int32
    private let stopSender: Int32
    // False where the process had no descriptors left for the pair of sockets.
    private let isUsable: Bool
    private let thread = Mutex<pthread_t?>(nil)

    init(seconds: Int) {
        limitNanoseconds = UInt64(seconds) * 1_000_000_000
        var ends: [Int32] = [-1, -1]
        isUsable = socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0, &ends) == 0
        stopSignal = ends[0]
        stopSender = ends[1]
    }

    deinit {
        guard isUsable else { return }
        close(stopSender)
        close(stopSignal)
    }

    /// How many connections were ended because a request took too long.
    var cutCount: UInt64 { cut.load(ordering: .relaxed) }

    /// How many connections are open.
    var openCount: Int { clocks.withLock { $0.count } }

    func insert(_ clock: ConnectionClock) {
        clocks.withLock { $0[ObjectIdentifier(clock)] = clock }
    }

    func remove(_ clock: ConnectionClock) {
        _ = clocks.withLock { $0.removeValue(forKey: ObjectIdentifier(clock)) }
    }

    /// Starts the thread; false where the system has no thread or descriptor left.
    func start() -> Bool {
        guard isUsable else { return false }
        let context = Unmanaged.passRetained(self).toOpaque()
        var handle = pthread_t()
        let result = pthread_create(
            &handle, nil,
            { context in
                guard let context else { return nil }
                odometer_mhd_name_thread("http-deadlines")
                Unmanaged<RequestDeadlines>.fromOpaque(context).takeRetainedValue().run()
                return nil
            }, context)
        guard result == 0 else {
            Unmanaged<RequestDeadlines>.fromOpaque(context).release()
            return false
        }
        thread.withLock { $0 = handle }
        return true
    }

    /// Ends the thread and waits for it.
    func stop() {
        guard
            let handle = thread.withLock({ handle in
                defer { handle = nil }
                return handle
            })
        else { return }
        var byte: UInt8 = 1
        _ = write(stopSender, &byte, 1)
        pthread_join(handle, nil)
    }

    private func run() {
        let pauseMilliseconds = Int32(
            clamping: max(50, min(1_000, limitNanoseconds / 1_000_000 / 8)))
        var waiting = pollfd(fd: stopSignal, events: Int16(POLLIN), revents: 0)
        // An interrupted wait only means that the next check comes early.
        while poll(&waiting, 1, pauseMilliseconds) <= 0 { sweep() }
    }

    private func sweep() {
        let now = MonotonicTime.nanoseconds()
        clocks.withLock { clocks in
            for clock in clocks.values where clock.isOlder(than: limitNanoseconds, at: now) {
                shutdown(clock.descriptor, Int32(SHUT_RDWR))
                // So that it is counted once: the worker needs a moment to notice.
                clock.restart()
                cut.add(1, ordering: .relaxed)
            }
        }
    }
}
