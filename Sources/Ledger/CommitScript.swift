/// The script that is the only writer of cells and marks.
///
/// For each range [from, to) of a tally the stored mark must be `from`; then all cells change and the
/// marks become `to`, in one script call. Redis runs a script alone but undoes nothing when a command
/// in it fails; so whatever can fail is tried by reads first, the rest runs by `pcall` behind a marker
/// and is taken back on an error. Deltas and offsets stay strings, because Lua's numbers are doubles.
///
/// `KEYS`: marks, audit, then one key for each group. `ARGV`: the expected contract; the number of
/// ranges, then (field, from or "", to, fingerprint or "") for each; the number of audit entries, then
/// (field, delta) for each; then groups: kind, index in `KEYS`, expiry or "", number of entries, and
/// the entries: (field, value), for kind P only the member.
///
/// Answers: {1, zeros that could not be removed} applied, {0, mark…} another mark stands there, {-1, contract} another contract stands
/// there, {-2, reason} torn, {-3, key, field, error, kind, value} a cell refused and all was undone.
public enum CommitScript {
    /// Every command that the script runs, as an access list must permit it.
    public static let commands = [
        "HGET", "HLEN", "ZCARD", "ZSCORE", "GETRANGE", "EXISTS", "HINCRBY", "ZINCRBY", "HSET",
        "HDEL",
        "ZADD", "ZREM", "PFADD", "EXPIREAT", "DEL",
    ]

    /// The Lua text; `#!lua` without flags, so that a full or read-only server refuses it at the start.
    public static let source = header + preflight + steps + undo + main

    private static let header = #"""
        #!lua
        local call, try = redis.call, redis.pcall
        local marks, audit = KEYS[1], KEYS[2]
        local argv, n = ARGV, #ARGV

        local contract = try('HGET', marks, '!contract') or ''
        if type(contract) == 'table' then
          return {-3, marks, '!contract', contract.err, 'H', ''}
        end
        if contract ~= argv[1] then return {-1, contract} end
        local torn = call('HGET', marks, '!torn')
        if torn and torn ~= '' then return {-2, torn} end

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
        local firstGroup = lastAudit + 1
        local absent, low, stride = {}, {}, {H = 2, Z = 2, m = 2, M = 2, f = 2, l = 2, P = 1}
        local function refused(key, field, err, kind, value)
          return {-3, key, field or '', err, kind, value or ''}
        end
        local function failed(r) return type(r) == 'table' and r.err end
        local function absence(key, kind)
          if kind == 'Z' then
            local r = try('ZCARD', key)
            return r == 0, failed(r)
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
        -- One look at the greatest score of a set tells that none of its sums can come near 2^53.
        local function absenceAndTop(key)
          local top = try('ZRANGE', key, -1, -1, 'WITHSCORES')
          if failed(top) then return false, top.err end
          local score = top[2]
          return not score, nil, not score or #score < 16 and not score:find('[^%d]')
        end
        if audits > 0 then
          local gone, err = absence(audit, 'H')
          if err then return refused(audit, argv[firstAudit], err, 'H', argv[firstAudit + 1]) end
          absent[2] = gone
        end
        local i = firstGroup
        while i <= n do
          local kind, index, count = argv[i], tonumber(argv[i + 1]), tonumber(argv[i + 3])
          if not stride[kind] or not KEYS[index] then return redis.error_reply('BADARGS kind or key') end
          local gone, err
          if kind == 'Z' and count > 1 then
            gone, err, low[index] = absenceAndTop(KEYS[index])
          else
            gone, err = absence(KEYS[index], kind)
          end
          if err then
            return refused(KEYS[index], argv[i + 4], err, kind, argv[i + 3 + stride[kind]])
          end
          absent[index] = gone
          i = i + 4 + count * stride[kind]
        end
        if i ~= n + 1 then return redis.error_reply('BADARGS length') end

        """#

    /// One step an entry: `step[kind](key, j)` returns an error or nothing; `old` keeps what undo needs.
    private static let steps = #"""
        local byte, find = string.byte, string.find
        local old, zeros = {}, {}
        local step = {}
        function step.H(key, j)
          local r = try('HINCRBY', key, argv[j], argv[j + 1])
          if r == 0 then
            zeros[#zeros + 1] = {'HGET', 'HDEL', key, argv[j]}
          elseif type(r) == 'table' then
            return r.err
          end
        end
        -- A score is exact below 2^53 only. What a rounded sum was made of cannot be told from it, so
        -- the old score is kept. tonumber compares with the limit here; no amount is made from it.
        local function big(text)
          if #text < 16 then return false end
          local number = tonumber(text)
          return not (number and number < 9007199254740992 and number > -9007199254740992)
        end
        function step.Z(key, j)
          if big(argv[j + 1]) then return 'ERR increment beyond 2^53' end
          local before = try('ZSCORE', key, argv[j])
          if failed(before) then return before.err end
          local r = try('ZINCRBY', key, argv[j + 1], argv[j])
          if failed(r) then return r.err end
          old[j] = before
          if r == '0' or r == '-0' then zeros[#zeros + 1] = {'ZSCORE', 'ZREM', key, argv[j]} end
          if big(r) then return 'ERR score beyond 2^53', true end
        end
        -- Where all scores and the increments are short, sums are exact: what is undone by the opposite
        -- needs no old score. The set's greatest score was looked at; a negative one far below is not ours.
        local added = {}
        local function addLow(key, j)
          local d = argv[j + 1]
          if #d > 15 or byte(d) == 45 then return step.Z(key, j) end
          local r = try('ZINCRBY', key, d, argv[j])
          if type(r) == 'table' then return r.err end
          added[j] = true
          if r == '0' or r == '-0' then zeros[#zeros + 1] = {'ZSCORE', 'ZREM', key, argv[j]} end
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
          return function(key, j)
            local before, value = try('HGET', key, argv[j]), argv[j + 1]
            if failed(before) then return before.err end
            if before then
              if not isSound(before) then return 'ERR cell holds no extreme' end
              if before == value or not wins(value, before) then return end
            end
            local r = try('HSET', key, argv[j], value)
            if failed(r) then return r.err end
            old[j] = before
          end
        end
        step.m = keep(isAmount, function(new, before) return greater(before, new) end)
        step.M = keep(isAmount, greater)
        step.f = keep(isTimed, function(new, before)
          local a, b = new:sub(1, 20), before:sub(1, 20)
          if a ~= b then return greater(b, a) end
          return greater(new, before)
        end)
        step.l = keep(isTimed, greater)

        """#

    /// Takes back every step before `limit`, last first, so that nothing of this call is left.
    private static let undo = #"""
        local function opposite(d)
          -- Redis takes no '-0'.
          if d == '0' then return d end
          return byte(d) == 45 and d:sub(2) or '-' .. d
        end
        local function undoEntry(kind, key, j)
          if added[j] then
            local r = try('ZINCRBY', key, opposite(argv[j + 1]), argv[j])
            if r == '0' or r == '-0' then r = try('ZREM', key, argv[j]) end
            return failed(r)
          end
          if kind == 'H' then
            local r = try('HINCRBY', key, argv[j], opposite(argv[j + 1]))
            -- Cells at 0 do not stand in Redis: 0 after undo means that the field was absent.
            if r == 0 then r = try('HDEL', key, argv[j]) end
            return failed(r)
          end
          local before = old[j]
          if before == nil then return end
          if kind == 'Z' then
            if before then return failed(try('ZADD', key, before, argv[j])) end
            return failed(try('ZREM', key, argv[j]))
          end
          if before then return failed(try('HSET', key, argv[j], before)) end
          return failed(try('HDEL', key, argv[j]))
        end
        local function undo(done)
          for k = #done, 1, -1 do
            local kind, index, first, last = done[k][1], done[k][2], done[k][3], done[k][4]
            if absent[index] then
              local err = failed(try('DEL', KEYS[index]))
              if err then return err end
            elseif kind ~= 'P' then
              for j = last, first, -2 do
                local err = undoEntry(kind, KEYS[index], j)
                if err then return err end
              end
            end
          end
        end

        """#

    private static let main = #"""
        local done = {}
        local function run(kind, index, first, last)
          local span = {kind, index, first, first - 2}
          done[#done + 1] = span
          local key = KEYS[index]
          if kind == 'P' then
            for j = first, last, 1000 do
              local err = failed(try('PFADD', key, unpack(argv, j, math.min(j + 999, last))))
              if err then return err, j end
            end
            return
          end
          local act = low[index] and addLow or step[kind]
          for j = first, last, 2 do
            local err, acted = act(key, j)
            if acted then span[4] = j end
            if err then return err, j end
            span[4] = j
          end
        end
        -- Increments first; then what can be repeated without harm; HyperLogLogs last, for PFADD has no undo.
        local order = {H = 1, Z = 1, m = 2, M = 2, f = 2, l = 2, P = 3}
        local function phase(number)
          local i = firstGroup
          while i <= n do
            local kind, count = argv[i], tonumber(argv[i + 3])
            local last = i + 3 + count * stride[kind]
            if order[kind] == number and count > 0 then
              local index = tonumber(argv[i + 1])
              local err, j = run(kind, index, i + 4, last)
              if err then return err, index, j, kind end
            end
            i = last + 1
          end
        end
        local function expire()
          local i = firstGroup
          while i <= n do
            local kind, count = argv[i], tonumber(argv[i + 3])
            local index, at = tonumber(argv[i + 1]), argv[i + 2]
            if at ~= '' and absent[index] and count > 0 then
              local err = failed(try('EXPIREAT', KEYS[index], at))
              if err then return err, index, i + 4, kind end
            end
            i = i + 4 + count * stride[kind]
          end
        end
        local function apply()
          if audits > 0 then
            local err, j = run('H', 2, firstAudit, lastAudit)
            if err then return err, 2, j, 'H' end
          end
          for number = 1, 3 do
            local err, index, j, kind = phase(number)
            if err then return err, index, j, kind end
          end
          return expire()
        end

        local left = 0
        if audits > 0 or firstGroup <= n then
          call('HSET', marks, '!torn', 'commit up to ' .. tostring(argv[3]) .. ' ' .. tostring(argv[5]))
          local err, index, j, kind = apply()
          if err then
            local again = undo(done)
            if again then
              local reason = 'undo failed: ' .. again .. ' after ' .. err
              try('HSET', marks, '!torn', reason)
              return {-2, reason}
            end
            if torn then call('HSET', marks, '!torn', '') else call('HDEL', marks, '!torn') end
            return refused(KEYS[index], argv[j], err, kind, argv[j + stride[kind] - 1])
          end
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
        local fields = {}
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
        fields[#fields + 1] = '!torn'
        fields[#fields + 1] = ''
        call('HSET', marks, unpack(fields))
        return {1, left}
        """#
}
