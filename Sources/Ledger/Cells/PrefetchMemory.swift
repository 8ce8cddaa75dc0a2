import Redis

/// Knows for each request what it read the last time, and follows the request under way.
///
/// Bounded: where too much is kept, all of it is forgotten, and each request reads step by step
/// once.
struct PrefetchMemory {
    /// One request's pipeline; an object, because a dictionary holds no value that cannot be
    /// copied.
    private final class Known {
        let prefetch: PrefetchPipeline
        /// When it is too old to be sent.
        let end: ContinuousClock.Instant?
        init(_ prefetch: consuming PrefetchPipeline, sumsLifetime: Duration) {
            end = prefetch.isWithSums ? .now + sumsLifetime : nil
            self.prefetch = prefetch
        }
    }

    private static let mostRequests = 1_024
    private static let mostBytes = 8 << 20
    /// How long what was learned about sizes is good enough for sums over sorted sets.
    private let sumsLifetime: Duration
    private var known: [UInt64: Known] = [:]
    private var byteCount = 0

    // The request under way.
    private var key: UInt64?
    private var expected: Known?
    private var replies: PrefetchedReplies?
    private var nextStep = 0
    private var nextRead = 0
    /// Requests that are still to read step by step, because a pipeline was refused.
    private var pauses = 0
    /// What was read so far, where it is not what was expected.
    private var steps: [RequestStep] = []
    private var members: [Int] = []
    private var isLearning = false

    init(sumsLifetime: Duration) { self.sumsLifetime = sumsLifetime }

    mutating func begin(_ key: UInt64) {
        self.key = key
        expected = pauses > 0 ? nil : known[key]
        if let end = expected?.end, ContinuousClock.now > end { expected = nil }
        pauses = max(0, pauses - 1)
        replies = nil
        nextStep = 0
        nextRead = 0
        steps.removeAll(keepingCapacity: true)
        members.removeAll(keepingCapacity: true)
        isLearning = expected == nil
    }

    mutating func end(_ layout: KeyLayout, _ markMembers: MarkMembers) {
        defer {
            key = nil
            expected = nil
            replies = nil
        }
        guard let key, isLearning, pauses == 0, !steps.isEmpty else { return }
        forget(key)
        guard
            let made = PrefetchPipeline(
                steps, members: members, layout: layout, markMembers: markMembers),
            made.byteCount <= PrefetchMemory.mostBytes / 8
        else { return }
        if known.count >= PrefetchMemory.mostRequests
            || byteCount + made.byteCount > PrefetchMemory.mostBytes
        {
            known.removeAll()
            byteCount = 0
        }
        byteCount += made.byteCount
        known[key] = Known(made, sumsLifetime: sumsLifetime)
    }

    /// Forgets the pipeline of the request under way, and learns nothing of it.
    mutating func forgetRequest() {
        if let key { forget(key) }
        key = nil
    }

    /// Forgets all pipelines, because the members that they ask for have changed.
    ///
    /// The request under way goes on with its own.
    mutating func forgetAll() {
        known.removeAll()
        byteCount = 0
    }

    private mutating func forget(_ key: UInt64) {
        if let old = known.removeValue(forKey: key) { byteCount -= old.prefetch.byteCount }
    }

    // MARK: The pipeline

    /// Whether the request's first read is the one that its pipeline begins with.
    func isToBeSent(_ step: RequestStep) -> Bool {
        guard let expected, replies == nil, nextStep == 0 else { return false }
        return expected.prefetch.steps[0] == step
    }

    /// The shard whose cells the request's pipeline reads; nil when it reads none.
    var expectedShard: Int? { expected?.prefetch.shard }

    func send(
        newestMilliseconds: Int64?, on connection: inout Connection,
        _ deadline: ContinuousClock.Instant
    ) throws(CellReadError) -> PrefetchedReplies? {
        guard let expected else { return nil }
        return try PrefetchedReplies.take(
            expected.prefetch, newestMilliseconds: newestMilliseconds, on: &connection, deadline)
    }

    /// Takes the pipeline's answers; without them (nil) the request reads step by step.
    ///
    /// So do some requests after it, because a Redis that refuses one command of a pipeline will
    /// refuse the next one too.
    mutating func taken(_ found: PrefetchedReplies?) {
        replies = found
        guard found == nil else { return }
        pauses = 100
        stopFollowing()
    }

    /// The pipeline failed: the request reads step by step.
    mutating func failed() { stopFollowing() }

    private mutating func stopFollowing() {
        if let expected { steps = Array(expected.prefetch.steps[..<nextStep]) }
        expected = nil
        replies = nil
        isLearning = true
    }

    // MARK: The request's reads

    /// The answer to a step in the directory, where the pipeline has it.
    mutating func directory(_ step: RequestStep) -> HeldReply? {
        guard follows(step), let replies else { return nil }
        guard nextRead == 0, nextStep < replies.directory.count else {
            stopFollowing()
            return nil
        }
        defer { nextStep += 1 }
        return replies.directory[nextStep]
    }

    /// The answer to a step in the cells, where the pipeline has it.
    mutating func cells(_ step: RequestStep, _ queries: [CellQuery]) -> CellSnapshot? {
        guard follows(step), let expected, let replies else { return nil }
        guard
            let found = replies.snapshot(queries, from: nextRead, limits: expected.prefetch.limits)
        else {
            stopFollowing()
            return nil
        }
        nextRead += queries.count
        members += found.queries.indices.map { found.memberCount($0) }
        nextStep += 1
        return found
    }

    private mutating func follows(_ step: RequestStep) -> Bool {
        guard let expected, replies != nil, nextStep < expected.prefetch.steps.count,
            expected.prefetch.steps[nextStep] == step
        else {
            if key != nil { stopFollowing() }
            return false
        }
        return true
    }

    /// Takes a step that was read by itself.
    mutating func add(_ step: RequestStep, _ found: CellSnapshot?) {
        guard key != nil else { return }
        steps.append(step)
        if let found { members += found.queries.indices.map { found.memberCount($0) } }
    }
}
