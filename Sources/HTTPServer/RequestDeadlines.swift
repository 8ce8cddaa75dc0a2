internal import CMicroHTTPD
import Glibc
import Synchronization

/// One open connection: its socket, its peer and when its current request began.
final class ConnectionClock: Sendable {
    let descriptor: Int32
    let peer: RemoteAddress
    private let since: Atomic<UInt64>

    init(descriptor: Int32, peer: RemoteAddress) {
        self.descriptor = descriptor
        self.peer = peer
        since = Atomic(MonotonicTime.nanoseconds())
    }

    /// A request ended: the next one's time begins now.
    func restart() { since.store(MonotonicTime.nanoseconds(), ordering: .relaxed) }

    func isOlder(than nanoseconds: UInt64, at now: UInt64) -> Bool {
        let since = since.load(ordering: .relaxed)
        return now > since && now - since > nanoseconds
    }
}

/// Ends connections whose request takes too long, whichever side is slow.
///
/// The library's own timeout begins anew with every byte, so a client that sends or reads one byte
/// a second would hold a connection for ever. A thread looks at all connections several times per
/// limit and shuts the socket of the late ones; the worker that owns the connection then sees its
/// end and cleans up. A connection is removed here before its descriptor is closed, under the same
/// lock, so a descriptor that was used again is never shut.
final class RequestDeadlines: Sendable {
    private let limit: UInt64
    private let clocks = Mutex<[ObjectIdentifier: ConnectionClock]>([:])
    private let cut = Atomic<UInt64>(0)
    private let stopSignal: Int32
    private let stopSender: Int32
    // False when the process had no descriptors left for the pair.
    private let isUsable: Bool
    private let thread = Mutex<pthread_t?>(nil)

    init(seconds: Int) {
        limit = UInt64(seconds) * 1_000_000_000
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

    /// Connections ended for being late.
    var cutCount: UInt64 { cut.load(ordering: .relaxed) }

    /// Connections open now.
    var openCount: Int { clocks.withLock { $0.count } }

    func insert(_ clock: ConnectionClock) {
        clocks.withLock { $0[ObjectIdentifier(clock)] = clock }
    }

    func remove(_ clock: ConnectionClock) {
        _ = clocks.withLock { $0.removeValue(forKey: ObjectIdentifier(clock)) }
    }

    /// Starts the thread; false when the system has none to give.
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
        let pause = Int32(clamping: max(50, min(1_000, limit / 1_000_000 / 8)))
        var waiting = pollfd(fd: stopSignal, events: Int16(POLLIN), revents: 0)
        // An interrupted wait is as good as a finished one.
        while poll(&waiting, 1, pause) <= 0 { sweep() }
    }

    private func sweep() {
        let now = MonotonicTime.nanoseconds()
        clocks.withLock { clocks in
            for clock in clocks.values where clock.isOlder(than: limit, at: now) {
                shutdown(clock.descriptor, Int32(SHUT_RDWR))
                // Counted once; the worker needs a moment to notice.
                clock.restart()
                cut.add(1, ordering: .relaxed)
            }
        }
    }
}
