public import Redis

/// The cells whose changes are parked, and why each does not take them now.
public struct ParkedList: Sendable {
    /// One entry of a shard's parked hash.
    public struct Row: Sendable {
        /// The shard in which it is parked.
        public let shard: Int
        /// The cell and what it lacks.
        public let cell: ParkedCell
        /// Why the cell refuses now; nil when it would take what is parked.
        public let reason: String?
    }

    /// Some of them, by shard and name.
    public var rows: [Row] = []
    /// Entries that were found in all shards; more than `rows` where `most` has cut these.
    public var count = 0

    /// Nothing is parked.
    public init() {}

    /// Reads what is parked in all shards; at most `most` of it with its reason.
    public static func read(
        _ connection: inout Connection, layout: KeyLayout, most: Int = .max
    ) throws(LedgerError) -> ParkedList {
        var list = ParkedList()
        for shard in 0..<layout.shardCount {
            let cells = try ParkedCells.read(
                &connection, layout: layout, shard: shard, most: max(1, most - list.rows.count))
            list.count += cells.count
            for cell in cells.prefix(max(0, most - list.rows.count)) {
                let reason = try RefusalProbe.refusal(of: cell, on: &connection)
                list.rows.append(Row(shard: shard, cell: cell, reason: reason))
            }
        }
        return list
    }
}
