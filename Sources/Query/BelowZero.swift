/// How far levels are below zero, noted while questions are answered.
///
/// One thread.
final class BelowZero {
    fileprivate var amounts: [Int64] = []

    /// The place of one question: answering it again changes nothing.
    struct Place {
        fileprivate let list: BelowZero
        fileprivate let index: Int

        /// Notes how far these sums are below zero.
        func note(_ sums: some Sequence<Int64>) {
            list.amounts[index] = BelowZero.amount(of: sums)
        }
    }

    func nextPlace() -> Place {
        amounts.append(0)
        return Place(list: self, index: amounts.count - 1)
    }

    /// How far sums are below zero, all together; those that are not add nothing.
    static func amount(of sums: some Sequence<Int64>) -> Int64 {
        sums.reduce(0) { CellText.add($0, CellText.subtract(0, min(0, $1))) }
    }

    /// All together.
    var amount: Int64 { amounts.reduce(0, CellText.add) }
}
