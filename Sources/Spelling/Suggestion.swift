/// Finds the known word that a mistyped word was most likely meant to be.
///
/// Pure functions, safe on every thread.
public enum Suggestion {
    /// ` (did you mean NAME?)` with the nearest known word; an empty text where none is near.
    public static func text(for word: String, among known: [String]) -> String {
        nearest(to: word, among: known).map { " (did you mean \($0)?)" } ?? ""
    }

    /// The nearest known word, at most two edits away; nil where there is none.
    ///
    /// A word that shares nothing with it is no suggestion, however short both are.
    public static func nearest(to word: String, among known: [String]) -> String? {
        // An edit changes the length by one at most, so words of other lengths are left out at
        // once.
        let close = known.filter { abs($0.utf8.count - word.utf8.count) <= 2 }
        let nearest = close.map { ($0, distance(word, $0)) }.min { $0.1 < $1.1 }
        guard let nearest, nearest.1 <= 2, nearest.1 < nearest.0.utf8.count else { return nil }
        return nearest.0
    }

    /// The number of single-byte edits between two words.
    static func distance(_ first: String, _ second: String) -> Int {
        let second = Array(second.utf8)
        var row = Array(0...second.count)
        for (index, byte) in first.utf8.enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for column in second.indices {
                let replaced = diagonal + (second[column] == byte ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(replaced, diagonal + 1, row[column] + 1)
            }
        }
        return row[second.count]
    }
}
