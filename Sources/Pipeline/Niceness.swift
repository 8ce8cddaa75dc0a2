internal import Glibc

/// How far a process that only counts stands back from other programs on the same cores (Linux' nice value).
///
/// Redis and Kafka before all: a script that loses its core in the middle gets it back at a tick of the kernel, and
/// whoever asks Redis waits that long (docs/decisions/0028).
public enum Niceness {
    /// What `odometer run` takes by itself.
    public static let standard = 10
    /// What it may be told to take; 0 changes nothing.
    public static let range = 0...19

    /// Makes this process that nice (within `range`), with all threads that it starts later; call it before any of them.
    ///
    /// Linux weighs sessions first (autogroups), then the threads within each. So a process that leads a session of
    /// its own, as a service does, makes that as nice; a session that it shares with others stays as it is. In a
    /// control group the group's weight counts, and neither has an effect. Where the process was started nicer or less
    /// nice than usual, that stays. It needs no right; what a sandbox refuses is left out.
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
        // The kernel takes ten a second from all processes without rights together.
        for _ in 0..<5 {
            if write(file, text, text.count) == text.count || errno != EAGAIN { return }
            usleep(120_000)
        }
    }

    /// Whether the session is as nice as sessions are by themselves ("/autogroup-63 nice 0").
    ///
    /// Of a session that Linux does not weigh (what a machine's first process left to its children) nothing is read.
    private static func isUsual(_ file: Int32) -> Bool {
        var line = [UInt8](repeating: 0, count: 128)
        let length = read(file, &line, line.count)
        return length > 0
            && String(decoding: line.prefix(length), as: UTF8.self).hasSuffix(" nice 0\n")
    }
}
