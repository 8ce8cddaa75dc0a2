/// Decides which lines are logged about one trouble: one when it begins and one when it ends.
///
/// A trouble that begins and ends several times a second would write as many lines, and a request
/// for the state between two of them would find no trouble. So one that keeps coming back (a loop)
/// is reported twice only, at its beginning and once it has stayed away for `rest`, and counts as
/// there all the time between. A value, one thread.
struct Recurrence {
    /// So many beginnings, with pauses of at most `memory`, are a loop.
    static let loop = 4
    /// A loop has ended when the trouble has stayed away for so long.
    static let rest: Milliseconds = 15_000
    /// A trouble that comes back later than this after its end counts as a new one.
    static let memory: Milliseconds = 30_000

    /// Whether its beginning was reported and its end was not: true also in the pauses of a loop.
    private(set) var isTold = false
    /// The latest sentence about it.
    private(set) var message = ""
    /// When it last began, was said again, or ended.
    private(set) var changedAt: Milliseconds = 0
    /// Whether it is there at this moment.
    private var isThere = false
    /// How often it has begun, with pauses of at most `memory`.
    private var times = 0
    private var endMessage = ""

    /// Notes that it is there; returns the line to log, or nil when there is nothing new to say.
    mutating func begin(_ message: String, _ now: Milliseconds) -> String? {
        defer {
            isThere = true
            self.message = message
            changedAt = now
        }
        guard !isThere else { return nil }
        if !isTold, now - changedAt > Self.memory { times = 0 }
        times += 1
        guard !isTold else { return nil }
        isTold = true
        guard times >= Self.loop else { return message }
        return "\(message) (again and again: told next when it has not happened for "
            + "\(Self.rest / 1_000) s)"
    }

    /// Notes that it has ended; returns the line to log, or nil in a loop or when it was not there.
    mutating func end(_ message: String, _ now: Milliseconds) -> String? {
        guard isThere else { return nil }
        isThere = false
        changedAt = now
        endMessage = message
        guard times < Self.loop else { return nil }
        isTold = false
        return message
    }

    /// The line that a loop has ended, once the trouble has stayed away long enough.
    mutating func closeLoop(_ now: Milliseconds) -> String? {
        guard isTold, !isThere, now - changedAt >= Self.rest else { return nil }
        isTold = false
        times = 0
        return endMessage
    }

    /// Forgets that it is there; nothing is logged.
    mutating func drop() {
        isThere = false
        isTold = false
    }
}
