/// Decides which shard of a lane is committed next, and when.
///
/// Redis runs the commits that it has received one after the other, and readers wait for all of
/// them. So commits are spread evenly over the interval while they are in time; late ones are sent
/// faster. A few are sent together, because each waits for a look at the log
/// (`AssignmentComparison.swift`) and one look is enough for all of them. All moments are of a
/// steady clock.
struct CommitSchedule {
    /// A shard that can be committed.
    struct Shard {
        /// Whether its tally holds cells; if not, only its marks are moved, and less often.
        var hasCells: Bool
        /// When its last commit was applied.
        var endedAt: Milliseconds
    }

    /// How many commits may be in flight at once; a full tally is sent in any case.
    static let mostInFlight = 8
    /// How long to wait before looking again whether a commit has ended that others wait for.
    static let outcomePause: Milliseconds = 5
    /// Up to this, a lane that catches up on 64 shards doubles its commit interval.
    ///
    /// Its numbers are old in any case, and with half as many commits each cell merges more events.
    /// With more shards each has fewer events, so the interval grows in proportion: as many commits
    /// a second, each with as many cells. Less than the age at which a lane counts as catching up.
    static let catchUpInterval: Milliseconds = 1_000
    static let longestCatchUpInterval: Milliseconds = 4_000
    /// How often a shard's marks are moved when it has no cells to commit.
    static let idleInterval: Milliseconds = 10_000

    private let usualInterval: Milliseconds
    private let catchUpInterval: Milliseconds
    /// When each shard's last commit was handed over, or was due if that is later.
    private(set) var sentAt: [Milliseconds]
    /// When a commit was handed over last, of any shard.
    private var lastSentAt: Milliseconds = 0
    /// The shard that is looked at first.
    private var first = 0
    /// When there may be a commit to hand over next; `Int64.max` when that is not known.
    private(set) var nextAt = Int64.max
    /// When the shard that `next` returned last is due.
    private(set) var dueAt: Milliseconds = 0

    /// A schedule that commits each shard once in every interval.
    init(interval: Milliseconds, shardCount: Int) {
        usualInterval = interval
        let share = max(1, Int64(shardCount / 64))
        let longest = min(Self.longestCatchUpInterval, share * Self.catchUpInterval)
        catchUpInterval = max(interval, min(interval * 2 * share, longest))
        sentAt = Array(repeating: 0, count: shardCount)
    }

    /// Notes that a commit was handed over, whether the schedule had chosen it or not.
    mutating func sent(shard: Int, at now: Milliseconds) {
        sentAt[shard] = now
        lastSentAt = now
    }

    /// Forgets `nextAt`, at the beginning of a turn: only commits that this turn considers may set
    /// it.
    mutating func forgetNext() { nextAt = .max }

    /// Notes that there may be a commit to hand over at that time.
    mutating func look(at time: Milliseconds) { nextAt = min(nextAt, time) }

    /// The shard to hand over now, in turn from the one that has waited longest.
    ///
    /// Nil when there is none; then `nextAt` says when there may be one.
    ///
    /// - Parameters:
    ///   - ahead: time until commits may be handed over again: shards due by then are due now.
    ///   - inFlight: commits that Redis has not answered.
    ///   - handedOver: commits that were just handed over and are sent together with this one.
    ///   - state: the state of a shard; nil when it has nothing to commit or its commit is in
    ///     flight.
    mutating func next(
        now: Milliseconds, ahead: Milliseconds = 0, inFlight: Int, handedOver: Int = 0,
        isCatchingUp: Bool, shard state: (Int) -> Shard?
    ) -> Int? {
        nextAt = .max
        let interval = isCatchingUp ? catchUpInterval : usualInterval
        for _ in sentAt.indices {
            let shard = first
            if let state = state(shard) {
                let due = due(shard, state, interval, isCatchingUp)
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
                if state.hasCells { nextAt = min(nextAt, due - ahead) }
            }
            first = (shard + 1) % sentAt.count
        }
        return nil
    }

    /// When a shard is due: an interval after its last commit was sent.
    ///
    /// Not after it ended: then the time that commits take would make numbers older. But at least
    /// half an interval after it ended, so that a slow Redis is not always busy with commits.
    private func due(
        _ shard: Int, _ state: Shard, _ usual: Milliseconds, _ isCatchingUp: Bool
    ) -> Milliseconds {
        let interval = state.hasCells ? usual : Self.idleInterval
        if isCatchingUp { return state.endedAt + interval }
        return max(sentAt[shard] + interval, state.endedAt + interval / 2)
    }

    // MARK: Pace

    /// How fast commits follow one another.
    struct Pace: Equatable {
        /// How many may be in flight, including the next one.
        var inFlight: Int
        /// Least time from sending one commit to sending the next.
        var spacing: Milliseconds
        /// As much as Redis can take: while a lane catches up, nobody expects the newest numbers.
        static let catchingUp = Pace(inFlight: mostInFlight, spacing: 0)
    }

    /// The pace for a commit that is so late: the later, the more may be in flight.
    func pace(late: Milliseconds, interval: Milliseconds) -> Pace {
        let more = max(0, late) * Int64(4 * Self.mostInFlight) / interval
        return Pace(
            inFlight: 1 + Int(min(Int64(Self.mostInFlight - 1), more)),
            spacing: late < interval / 16 ? interval / Int64(sentAt.count) : 0)
    }
}
