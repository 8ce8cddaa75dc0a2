import Ledger
import Redis

/// The cells whose changes are parked, and why each does not take them now.
struct ParkedList: Sendable {
    /// One field of a shard's parked hash.
    struct Row: Sendable {
        let shard: Int
        let cell: ParkedCell
        /// Why the cell refuses now; nil = it would take what is parked.
        let reason: String?

        /// What a program reads.
        var object: [String: Any] {
            var object: [String: Any] = [
                "shard": shard, "kind": "\(cell.kind)",
                "key": String(decoding: cell.key, as: UTF8.self),
                "field": String(decoding: cell.member, as: UTF8.self),
                "parked": String(decoding: cell.value, as: UTF8.self),
            ]
            object["reason"] = reason
            object["expires"] = cell.expiry
            return object
        }
    }

    /// Some of them, by shard and name.
    var rows: [Row] = []
    /// Fields that were found in all shards; more than `rows` where these are cut.
    var count = 0

    /// Reads what is parked in all shards; at most `most` of it with its reason.
    static func read(
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

    /// Prints a table, and how many more there are.
    func print() {
        guard count > 0 else { return }
        let table = rows.map { row in
            [
                String(row.shard), String(decoding: row.cell.key, as: UTF8.self),
                String(decoding: row.cell.member, as: UTF8.self),
                String(decoding: row.cell.value, as: UTF8.self),
                row.reason ?? "its cell takes it now",
            ]
        }
        Output.table([["SHARD", "PARKED CELL", "FIELD", "CHANGE", "WHY"]] + table)
        if count > rows.count { Output.line("and \(count - rows.count) more parked cells") }
    }
}
