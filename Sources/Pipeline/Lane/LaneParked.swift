internal import Ledger

/// What cells of a shard refused: reported once, and tried again once a minute.
extension Lane {
    /// How often parked cells are tried again.
    private static let parkedInterval: Milliseconds = 60_000

    /// What a lane knows of the parked cells of all shards.
    struct Parked {
        /// Members of the parked hash, by shard; only shards that have some.
        var counts: [Int: Int] = [:]
        /// Where in a shard's parked hash the next try goes on.
        var cursors: [Int: [UInt8]] = [:]
        /// When they are tried next.
        var retryAt: Milliseconds = 0
    }

    /// Notes what a commit says about cells that refused.
    func note(_ news: ParkedNews, shard: Int) {
        if parked.counts.isEmpty { parked.retryAt = max(parked.retryAt, now + Self.parkedInterval) }
        parked.counts[shard] = news.count
        totals.parkedEntries += Int64(news.entries)
        for cell in news.cells {
            // The key may name an end user, so the log names the meter; `odometer status` has the
            // key.
            report(
                .warning, "cell-parked",
                "shard \(shard): a cell of meter \(cell.meter ?? "unknown") refuses its changes, they are "
                    + "parked: \(cell.error)")
        }
    }

    /// Notes how many cells are parked by these marks, and tries them again once a minute.
    func retryParked(
        _ marks: [ShardMarks], contract: [UInt8], by watcher: any LaneWatcher
    ) throws(LedgerError) {
        for shard in marks { parked.counts[shard.shard] = shard.parked > 0 ? shard.parked : nil }
        let now = self.now
        guard !parked.counts.isEmpty, now >= parked.retryAt, !fitness.isUnfit else { return }
        parked.retryAt = now + Self.parkedInterval
        for shard in marks where shard.parked > 0 && shard.torn == nil {
            let number = shard.shard
            var cursor = parked.cursors[number] ?? ParkedCells.begin
            let left = try watcher.retryParked(
                shard: number, contract: contract, cursor: &cursor,
                latestSecond: latestClock / 1_000)
            parked.cursors[number] = cursor
            parked.counts[number] = left > 0 ? left : nil
            guard left < shard.parked else { continue }
            report(
                .information, "cell-returned",
                "shard \(number): \(shard.parked - left) parked cells took their changes, "
                    + "\(left) are left")
        }
    }
}
