import Glibc

/// One object for each thread: made when the thread first asks for it, released when it ends.
///
/// The destructor of the thread-specific key runs on the ending thread, so what a worker owns, such
/// as a connection, is closed by the thread that used it.
final class WorkerSlot<Worker: AnyObject>: @unchecked Sendable {
    private var key = pthread_key_t()
    private let isUsable: Bool
    private let make: @Sendable () -> Worker

    /// Throws where the process has no thread-specific key left.
    init(_ make: @escaping @Sendable () -> Worker) throws(HTTPError) {
        self.make = make
        isUsable =
            pthread_key_create(&key) { worker in
                guard let worker else { return }
                Unmanaged<AnyObject>.fromOpaque(worker).release()
            } == 0
        guard isUsable else {
            throw HTTPError(.start, "no thread-specific key is left in this process")
        }
    }

    // All threads with a worker must have ended: after this, the key's destructor does not run.
    deinit { if isUsable { pthread_key_delete(key) } }

    /// The calling thread's worker.
    var current: Worker {
        if let held = pthread_getspecific(key) {
            return Unmanaged<Worker>.fromOpaque(held).takeUnretainedValue()
        }
        let worker = make()
        pthread_setspecific(key, Unmanaged<AnyObject>.passRetained(worker).toOpaque())
        return worker
    }
}
