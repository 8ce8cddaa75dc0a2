internal import Synchronization

/// Records of the directory topic that are not mirrored, because they are none of its kinds or have a
/// wrong shape; what was mirrored of the object before stays.
///
/// Adding is for the mirror's thread, the number for every thread.
final class DirectoryRefusals: Sendable {
    /// Milliseconds between two lines: a producer that is wrong is wrong with every record.
    static let interval: Int64 = 60_000
    private let total = Atomic<Int64>(0)
    private let said = Mutex<(at: Int64?, total: Int64)>((nil, 0))
    private let now: @Sendable () -> Int64

    init(now: @escaping @Sendable () -> Int64 = { SteadyClock.milliseconds }) { self.now = now }

    /// How many since the process began; a record that is read again counts again.
    var count: Int64 { total.load(ordering: .relaxed) }

    /// Counts one; the line to be written, or nil where one was written in the last minute.
    func add(_ offset: Int64, _ why: String) -> String? {
        let count = total.add(1, ordering: .relaxed).newValue
        return said.withLock { said in
            let now = self.now()
            if let at = said.at, now - at < Self.interval { return nil }
            let others = count - said.total - 1
            said = (now, count)
            return "directory record at offset \(offset) is not mirrored: \(why)"
                + (others > 0 ? " (and \(others) others since the last line)" : "")
        }
    }
}
