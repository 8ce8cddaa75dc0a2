internal import CRdkafka
internal import Glibc
internal import Synchronization

/// The helper thread against the pauses of up to a second in librdkafka before 2.2.0.
///
/// A broker thread that has found its queue full sleeps up to a second before it fetches again. A
/// request for the watermarks of one partition of each leader wakes it. The request is made each
/// time the queue's length has halved. That costs a broker 0.3 µs an event at 270,000 events a
/// second; a request every 10 ms would cost 1.2 µs (docs/decisions/0013).
///
/// It is the only exception to "one thread". It calls only the two functions for length and
/// watermarks, works only while the lane asks for it, and is joined before the consumer
/// unsubscribes or closes.
final class Waker {
    /// Newer libraries have `fetch.queue.backoff.ms` and need no help.
    static let isNeeded = rd_kafka_version() < 0x0202_0000

    struct Target: Sendable {
        let topic: [CChar]
        let partition: Int32
    }

    private var shared: Shared?
    private var thread = pthread_t()

    var isActive: Bool {
        shared?.command.load(ordering: .relaxed) == Command.work
    }

    /// Makes the thread wake these targets; the first call starts it.
    func work(on targets: [Target], client: OpaquePointer, queue: OpaquePointer) {
        if let shared {
            shared.targets.withLock { $0 = targets }
            shared.set(Command.work)
            return
        }
        let shared = Shared(client: client, queue: queue, targets: targets)
        let context = Unmanaged.passRetained(shared)
        let code = pthread_create(&thread, nil, wakerMain, context.toOpaque())
        guard code == 0 else {
            // Without the thread everything works, only slower.
            context.release()
            return
        }
        self.shared = shared
    }

    /// Makes the thread rest, after its current request.
    func idle() {
        shared?.set(Command.rest)
    }

    /// Ends and joins the thread; takes as long as its current request.
    func end() {
        guard let shared else { return }
        shared.set(Command.stop)
        pthread_join(thread, nil)
        self.shared = nil
    }
}

private enum Command {
    static let rest = 0
    static let work = 1
    static let stop = 2
}

/// The state that the lane and the helper thread share.
///
/// Sendable: it has only atomics, a lock, a semaphore and thread-safe handles.
private final class Shared: @unchecked Sendable {
    let client: OpaquePointer
    let queue: OpaquePointer
    let command = Atomic<Int>(Command.work)
    let targets: Mutex<[Waker.Target]>
    let signal = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    init(client: OpaquePointer, queue: OpaquePointer, targets: [Waker.Target]) {
        self.client = client
        self.queue = queue
        self.targets = Mutex(targets)
        sem_init(signal, 0, 0)
    }

    deinit {
        sem_destroy(signal)
        signal.deallocate()
    }

    func set(_ value: Int) {
        if command.exchange(value, ordering: .acquiringAndReleasing) != value {
            sem_post(signal)
        }
    }

    func run() {
        var most = 0
        while true {
            switch command.load(ordering: .acquiring) {
            case Command.stop: return
            case Command.work:
                let length = rd_kafka_queue_length(queue)
                most = max(most, length)
                if length <= most / 2 {
                    most = length
                    wake()
                }
                usleep(10_000)
            default: sem_wait(signal)
            }
        }
    }

    private func wake() {
        let targets = targets.withLock { $0 }
        for target in targets where command.load(ordering: .relaxed) == Command.work {
            var low: Int64 = 0
            var high: Int64 = 0
            rd_kafka_query_watermark_offsets(
                client, target.topic, target.partition, &low, &high, 100)
        }
    }
}

/// The helper thread's first function.
///
/// - Thread: its own.
/// - Deadline: none.
/// - Owner: it takes over the reference that `work` retained.
private func wakerMain(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let context else { return nil }
    let shared = Unmanaged<Shared>.fromOpaque(context).takeRetainedValue()
    // Signals must go to the thread that waits for them.
    var all = sigset_t()
    sigfillset(&all)
    pthread_sigmask(SIG_BLOCK, &all, nil)
    odometer_kafka_name_thread("kafka-waker")
    shared.run()
    return nil
}
