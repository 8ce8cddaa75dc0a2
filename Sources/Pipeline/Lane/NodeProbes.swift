internal import Ledger
internal import Redis

/// Questions of a look about single shards, to the node that owns them.
enum NodeProbes {
    /// Asks what the request wants to know of these shards, and notes it in the result.
    ///
    /// What a node that is lost meanwhile has not answered is left out.
    static func ask(
        _ request: LookRequest, _ connection: inout Connection, _ shards: [Int],
        _ layout: KeyLayout, _ result: inout LookResult
    ) {
        let own = Set(shards)
        let probed = request.probed.filter(own.contains)
        // A write that changes nothing, because this key is never there: it is refused where
        // memory is full, replicas are missing or the disk failed, as a commit would be.
        for shard in probed {
            connection.append([
                Array("ZADD".utf8), layout.scratchKey(shard: shard), Array("XX".utf8),
                Array("0".utf8), Array("0".utf8),
            ])
        }
        for shard in probed {
            guard let reply = try? connection.receive().copied() else { return }
            guard case .error(let text) = reply,
                !RedisError(serverText: text).isRedirect
            else { continue }
            result.refusals[shard] = text
        }
        for (shard, cell) in request.refused where own.contains(shard) {
            guard connection.isAlive else { return }
            let passes = try? RefusalProbe.wouldPass(cell, on: &connection)
            if passes ?? false { result.passing.insert(shard) }
        }
    }
}
