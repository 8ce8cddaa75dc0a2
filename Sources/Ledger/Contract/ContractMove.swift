public import Redis

/// Brings a ledger under a contract; only at start, before the first fold.
///
/// First the ledger's own text and number move by compare-and-set, then the stamp beside the marks
/// of every shard. After a crash in between, the next start finds the text moved and does the rest.
public enum ContractMove {
    /// Puts the ledger under this contract and returns the stamp that commits must carry.
    ///
    /// A superset moves by itself; anything else needs `accept`, and throws `contractDiffers`
    /// without it. Other layouts, shard counts and shard functions are never taken, and neither are
    /// other decimals of a meter that the ledger has or had: its cells stay as they are. Each moved
    /// shard keeps in `!since:NUMBER` from which marks the new contract counts there.
    ///
    /// - Parameters:
    ///   - scales: the decimals of meters that have some, for those who read the ledger.
    ///   - movesShards: whether the shards follow at once; else a lane that commits to one calls
    ///     `move`.
    public static func adopt(
        _ connection: inout Connection, layout: KeyLayout, _ contract: Contract,
        scales: [String: Int] = [:], accept: Bool, movesShards: Bool = true
    ) throws(LedgerError) -> ContractStamp {
        let number = try moveLedger(&connection, layout, contract, scales, accept: accept)
        let stamp = ContractStamp(number: number, digest: contract.digest)
        if movesShards {
            try move(Array(0..<layout.shardCount), &connection, layout, stamp)
        }
        return stamp
    }

    private static func moveLedger(
        _ connection: inout Connection, _ layout: KeyLayout, _ contract: Contract,
        _ scales: [String: Int], accept: Bool
    ) throws(LedgerError) -> Int {
        var script = Script(ledgerScript)
        // Another process may move at the same moment; the loser looks again.
        for _ in 0..<10 {
            guard let record = try LedgerRecord.read(&connection, layout: layout) else {
                throw LedgerError(.corrupt, "there is no ledger under \(layout.prefix)")
            }
            let stored = record.contractText.flatMap { Contract(text: $0) }
            if record.contractText != nil && stored == nil {
                throw LedgerError(.corrupt, "the contract in the ledger is broken")
            }
            if let stored {
                switch contract.relation(to: stored) {
                case .same: return record.contractNumber
                case .superset: break
                case .different(let differences):
                    guard accept else { throw refusal(differences) }
                case .incompatible(let differences):
                    throw LedgerError(
                        .otherLayout,
                        "the ledger has another \(differences.joined(separator: ", ")); "
                            + "use another --prefix")
                }
            }
            let next = record.contractNumber + 1
            let kept = Set(contract.meters.map(\.name))
            let gone = (stored?.meters ?? []).map(\.name).filter { !kept.contains($0) }
            let fresh = contract.changedMeters(since: stored)
            let texts =
                [
                    String(record.contractNumber), String(next), contract.text, contract.cluster,
                    contract.group, String(fresh.count),
                ] + fresh.flatMap { [$0, String(scales[$0] ?? 0)] } + gone
            let reply = try script.ask(
                on: &connection, keys: [layout.ledgerKey],
                arguments: texts.map { Array($0.utf8) })
            if reply.integer == 1 { return next }
            let other = reply.elements.compactMap(\.text)
            if other.count == 3 { throw refusal(ofScale: other) }
        }
        throw LedgerError(.contractMovedOn, "other processes keep moving the contract")
    }

    /// Puts shards under the contract of this stamp, after the ledger's record.
    package static func move(
        _ shards: [Int], _ connection: inout Connection, _ layout: KeyLayout,
        _ stamp: ContractStamp
    ) throws(LedgerError) {
        var script = Script(shardScript)
        try script.prepare(on: &connection)
        for shard in shards {
            script.append(
                on: &connection, keys: [layout.marksKey(shard: shard)],
                arguments: [Array(String(stamp.number).utf8), stamp.text])
        }
        try receiveAll(shards.count, on: &connection) { index, reply throws(LedgerError) in
            let shard = shards[index]
            guard let present = reply.copied().text else { return }
            guard let other = ContractStamp(text: present), other.number > stamp.number else {
                throw LedgerError(
                    .corrupt,
                    "shard \(shard) is under another contract with our number: \(present)")
            }
            throw LedgerError(
                .contractMovedOn,
                "shard \(shard) is under contract \(other.number); this program has \(stamp.number)"
            )
        }
    }

    private static func refusal(ofScale words: [String]) -> LedgerError {
        LedgerError(
            .otherLayout,
            "the numbers of meter \(words[0]) have \(words[1]) decimals in the ledger and "
                + "\(words[2]) in the catalog; give the meter a new name, or use another --prefix")
    }

    private static func refusal(_ differences: [String]) -> LedgerError {
        let shown = differences.prefix(5).joined(separator: ", ")
        let rest = differences.count > 5 ? " and \(differences.count - 5) more" : ""
        return LedgerError(
            .contractDiffers,
            "the ledger was written under another contract: \(shown)\(rest); "
                + "--accept-contract goes on with this one from here on. What is counted already is "
                + "not counted again: for that, count under a new --prefix")
    }

    private static let ledgerScript = #"""
        #!lua
        local key = KEYS[1]
        local number = redis.call('HGET', key, 'contract_number') or '0'
        if number ~= ARGV[1] then return 0 end
        local fresh = tonumber(ARGV[6])
        for i = 7, 5 + 2 * fresh, 2 do
          local scale = redis.call('HGET', key, 'scale:' .. ARGV[i])
          local known = scale or redis.call('HEXISTS', key, 'since:' .. ARGV[i]) == 1
          if known and (scale or '0') ~= ARGV[i + 1] then
            return {ARGV[i], scale or '0', ARGV[i + 1]}
          end
        end
        redis.call('HSET', key, 'contract', ARGV[3], 'contract_number', ARGV[2],
          'cluster', ARGV[4], 'group', ARGV[5])
        for i = 7, 5 + 2 * fresh, 2 do
          redis.call('HSET', key, 'since:' .. ARGV[i], ARGV[2])
          if ARGV[i + 1] ~= '0' then
            redis.call('HSET', key, 'scale:' .. ARGV[i], ARGV[i + 1])
          end
        end
        -- The cells of a meter that is gone stay, and so does their scale.
        for i = 7 + 2 * fresh, #ARGV do
          if redis.call('HDEL', key, 'since:' .. ARGV[i]) == 1
              and not redis.call('HGET', key, 'scale:' .. ARGV[i]) then
            redis.call('HSET', key, 'scale:' .. ARGV[i], '0')
          end
        end
        return 1
        """#

    /// Answers nil where the stamp is there afterwards, else the stamp that is in its place.
    private static let shardScript = #"""
        #!lua
        local key, number, stamp = KEYS[1], ARGV[1], ARGV[2]
        local present = redis.call('HGET', key, '!contract') or ''
        if present == stamp then return false end
        if present ~= '' then
          local before = tonumber(present:match('^(%d+):') or '')
          if not before or before >= tonumber(number) then return present end
          local all, marks = redis.call('HGETALL', key), {}
          for i = 1, #all, 2 do
            local first, last = all[i]:sub(1, 1), all[i]:sub(-1)
            if first ~= '!' and last ~= '@' then marks[#marks + 1] = all[i] .. '=' .. all[i + 1] end
          end
          table.sort(marks)
          redis.call('HSET', key, '!since:' .. number, table.concat(marks, ' '))
        end
        redis.call('HSET', key, '!contract', stamp)
        return false
        """#
}
