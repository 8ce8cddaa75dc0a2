internal import Ledger

/// What cells of a shard refused: it is told once, and tried again once a minute.
extension Lane {
    /// How often parked cells are tried again, in milliseconds.
    private static let parkedInterval: Int64 = 60_000

    /// What a lane knows of the parked cells of all shards.
    struct Parked {
        /// Fields of the parked hash, by shard; without those that have none.
        var counts: [Int: Int] = [:]
        /// Where the next try goes on in a shard.
        var cursors: [Int: [UInt8]] = [:]
        /// Next try, in milliseconds of the steady clock.
        var retryAt: Int64 = 0
    }

    /// Takes what a commit says of cells that refused.
    func note(_ news: ParkedNews, shard: Int) {
        if parked.counts.isEmpty { parked.retryAt = max(parked.retryAt, now + Self.parkedInterval) }
        parked.counts[shard] = news.count
        totals.parkedEntries += Int64(news.entries)
        for cell in news.cells {
            // The key may name an end user: the log says which meter's part refused, status names the key.
            report(
                .warning, "cell-parked",
                "shard \(shard): a cell of meter \(cell.meter ?? "unknown") refuses its changes, they are "
                    + "parked: \(cell.error)")
        }
    }

    /// Takes what a look at the marks says, and tries parked cells again where it is time.
    func retryParked(_ marks: [ShardMarks]) throws(LedgerError) {
        for one in marks { parked.counts[one.shard] = one.parked > 0 ? one.parked : nil }
        let now = self.now
        guard !parked.counts.isEmpty, now >= parked.retryAt, !isUnfit else { return }
        parked.retryAt = now + Self.parkedInterval
        for one in marks where one.parked > 0 && one.torn == nil {
            var cursor = parked.cursors[one.shard] ?? ParkedCells.begin
            guard
                let left = try watcher?.retryParked(
                    shard: one.shard, contract: stamp, cursor: &cursor,
                    latest: latestClock / 1_000)
            else { return }
            parked.cursors[one.shard] = cursor
            parked.counts[one.shard] = left > 0 ? left : nil
            guard left < one.parked else { continue }
            report(
                .information, "cell-returned",
                "shard \(one.shard): \(one.parked - left) parked cells took their changes, "
                    + "\(left) are left")
        }
    }
}
