/// Decides which shard of a lane is committed next, and when.
///
/// Redis runs all commits that it has of a lane one behind the other, and whoever reads meanwhile waits for the whole
/// row. So they go evenly over an interval, as long as they go in time; what is late hurries. A few go together,
/// because each waits for a look at the log (`AssignmentComparison.swift`), and one look serves all of them. All times are
/// milliseconds of a steady clock.
struct CommitSchedule {
    /// What there is to know of a shard that can be committed.
    struct Shard {
        /// Its tally holds cells; if not, only its marks are to be moved, now and then.
        var hasCells: Bool
        /// When its last commit ended.
        var endedAt: Int64
    }

    /// Commits that are sent before the outcome of the first is known, unless a tally is full.
    static let mostInFlight = 8
    /// How soon it is looked whether a commit has ended that others wait for.
    static let outcomePause: Int64 = 5
    /// While a lane catches up, numbers are old whatever it does: commits half as often hold more events a cell.
    static let catchUpInterval: Int64 = 1_000
    /// How often marks move that no cell goes with.
    static let idleInterval: Int64 = 10_000

    private let usualInterval: Int64
    /// When each shard's last commit was handed over, or was due if that is later.
    private(set) var sentAt: [Int64]
    /// When a commit was handed over last, of any shard.
    private var lastSentAt: Int64 = 0
    /// The shard that is looked at first.
    private var first = 0
    /// When there may be a commit to hand over next; `Int64.max` = not known.
    private(set) var nextAt = Int64.max
    /// When the shard that `next` gave last is due.
    private(set) var dueAt: Int64 = 0

    /// A schedule that commits each shard once an interval.
    init(interval: Int64, shardCount: Int) {
        usualInterval = interval
        sentAt = Array(repeating: 0, count: shardCount)
    }

    /// A commit was handed over, as the schedule wanted it or not.
    mutating func sent(shard: Int, at now: Int64) {
        sentAt[shard] = now
        lastSentAt = now
    }

    /// What was due may not be any more.
    mutating func forgetNext() { nextAt = .max }

    /// Nothing is handed over before that time.
    mutating func look(at time: Int64) { nextAt = min(nextAt, time) }

    /// The shard to be handed over now, that one first that waits longest; nil = none, and `nextAt` says when.
    ///
    /// - Parameters:
    ///   - ahead: how long it is until the next commits may be handed over: what is due by then goes now.
    ///   - inFlight: commits that Redis has not answered.
    ///   - handedOver: commits that were handed over just now and go together with this one.
    ///   - state: tells of each shard; nil = it has nothing to commit, or a commit of it is on its way.
    mutating func next(
        now: Int64, ahead: Int64 = 0, inFlight: Int, handedOver: Int = 0, isCatchingUp: Bool,
        shard state: (Int) -> Shard?
    ) -> Int? {
        nextAt = .max
        let interval =
            isCatchingUp
            ? max(usualInterval, min(usualInterval * 2, Self.catchUpInterval)) : usualInterval
        for _ in sentAt.indices {
            let shard = first
            if let one = state(shard) {
                let due = due(shard, one, interval, isCatchingUp)
                if now + ahead >= due {
                    let pace =
                        isCatchingUp ? Pace.catchingUp : pace(late: now - due, interval: interval)
                    let together =
                        isCatchingUp
                        ? 0 : Int(ahead / max(1, interval / Int64(sentAt.count)))
                    let isFree = inFlight + handedOver < pace.inFlight + together
                    if isFree, now + ahead >= lastSentAt + pace.spacing {
                        first = (shard + 1) % sentAt.count
                        dueAt = min(due, now + ahead)
                        return shard
                    }
                    nextAt = isFree ? lastSentAt + pace.spacing - ahead : now + Self.outcomePause
                    return nil
                }
                if one.hasCells { nextAt = min(nextAt, due - ahead) }
            }
            first = (shard + 1) % sentAt.count
        }
        return nil
    }

    /// When a shard is committed next: an interval after it was sent last, so that its numbers are no older for the
    /// time that a commit takes; but Redis has half of each interval to itself.
    private func due(_ shard: Int, _ one: Shard, _ usual: Int64, _ isCatchingUp: Bool) -> Int64 {
        let interval = one.hasCells ? usual : Self.idleInterval
        if isCatchingUp { return one.endedAt + interval }
        return max(sentAt[shard] + interval, one.endedAt + interval / 2)
    }

    // MARK: Pace

    /// How fast commits follow one another.
    struct Pace: Equatable {
        /// How many may be on their way, the next one among them.
        var inFlight: Int
        /// Least time from the sending of one to that of the next.
        var spacing: Int64
        /// Redis has as much to do as it can take, and nobody expects new numbers.
        static let catchingUp = Pace(inFlight: mostInFlight, spacing: 0)
    }

    /// The pace for a commit that is so late, where each shard has one an interval.
    func pace(late: Int64, interval: Int64) -> Pace {
        let more = max(0, late) * Int64(4 * Self.mostInFlight) / interval
        return Pace(
            inFlight: 1 + Int(min(Int64(Self.mostInFlight - 1), more)),
            spacing: late < interval / 16 ? interval / Int64(sentAt.count) : 0)
    }
}
