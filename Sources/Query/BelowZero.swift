/// How far levels are below zero, noted while questions are answered. One thread.
final class BelowZero {
    private var amounts: [Int64] = []

    /// A place for one question: asking it again changes nothing.
    func nextPlace() -> Int {
        amounts.append(0)
        return amounts.count - 1
    }

    func note(_ amount: Int64, at place: Int) { amounts[place] = amount }

    /// All together.
    var amount: Int64 { amounts.reduce(0, CellText.add) }
}
