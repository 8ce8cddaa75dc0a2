/// The part of the commit script that parks what single cells refuse, and takes it out again.
///
/// The parked hash stands beside the marks. A field is `KIND[#NUMBER] EXPIRY KEY FIELD`: the letter of the group, the
/// second at which the key ends (0 = never), and where the delta belongs. A key's name holds no space, so the field is
/// injective. Increments of hashes and scores (H, Z) add up in it; extremes (m, M, f, l) keep the winner. Members of a
/// HyperLogLog (P) go to one of their own, `KEY:parked`, and the field counts them. Where a field cannot take an entry
/// (its sum would pass 2^63, or it holds what is not ours), the entry goes to the field of the next number, so that
/// parking refuses nothing for its size.
extension CommitScript {
    /// Which errors are a cell's own; comparing extremes; the arguments of a second try.
    static let parked = #"""
        local byte, find = string.byte, string.find
        local parked = marks:sub(1, -6) .. 'parked'
        local function failed(r) return type(r) == 'table' and r.err end
        -- Whether an error is about what stands in one cell, and not about the server or our rights.
        local function isOfCell(err)
          return find(err, '^WRONGTYPE') or find(err, '^INVALIDOBJ')
            or find(err, 'not an integer', 1, true) or find(err, 'would overflow', 1, true)
            or find(err, 'beyond 2^53', 1, true) or find(err, 'no extreme', 1, true)
            or find(err, '(NaN)', 1, true)
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
        local wins = {M = greater, l = greater}
        function wins.m(new, before) return greater(before, new) end
        function wins.f(new, before)
          local a, b = new:sub(1, 20), before:sub(1, 20)
          if a ~= b then return greater(b, a) end
          return greater(new, before)
        end
        -- Whether a value is of its kind's form.
        local function isSound(kind, text)
          if kind == 'm' or kind == 'M' then
            local _, last = find(text, '^%d+')
            return last == 20 and #text == 20
          elseif kind == 'f' or kind == 'l' then
            local _, last = find(text, '^%d+:')
            return last == 21
          end
          return find(text, '^%-?%d+$')
        end
        -- Groups and entries that are left out, and why; by the index of a key, the parked field that is tried again.
        local refusals, isOut, isSkipped, again = {}, {}, {}, nil
        -- Entries whose cell stood at 0 in a full key, see `limits`.
        local kept = {}
        local function otherOf(name)
          local _, colons = name:gsub(':', '')
          return '__other__' .. (':__other__'):rep(colons)
        end
        if argv[2] == 'parked' then
          local names = argv
          again, argv = {}, {names[1], '0', '0'}
          for k = 3, #names - 1 do
            local kind, expiry, key, field = names[k]:match('^(%a)#?%d* (%d+) (%S+) (.*)$')
            local value = kind and try('HGET', parked, names[k])
            if failed(value) then return {-3, parked, '', value.err, 'H', '1'} end
            if value and isSound(kind, value) then
              KEYS[#KEYS + 1] = key
              again[#KEYS] = names[k]
              if kind ~= 'P' then
                local read, other = kind == 'Z' and 'ZSCORE' or 'HGET', otherOf(field)
                local stands = try(read, key, field)
                if not stands and type(try(read, key, other)) == 'string' then field = other end
                if stands == '0' or stands == '-0' then kept[#argv + (expiry == '0' and 3 or 4)] = true end
              end
              local first, second = field, value
              if kind == 'Z' then first, second = value, field end
              if kind == 'P' then kind, first, second = 'p', '', nil end
              argv[#argv + 1] = expiry == '0' and kind or kind .. '@'
              if expiry ~= '0' then argv[#argv + 1] = expiry end
              for _, word in ipairs({'1', first, second}) do argv[#argv + 1] = word end
            end
          end
          n = #argv
        end

        """#

    /// How an entry is left out and parked, and how that is taken back.
    static let parking = #"""
        local begun, phase, turn, from = {}, 0, 1, nil
        -- The key that would not park; what is told of what was parked.
        local spot, news = nil, {}
        local leaveOut, parkAll, takeOut, undoParking, countParked
        -- Most commits need none of this, so it is made only for those that do.
        local function prepareParking()
          if leaveOut then return end
          -- Parked fields as they were; HyperLogLogs that were made; what is listed.
          local before, made, parkedEntries, listed = {}, {}, 0, {}
          -- Leaves out the entry at which `apply` ended, so that it can go on behind it. Answers whether it did, and the error.
          function leaveOut(err)
            err = failed(err) or tostring(err)
            local g = phases[phase] and phases[phase][turn]
            if not g or not isOfCell(err) then return false, err end
            local kind, j = kinds[g], failedAt or reached + 2
            failedAt, from = nil, nil
            if kind == 'U' or kind == 'P' or kind == 'p' then
              refusals[#refusals + 1] = {g, err, kind == 'P' and j or nil}
              turn = turn + 1
            else
              if old[j] ~= nil then
                local hindrance = undoEntry(kind, KEYS[keys[g]], j)
                if hindrance then return false, hindrance end
                old[j] = nil
              end
              refusals[#refusals + 1] = {g, err, j, j + 1}
              isSkipped[j], reached = true, j
              if j + 2 > lasts[g] then turn = turn + 1 else from = j + 2 end
            end
            isOut[g] = true
            return true
          end
          local function setParked(name)
            local value = call('HGET', parked, name)
            before[#before + 1] = {name, value}
            return value
          end
          local function park(kind, expiry, key, field, value)
            local number = 1
            while true do
              local mark = number > 1 and '#' .. number or ''
              local name = kind .. mark .. ' ' .. expiry .. ' ' .. key .. ' ' .. field
              local held = setParked(name)
              if not wins[kind] then
                local sum = try('HINCRBY', parked, name, value)
                local err = failed(sum)
                if not err then
                  if sum == 0 then call('HDEL', parked, name) end
                  return not held
                end
                if not isOfCell(err) or number > 99 then error(sum) end
              elseif not held or isSound(kind, held) then
                if not held or wins[kind](value, held) then call('HSET', parked, name, value) end
                return not held
              end
              number = number + 1
            end
          end
          local function parkMembers(key, expiry, first, last)
            spot = key .. ':parked'
            if call('EXISTS', spot) == 0 then made[#made + 1] = spot end
            for j = first, last, 1000 do
              call('PFADD', spot, unpack(argv, j, math.min(j + 999, last)))
            end
            if made[#made] == spot and expiry ~= '0' then call('EXPIREAT', spot, expiry) end
            spot = parked
            return park('P', expiry, key, '', last - first + 1)
          end
          -- Parks everything that was left out: of a group all entries, or those named.
          function parkAll()
            spot = parked
            for _, refusal in ipairs(refusals) do
              local g, err = refusal[1], refusal[2]
              if kinds[g] == 'U' then expand(g) end
              local kind, key, step = kinds[g], KEYS[keys[g]], stride[kinds[g]]
              local expiry = expiries[g] or '0'
              local first, last = refusal[3] or firsts[g], refusal[4] or lasts[g]
              if kind == 'P' then step = last - first + 1 end
              for j = first, last, step do
                local field, value, isNew = argv[j], argv[j + 1], nil
                if kind == 'Z' then field, value = value, field end
                if kind == 'P' then
                  field, isNew = '', parkMembers(key, expiry, first, last)
                else
                  isNew = park(kind, expiry, key, field, value)
                end
                parkedEntries = parkedEntries + 1
                if isNew and #listed < 32 then
                  for _, word in ipairs({key, field, kind, err}) do listed[#listed + 1] = word end
                end
              end
            end
            spot = nil
          end
          -- Of the fields tried again: what its cell took, and what has expired meanwhile.
          function takeOut()
            spot = parked
            for g = 1, #kinds do
              local name = again[keys[g]]
              if not isOut[g] or expiries[g] and tonumber(expiries[g]) <= second then
                setParked(name)
                call('HDEL', parked, name)
                if kinds[g] == 'p' then listed[#listed + 1] = KEYS[keys[g]] .. ':parked' end
              end
            end
            spot = nil
          end
          function undoParking()
            for k = #before, 1, -1 do
              local name, value = before[k][1], before[k][2]
              local r
              if value then r = try('HSET', parked, name, value) else r = try('HDEL', parked, name) end
              if failed(r) then return r.err end
            end
            for _, key in ipairs(made) do
              local err = failed(try('DEL', key))
              if err then return err end
            end
          end
          -- After the parked hash was touched: its size for the marks and for the answer.
          function countParked(fields)
            if not again and #refusals == 0 then return end
            local count = try('HLEN', parked)
            if failed(count) then return end
            fields[#fields + 1], fields[#fields + 2] = '!parked', count
            news = {count, parkedEntries}
            if again then
              for _, key in ipairs(listed) do try('DEL', key) end
            else
              for k = 1, #listed do news[#news + 1] = listed[k] end
            end
          end
        end

        """#
}
