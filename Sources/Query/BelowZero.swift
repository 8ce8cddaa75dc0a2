/// Adds up how far levels are below zero, while questions are answered.
///
/// One thread.
final class BelowZero {
    fileprivate var amounts: [Int64] = []

    /// The entry of one question, so that answering the question again counts it once.
    struct Entry {
        fileprivate let list: BelowZero
        fileprivate let index: Int

        /// Notes how far these sums are below zero.
        func note(_ sums: some Sequence<Int64>) {
            list.amounts[index] = BelowZero.amount(of: sums)
        }
    }

    func newEntry() -> Entry {
        amounts.append(0)
        return Entry(list: self, index: amounts.count - 1)
    }

    /// How far the negative ones of these sums are below zero, added up.
    static func amount(of sums: some Sequence<Int64>) -> Int64 {
        sums.reduce(0) { CellText.add($0, CellText.subtract(0, min(0, $1))) }
    }

    /// The sum over all questions.
    var amount: Int64 { amounts.reduce(0, CellText.add) }
}
