internal import Glibc
internal import Ledger
internal import Synchronization

/// Sums of large rankings over past days, shared by all threads that answer.
///
/// A thread of its own makes them, a few thousand members a step. After each step it pauses for as
/// long as the step took: Redis has at least half of its time for others, and no step takes longer
/// than 5 ms. An answer first checks that none of these days has changed since (`RankingVersion`);
/// days that still change are read for each answer.
public final class RankingMemory: Sendable {
    /// Sums over those parts of a ranking that were past when the sums were made.
    final class Base: Sendable {
        let totals: RankingTotals
        let version: RankingVersion
        /// For each part of the source, whether the totals hold it.
        let isHeld: [Bool]
        /// A version that was read before this moment may be older than the sums.
        let madeAt = ContinuousClock.now
        /// The first members of the whole ranking, as they were last found.
        private let last = Mutex<
            (version: RankingVersion, limit: Int, members: [RankingTotals.Member])?
        >(nil)

        init(totals: RankingTotals, version: RankingVersion, isHeld: [Bool]) {
            self.totals = totals
            self.version = version
            self.isHeld = isHeld
        }

        /// At least `limit` first members; nil where something has changed since they were found.
        func members(_ limit: Int, _ version: RankingVersion) -> [RankingTotals.Member]? {
            last.withLock { last in
                last.flatMap { $0.version == version && $0.limit >= limit ? $0.members : nil }
            }
        }

        func keep(_ members: [RankingTotals.Member], _ limit: Int, _ version: RankingVersion) {
            last.withLock { $0 = (version, limit, members) }
        }
    }

    private struct State {
        var bases: [RankingSource: Base] = [:]
        /// Least recently asked for first.
        var order: [RankingSource] = []
        var waiting: [RankingSource] = []
        var isWorking = false
        /// The run id of another server that a reader has met while sums are made.
        var newRun: String?
        var readers = 0
        /// Days that changed although they were past, by their first second.
        var restless: [RankingSource: Set<Int64>] = [:]
        /// Rankings that were too large or failed, and until when they are not tried again.
        var pauses: [RankingSource: ContinuousClock.Instant] = [:]
    }

    /// How many large rankings are read at a time.
    ///
    /// Others are refused, so that threads are left for all other requests.
    static let mostReaders = 2
    /// A part counts as past this long after its end, because events come a little late.
    static let settlingSeconds: Int64 = 3_600
    private static let mostWaiting = 16

    /// The outcome of making the sums of a ranking.
    enum Preparation {
        case made(Base)
        /// It changed too often or could not be read; it is tried again soon.
        case failed
        /// It needs more memory than all sums may have.
        case tooLarge
    }

    private let makeWorker: @Sendable () -> QueryWorker
    private let mostBytes: Int
    private let state = Mutex(State())

    /// A memory of at most `mostBytes`; `makeWorker` is called on the thread that makes the sums.
    public init(
        mostBytes: Int = 256 << 20, makeWorker: @escaping @Sendable () -> QueryWorker
    ) {
        self.mostBytes = mostBytes
        self.makeWorker = makeWorker
    }

    /// Whether a large ranking may be read now; if so, the caller must call `leave` afterwards.
    func enter() -> Bool {
        state.withLock {
            guard $0.readers < RankingMemory.mostReaders else { return false }
            $0.readers += 1
            return true
        }
    }

    func leave() { state.withLock { $0.readers -= 1 } }

    /// The sums of a ranking; nil where there are none or a day in them has changed.
    ///
    /// `readAt`: when the reading of `version` began.
    func base(
        _ source: RankingSource, _ version: RankingVersion, readAt: ContinuousClock.Instant
    ) -> Base? {
        state.withLock { state in
            guard let base = state.bases[source] else { return nil }
            // A version that was read before the sums were made cannot show that they are outdated.
            guard readAt >= base.madeAt else { return nil }
            var isSame = true
            for (part, isHeld) in zip(source.parts, base.isHeld)
            where isHeld && !version.isSame(part, of: source, as: base.version) {
                isSame = false
                state.restless[source, default: []].insert(part.range.start)
            }
            guard isSame else {
                state.bases[source] = nil
                state.order.removeAll { $0 == source }
                return nil
            }
            state.order.removeAll { $0 == source }
            state.order.append(source)
            return base
        }
    }

    /// Drops all sums, because another server answers: equal counts there may be of other events.
    func forget(newRun: String?) {
        state.withLock {
            $0.newRun = newRun
            $0.bases = [:]
            $0.order = []
        }
    }

    /// Notes days that have changed although they were past.
    func note(restless days: Set<Int64>, of source: RankingSource) {
        state.withLock {
            if $0.restless.count >= 1_000 { $0.restless = [:] }
            $0.restless[source, default: []].formUnion(days)
        }
    }

    /// Makes room for `bytes` of sums that are being made; false where they alone are too many.
    ///
    /// The least recently used sums are dropped.
    func makeRoom(for bytes: Int) -> Bool {
        guard bytes <= mostBytes else { return false }
        state.withLock { state in
            var heldBytes = state.bases.values.reduce(bytes) { $0 + $1.totals.byteCount }
            while heldBytes > mostBytes, !state.order.isEmpty {
                let oldest = state.order.removeFirst()
                heldBytes -= state.bases[oldest]?.totals.byteCount ?? 0
                state.bases[oldest] = nil
            }
        }
        return true
    }

    /// Whether a ranking's sums are being made or wait to be.
    func isPreparing(_ source: RankingSource) -> Bool {
        state.withLock { $0.waiting.contains(source) }
    }

    /// Asks for a ranking's sums to be made; does nothing where they are or will be.
    func prepare(_ source: RankingSource) {
        let starts = state.withLock { state in
            if let end = state.pauses[source], ContinuousClock.now < end { return false }
            state.pauses[source] = nil
            guard state.bases[source] == nil, !state.waiting.contains(source),
                state.waiting.count < RankingMemory.mostWaiting
            else { return false }
            state.waiting.append(source)
            guard !state.isWorking else { return false }
            state.isWorking = true
            return true
        }
        if starts, !start() {
            state.withLock {
                $0.isWorking = false
                $0.waiting = []
            }
        }
    }

    private func start() -> Bool {
        let context = Unmanaged.passRetained(self)
        var handle = pthread_t()
        let result = pthread_create(
            &handle, nil,
            { context in
                guard let context else { return nil }
                Unmanaged<RankingMemory>.fromOpaque(context).takeRetainedValue().work()
                return nil
            }, context.toOpaque())
        guard result == 0 else {
            context.release()
            return false
        }
        pthread_detach(handle)
        return true
    }

    /// Makes the sums of all waiting rankings, one ranking after the other.
    private func work() {
        let worker = makeWorker()
        while true {
            let next = state.withLock { state -> (RankingSource, Set<Int64>)? in
                guard let source = state.waiting.first else {
                    state.isWorking = false
                    return nil
                }
                state.newRun = nil
                return (source, state.restless[source] ?? [])
            }
            guard let (source, restless) = next else { return }
            let result = try? worker.rankingBase(
                source, restless: restless, hasRoom: makeRoom,
                noteRestless: { note(restless: $0, of: source) })
            state.withLock { state in
                state.waiting.removeAll { $0 == source }
                if state.pauses.count >= 1_000 { state.pauses = [:] }
                // Sums from a server that readers no longer ask count as failed.
                let isOutdated = state.newRun.map { $0 != worker.cells.serverRun } ?? false
                switch isOutdated ? .failed : result ?? .failed {
                case .made(let base):
                    state.bases[source] = base
                    state.order.removeAll { $0 == source }
                    state.order.append(source)
                // While Redis is away, the next request for this ranking asks again.
                case .failed: state.pauses[source] = .now + .seconds(10)
                case .tooLarge: state.pauses[source] = .now + .seconds(600)
                }
            }
        }
    }
}
