internal import Ledger
internal import Metering

extension LaneCore {
    /// Offsets of one partition that a tally on its way covers.
    struct SentRange {
        var slot: Int
        var range: PartitionCursor.Range
        var fingerprint: Fingerprint?
    }

    /// What the lane knows of one shard.
    struct Shard {
        /// Ranges of the tally that was handed over; empty when none was.
        var sent: [SentRange] = []
        /// Number of the last batch in that tally; nil once the log was looked at after that batch,
        /// so that the tally may be sent.
        var unseenBatch: Int?
        /// When its last commit was sent.
        var sentAt: Milliseconds = 0
        /// When its last commit was applied.
        var committedAt: Milliseconds = 0
        /// Why it is set aside, and until when; nil when it is not.
        var aside: Aside?
        /// Why it waits for its node; nil when it does not, and always where one server has all
        /// shards.
        var moving: Moving?
        /// The wait that seemed to be over when its commit was sent again; nil once one was
        /// applied.
        ///
        /// A node that answers may still refuse.
        var unproven: Moving?
        /// Why it waits, for people: also while nobody knows yet that it is over.
        var waiting: Moving? { moving ?? unproven }
        /// How long it is set aside the next time a cell is refused.
        var pause: Milliseconds = 10_000
        /// Whether its tallies were dropped and its marks are not read yet.
        var awaitsMarks = false
        /// How many cells of the commit in flight go to a scope's `__other__`, by meter.
        var redirected: [String: Int64] = [:]
    }

    /// Why a shard is set aside: its tallies are dropped and it takes no records.
    struct Aside {
        /// The cell of the shard's own records that refused a change; nil where no cell did.
        var refused: RefusedCell?
        var reason: String
        /// When the cell is looked at next; nil where no cell refused.
        var lookAt: Milliseconds?
        /// Whether it only waits for its node: `Shard.moving` says why.
        var isWaiting = false
        /// Whether nobody may commit to it before it is reset or restored.
        var isTorn: Bool { lookAt == nil && !isWaiting }
    }
}
