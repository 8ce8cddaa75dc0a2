internal import Ledger
internal import Metering

extension QueryEngine {
    /// The plan of a meter's exact value in one range; of a level, of its value now.
    ///
    /// Nothing is clipped: where the cells that are kept do not add up to exactly this range, it
    /// throws what the catalog lacks. The range may end in the future: what is counted ahead of the
    /// clock is in it. The catalog must have the meter.
    ///
    /// - Parameters:
    ///   - filters: dimensions and values; only these are counted.
    ///   - range: what is counted in; nil: all of time. A level's range is not looked at.
    public func exactPlan(
        meter name: String, filters: [DimensionFilter], in range: TimeRange?
    ) throws(QuestionError) -> QuestionPlan {
        guard let summary = summary(name) else {
            throw QuestionError("there is no meter \(name)")
        }
        guard let known = meter(name), [.sum, .table, .ranking].contains(known.form) else {
            throw QuestionError(
                "\(name) is a meter of kind \(summary.kind): limits are for counts, sums, rankings "
                    + "and levels")
        }
        let ask = MeterAsk(meter: name, filters: filters)
        let owners = try SubjectChoice(ask, known.declaration, shards: layout.shardCount)
        let choice = try ScopeChoice(known.declaration, ask)
        guard let range, !known.isClampedAtZero else {
            return try allTime(known, summary, owners, choice)
        }
        guard !known.kept.isEmpty else {
            throw QuestionError(
                "\(name) keeps only the window all: give the limit no period, or add day or "
                    + "quarter to its windows in the catalog")
        }
        let cells = CellCover(known.kept, nowSeconds: clock.seconds)
        let (pieces, holes) = cells.cover(range)
        if let hole = holes.first { throw QuestionError(cells.reason(hole, meter: name)) }
        let bucket = Bucket(
            start: range.start, end: range.end, local: range.start, wholeStart: range.start,
            wholeEnd: range.end)
        let plan = QuestionPlan(
            ask: ask, meter: summary, buckets: [bucket], compared: [], range: range, clips: [],
            owners: owners,
            sources: [.init(known: known, choice: choice, scale: summary.scale)],
            coverages: [Coverage(range: range, pieces: pieces)], comparedCoverages: [])
        try QuestionPlan.check(cells: plan.cells)
        return plan
    }

    private func allTime(
        _ known: KnownMeter, _ summary: MeterSummary, _ owners: SubjectChoice,
        _ choice: ScopeChoice
    ) throws(QuestionError) -> QuestionPlan {
        guard known.declaration.windows.contains(.all) else {
            let whose = known.isClampedAtZero ? "of a level" : "without a period"
            throw QuestionError(
                "\(summary.name) does not keep the window all, which a limit \(whose) needs: add "
                    + "all to its windows in the catalog")
        }
        let bucket = Bucket(start: .min, end: .max, local: 0, wholeStart: .min, wholeEnd: .max)
        return QuestionPlan(
            ask: owners.askOfOne, meter: summary, buckets: [bucket], compared: [], range: nil,
            clips: [], owners: owners,
            sources: [.init(known: known, choice: choice, scale: summary.scale)],
            coverages: [.allTime], comparedCoverages: [])
    }
}

extension QuestionRows {
    /// The value of a question without groups and buckets, times 10^scale; 0 where nothing was
    /// counted.
    public var total: Int64 {
        guard case .single(.integer(let value)) = value(Place(group: 0, bucket: 0)) else {
            return 0
        }
        return value
    }
}

extension QueryWorker {
    /// Says what the request under way will read, where that is not what its bytes decide.
    ///
    /// Before the first read of the request. Requests with equal keys will probably read the same.
    public func expect(_ key: UInt64) { cells.beginRequest(key) }
}
