/// The part of the commit script that changes cells, and the part that takes changes back.
extension CommitScript {
    /// How a group is applied: an error is raised, `reached` is the last entry that is done, `old` and
    /// `added` keep what undo needs.
    static let steps = #"""
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
          -- Infinite, or with a fraction: not ours.
          if before and not isSound('Z', before) then
            error({err = 'ERR score is not an integer'})
          end
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
        function act.p(key)
          if call('EXISTS', key .. ':parked') == 1 then call('PFMERGE', key, key .. ':parked') end
        end
        local function keep(kind)
          return function(key, first, last)
            for j = first, last, 2 do
              local before, value = call('HGET', key, argv[j]), argv[j + 1]
              if before and not isSound(kind, before) then error({err = 'ERR cell holds no extreme'}) end
              if not before or before ~= value and wins[kind](value, before) then
                call('HSET', key, argv[j], value)
                old[j] = before
              end
              reached = j
            end
          end
        end
        for kind in pairs(wins) do act[kind] = keep(kind) end

        local function opposite(d)
          -- Redis takes no '-0'.
          if d == '0' then return d end
          return byte(d) == 45 and d:sub(2) or '-' .. d
        end
        local function undoEntry(kind, key, j)
          if isSkipped[j] then return end
          -- Cells at 0 do not stand in Redis: 0 after undo means that the cell was absent. Only in a full key
          -- they do; `kept` tells those that did before.
          if added[j] then
            local r = try('ZINCRBY', key, opposite(argv[j]), argv[j + 1])
            if (r == '0' or r == '-0') and not kept[j] then r = try('ZREM', key, argv[j + 1]) end
            return failed(r)
          elseif kind == 'H' then
            local r = try('HINCRBY', key, argv[j], opposite(argv[j + 1]))
            if r == 0 and not kept[j] then r = try('HDEL', key, argv[j]) end
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

        """#

    /// Takes back what was done, last first, so that nothing of this call is left.
    static let undo = #"""
        local function undo(begun, reached)
          local err = undoParking and undoParking()
          if err then return err end
          -- A key may be named by several groups, and not all of them have looked whether it is there.
          local removed = {}
          for k = #begun, 1, -1 do
            local g = begun[k]
            local index, last = keys[g], k == #begun and reached or lasts[g] - 1
            if absent[index] then
              local err = failed(try('DEL', KEYS[index]))
              if err then return err end
              removed[KEYS[index]] = true
            elseif kinds[g] ~= 'P' and not removed[KEYS[index]] then
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
          return leave()
        end

        """#
}
