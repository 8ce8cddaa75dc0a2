/// The script that is the only writer of cells and marks.
///
/// For each range [from, to) of a tally the stored mark must be `from`; then all cells change and the
/// marks become `to`, in one script call. Redis runs a script alone but undoes nothing when a command
/// in it fails; so whatever can fail is tried by reads first, the rest runs by `pcall` behind a marker
/// and is taken back on an error. Deltas and offsets stay strings, because Lua's numbers are doubles.
///
/// `!begun` counts up where writing begins, `!done` is set to that number at the end. They differ where a part
/// of a commit was run: after an undo that failed, and where Redis loaded a transaction torn in its file.
///
/// `KEYS`: marks, audit, scratch, then one key for each group. `ARGV`: the expected contract; the number of
/// ranges, then (field, from or "", to, fingerprint or "") for each; the number of audit entries, then
/// (field, delta) for each; then groups: kind, index in `KEYS`, expiry or "", number of entries, and
/// the entries: (field, value), of scores (value, member), for kind P only the member. Kind z: scores whose values are
/// all above 0 and below 10^15; they are added by a union with the scratch key where that is the cheaper way.
///
/// Answers: {1, zeros that could not be removed, scores added one by one, microseconds taken} applied, {0, mark…} another mark stands there, {-1, contract} another contract stands
/// there, {-2, reason} torn, {-3, key, field, error, kind, value} a cell refused and all was undone.
public enum CommitScript {
    /// Every command that the script runs, as an access list must permit it.
    public static let commands = [
        "HGET", "HMGET", "HLEN", "ZCARD", "ZSCORE", "ZRANGE", "GETRANGE", "EXISTS", "HINCRBY",
        "ZINCRBY", "HSET", "HDEL", "ZADD", "ZREM", "ZUNIONSTORE", "PFADD", "EXPIREAT",
        "PEXPIRETIME", "PEXPIREAT", "DEL",
    ]

    /// The Lua text; `#!lua` without flags, so that a full or read-only server refuses it at the start.
    public static let source = header + preflight + steps + undo + main

    private static let header = #"""
        #!lua
        local call, try = redis.call, redis.pcall
        -- Redis 7.0's clock; where the time stands still within a script, or is not permitted, nothing is told.
        local function microseconds()
          local now = try('TIME')
          return type(now) == 'table' and now[2] and now[1] % 1000000 * 1000000 + now[2] or 0
        end
        local began = microseconds()
        local marks, audit, scratch = KEYS[1], KEYS[2], KEYS[3]
        local argv, n = ARGV, #ARGV

        local contract = try('HGET', marks, '!contract') or ''
        if type(contract) == 'table' then
          return {-3, marks, '!contract', contract.err, 'H', ''}
        end
        if contract ~= argv[1] then return {-1, contract} end
        local state = try('HMGET', marks, '!torn', '!begun', '!done')
        if state.err then return {-3, marks, '!torn', state.err, 'H', ''} end
        local torn, commits, done = state[1] or '', state[2] or '0', state[3] or '0'
        if torn == '' and commits ~= done then
          torn = 'a part of a commit was run: ' .. commits .. ' begun, ' .. done .. ' done'
        end
        if torn ~= '' then return {-2, torn} end

        local ranges = tonumber(argv[2])
        local firstAudit = 4 + 4 * ranges
        local current, differs = {0}, false
        for i = 3, firstAudit - 2, 4 do
          local mark = call('HGET', marks, argv[i]) or ''
          if mark ~= argv[i + 1] then differs = true end
          current[#current + 1] = mark
        end
        if differs then return current end

        """#

    /// Looks at every group by reads alone: shape of the arguments, type of the key, whether it is there.
    private static let preflight = #"""
        local audits = tonumber(argv[firstAudit - 1])
        local lastAudit = firstAudit - 1 + 2 * audits
        -- Group g: its kind, its key's index, its first and last entry. Group 0 is the audit.
        local kinds, keys, firsts, lasts = {[0] = 'H'}, {[0] = 2}, {[0] = firstAudit}, {[0] = lastAudit}
        local phases, absent, low, bulk = {{}, {}, {}}, {}, {}, {}
        local stride = {H = 2, Z = 2, z = 2, m = 2, M = 2, f = 2, l = 2, P = 1}
        -- Increments first; then what can be repeated without harm; HyperLogLogs last, for PFADD has no undo.
        local order = {H = 1, Z = 1, z = 1, m = 2, M = 2, f = 2, l = 2, P = 3}
        local function refused(key, err, kind, j)
          local field, value = argv[j], argv[j + stride[kind] - 1]
          if kind == 'Z' or kind == 'z' then kind, field, value = 'Z', value, field end
          return {-3, key, field or '', err, kind, value or ''}
        end
        local function failed(r) return type(r) == 'table' and r.err end
        local function isShort(score) return not score or #score < 16 and not score:find('[^%d]') end
        -- Whether the key is absent; an error; whether all its scores are short; how a union serves.
        local named, hasUnion = {}, false
        local function scores(key, kind, member, count)
          -- What an earlier group of this call does to the key is not seen here.
          local isFirst = not named[key]
          named[key] = true
          -- One look at the score, or at the greatest of the set, tells that no sum comes near 2^53.
          if count == 1 then
            local score = try('ZSCORE', key, member)
            if failed(score) then return false, score.err end
            if score then return false, nil, isShort(score) end
            return try('ZCARD', key) == 0, nil, true
          end
          local top = try('ZRANGE', key, -1, -1, 'WITHSCORES')
          if failed(top) then return false, top.err end
          local isLow = isShort(top[2])
          if kind == 'Z' or not isLow or not isFirst then return not top[2], nil, isLow end
          if not top[2] then return true, nil, true, 'fill' end
          -- A union costs by all members, an increment by the touched ones: six to one.
          local card = try('ZCARD', key)
          if failed(card) then return false, card.err end
          if card > 4 * count then return false, nil, true end
          -- A sum of 0 must not stand, and a union does not look at sums: all must be above 0 before.
          local bottom = try('ZRANGE', key, 0, 0, 'WITHSCORES')
          if failed(bottom) then return false, bottom.err end
          if bottom[2]:byte() == 45 then return false, nil, true end
          hasUnion = true
          return false, nil, true, 'union'
        end
        local function absence(key, kind, j, count)
          if kind == 'Z' or kind == 'z' then
            return scores(key, kind, argv[j + 1], count)
          elseif kind == 'P' then
            local r = try('GETRANGE', key, 0, 3)
            if failed(r) or r == 'HYLL' then return false, failed(r) end
            local there = try('EXISTS', key)
            if there == 1 then return false, 'WRONGTYPE not a HyperLogLog' end
            return true, failed(there)
          end
          local r = try('HLEN', key)
          return r == 0, failed(r)
        end
        if audits > 0 then
          local gone, err = absence(audit, 'H')
          if err then return refused(audit, err, 'H', firstAudit) end
          absent[2] = gone
        end
        local i, g = lastAudit + 1, 0
        while i <= n do
          local kind, index, count = argv[i], tonumber(argv[i + 1]), tonumber(argv[i + 3])
          local width, key = stride[kind], KEYS[index]
          if not width or not key then return redis.error_reply('BADARGS kind or key') end
          local err
          absent[index], err, low[index], bulk[index] = absence(key, kind, i + 4, count)
          if err then return refused(key, err, kind, i + 4) end
          g = g + 1
          kinds[g], keys[g], firsts[g], lasts[g] = kind, index, i + 4, i + 3 + count * width
          local phase = phases[order[kind]]
          phase[#phase + 1] = g
          i = i + 4 + count * width
        end
        if i ~= n + 1 then return redis.error_reply('BADARGS length') end

        """#

    /// How a group is applied: an error is raised, `reached` is the last entry that is done, `old` and
    /// `added` keep what undo needs.
    private static let steps = #"""
        local byte, find = string.byte, string.find
        local reached, failedAt = 0, nil
        local old, added, zeros, singles, act = {}, {}, {}, 0, {}
        function act.H(key, first, last)
          for j = first, last, 2 do
            if call('HINCRBY', key, argv[j], argv[j + 1]) == 0 then
              zeros[#zeros + 1] = {'HGET', 'HDEL', key, argv[j]}
            end
            reached = j
          end
        end
        -- A score is exact below 2^53 only. What a rounded sum was made of cannot be told from it, so
        -- the old score is kept. tonumber compares with the limit here; no amount is made from it.
        local function big(text)
          if #text < 16 then return false end
          local number = tonumber(text)
          return not (number and number < 9007199254740992 and number > -9007199254740992)
        end
        local function addScore(key, j)
          if big(argv[j]) then error({err = 'ERR increment beyond 2^53'}) end
          local before = call('ZSCORE', key, argv[j + 1])
          local r = call('ZINCRBY', key, argv[j], argv[j + 1])
          old[j], reached = before, j
          if big(r) then
            failedAt = j
            error({err = 'ERR score beyond 2^53'})
          end
          return r
        end
        -- Where all scores and the increments are short, sums are exact: what is undone by the opposite
        -- needs no old score. (A negative score far beyond them is not ours.)
        function act.Z(key, first, last, isLow)
          singles = singles + (last - first + 1) / 2
          for j = first, last, 2 do
            local d, r = argv[j]
            if isLow and #d < 16 and byte(d) ~= 45 then
              r = call('ZINCRBY', key, d, argv[j + 1])
              added[j], reached = true, j
            else
              r = addScore(key, j)
            end
            if r == '0' or r == '-0' then zeros[#zeros + 1] = {'ZSCORE', 'ZREM', key, argv[j + 1]} end
          end
        end
        -- Whether all members were new: one that stands twice in a group must be added, not set.
        local function fill(key, first, last)
          local new = 0
          for j = first, last, 2000 do
            new = new + call('ZADD', key, unpack(argv, j, math.min(j + 1999, last)))
          end
          return 2 * new == last - first + 1
        end
        -- ZUNIONSTORE ends a key's expiry. That it may be set again is tried before, once a script.
        local hasExpired, united = false, {}
        local function union(key, first, last)
          local expiry = call('PEXPIRETIME', key)
          if expiry > 0 and not hasExpired then
            call('PEXPIREAT', key, expiry)
            hasExpired = true
          end
          call('ZUNIONSTORE', key, 2, key, scratch)
          united[key], reached = true, last - 1
          if expiry > 0 then call('PEXPIREAT', key, expiry) end
          call('DEL', scratch)
        end
        function act.z(key, first, last, isLow, way)
          if way == 'fill' then
            if fill(key, first, last) then
              reached = last - 1
              return
            end
            call('DEL', key)
          elseif way == 'union' then
            if fill(scratch, first, last) then return union(key, first, last) end
            call('DEL', scratch)
          end
          act.Z(key, first, last, isLow)
        end
        function act.P(key, first, last)
          for j = first, last, 1000 do
            reached = j - 2
            call('PFADD', key, unpack(argv, j, math.min(j + 999, last)))
          end
        end
        -- Lua compares strings by the server's locale; order here is the order of bytes.
        -- Four bytes a call; past its end a string gives nil, which is less than any byte.
        local function greater(a, b)
          for k = 1, math.max(#a, #b), 4 do
            local p, q, r, s = byte(a, k, k + 3)
            local t, u, v, w = byte(b, k, k + 3)
            if p ~= t then return (p or -1) > (t or -1) end
            if q ~= u then return (q or -1) > (u or -1) end
            if r ~= v then return (r or -1) > (v or -1) end
            if s ~= w then return (s or -1) > (w or -1) end
          end
          return false
        end
        local function isAmount(text)
          local _, last = find(text, '^%d+')
          return last == 20 and #text == 20
        end
        local function isTimed(text)
          local _, last = find(text, '^%d+:')
          return last == 21
        end
        local function keep(isSound, wins)
          return function(key, first, last)
            for j = first, last, 2 do
              local before, value = call('HGET', key, argv[j]), argv[j + 1]
              if before and not isSound(before) then error({err = 'ERR cell holds no extreme'}) end
              if not before or before ~= value and wins(value, before) then
                call('HSET', key, argv[j], value)
                old[j] = before
              end
              reached = j
            end
          end
        end
        act.m = keep(isAmount, function(new, before) return greater(before, new) end)
        act.M = keep(isAmount, greater)
        act.f = keep(isTimed, function(new, before)
          local a, b = new:sub(1, 20), before:sub(1, 20)
          if a ~= b then return greater(b, a) end
          return greater(new, before)
        end)
        act.l = keep(isTimed, greater)

        """#

    /// Takes back what was done, last first, so that nothing of this call is left.
    private static let undo = #"""
        local function opposite(d)
          -- Redis takes no '-0'.
          if d == '0' then return d end
          return byte(d) == 45 and d:sub(2) or '-' .. d
        end
        local function undoEntry(kind, key, j)
          -- Cells at 0 do not stand in Redis: 0 after undo means that the cell was absent.
          if added[j] or united[key] and kind == 'z' then
            local r = try('ZINCRBY', key, opposite(argv[j]), argv[j + 1])
            if r == '0' or r == '-0' then r = try('ZREM', key, argv[j + 1]) end
            return failed(r)
          elseif kind == 'H' then
            local r = try('HINCRBY', key, argv[j], opposite(argv[j + 1]))
            if r == 0 then r = try('HDEL', key, argv[j]) end
            return failed(r)
          end
          local before = old[j]
          if before == nil then return end
          if kind == 'Z' or kind == 'z' then
            if before then return failed(try('ZADD', key, before, argv[j + 1])) end
            return failed(try('ZREM', key, argv[j + 1]))
          end
          if before then return failed(try('HSET', key, argv[j], before)) end
          return failed(try('HDEL', key, argv[j]))
        end
        local function undo(begun, reached)
          for k = #begun, 1, -1 do
            local g = begun[k]
            local kind, index = kinds[g], keys[g]
            if absent[index] then
              local err = failed(try('DEL', KEYS[index]))
              if err then return err end
            elseif kind ~= 'P' then
              for j = k == #begun and reached or lasts[g] - 1, firsts[g], -2 do
                local err = undoEntry(kind, KEYS[index], j)
                if err then return err end
              end
            end
          end
        end

        """#

    private static let main = #"""
        local begun, at = {}, 0
        local function run(g)
          at, begun[#begun + 1], reached = g, g, firsts[g] - 2
          act[kinds[g]](KEYS[keys[g]], firsts[g], lasts[g], low[keys[g]], bulk[keys[g]])
        end
        local function apply()
          if hasUnion then
            call('DEL', scratch)
            -- A union is taken back by increments: whether they are permitted must be known before.
            call('ZINCRBY', scratch, '0', '')
            call('DEL', scratch)
          end
          if audits > 0 then run(0) end
          for phase = 1, 3 do
            for _, g in ipairs(phases[phase]) do run(g) end
          end
          for g = 1, #kinds do
            local expiry = argv[firsts[g] - 2]
            if expiry ~= '' and absent[keys[g]] and firsts[g] <= lasts[g] then
              at, failedAt = g, firsts[g]
              call('EXPIREAT', KEYS[keys[g]], expiry)
            end
          end
        end

        local left, fields = 0, {}
        if audits > 0 or #kinds > 0 then
          -- Changes nothing: what writes the marks at the end must be permitted before the first cell.
          local err = failed(try('HSET', marks, '!done', done))
          if not err then commits = try('HINCRBY', marks, '!begun', 1) end
          err = err or failed(commits)
          if err then return refused(marks, err, 'H', 3) end
          local isDone, err = pcall(apply)
          if not isDone then
            err = type(err) == 'table' and err.err or tostring(err)
            local j = failedAt or reached + 2
            if hasUnion then try('DEL', scratch) end
            local again = undo(begun, reached)
            if again then
              local reason = 'undo failed: ' .. again .. ' after ' .. err
              try('HSET', marks, '!torn', reason)
              return {-2, reason}
            end
            call('HINCRBY', marks, '!begun', -1)
            return refused(KEYS[keys[at]], err, kinds[at], j)
          end
          fields = {'!done', commits}
          -- A zero that stays is read like an absent cell; so an error here changes no answer.
          for k = 1, #zeros do
            local read, remove, key, field = unpack(zeros[k])
            local value = try(read, key, field)
            if failed(value) then
              left = left + 1
            elseif value == '0' or value == '-0' then
              if failed(try(remove, key, field)) then left = left + 1 end
            end
          end
        end
        for i = 3, firstAudit - 2, 4 do
          fields[#fields + 1] = argv[i]
          fields[#fields + 1] = argv[i + 2]
          if argv[i + 3] ~= '' then
            fields[#fields + 1] = argv[i] .. '@'
            fields[#fields + 1] = argv[i + 3]
          end
          if #fields >= 4000 then
            call('HSET', marks, unpack(fields))
            fields = {}
          end
        end
        if #fields > 0 then call('HSET', marks, unpack(fields)) end
        return {1, left, singles, microseconds() - began}
        """#
}
