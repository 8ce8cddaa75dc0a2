internal import Synchronization

/// Counts records of the directory topic that are refused: of no known kind, or of a wrong shape.
///
/// What was mirrored of their objects before stays. `add` is for the mirror's thread, `count` for
/// every thread.
final class DirectoryRefusals: Sendable {
    /// Time between two lines in the log: a faulty producer may be wrong with every record.
    static let interval: Milliseconds = 60_000
    private let total = Atomic<Int64>(0)
    /// When a line was logged last, and how many records were refused then.
    private let logged = Mutex<(at: Milliseconds?, total: Int64)>((nil, 0))
    private let now: @Sendable () -> Milliseconds

    init(now: @escaping @Sendable () -> Milliseconds = { SteadyClock.milliseconds }) {
        self.now = now
    }

    /// How many were refused since the process began; a record that is read again counts again.
    var count: Int64 { total.load(ordering: .relaxed) }

    /// Counts a record; returns the line to log, or nil when one was logged in the last minute.
    func add(_ offset: Int64, _ reason: String) -> String? {
        let count = total.add(1, ordering: .relaxed).newValue
        return logged.withLock { logged in
            let now = self.now()
            if let at = logged.at, now - at < Self.interval { return nil }
            let others = count - logged.total - 1
            logged = (now, count)
            return "directory record at offset \(offset) is not mirrored: \(reason)"
                + (others > 0 ? " (and \(others) others since the last line)" : "")
        }
    }
}
