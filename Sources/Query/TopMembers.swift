internal import Glibc
internal import Ledger

/// The first members of a ranking by the sum of two meters.
public struct TopMembers {
    /// One member.
    public struct Row: Sendable, Hashable {
        /// Values of the rankings' `by` dimensions.
        public let members: [[UInt8]]
        /// Its number in the first meter.
        public let first: Int64
        /// Its number in the second meter.
        public let second: Int64

        fileprivate var numbers: RankingOrder.Numbers { .init(first: first, second: second) }
    }

    /// The members with a sum above zero, in the order of rankings.
    public let rows: [Row]
    /// Record time (ms) of the newest record counted.
    public let asOfMilliseconds: Int64?
    /// Whether everything was read at one moment.
    public let isAtomic: Bool
    /// Cells of the answer of which something is parked.
    public let parked: Int

    fileprivate static func first(_ limit: Int, of rows: [Row]) -> [Row] {
        let sorted = rows.filter { $0.numbers.sum > 0 }.sorted { left, right in
            RankingOrder.precedes(left.numbers, right.numbers) {
                RankingOrder.precedes(left.members, right.members)
            }
        }
        return Array(sorted.prefix(limit))
    }

    /// The members of both rankings.
    fileprivate static func joined(_ first: Breakdown, _ second: Breakdown) -> [Row] {
        let rows = first.rows.map {
            Row(members: $0.members, first: $0.number, second: second[$0.members])
        }
        // A breakdown has no zeros, so 0 says that the first ranking lacks the member.
        let others = second.rows.filter { first[$0.members] == 0 }
        return rows + others.map { Row(members: $0.members, first: 0, second: $0.number) }
    }
}

extension QueryWorker {
    /// The first `limit` members of a ranking by the sum of two meters.
    ///
    /// Small rankings are read whole. Of large ones as little as possible is read
    /// (`RankingSearch`). Where that is still too much, a thread of its own makes the sums over
    /// past days once (`RankingMemory`); until it has, `unavailable` is thrown. An answer always
    /// takes the whole ranking into account.
    public func topMembers(
        _ meters: RankingMeters, _ coverage: Coverage, limit: Int, of organization: [UInt8]
    ) throws(QueryError) -> TopMembers {
        var inquiry = inquiry(organization)
        let first = inquiry.ranking(meters.first, coverage)
        let second = inquiry.ranking(meters.second, coverage)
        func whole(refusesLargeRankings: Bool) throws(QueryError) -> TopMembers {
            let answers = try answer(inquiry, refusesLargeRankings: refusesLargeRankings)
            let rows = TopMembers.joined(answers[first], answers[second])
            return TopMembers(
                rows: TopMembers.first(limit, of: rows), asOfMilliseconds: answers.asOfMilliseconds,
                isAtomic: answers.isAtomic, parked: answers.parked)
        }
        do throws(QueryError) {
            return try whole(refusesLargeRankings: true)
        } catch {
            guard error.code == .tooLarge else { throw error }
        }
        guard let source = RankingSource(meters, coverage, organization, engine) else {
            return try whole(refusesLargeRankings: false)
        }
        guard rankings?.enter() ?? true else { throw QueryError.tooManyRankings }
        defer { rankings?.leave() }
        // Only reading the whole ranking adds what is parked.
        if let top = try largeTop(source, limit) { return top }
        return try whole(refusesLargeRankings: false)
    }

    /// The first members of a large ranking; nil where cells of the shard are parked.
    private func largeTop(
        _ source: RankingSource, _ limit: Int
    ) throws(QueryError) -> TopMembers? {
        var before = try version(source)
        for attempt in 0..<3 {
            if before.isParked { return nil }
            let (members, base) = try members(source, limit, before, isLast: attempt == 2)
            let after = try version(source)
            let isSameServer = before.serverChanges == after.serverChanges
            let isSame = isSameServer && before.version == after.version
            guard isSameServer || attempt < 2 else {
                throw QueryError(.unavailable, "another server answered meanwhile")
            }
            // If it changed during the read, the last attempt is answered all the same; its numbers
            // are then of several moments (`isAtomic`).
            if isSame { base?.keep(members, limit, before.version) }
            if isSame || attempt == 2 {
                let rows = members.compactMap { member in
                    KeyLayout.tupleValues(member.name).map {
                        TopMembers.Row(members: $0, first: member.first, second: member.second)
                    }
                }
                return TopMembers(
                    rows: TopMembers.first(limit, of: rows),
                    asOfMilliseconds: before.asOfMilliseconds,
                    isAtomic: isSame && !after.isParked, parked: 0)
            }
            before = after
        }
        return nil
    }

    /// The state of a ranking at one moment, without its members.
    struct RankingState {
        let version: RankingVersion
        let asOfMilliseconds: Int64?
        let isParked: Bool
        /// When the read began.
        let readAt: ContinuousClock.Instant
        let serverChanges: Int
    }

    func members(
        _ source: RankingSource, _ limit: Int, _ before: RankingState, isLast: Bool
    ) throws(QueryError) -> ([RankingTotals.Member], base: RankingMemory.Base?) {
        do throws(CellReadError) {
            let version = before.version
            if let base = rankings?.base(source, version, readAt: before.readAt) {
                if let members = base.members(limit, version) { return (members, base) }
                let held = HeldRanking(
                    source: source, base: base, limit: limit, cells: cells, deadline: deadline)
                return (try held.members(isScan: isLast), base)
            }
            guard rankings?.isPreparing(source) != true else {
                throw CellReadError(.unavailable, "a large ranking is being prepared")
            }
            let search = RankingSearch(
                source: source, limit: limit, cells: cells, deadline: deadline)
            if var found = try search.run() {
                // The last attempt must be right even if the ranking changed during the search.
                let isComplete = isLast ? try search.complete(&found) : true
                if isComplete { return (Array(found.members.values), nil) }
            }
        } catch {
            // With sums in memory, the next request takes less time.
            if error.code == .timeout { rankings?.prepare(source) }
            throw QueryError(error)
        }
        rankings?.prepare(source)
        throw QueryError(.unavailable, "a large ranking is being prepared")
    }

    /// Reads how many events were counted on each day, and the rest of a ranking's state.
    func version(_ source: RankingSource) throws(QueryError) -> RankingState {
        let readAt = ContinuousClock.now
        var inquiry = inquiry(source.organization)
        let firsts = inquiry.days(source.meters.firstCount, source.range)
        let seconds = inquiry.days(source.meters.secondCount, source.range)
        let answers = try answer(inquiry)
        noticeServer()
        return RankingState(
            version: RankingVersion(firsts: answers[firsts], seconds: answers[seconds]),
            asOfMilliseconds: answers.asOfMilliseconds, isParked: answers.snapshot.isShardParked,
            readAt: readAt,
            serverChanges: cells.serverChanges)
    }

    // MARK: In the background

    /// Makes the sums over the parts that are past.
    ///
    /// Parts that change during an attempt are left out of the next one, so that late events cannot
    /// make all attempts fail; `noteRestless` gets their days. `hasRoom` is asked before each step
    /// whether the bytes made so far still fit.
    func rankingBase(
        _ source: RankingSource, restless: Set<Int64>, hasRoom: (Int) -> Bool,
        noteRestless: (Set<Int64>) -> Void
    ) throws(QueryError) -> RankingMemory.Preparation {
        let pastEnd = engine.clock.seconds - RankingMemory.settlingSeconds
        var isHeld = source.parts.map {
            $0.range.end <= pastEnd && !restless.contains($0.range.start)
        }
        for _ in 0..<3 {
            deadline = .now + .seconds(1)
            let before = try version(source)
            if before.isParked { return .failed }
            let totals = RankingTotals()
            for (part, isHeld) in zip(source.parts, isHeld) where isHeld {
                guard try add(part, to: totals, hasRoom: hasRoom) else { return .tooLarge }
            }
            deadline = .now + .seconds(1)
            let after = try version(source)
            guard before.serverChanges == after.serverChanges else { continue }
            var changed: Set<Int64> = []
            for (index, part) in source.parts.enumerated() where isHeld[index] {
                if after.version.isSame(part, of: source, as: before.version) { continue }
                isHeld[index] = false
                changed.insert(part.range.start)
            }
            guard !changed.isEmpty else {
                totals.rememberFirst()
                return .made(
                    RankingMemory.Base(totals: totals, version: after.version, isHeld: isHeld))
            }
            noteRestless(changed)
        }
        return .failed
    }

    /// Adds a whole part step by step; false where the totals become too large.
    private func add(
        _ part: RankingSource.Part, to totals: RankingTotals, hasRoom: (Int) -> Bool
    ) throws(QueryError) -> Bool {
        var rank = 0
        while hasRoom(totals.byteCount) {
            let begin = ContinuousClock.now
            var count = 0
            do throws(CellReadError) {
                count = try cells.members(
                    of: part.key, from: rank, most: CellReader.largestStep, isDescending: false,
                    deadline: begin + .seconds(1)
                ) { totals.add($0, part.isFirst ? $1 : 0, part.isFirst ? 0 : $1) }
            } catch {
                throw QueryError(error)
            }
            guard count == CellReader.largestStep else { return true }
            rank += count
            // A pause as long as the step took: others have at least half of Redis' time.
            usleep(UInt32(clamping: Int64((ContinuousClock.now - begin) / .microseconds(1))))
        }
        return false
    }
}
