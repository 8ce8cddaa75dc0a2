/// The parts of the commit script that keep the number of different values within limits.
///
/// A *field* beyond the limit of its key, and a *scope* beyond the limit of its organization, is counted
/// under `__other__`. Which were admitted first depends on the order of commits, so it is recorded where
/// it is decided: a field by its presence in the key, a scope by its presence in the shard's register.
/// Both go back together with the cells where Redis loses its last seconds.
extension CommitScript {
    /// Before anything changes: which scopes join the register, and which the caller must count elsewhere.
    ///
    /// Only a key that would be made asks; so where nothing new comes, no command is added. `KEYS` must name
    /// every key, so a scope that is refused is answered and comes again under another key's name.
    static let scopes = #"""
        local joining, joiningTo, joiningCount, verdict = {}, {}, {}, {-5}
        -- The field that counts a scope's values: the organization and the dimensions' names.
        local namesOf = {}
        local function dimensions(scope)
          local name = namesOf[scope]
          if not name then
            local organization, rest = scope:match('^([^:]*)(.*)$')
            name = organization .. rest:gsub('=[^:]*', '')
            namesOf[scope] = name
          end
          return name
        end
        -- A ledger from before the limit has scopes that are not registered: those whose keys are there.
        local standing
        local function stands(scope)
          if not standing then
            standing = {}
            for k = 1, g do
              local key = KEYS[keys[k]]
              local name = not absent[keys[k]] and scopeOf(key)
              if name and try('EXISTS', key) == 1 then standing[name] = true end
            end
          end
          return standing[scope]
        end
        if register and #claims + #wanted > 0 then
          local names, isAsked, found = {}, {}, {}
          local function ask(name)
            if not isAsked[name] then names[#names + 1], isAsked[name] = name, true end
          end
          for _, j in ipairs(claims) do
            ask(argv[j])
            ask(dimensions(argv[j]))
          end
          for _, scope in ipairs(wanted) do
            ask(scope)
            ask(dimensions(scope))
          end
          for from = 1, #names, 1000 do
            local part = try('HMGET', KEYS[register], unpack(names, from, math.min(from + 999, #names)))
            if part.err then return {-3, KEYS[register], names[from], part.err, 'H', '1'} end
            for k = 1, #part do found[names[from + k - 1]] = part[k] end
          end
          local function answer(scope, what)
            verdict[#verdict + 1] = scope
            verdict[#verdict + 1] = what
          end
          local function room(scope) return tonumber(found[dimensions(scope)] or 0) or 0 end
          for _, scope in ipairs(wanted) do
            if not found[scope] then
              local count = room(scope)
              if count < limits[scope] or stands(scope) then
                local name = dimensions(scope)
                joining[#joining + 1] = scope
                if not joiningCount[name] then joiningTo[#joiningTo + 1] = name end
                joiningCount[name] = (joiningCount[name] or 0) + 1
                found[name] = count + 1
              else
                answer(scope, 0)
              end
            end
          end
          -- Those that would join are told too, and room is what they leave of it; otherwise the caller could
          -- take them all for refused, hear of room, and begin again for ever.
          if #verdict > 1 then
            for _, scope in ipairs(joining) do answer(scope, 1) end
          end
          for _, j in ipairs(claims) do
            if found[argv[j]] then
              answer(argv[j], 1)
            elseif room(argv[j]) < tonumber(argv[j + 1]) then
              answer(argv[j], 2)
            end
          end
          if #verdict > 1 then return verdict end
        end

        """#

    /// Within the changes: scopes join, and entries of a key that is nearly full are looked at one by one.
    ///
    /// A key is *full* when it has as many fields as its limit, `__other__` apart. In a full key a cell at 0
    /// stays, so that its place is not taken by a value that is in `__other__` already.
    static let limits = #"""
        local joined, counted = 0, 0
        local function join()
          if #joining > 0 then at, reached = registerGroup, firsts[registerGroup] - 2 end
          for from = 1, #joining, 1000 do
            local words, last = {}, math.min(from + 999, #joining)
            for k = from, last do
              words[#words + 1], words[#words + 2] = joining[k], '1'
            end
            call('HSET', KEYS[register], unpack(words))
            joined = last
          end
          for k = 1, #joiningTo do
            call('HINCRBY', KEYS[register], joiningTo[k], joiningCount[joiningTo[k]])
            counted = k
          end
        end
        local function leave()
          for k = counted, 1, -1 do
            local r = try('HINCRBY', KEYS[register], joiningTo[k], -joiningCount[joiningTo[k]])
            if r == 0 then r = try('HDEL', KEYS[register], joiningTo[k]) end
            if failed(r) then return r.err end
          end
          for from = 1, joined, 1000 do
            local r = try('HDEL', KEYS[register], unpack(joining, from, math.min(from + 999, joined)))
            if failed(r) then return r.err end
          end
        end
        local mostOf, others = {}, {}
        local function isFull(key, read, name)
          local most = mostOf[key]
          if not most then
            -- What was parked comes without a limit: a key that has `__other__` is taken for full.
            return again and type(try(read, key, otherOf(name))) == 'string'
          end
          local size = try(read == 'HGET' and 'HLEN' or 'ZCARD', key)
          if failed(size) then return true end
          if type(try(read, key, otherOf(name))) == 'string' then size = size - 1 end
          return size >= most
        end
        -- Writes `__other__` over the names of entries that are new to a full key.
        local function admit(g, key, most)
          local isScore = kinds[g] == 'Z'
          local place, read = isScore and 1 or 0, isScore and 'ZSCORE' or 'HGET'
          local size = call(isScore and 'ZCARD' or 'HLEN', key)
          local other = otherOf(argv[firsts[g] + place])
          local stood, new = call(read, key, other), {}
          if stood then size = size - 1 end
          for j = firsts[g], lasts[g], 2 do
            local name = argv[j + place]
            local value = call(read, key, name)
            if not value and not new[name] and name ~= other then
              if size < most then
                new[name] = true
                size = size + 1
              else
                argv[j + place], value = other, stood
                others[key] = (others[key] or 0) + 1
              end
            end
            if value == '0' or value == '-0' then kept[j] = true end
          end
          sizes[key] = size + 1
        end
        local function limit(g)
          local key, most = KEYS[keys[g]], mosts[g]
          mostOf[key] = most
          local size = sizes[key]
          if not size or lasts[g] < firsts[g] then return end
          local count = kinds[g] == 'U' and tonumber(argv[firsts[g] - 1]) or (lasts[g] - firsts[g] + 1) / 2
          if kinds[g] == 'U' or size + count <= most then
            sizes[key] = size + count
          else
            admit(g, key, most)
          end
        end

        """#
}
