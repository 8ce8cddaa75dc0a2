internal import Ledger
internal import Metering

/// Takes what a plan's reads have found of one owner of cells into the fold.
typealias QuestionFill = (CellSnapshot, GroupFold) -> Void

extension Inquiry {
    /// The rows of a planned question about this inquiry's organization alone, in the same reads as
    /// all other questions of this inquiry; see `QueryWorker.rows` for several organizations.
    public mutating func rows(_ plan: QuestionPlan) -> Question<QuestionRows> {
        let fill = fill(plan)
        let organization = organization
        return Question { snapshot in
            let fold = GroupFold(plan)
            fold.setSubject(organization)
            fold.begin(plan)
            fill(snapshot, fold)
            return QuestionRows(plan, fold)
        }
    }

    /// Plans the reads of the organization that `names` has.
    mutating func fill(_ plan: QuestionPlan) -> QuestionFill {
        let columns = plan.coverages + plan.comparedCoverages
        var fills: [QuestionFill] = []
        // The columns of each meter of a ratio follow those of the one before.
        for (index, source) in plan.sources.enumerated() {
            fills.append(
                plan.isUnique
                    ? fillUnique(plan, source, columns)
                    : fill(plan, source, columns, first: index * columns.count))
        }
        return { snapshot, fold in fills.forEach { $0(snapshot, fold) } }
    }

    private mutating func fill(
        _ plan: QuestionPlan, _ source: QuestionPlan.Source, _ columns: [Coverage], first: Int
    ) -> QuestionFill {
        switch source.known.form {
        case .sum:
            forEachSeriesCell(plan, source, first) { fold, value, group, column in
                fold.add(CellText.integer(value), group, column)
            }
        case .extreme:
            forEachSeriesCell(plan, source, first) { fold, value, group, column in
                fold.keep(value, group, column)
            }
        case .table:
            forEachMember(source, columns, first) { fold, value, group, column in
                fold.add(CellText.integer(value), group, column)
            }
        case .ranking:
            forEachMember(source, columns, first) { fold, value, group, column in
                fold.add(CellSnapshot.score(value), group, column)
            }
        case .extremeTable:
            forEachMember(source, columns, first) { fold, value, group, column in
                fold.keep(value, group, column)
            }
        case .distinct: distincts(plan, source, columns, first)
        case .histogram: steps(source, columns, first)
        case .grid: { _, _ in }
        }
    }

    // MARK: Series

    /// The windows of a series, by length: what to read, and in which column each is.
    ///
    /// What is compared has windows of its own, which may be the same ones.
    private mutating func seriesReads(
        _ plan: QuestionPlan, _ known: KnownMeter, _ part: ScopeChoice.Part
    ) -> [(parts: [SeriesPart], columns: WindowColumns)] {
        var reads: [(parts: [SeriesPart], columns: WindowColumns)] = []
        for (coverages, first) in [
            (plan.coverages, 0), (plan.comparedCoverages, plan.coverages.count),
        ] {
            for window in Window.allCases {
                var columns = WindowColumns()
                for (index, coverage) in coverages.enumerated() {
                    for piece in coverage.pieces where piece.window == window {
                        columns.append(piece.numbers, column: first + index)
                    }
                }
                var parts: [SeriesPart] = []
                for numbers in columns.joined {
                    parts += series(
                        known, Coverage.Piece(window: window, numbers: numbers),
                        part.scope.text, mostMembers: 2)
                }
                if !parts.isEmpty { reads.append((parts, columns)) }
            }
        }
        return reads
    }

    private mutating func forEachSeriesCell(
        _ plan: QuestionPlan, _ source: QuestionPlan.Source, _ first: Int,
        _ body: @escaping (GroupFold, UnsafeRawBufferPointer, Int, Int) -> Void
    ) -> QuestionFill {
        let reads = source.choice.parts.map {
            (part: $0, reads: seriesReads(plan, source.known, $0))
        }
        return { snapshot, fold in
            for (part, reads) in reads {
                let group = fold.group(part.values.compactMap { $0 })
                guard group >= 0 else { continue }
                for (parts, columns) in reads {
                    var columns = columns
                    snapshot.forEachWindow(parts) { number, value in
                        if let column = columns.column(number) {
                            body(fold, value, group, first + column)
                        }
                    }
                }
            }
        }
    }

    // MARK: Members

    /// The reads of each column of one set of cells, one table or ranking a window.
    private mutating func memberReads(
        _ known: KnownMeter, _ columns: [Coverage], _ part: ScopeChoice.Part
    ) -> [TableEntries] {
        let isRanking = known.form == .ranking
        return columns.map { coverage in
            let keys = keys(known, coverage, scope: part.scope.text)
            var reads: [Int] = []
            if isRanking {
                if let first = keys.first {
                    reads = [self.plan.whole(keys.count == 1 ? .ranking(first) : .rankingSum(keys))]
                }
            } else {
                reads = keys.map { self.plan.whole(.hash($0)) }
            }
            return TableEntries(reads: reads, keep: nil, head: known.head)
        }
    }

    private mutating func forEachMember(
        _ source: QuestionPlan.Source, _ columns: [Coverage], _ first: Int,
        _ body: @escaping (GroupFold, UnsafeRawBufferPointer, Int, Int) -> Void
    ) -> QuestionFill {
        let choice = source.choice
        let reads = choice.parts.map { part in
            (part: part, tables: memberReads(source.known, columns, part))
        }
        return { snapshot, fold in
            for (part, tables) in reads {
                // Members come again in each column; their names are read once.
                var groups = NamedValues<Int>()
                for (column, table) in tables.enumerated() {
                    table.forEach(snapshot) { name, value in
                        var group = -1
                        groups.update(
                            name, initial: fold.group(ofMember: name, choice, part)
                        ) { group = $0 }
                        if group >= 0 { body(fold, value, group, first + column) }
                    }
                }
            }
        }
    }

    // MARK: Kinds without members

    /// Different values of a table, or the estimate of how many there are; in the same columns.
    private mutating func fillUnique(
        _ plan: QuestionPlan, _ source: QuestionPlan.Source, _ columns: [Coverage]
    ) -> QuestionFill {
        if source.known.form == .distinct { return distincts(plan, source, columns, 0) }
        let reads = source.choice.parts.map { part in
            (part: part, tables: memberReads(source.known, columns, part))
        }
        return { snapshot, fold in
            for (part, tables) in reads {
                let group = fold.group(part.values.compactMap { $0 })
                guard group >= 0 else { continue }
                for (column, table) in tables.enumerated() {
                    table.forEach(snapshot) { name, _ in fold.insert(name, group, column) }
                }
            }
        }
    }

    private mutating func distincts(
        _ plan: QuestionPlan, _ source: QuestionPlan.Source, _ columns: [Coverage], _ first: Int
    ) -> QuestionFill {
        // Values that differ only in dimensions that are not asked for are counted together.
        var groups: [[[UInt8]]] = []
        var scopes: [[[UInt8]]: [[UInt8]]] = [:]
        for part in source.choice.parts {
            let values = part.values.compactMap { $0 }
            if scopes[values] == nil { groups.append(values) }
            scopes[values, default: []].append(part.scope.text)
        }
        let reads = groups.map { group in
            columns.map { coverage -> Int? in
                let keys = (scopes[group] ?? []).flatMap { scope in
                    self.keys(source.known, coverage, scope: scope)
                }
                guard !keys.isEmpty else { return nil }
                return self.plan.whole(plan.mergesSketches ? .sketch(keys) : .distinct(keys))
            }
        }
        return { snapshot, fold in
            for (group, reads) in zip(groups, reads) {
                let index = fold.group(group)
                guard index >= 0 else { continue }
                for (column, read) in reads.enumerated() {
                    guard let read else { continue }
                    if !plan.mergesSketches {
                        fold.add(snapshot.count(read), index, first + column)
                    } else if let sketch = snapshot.sketch(read) {
                        fold.merge(sketch, index, first + column)
                    }
                }
            }
        }
    }

    private mutating func steps(
        _ source: QuestionPlan.Source, _ columns: [Coverage], _ first: Int
    ) -> QuestionFill {
        let reads = source.choice.parts.map { part in
            (part: part, tables: memberReads(source.known, columns, part))
        }
        return { snapshot, fold in
            for (part, tables) in reads {
                let group = fold.group(part.values.compactMap { $0 })
                guard group >= 0 else { continue }
                for (column, table) in tables.enumerated() {
                    table.forEach(snapshot) { step, value in
                        fold.add(
                            step: CellText.integer(step), CellText.integer(value), group,
                            first + column)
                    }
                }
            }
        }
    }
}
