internal import Metering

/// Covers ranges exactly with the cells that a meter keeps, the longest in the middle.
///
/// Other than `Coverage`, it never moves an edge: what no cell covers is a hole.
struct CellCover {
    private struct Level {
        let window: Window
        /// Number of the oldest cell that is still kept; nil: all are.
        let oldest: Int32?
    }

    private let levels: [Level]
    private let nowSeconds: Int64

    /// `kept`: shortest first, without `all`.
    init(_ kept: [Coverage.Kept], nowSeconds: Int64) {
        self.nowSeconds = nowSeconds
        levels = kept.map { kept in
            // As in `Coverage`: a cell counts as expired a minute early.
            let oldest = kept.seconds.map { kept.window.number(ofSecond: nowSeconds + 60 - $0) }
            return Level(window: kept.window, oldest: oldest)
        }
    }

    /// Cells, oldest first, and what they do not cover.
    func cover(_ range: TimeRange) -> (pieces: [Coverage.Piece], holes: [TimeRange]) {
        var pieces: [Coverage.Piece] = []
        var holes: [TimeRange] = []
        cover(range.start, range.end, levels[...], &pieces, &holes)
        return (pieces, holes)
    }

    private func cover(
        _ start: Int64, _ end: Int64, _ levels: ArraySlice<Level>,
        _ pieces: inout [Coverage.Piece], _ holes: inout [TimeRange]
    ) {
        guard start < end else { return }
        guard let level = levels.last else {
            if let last = holes.last, last.end == start {
                holes[holes.count - 1].end = end
            } else {
                holes.append(TimeRange(start: start, end: end))
            }
            return
        }
        let window = level.window
        var first = window.number(ofSecond: start)
        if window.start(of: first) < start { first += 1 }
        if let oldest = level.oldest { first = max(first, oldest) }
        let last = window.number(ofSecond: end)
        guard first < last else {
            return cover(start, end, levels.dropLast(), &pieces, &holes)
        }
        cover(start, window.start(of: first), levels.dropLast(), &pieces, &holes)
        pieces.append(Coverage.Piece(window: window, numbers: first..<last))
        cover(window.start(of: last), end, levels.dropLast(), &pieces, &holes)
    }

    /// Whether there are minutes at this second.
    func hasMinutes(at second: Int64) -> Bool {
        levels.contains { level in
            level.window == .minute
                && level.oldest.map { level.window.number(ofSecond: second) >= $0 } ?? true
        }
    }

    /// The end of the shortest cell that holds a second and is not over yet; nil where it is over.
    func openEnd(at second: Int64) -> Int64? {
        guard let window = levels.first?.window else { return nil }
        let end = window.end(of: window.number(ofSecond: second))
        return end > nowSeconds ? end : nil
    }

    /// The end of the shortest cell that holds now.
    var endOfNow: Int64 {
        guard let window = levels.first?.window else { return nowSeconds + 1 }
        return window.end(of: window.number(ofSecond: nowSeconds))
    }

    /// Why there is a hole, and what would fill it.
    func reason(_ hole: TimeRange, meter: String) -> String {
        let isQuarter = hole.start % 900 == 0 && hole.end % 900 == 0
        let isDay = hole.start % 86_400 == 0 && hole.end % 86_400 == 0
        let needed: Window = isDay ? .day : isQuarter ? .quarter : .minute
        let span = "from \(TimeText.second(hole.start)) to \(TimeText.second(hole.end))"
        // A shorter cell is at least as good, as long as it is kept.
        let fine = levels.filter { $0.window.rawValue <= needed.rawValue }
        let oldest = fine.compactMap { level in
            level.oldest.map { (level.window.name, level.window.start(of: $0)) }
        }.min { $0.1 < $1.1 }
        if let (name, second) = oldest, second >= hole.end || second > hole.start {
            return "\(meter) keeps the window \(name) only from \(TimeText.second(second)) on, and "
                + "the time \(span) needs it: ask for longer windows or UTC there, or raise its "
                + "retention in the catalog"
        }
        let kept = levels.map(\.window.name).joined(separator: ", ")
        return "\(meter) keeps the windows \(kept), and the time \(span) is no whole number of "
            + "them: ask for longer windows or UTC, or add \(needed.name) to its windows in the "
            + "catalog"
    }
}
