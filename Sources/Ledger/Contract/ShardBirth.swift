/// The id that a shard gets when its marks are made: its marks and its audit carry it.
///
/// All keys of a shard come and go together. Where the two ids differ, the marks are of one birth
/// and the audit is of another: somebody has put together halves, for example a node of a cluster
/// that was restored alone. Ledgers of earlier versions have no id in either, and nothing is
/// compared then.
public enum ShardBirth {
    /// The member of marks and audit that holds it.
    public static let member = Array("!birth".utf8)

    /// A new id: 16 hexadecimal digits, drawn at random.
    public static func draw() -> [UInt8] {
        let digits = String(UInt64.random(in: 0 ... .max), radix: 16)
        return Array((String(repeating: "0", count: 16 - digits.utf8.count) + digits).utf8)
    }

    /// Why a shard needs a rebuild, by the ids in its marks and its audit, nil where there is none;
    /// nil when they agree.
    public static func splitReason(marks: String?, audit: String?) -> String? {
        guard marks != audit else { return nil }
        return "split: its marks are of birth \(marks ?? "none"), its audit of \(audit ?? "none")"
    }

    /// Makes the marks of a shard that are absent, and gives it an id where it has no mark yet.
    ///
    /// Keys: marks, audit. Arguments: the id to give, then member and offset of each mark. Where
    /// there is no mark but an audit, the marks are lost alone: then nobody may count on.
    static let script = #"""
        #!lua
        local marks, audit, birth = KEYS[1], KEYS[2], ARGV[1]
        local isNew = redis.call('HEXISTS', marks, '!birth') == 0
        local all = redis.call('HGETALL', marks)
        for place = 1, #all, 2 do
          if all[place]:sub(1, 1) ~= '!' then isNew = false end
        end
        if isNew then
          if redis.call('EXISTS', audit) == 1 then
            redis.call('HSET', marks, '!torn', 'split: its audit is there, its marks were not')
          else
            redis.call('HSET', marks, '!birth', birth)
            redis.call('HSET', audit, '!birth', birth)
          end
        end
        -- Redis does not name a command that a script may not run, so none is new here.
        for place = 2, #ARGV, 2 do
          if redis.call('HEXISTS', marks, ARGV[place]) == 0 then
            redis.call('HSET', marks, ARGV[place], ARGV[place + 1])
          end
        end
        return redis.status_reply('OK')
        """#
}
