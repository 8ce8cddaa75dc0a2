/// What one event does to one cell, as a program that adds nothing up would send it.
public struct CellChange: Sendable {
    /// How the cell changes.
    public enum Kind: Equatable, Sendable {
        case add(Int64)
        case keepLesser(Int64)
        case keepGreater(Int64)
        case keepEarliest([UInt8], nanoseconds: Int64)
        case keepLatest([UInt8], nanoseconds: Int64)
        case insert
    }

    /// How the cell changes.
    public let kind: Kind
    let cell: UInt64

    /// The number of the cell's key.
    public var key: Int { Int(cell >> 32) }
}

extension ExpectedCells {
    /// The member that a change names; of a distinct count: the value.
    public func member(of change: CellChange) -> UnsafeRawBufferPointer {
        memberName(change.cell)
    }
}

extension Oracle {
    /// Whether every change of a cell is kept for `takeEveryChange`.
    public var keepsEveryChange: Bool {
        get { cells.everyChange != nil }
        set { cells.everyChange = newValue ? [] : nil }
    }

    /// The changes since the last call, in their order; none unless `keepsEveryChange`.
    public mutating func takeEveryChange() -> [CellChange] {
        guard let changes = cells.everyChange else { return [] }
        cells.everyChange = []
        return changes
    }
}
