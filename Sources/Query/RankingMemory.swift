internal import Glibc
internal import Ledger
internal import Synchronization

/// Sums of large rankings over days that are over, shared by all threads that answer.
///
/// They are made by a thread of their own, a few thousand members at a time with a pause as long as
/// each step took, so that Redis has at least half of its time for others and is never held longer than 5 ms.
/// An answer first asks whether any of these days has changed since (`RankingVersion`); the days that
/// still change are read for each answer.
public final class RankingMemory: Sendable {
    /// Sums over the parts of a ranking that were over when they were made.
    final class Base: Sendable {
        let totals: RankingTotals
        let version: RankingVersion
        /// For each part of the source, whether the totals hold it.
        let isHeld: [Bool]
        /// A version that was read earlier may be older than this.
        let madeAt = ContinuousClock.now
        /// The first members of the whole ranking as they were found the last time.
        private let last = Mutex<
            (version: RankingVersion, limit: Int, members: [RankingTotals.Member])?
        >(nil)

        init(totals: RankingTotals, version: RankingVersion, isHeld: [Bool]) {
            self.totals = totals
            self.version = version
            self.isHeld = isHeld
        }

        /// At least so many first members, where nothing has changed since they were found.
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
        /// Run of the server that a reader has changed to while sums are made.
        var newRun: String?
        var readers = 0
        /// Days that changed although they were over.
        var restless: [RankingSource: Set<Int64>] = [:]
        /// Which were too large, or failed, and until when they are left alone.
        var pauses: [RankingSource: ContinuousClock.Instant] = [:]
    }

    /// Readings of large rankings at a time; others are refused, so that threads are left for all else.
    static let mostReaders = 2
    /// A part counts as over so many seconds after its end: events come a little late.
    static let settling: Int64 = 3_600
    private static let mostWaiting = 16

    /// What came of making the sums of a ranking.
    enum Preparation {
        case made(Base)
        /// It changed too often, or could not be read: soon once more.
        case failed
        /// It takes more than all that may be held.
        case tooLarge
    }

    private let makeWorker: @Sendable () -> QueryWorker
    private let mostBytes: Int
    private let state = Mutex(State())

    /// A memory of at most so many bytes, filled by workers that are made on a thread of their own.
    public init(
        mostBytes: Int = 256 << 20, makeWorker: @escaping @Sendable () -> QueryWorker
    ) {
        self.mostBytes = mostBytes
        self.makeWorker = makeWorker
    }

    /// Whether a large ranking may be read now; if so, `leave` must follow.
    func enter() -> Bool {
        state.withLock {
            guard $0.readers < RankingMemory.mostReaders else { return false }
            $0.readers += 1
            return true
        }
    }

    func leave() { state.withLock { $0.readers -= 1 } }

    /// What is held of a ranking, where nothing of it has changed.
    ///
    /// `readAt`: when the reading of the version began.
    func base(
        _ source: RankingSource, _ version: RankingVersion, readAt: ContinuousClock.Instant
    ) -> Base? {
        state.withLock { state in
            guard let base = state.bases[source] else { return nil }
            // What is older than the sums says nothing against them.
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

    /// Drops all sums: another server answers, and equal counts may be of other events.
    func forget(newRun: String?) {
        state.withLock {
            $0.newRun = newRun
            $0.bases = [:]
            $0.order = []
        }
    }

    /// Notes days that have changed although they were over.
    func note(restless days: Set<Int64>, of source: RankingSource) {
        state.withLock {
            if $0.restless.count >= 1_000 { $0.restless = [:] }
            $0.restless[source, default: []].formUnion(days)
        }
    }

    /// Drops the sums not asked for longest until so many bytes are free for those being made; false
    /// where they alone would be too many.
    func makeRoom(for bytes: Int) -> Bool {
        guard bytes <= mostBytes else { return false }
        state.withLock { state in
            var held = state.bases.values.reduce(bytes) { $0 + $1.totals.byteCount }
            while held > mostBytes, !state.order.isEmpty {
                let oldest = state.order.removeFirst()
                held -= state.bases[oldest]?.totals.byteCount ?? 0
                state.bases[oldest] = nil
            }
        }
        return true
    }

    /// Whether a ranking's sums are about to be made.
    func isPreparing(_ source: RankingSource) -> Bool {
        state.withLock { $0.waiting.contains(source) }
    }

    /// Has a ranking's sums made, unless that is under way.
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

    /// Makes everything that waits, one after the other.
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
                // Sums from a server that readers have left count as failed.
                let isLeft = state.newRun.map { $0 != worker.cells.serverRun } ?? false
                switch isLeft ? .failed : result ?? .failed {
                case .made(let base):
                    state.bases[source] = base
                    state.order.removeAll { $0 == source }
                    state.order.append(source)
                // Where Redis is away, the next one who asks says so again.
                case .failed: state.pauses[source] = .now + .seconds(10)
                case .tooLarge: state.pauses[source] = .now + .seconds(600)
                }
            }
        }
    }
}
