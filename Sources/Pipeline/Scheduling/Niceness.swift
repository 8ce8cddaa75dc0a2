internal import Glibc

/// Linux' nice value of a process that only counts: how much it yields to programs on the same
/// cores.
///
/// Above all to Redis and Kafka: a Redis script that loses its core gets it back only at the
/// kernel's next tick, and all clients of Redis wait that long (docs/decisions/0028).
public enum Niceness {
    /// The value that `odometer run` takes by default.
    public static let standard = 10
    /// The values that it may be told to take; 0 changes nothing.
    public static let range = 0...19

    /// Gives this process that nice value, within `range`.
    ///
    /// It holds for threads that are started later, so call it before the first. Linux weighs whole
    /// sessions first (autogroups), then the threads within each. So a process that leads its own
    /// session, as a service does, changes the session's value too; a session that it shares with
    /// others stays as it is. In a control group the group's weight counts, and neither value has
    /// an effect. A process that was started with another value than the usual keeps it. No right
    /// is needed; what a sandbox refuses is left out.
    public static func adopt(_ value: Int) {
        let own = Int32(PRIO_PROCESS.rawValue)
        guard value > 0, getpriority(own, 0) == 0 else { return }
        _ = setpriority(own, 0, Int32(value))
        if getsid(0) == getpid() { adoptForSession(value) }
    }

    private static func adoptForSession(_ value: Int) {
        let file = open("/proc/self/autogroup", O_RDWR)
        guard file >= 0 else { return }
        defer { close(file) }
        guard isUsual(file) else { return }
        let text = Array(String(value).utf8)
        // The kernel accepts ten changes a second from all processes without rights together.
        for _ in 0..<5 {
            if write(file, text, text.count) == text.count || errno != EAGAIN { return }
            usleep(120_000)
        }
    }

    /// Whether the session has the usual nice value ("/autogroup-63 nice 0").
    ///
    /// False for a session that Linux does not weigh, the one of the machine's first process: its
    /// file is empty.
    private static func isUsual(_ file: Int32) -> Bool {
        var line = [UInt8](repeating: 0, count: 128)
        let length = read(file, &line, line.count)
        return length > 0
            && String(decoding: line.prefix(length), as: UTF8.self).hasSuffix(" nice 0\n")
    }
}
