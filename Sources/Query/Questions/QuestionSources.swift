internal import Ledger
internal import Metering

extension QuestionPlan {
    /// What refusals call the meter of a question.
    static func name(_ ask: MeterAsk, _ sources: [Source]) -> String {
        guard sources.count > 1 else { return ask.meter }
        let names = sources.map(\.known.declaration.name).joined(separator: " and ")
        return "\(ask.meter) (of \(names))"
    }

    /// Whether a row is the number of the first meter divided by that of the second.
    var isRatio: Bool { if case .ratio = meter.derived { true } else { false } }

    /// Whether a row is how many different values the first meter has, or else the second one says.
    var isUnique: Bool { if case .unique = meter.derived { true } else { false } }
}

extension QueryEngine {
    /// The meters of a question, each with the sets of cells to read.
    func sources(
        of ask: MeterAsk, _ summary: MeterSummary
    ) throws(QuestionError) -> (sources: [QuestionPlan.Source], owners: SubjectChoice) {
        var sources: [QuestionPlan.Source] = []
        var chosen: SubjectChoice?
        for name in summary.derived?.sources ?? [ask.meter] {
            guard let known = meter(name), let scale = self.summary(name)?.scale else {
                throw QuestionError("there is no meter \(name)")
            }
            if summary.derived == nil { try QueryEngine.check(ask, known) }
            let owners = try SubjectChoice(ask, known.declaration, shards: layout.shardCount)
            guard chosen == nil || chosen?.place == owners.place else {
                throw QuestionError(
                    "\(ask.meter) cannot be asked by \(Subjects.dimension): only one of its meters "
                        + "has such a dimension")
            }
            chosen = owners
            let choice = try ScopeChoice(known.declaration, owners.askOfOne)
            sources.append(.init(known: known, choice: choice, scale: scale))
        }
        guard let chosen else { throw QuestionError("there is no meter \(ask.meter)") }
        let form = summary.derived == nil ? sources.first?.known.form : nil
        guard ask.percentiles.isEmpty || form == .histogram else {
            throw QuestionError("percentiles are of histograms; \(ask.meter) is none")
        }
        try QueryEngine.checkRanks(ask, isAdded: form.map { $0.isAdded } ?? false)
        return (sources, chosen)
    }

    /// Refuses ranks where there is no sum of all rows that they could be a part of.
    private static func checkRanks(_ ask: MeterAsk, isAdded: Bool) throws(QuestionError) {
        guard ask.isRanked || ask.member != nil else { return }
        let word = ask.member == nil ? "rest" : "member"
        guard isAdded else {
            throw QuestionError(
                "\(word) is for counts, sums, levels and rankings: the values of \(ask.meter) are "
                    + "not added up")
        }
        guard ask.step == .none, ask.compare == nil, !ask.by.isEmpty else {
            throw QuestionError("\(word) needs by, and no window and no compare")
        }
        guard let member = ask.member else { return }
        guard Set(member.keys) == Set(ask.by) else {
            throw QuestionError("member must name one value of each dimension of by")
        }
        guard ask.offset == 0 else { throw QuestionError("member has one row: give no offset") }
    }

    /// Refuses what means nothing for a kind of meter.
    private static func check(_ ask: MeterAsk, _ meter: KnownMeter) throws(QuestionError) {
        switch meter.form {
        case .grid:
            throw QuestionError(
                "\(ask.meter) is a grid: its cells are hours of weekdays in UTC over all of time, "
                    + "and no range, zone or group can be asked for; /v1/meters/\(ask.meter) has it"
            )
        case .histogram:
            guard
                ask.order == nil || ask.order == .time || ask.order == .timeDescending
                    || ask.order == .name
            else {
                throw QuestionError("\(ask.meter) is a histogram: its steps have no order by value")
            }
            guard ask.compare == nil else {
                throw QuestionError("\(ask.meter) is a histogram, which is not compared")
            }
        case .sum, .table, .extreme, .extremeTable, .distinct, .ranking: break
        }
    }
}

extension AnswerForm {
    /// Whether numbers of rows are added up, so that a row is a part of the sum of all.
    fileprivate var isAdded: Bool {
        switch self {
        case .sum, .table, .ranking: true
        case .extreme, .extremeTable, .distinct, .histogram, .grid: false
        }
    }
}
