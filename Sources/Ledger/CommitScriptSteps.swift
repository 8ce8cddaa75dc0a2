/// The part of the commit script that changes cells, and the part that takes changes back.
extension CommitScript {
    /// How a group is applied: an error is raised, `reached` is the last entry that is done, `old` and
    /// `added` keep what undo needs.
    static let steps = #"""
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
        -- A set's members and scores behind the arguments, as a group of kind Z.
        local function expand(g)
          call('RESTORE', scratch, '0', argv[firsts[g]], 'REPLACE')
          local list, from = call('ZRANGE', scratch, '0', '-1', 'WITHSCORES'), #argv
          call('DEL', scratch)
          for j = 1, #list, 2 do argv[from + j], argv[from + j + 1] = list[j + 1], list[j] end
          kinds[g], firsts[g], lasts[g] = 'Z', from + 1, from + #list
        end
        -- ZUNIONSTORE ends a key's expiry. That it may be set again is tried before, once a script.
        local hasExpired, united, at = false, {}, 0
        function act.U(key, first, last, isLow, way)
          local expiry = way == 'union' and call('PEXPIRETIME', key) or 0
          if expiry > 0 and not hasExpired then
            call('PEXPIREAT', key, expiry)
            hasExpired = true
          end
          call('RESTORE', scratch, '0', argv[first], 'REPLACE')
          if way == 'fill' then
            call('ZUNIONSTORE', key, 1, scratch)
          else
            call('ZUNIONSTORE', key, 2, key, scratch)
          end
          united[at] = true
          if expiry > 0 then call('PEXPIREAT', key, expiry) end
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
    static let undo = #"""
        local function opposite(d)
          -- Redis takes no '-0'.
          if d == '0' then return d end
          return byte(d) == 45 and d:sub(2) or '-' .. d
        end
        local function undoEntry(kind, key, j)
          -- Cells at 0 do not stand in Redis: 0 after undo means that the cell was absent.
          if added[j] then
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
          if kind == 'Z' then
            if before then return failed(try('ZADD', key, before, argv[j + 1])) end
            return failed(try('ZREM', key, argv[j + 1]))
          end
          if before then return failed(try('HSET', key, argv[j], before)) end
          return failed(try('HDEL', key, argv[j]))
        end
        local function undo(begun, reached)
          for k = #begun, 1, -1 do
            local g = begun[k]
            local index, last = keys[g], k == #begun and reached or lasts[g] - 1
            if absent[index] then
              local err = failed(try('DEL', KEYS[index]))
              if err then return err end
            elseif kinds[g] ~= 'P' then
              if united[g] then
                local isDone, err = pcall(expand, g)
                if not isDone then return failed(err) or tostring(err) end
                last = lasts[g] - 1
                for j = firsts[g], last, 2 do added[j] = true end
              end
              for j = last, firsts[g], -2 do
                local err = undoEntry(kinds[g], KEYS[index], j)
                if err then return err end
              end
            end
          end
        end

        """#
}
