internal import Metering

/// The windows that together answer a range.
///
/// The range's middle is covered by the longest windows that fit, its edges by shorter ones. Where
/// the short windows of an edge are no longer kept, the edge moves outwards to a longer one.
public struct Coverage: Sendable, Hashable {
    /// Neighbouring windows of one length.
    struct Piece: Hashable {
        let window: Window
        let numbers: Range<Int32>
    }

    /// A window that every meter of a question keeps, and for how long; nil = for ever.
    struct Kept: Hashable {
        let window: Window
        let seconds: Int64?

        /// The windows that all of these meters keep, each as long as every one of them does.
        static func shared(_ meters: [[Kept]]) -> [Kept] {
            (meters.first ?? []).compactMap { window in
                meters.dropFirst().reduce(window) { $0?.shared(with: $1) }
            }
        }

        /// The same window as long as another meter keeps it too; nil where it does not.
        private func shared(with others: [Kept]) -> Kept? {
            guard let other = others.first(where: { $0.window == window }) else { return nil }
            guard let mine = seconds, let theirs = other.seconds else {
                return Kept(window: window, seconds: seconds ?? other.seconds)
            }
            return Kept(window: window, seconds: min(mine, theirs))
        }
    }

    /// What is really answered; nil = all of time.
    public let range: TimeRange?
    let pieces: [Piece]
    /// Whether there is no window to read.
    public var isEmpty: Bool { pieces.isEmpty }

    /// All of time, from the cells that have no window.
    public static let allTime = Coverage(range: nil, pieces: [Piece(window: .all, numbers: 0..<1)])

    init(range: TimeRange?, pieces: [Piece]) {
        self.range = range
        self.pieces = pieces
    }

    /// Covers `range` with windows of these lengths (shortest first, `all` not among them).
    init(_ range: TimeRange, kept: [Kept], now: Int64) {
        guard !kept.isEmpty else {
            self.init(range: range, pieces: [])
            return
        }
        let end = Coverage.alignedEnd(of: range, kept: kept, now: now)
        let start = Coverage.alignedStart(of: range, kept: kept, now: now)
        let aligned = TimeRange(start: start, end: end)
        self.init(
            range: aligned,
            pieces: Coverage.cover(aligned, windows: kept.reversed().map(\.window)[...]))
    }

    /// Whether this is exactly `range`, from windows that are all still there.
    func isExactly(_ range: TimeRange, kept: [Kept], now: Int64) -> Bool {
        self.range == range
            && pieces.allSatisfy { piece in
                guard let one = kept.first(where: { $0.window == piece.window }) else {
                    return false
                }
                let oldest = piece.window.start(of: piece.numbers.lowerBound)
                return Coverage.isKept(one, second: oldest, now: now)
            }
    }

    /// A key may go while the question is on its way, so a window counts as gone a minute early.
    private static func isKept(_ kept: Kept, second: Int64, now: Int64) -> Bool {
        guard let seconds = kept.seconds else { return true }
        let window = kept.window
        return window.end(of: window.number(ofSecond: second)) + seconds > now + 60
    }

    private static func floored(_ second: Int64, _ window: Window) -> Int64 {
        window.start(of: window.number(ofSecond: second))
    }

    /// The start moved back to the shortest window that is still kept there; what follows it is newer.
    private static func alignedStart(of range: TimeRange, kept: [Kept], now: Int64) -> Int64 {
        let found = kept.first { isKept($0, second: range.start, now: now) } ?? kept[kept.count - 1]
        return floored(range.start, found.window)
    }

    /// The end moved on to the shortest window such that all windows from the longer one's edge up
    /// to it are kept.
    private static func alignedEnd(of range: TimeRange, kept: [Kept], now: Int64) -> Int64 {
        let last = max(range.start, range.end - 1)
        for (index, one) in kept.enumerated() {
            let end = one.window.end(of: one.window.number(ofSecond: last))
            let isReachable = kept[index...].enumerated().dropLast().allSatisfy { offset, level in
                let edge = max(floored(end, kept[index + offset + 1].window), range.start)
                return edge >= end || isKept(level, second: edge, now: now)
            }
            if isReachable || index == kept.count - 1 { return end }
        }
        return range.end
    }

    /// Covers a range with windows, longest first.
    private static func cover(_ range: TimeRange, windows: ArraySlice<Window>) -> [Piece] {
        guard range.start < range.end, let window = windows.first else { return [] }
        let rest = windows.dropFirst()
        var first = window.number(ofSecond: range.start)
        if rest.isEmpty {
            return [
                Piece(window: window, numbers: first..<window.number(ofSecond: range.end - 1) + 1)
            ]
        }
        if window.start(of: first) < range.start { first += 1 }
        let last = window.number(ofSecond: range.end)
        guard first < last else { return cover(range, windows: rest) }
        let left = TimeRange(start: range.start, end: window.start(of: first))
        let right = TimeRange(start: window.start(of: last), end: range.end)
        return cover(left, windows: rest) + [Piece(window: window, numbers: first..<last)]
            + cover(right, windows: rest)
    }
}
