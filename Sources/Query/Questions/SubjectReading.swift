internal import Ledger
internal import Metering

/// An owner of cells: an organization, or all organizations of a shard.
private enum CellOwner {
    case subject([UInt8])
    case all
}

/// What is read of one shard.
private struct ShardReads {
    let shard: Int
    let inquiry: Inquiry
    let fills: [(subject: [UInt8], fill: QuestionFill)]
}

extension QueryWorker {
    /// The rows of a planned question, and what the answer says about itself.
    ///
    /// `organization` is whose events `Subjects.own` means. Questions about several organizations
    /// are read shard by shard, so that they show no single moment. Throws `tooManyCells` where
    /// the organizations found need more cells than a question may read.
    public func rows(
        _ plan: QuestionPlan, of organization: [UInt8]
    ) throws(QueryError) -> (rows: QuestionRows, answers: Answers) {
        guard plan.ask.subjects != .own else {
            var inquiry = inquiry(organization)
            let question = inquiry.rows(plan)
            let answers = try answer(inquiry)
            return (answers[question], answers)
        }
        let owners = try owners(plan)
        let empty = inquiry([])
        let reads = owners.map { shard, owners in
            var inquiry = empty
            let fills = owners.map { owner in
                let subject: [UInt8]
                switch owner {
                case .subject(let id):
                    subject = id
                    inquiry.names = OrganizationNames(inquiry.engine.layout, id)
                case .all:
                    subject = []
                    inquiry.names = OrganizationNames(
                        inquiry.engine.layout, shard: shard, owner: Across.all)
                }
                return (subject: subject, fill: inquiry.fill(plan))
            }
            return ShardReads(shard: shard, inquiry: inquiry, fills: fills)
        }
        let snapshots = try read(reads.map { ($0.shard, $0.inquiry.plan) })
        let fold = GroupFold(plan)
        if plan.subjectAt == nil {
            fold.begin(plan)
        } else {
            for id in plan.owners.named ?? [] {
                fold.setSubject(id)
                fold.begin(plan)
            }
        }
        for (reads, snapshot) in zip(reads, snapshots) {
            for (subject, fill) in reads.fills {
                fold.setSubject(subject)
                fill(snapshot, fold)
            }
        }
        // Extremes are still in Redis' answers.
        let rows = withExtendedLifetime(snapshots) { QuestionRows(plan, fold) }
        let answers = Answers(snapshot: .summary(of: snapshots), belowZero: empty.belowZero)
        return (rows, answers)
    }

    /// Whose cells are read, shard by shard.
    private func owners(
        _ plan: QuestionPlan
    ) throws(QueryError) -> [(shard: Int, owners: [CellOwner])] {
        let layout = inquiry([]).engine.layout
        if plan.owners.named == nil, !plan.owners.areListed {
            return (0..<layout.shardCount).map { (shard: $0, owners: [CellOwner.all]) }
        }
        let ids: [[UInt8]]
        if let named = plan.owners.named { ids = named } else { ids = try listed(plan) }
        do throws(QuestionError) {
            try QuestionPlan.check(cells: plan.cellsOfOwner * ids.count)
        } catch {
            throw QueryError(.tooManyCells, "\(ids.count) organizations: \(error.description)")
        }
        var shards: [Int: [CellOwner]] = [:]
        for id in ids { shards[layout.shard(of: id), default: []].append(.subject(id)) }
        return shards.sorted { $0.key < $1.key }.map { (shard: $0.key, owners: $0.value) }
    }

    /// The organizations that may have cells in a plan.
    private func listed(_ plan: QuestionPlan) throws(QueryError) -> [[UInt8]] {
        let ranges = (plan.coverages + plan.comparedCoverages).compactMap(\.range)
            .filter { $0.start < $0.end }
        let start = ranges.map(\.start).min()
        let end = ranges.map(\.end).max()
        var found: Set<[UInt8]> = []
        for source in plan.sources {
            found.formUnion(
                try subjects(meter: source.known.declaration.name, from: start, to: end))
        }
        return found.sorted { $0.lexicographicallyPrecedes($1) }
    }

    /// The organizations of which events were counted into a meter in a range, sorted by the bytes
    /// of their raw ids.
    ///
    /// The meter must be declared with `across`. Organizations are kept by month of UTC: every
    /// month that the range touches counts whole. Without `from` and `to`: of all time, where the
    /// meter keeps the window `all`, else of the last 366 days. Throws `tooManyCells` where
    /// there are more months than a question may read.
    ///
    /// - Parameters:
    ///   - from: start in seconds since 1970; nil: 366 days before `to`.
    ///   - to: end; nil: now.
    public func subjects(
        meter name: String, from: Int64?, to: Int64?
    ) throws(QueryError) -> [[UInt8]] {
        let empty = inquiry([])
        let layout = empty.engine.layout
        guard let meter = empty.engine.meter(name), meter.declaration.isAcross else {
            throw QueryError(.unknownMeter, "meter \(name) is not counted over organizations")
        }
        let (window, numbers) = empty.engine.lists(of: meter, from: from, to: to)
        do throws(QuestionError) {
            try QuestionPlan.check(cells: numbers.count * layout.shardCount)
        } catch {
            throw QueryError(.tooManyCells, error.description)
        }
        let plans = (0..<layout.shardCount).map { shard in
            let names = OrganizationNames(layout, shard: shard, owner: Across.list)
            var plan = ReadPlan()
            for number in numbers {
                let key = names.cellKey(
                    scope: [], meter: meter.name, shape: .table, window: window, number: number)
                _ = plan.whole(.hash(key))
            }
            return (shard, plan)
        }
        var found: Set<[UInt8]> = []
        for snapshot in try read(plans) {
            for query in snapshot.queries.indices {
                snapshot.forEachPair(query) { name, _ in
                    if let id = KeyLayout.unescape(name) { found.insert(id) }
                }
            }
        }
        return found.sorted { $0.lexicographicallyPrecedes($1) }
    }

    /// Reads plans of several shards; as in `answer` at most two large rankings at a time.
    private func read(
        _ plans: [(shard: Int, plan: ReadPlan)]
    ) throws(QueryError) -> [CellSnapshot] {
        guard let rankings else { return try read(plans, refusesLargeRankings: false) }
        do throws(QueryError) {
            return try read(plans, refusesLargeRankings: true)
        } catch {
            guard error.code == .tooLarge else { throw error }
        }
        guard rankings.enter() else { throw QueryError.tooManyRankings }
        defer { rankings.leave() }
        return try read(plans, refusesLargeRankings: false)
    }

    private func read(
        _ plans: [(shard: Int, plan: ReadPlan)], refusesLargeRankings: Bool
    ) throws(QueryError) -> [CellSnapshot] {
        try admit(commands: plans.reduce(0) { $0 + $1.plan.commandCount })
        do throws(CellReadError) {
            let snapshots = try cells.read(
                shards: plans.map { ShardQueries(shard: $0.shard, queries: $0.plan.reads) },
                deadline: deadline, refusesLargeRankings: refusesLargeRankings)
            found(members: snapshots.reduce(0) { $0 + $1.memberCount })
            return snapshots
        } catch {
            throw QueryError(error)
        }
    }
}

extension QueryEngine {
    /// The lists of organizations that a range touches.
    fileprivate func lists(
        of meter: KnownMeter, from: Int64?, to: Int64?
    ) -> (window: Window, numbers: ClosedRange<Int32>) {
        let lists = Across.listRetention(of: meter.declaration)
        if from == nil, to == nil, lists.contains(where: { $0.window == .all }) {
            return (.all, 0...0)
        }
        // Times before a catalog's first day and far after now have no events.
        let now = clock.seconds
        let end = min(to ?? now + 1, now + 400 * 86_400)
        let last = Window.month.number(ofSecond: end - 1)
        var first = Window.month.number(
            ofSecond: max(from ?? end - 366 * 86_400, Int64(catalog.notBefore.day) * 86_400))
        for (window, retention) in lists where window == .month {
            guard case .seconds(let seconds) = retention else { continue }
            first = max(first, Window.month.number(ofSecond: now - seconds) - 1)
        }
        return (.month, min(first, last)...last)
    }
}
