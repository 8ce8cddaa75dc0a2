/// A trouble that may come and go: told when it begins and when it has passed; where it alternates,
/// once at its begin and once when it has stayed away for a while.
///
/// Without this a trouble that ends and begins again several times a second writes as many lines,
/// and whoever asks for the state between two of them hears that all is well. A value, one thread.
struct Recurrence {
    /// So many begins without a longer rest between them are a loop.
    static let loop = 4
    /// A loop has ended when nothing of it happened for so long, in milliseconds.
    static let rest: Int64 = 15_000
    /// After so long a trouble that has passed is a new one when it comes again, in milliseconds.
    static let memory: Int64 = 30_000

    /// Whether it is there as far as everybody was told: also in the pauses of a loop.
    private(set) var isStanding = false
    /// What was said of it last.
    private(set) var message = ""
    /// When it began, was said again, or ended last, in milliseconds of the steady clock.
    private(set) var changedAt: Int64 = 0
    private var isThere = false
    private var times = 0
    private var endMessage = ""

    /// It is there; the line to be written, or nil where nothing new is to be told.
    mutating func begin(_ message: String, _ now: Int64) -> String? {
        defer {
            isThere = true
            self.message = message
            changedAt = now
        }
        guard !isThere else { return nil }
        if !isStanding, now - changedAt > Self.memory { times = 0 }
        times += 1
        guard !isStanding else { return nil }
        isStanding = true
        guard times >= Self.loop else { return message }
        return "\(message) (again and again: told next when it has not happened for "
            + "\(Self.rest / 1_000) s)"
    }

    /// It has passed; the line to be written, or nil where it was not there or is a loop.
    mutating func end(_ message: String, _ now: Int64) -> String? {
        guard isThere else { return nil }
        isThere = false
        changedAt = now
        endMessage = message
        guard times < Self.loop else { return nil }
        isStanding = false
        return message
    }

    /// The line that a loop has ended, once it has stayed away long enough.
    mutating func closeLoop(_ now: Int64) -> String? {
        guard isStanding, !isThere, now - changedAt >= Self.rest else { return nil }
        isStanding = false
        times = 0
        return endMessage
    }

    /// Forgets that it is there, without a word.
    mutating func drop() {
        isThere = false
        isStanding = false
    }
}
