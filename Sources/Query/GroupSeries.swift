internal import Ledger
internal import Metering

/// The windows of single groups that a period needs: for each group a list of parts.
struct GroupSeries {
    let opened: [[SeriesPart]]
    let closed: [[SeriesPart]]
    let seconds: [[SeriesPart]]
    let first: [[SeriesPart]]
    let last: [[SeriesPart]]
    let activity: [[SeriesPart]]
    /// From the start of the period up to now; nil where the period ends now.
    let openedSince: [[SeriesPart]]?
    let closedSince: [[SeriesPart]]?
    private let proofs: [Proof]

    /// The same number from two meters: a table of all groups over one day or quarter-hour, and
    /// each group's own shorter windows in that time.
    private struct Proof {
        let table: TableEntries
        let windows: [[SeriesPart]]
    }

    /// Plans the reads.
    ///
    /// The tables that they are compared with come first: see `LifetimeReading`.
    init(
        _ meters: LifetimeMeters, _ span: LifetimeSpan, inside: Coverage, since: Coverage?,
        _ groups: [TupleGroup], _ inquiry: inout Inquiry
    ) {
        let scopes = groups.map(\.scopeText)
        let isByQuarters = span.areQuartersByGroup
        func short(_ coverage: Coverage) -> [Coverage.Piece] {
            span.split(coverage, quartersByGroup: isByQuarters).groups
        }
        let pieces = short(inside)
        let sincePieces = since.map { short($0) }
        proofs = GroupSeries.proofs(
            meters, span, sincePieces ?? pieces, isByQuarters: isByQuarters, scopes, &inquiry)
        func parts(_ name: String, _ pieces: [Coverage.Piece], isWhole: Bool) -> [[SeriesPart]] {
            inquiry.seriesParts(name, pieces, scopes: scopes, isWhole: isWhole)
        }
        // The comparison reads these keys whole anyway.
        opened = parts(meters.series.opened, pieces, isWhole: true)
        closed = parts(meters.series.closed, pieces, isWhole: true)
        openedSince = sincePieces.map { parts(meters.series.opened, $0, isWhole: true) }
        closedSince = sincePieces.map { parts(meters.series.closed, $0, isWhole: true) }
        seconds = parts(meters.series.seconds, pieces, isWhole: false)
        first = parts(meters.series.first, pieces, isWhole: false)
        let minutes = span.isUpToNow ? [] : span.split(inside, quartersByGroup: false).groups
        last = parts(meters.series.last, minutes, isWhole: false)
        activity = parts(meters.series.activity, minutes, isWhole: false)
    }

    /// Quarter-hours are compared with the tables of their days; where only minutes are read by
    /// group, they are compared with the tables of their quarter-hours.
    private static func proofs(
        _ meters: LifetimeMeters, _ span: LifetimeSpan, _ pieces: [Coverage.Piece],
        isByQuarters: Bool, _ scopes: [[UInt8]], _ inquiry: inout Inquiry
    ) -> [Proof] {
        let (long, short): (Window, Window) = isByQuarters ? (.day, .quarter) : (.quarter, .minute)
        let compared = [
            (meters.tables.opened, meters.series.opened),
            (meters.tables.closed, meters.series.closed),
        ]
        let numbers = span.windows(long, pieces)
        let tables = compared.map { table, _ in
            numbers.map { inquiry.tableEntries(table, Coverage(long, number: $0)) }
        }
        return zip(compared, tables).flatMap { names, tables in
            zip(numbers, tables).map { number, table in
                let first = short.number(ofSecond: long.start(of: number))
                let end = short.number(ofSecond: long.end(of: number))
                let all = Coverage.Piece(window: short, numbers: first..<end)
                return Proof(
                    table: table,
                    windows: inquiry.seriesParts(names.1, [all], scopes: scopes, isWhole: true))
            }
        }
    }

    /// Whether each group's windows add up to what the tables of longer windows hold.
    ///
    /// They do not where the meter of single groups was added to the ledger during that window or
    /// after it, or where a group is counted by itself in one meter and in `__other__` in the
    /// other.
    func holdsWhatTablesHold(_ snapshot: CellSnapshot, _ groups: [TupleGroup]) -> Bool {
        proofs.allSatisfy { proof in
            var missing = [Int64](repeating: 0, count: groups.count)
            var groupIndices = GroupIndices(groups)
            proof.table.forEach(snapshot) { name, value in
                if let index = groupIndices.index(of: name) {
                    missing[index] = CellText.integer(value)
                }
            }
            return groups.indices.allSatisfy { index in
                snapshot.forEachWindow(proof.windows[index]) {
                    missing[index] = CellText.subtract(missing[index], CellText.integer($1))
                }
                return missing[index] <= 0
            }
        }
    }
}

extension Inquiry {
    /// The read of the number of distinct values for each scope by itself, over the windows of
    /// several meters.
    ///
    /// Scopes are given as keys have them; nil where no window is kept.
    mutating func distinctReads(
        _ meters: [(name: String, coverage: Coverage)], scopes: [[UInt8]]
    ) -> [Int?] {
        let known = meters.compactMap { name, coverage in
            coverage.isEmpty ? nil : meter(name).map { ($0, coverage) }
        }
        return scopes.map { scope in
            let keys = known.flatMap { self.keys($0.0, $0.1, scope: scope) }
            return keys.isEmpty ? nil : plan.whole(.distinct(keys))
        }
    }

    /// The windows of these pieces for each scope; scopes are given as keys have them.
    ///
    /// `isWhole`: keys of quarter-hours are read whole, even where few windows of them are wanted.
    mutating func seriesParts(
        _ name: String, _ pieces: [Coverage.Piece], scopes: [[UInt8]], isWhole: Bool = false
    ) -> [[SeriesPart]] {
        guard !pieces.isEmpty, let meter = meter(name) else { return scopes.map { _ in [] } }
        return scopes.map { scope in
            pieces.flatMap { piece in
                series(
                    meter, piece, scope,
                    mostMembers: isWhole && piece.window == .quarter ? 0 : 16)
            }
        }
    }
}
