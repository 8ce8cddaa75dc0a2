internal import Ledger

/// A look at the log: what was asked, what is not answered yet, and when the next look may begin.
struct LogComparison {
    /// What is asked about one partition.
    struct Question: Equatable {
        var slot: Int
        /// A record that was counted from this log.
        var witness: Fingerprint
        /// The last record taken before the question: the next witness if the log is the same.
        var next: Fingerprint?
    }

    /// Least time between two looks.
    static let pause: Milliseconds = 50
    /// How long commits may rely on one look while a lane catches up; the next begins earlier.
    static let catchUpSpan: Milliseconds = 500
    /// While nothing can be committed: how long new records wait for a look, at least.
    static let newsPause: Milliseconds = 500
    /// How long answers may take before a look is given up.
    static let patience: Milliseconds = 3_000

    /// Questions without an answer.
    private(set) var questions: [Question] = []
    /// How many batches were folded before the look began.
    private(set) var batch = 0
    /// When the look began.
    private(set) var askedAt: Milliseconds = 0
    /// When the look began or its last answer came.
    private(set) var heardAt: Milliseconds = 0
    /// When a tally was last sent without a look of its own.
    var servedAt = Int64.min
    /// Whether a look is on its way.
    private(set) var isAsked = false
    /// Whether it repeats a look that was not answered.
    ///
    /// Then it allows no commit, and another look follows it.
    private(set) var isRepeated = false
    /// Whether there was nothing to ask.
    private(set) var isEmpty = true
    /// Start of the look that commits may rely on: the last one, if it found every log the same.
    ///
    /// Far in the past after a look without a result, so that no commit relies on it.
    private(set) var passedAt = Int64.min / 2
    /// When the latest look began that found every log the same, whatever came after it.
    private var sameAt = Int64.min / 2
    /// After a look without a result: when another may begin.
    private(set) var retryAt: Milliseconds = 0
    /// When the next look may begin if no commit waits for one.
    private(set) var nextAt: Milliseconds = 0
    /// When all partitions are looked at next although nothing is to be committed.
    var idleAt: Milliseconds = 0
    /// Since when there are records that came after the last look; nil when there are none.
    var newsSince: Milliseconds?

    mutating func ask(
        _ questions: [Question], batch: Int, now: Milliseconds, pause: Milliseconds,
        isRepeated: Bool = false
    ) {
        self.isRepeated = isRepeated
        self.questions = questions
        isEmpty = questions.isEmpty
        self.batch = batch
        askedAt = now
        heardAt = now
        isAsked = true
        nextAt = now + pause
    }

    /// A question has its answer.
    mutating func hear(_ index: Int, _ now: Milliseconds) {
        questions.remove(at: index)
        heardAt = now
    }

    /// Ends the look; `retryAt` says that it had no result and when another may begin.
    ///
    /// Without a result commits may no longer rely on the look before it either.
    mutating func end(retryAt: Milliseconds? = nil) {
        isAsked = false
        passedAt = retryAt == nil ? askedAt : Int64.min / 2
        if retryAt == nil { sameAt = askedAt }
        questions = []
        if let retryAt { self.retryAt = retryAt }
    }

    /// Whether tallies were sent, without a look of their own, since the last look that found the
    /// log the same.
    var hasServed: Bool { servedAt >= sameAt }
}
