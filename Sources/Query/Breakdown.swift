/// Numbers by the values of a meter's `by` dimensions, without zeros.
public struct Breakdown: Sendable, Hashable {
    /// One combination of values with its number.
    public struct Row: Sendable, Hashable {
        /// Values of the dimensions, in the meter's order.
        public let members: [[UInt8]]
        /// The number.
        public let number: Int64
    }

    private let numbers: [[[UInt8]]: Int64]

    init(_ numbers: [[[UInt8]]: Int64] = [:]) { self.numbers = numbers }

    /// The number of these values; 0 where there is none.
    public subscript(members: [[UInt8]]) -> Int64 { numbers[members] ?? 0 }

    /// All rows, in no order.
    public var rows: [Row] { numbers.map { Row(members: $0.key, number: $0.value) } }

    /// All rows in the order of rankings: the greatest number first.
    public var ranked: [Row] {
        rows.sorted { left, right in
            RankingOrder.precedes(.init(left.number), .init(right.number)) {
                RankingOrder.precedes(left.members, right.members)
            }
        }
    }
}
