internal import Ledger

/// A look at the log on its way: what was asked, and when the next one may be.
struct LogComparison {
    /// What is asked of one partition.
    struct Question: Equatable {
        var slot: Int
        /// A record that was counted from this log.
        var witness: Fingerprint
        /// The last record taken before the question: the next witness, if the log is the same.
        var next: Fingerprint?
    }

    /// Least time between two looks, in milliseconds.
    static let pause: Int64 = 50
    /// How long a look serves while a lane catches up, in milliseconds; the next one begins before.
    static let catchUpSpan: Int64 = 500
    /// How long records may be there at least without a look where nothing can be committed, in milliseconds.
    static let newsPause: Int64 = 500
    /// How long answers may take before they are asked for again, in milliseconds.
    static let patience: Int64 = 3_000

    /// Questions without an answer.
    private(set) var questions: [Question] = []
    /// Batches that were folded before the question.
    private(set) var batch = 0
    /// When it was asked, in milliseconds of the steady clock.
    private(set) var askedAt: Int64 = 0
    /// When it was asked, or its last answer came.
    private(set) var heardAt: Int64 = 0
    /// When a tally was sent last on the strength of the look before.
    var servedAt = Int64.min
    /// Whether a look is on its way.
    private(set) var isAsked = false
    /// Whether it follows one without an answer: then it lets nothing go, and another one follows it.
    private(set) var isRepeated = false
    /// Whether nothing had to be asked.
    private(set) var isEmpty = true
    /// When the last look began that found every log the same, and that serves; none does after one without a result.
    private(set) var passedAt = Int64.min / 2
    /// When the last look began that found every log the same.
    private var sameAt = Int64.min / 2
    /// After a look that brought nothing: when there may be another.
    private(set) var retryAt: Int64 = 0
    /// When the next look may begin, unless somebody waits for one.
    private(set) var nextAt: Int64 = 0
    /// When all partitions are looked at next, though nothing is to be committed.
    var idleAt: Int64 = 0
    /// Since when there are records that no look knows of.
    var newsSince: Int64?

    mutating func ask(
        _ questions: [Question], batch: Int, now: Int64, pause: Int64, isRepeated: Bool = false
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
    mutating func hear(_ index: Int, _ now: Int64) {
        questions.remove(at: index)
        heardAt = now
    }

    /// The look has ended; `retryAt` where it brought nothing: then the one before it serves no longer.
    mutating func end(retryAt: Int64? = nil) {
        isAsked = false
        passedAt = retryAt == nil ? askedAt : Int64.min / 2
        if retryAt == nil { sameAt = askedAt }
        questions = []
        if let retryAt { self.retryAt = retryAt }
    }

    /// Whether something may have been counted that the last look that passed knew nothing of.
    var hasServed: Bool { servedAt >= sameAt }
}
