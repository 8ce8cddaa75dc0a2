/// Finds the word that a mistyped one was most likely meant to be.
///
/// Pure functions, safe on every thread.
public enum Suggestion {
    /// ` (did you mean NAME?)` for the nearest known word, or an empty text where none is near.
    public static func text(for word: String, among known: [String]) -> String {
        nearest(to: word, among: known).map { " (did you mean \($0)?)" } ?? ""
    }

    /// The nearest known word of at most two edits that keeps something of the word; else nil.
    public static func nearest(to word: String, among known: [String]) -> String? {
        // Each edit changes the length by one at most, so a long word costs nothing.
        let close = known.filter { abs($0.utf8.count - word.utf8.count) <= 2 }
        let nearest = close.map { ($0, distance(word, $0)) }.min { $0.1 < $1.1 }
        guard let nearest, nearest.1 <= 2, nearest.1 < nearest.0.utf8.count else { return nil }
        return nearest.0
    }

    /// Number of single-byte edits from one word to the other.
    static func distance(_ first: String, _ second: String) -> Int {
        let second = Array(second.utf8)
        var row = Array(0...second.count)
        for (line, byte) in first.utf8.enumerated() {
            var diagonal = row[0]
            row[0] = line + 1
            for column in second.indices {
                let replaced = diagonal + (second[column] == byte ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(replaced, diagonal + 1, row[column] + 1)
            }
        }
        return row[second.count]
    }
}
