internal import Metering

/// The windows that together answer a range.
///
/// The middle of the range is covered by the longest windows that fit, its edges by shorter ones.
/// Where the short windows at an edge are no longer kept, the edge moves outwards to the edge of a
/// longer window.
public struct Coverage: Sendable, Hashable {
    /// Neighbouring windows of one length.
    struct Piece: Hashable {
        let window: Window
        let numbers: Range<Int32>
    }

    /// A window that every meter of a question keeps, and for how long; nil: for ever.
    struct Kept: Hashable {
        let window: Window
        let seconds: Int64?

        /// The windows that all of these meters keep, each for the shortest of their times.
        static func shared(_ meters: [[Kept]]) -> [Kept] {
            (meters.first ?? []).compactMap { window in
                meters.dropFirst().reduce(window) { $0?.shared(with: $1) }
            }
        }

        /// The same window for as long as both meters keep it; nil where the other does not.
        private func shared(with others: [Kept]) -> Kept? {
            guard let other = others.first(where: { $0.window == window }) else { return nil }
            guard let mine = seconds, let theirs = other.seconds else {
                return Kept(window: window, seconds: seconds ?? other.seconds)
            }
            return Kept(window: window, seconds: min(mine, theirs))
        }
    }

    /// What is really answered; nil: all of time.
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
    init(_ range: TimeRange, kept: [Kept], nowSeconds: Int64) {
        guard !kept.isEmpty else {
            self.init(range: range, pieces: [])
            return
        }
        let end = Coverage.alignedEnd(of: range, kept: kept, nowSeconds: nowSeconds)
        let start = Coverage.alignedStart(of: range, kept: kept, nowSeconds: nowSeconds)
        let aligned = TimeRange(start: start, end: end)
        self.init(
            range: aligned,
            pieces: Coverage.cover(aligned, windows: kept.reversed().map(\.window)[...]))
    }

    /// Whether this is exactly `range`, made of windows that are all still kept.
    func isExactly(_ range: TimeRange, kept: [Kept], nowSeconds: Int64) -> Bool {
        self.range == range
            && pieces.allSatisfy { piece in
                guard let level = kept.first(where: { $0.window == piece.window }) else {
                    return false
                }
                let oldest = piece.window.start(of: piece.numbers.lowerBound)
                return Coverage.isKept(level, second: oldest, nowSeconds: nowSeconds)
            }
    }

    /// A key may expire while the question is on its way to Redis, so a window counts as expired a
    /// minute early.
    private static func isKept(_ kept: Kept, second: Int64, nowSeconds: Int64) -> Bool {
        guard let seconds = kept.seconds else { return true }
        let window = kept.window
        return window.end(of: window.number(ofSecond: second)) + seconds > nowSeconds + 60
    }

    private static func floored(_ second: Int64, _ window: Window) -> Int64 {
        window.start(of: window.number(ofSecond: second))
    }

    /// The start, moved back to the edge of the shortest window that is still kept there.
    ///
    /// All windows after it are newer, so they are kept too.
    private static func alignedStart(of range: TimeRange, kept: [Kept], nowSeconds: Int64) -> Int64
    {
        let found =
            kept.first { isKept($0, second: range.start, nowSeconds: nowSeconds) }
            ?? kept[kept.count - 1]
        return floored(range.start, found.window)
    }

    /// The end, moved on to the edge of the shortest window that can be used.
    ///
    /// It can where all windows from the last edge of a longer window up to it are kept.
    private static func alignedEnd(of range: TimeRange, kept: [Kept], nowSeconds: Int64) -> Int64 {
        let last = max(range.start, range.end - 1)
        for (index, shortest) in kept.enumerated() {
            let end = shortest.window.end(of: shortest.window.number(ofSecond: last))
            let isReachable = kept[index...].enumerated().dropLast().allSatisfy { offset, level in
                let edge = max(floored(end, kept[index + offset + 1].window), range.start)
                return edge >= end || isKept(level, second: edge, nowSeconds: nowSeconds)
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
