/// The script that is the only writer of cells and marks.
///
/// For each range [from, to) of a tally the stored mark must be `from`; then all cells change and the
/// marks become `to`, in one script call. Redis runs a script alone but undoes nothing when a command
/// in it fails; so whatever can fail is tried by reads first, the rest runs by `pcall` behind a marker
/// and is taken back on an error. Deltas and offsets stay strings, because Lua's numbers are doubles.
///
/// An entry that its own cell refuses is left out and parked (`CommitScriptParking`); the rest goes on. An error of
/// the whole server takes everything back, what was parked in this call too.
///
/// `!begun` counts up where writing begins, `!done` is set to that number at the end. They differ where a part
/// of a commit was run: after an undo that failed, and where Redis loaded a transaction torn in its file.
///
/// `KEYS`: marks, audit, scratch, then one key for each group. `ARGV`: the expected contract; the number of
/// ranges, then (field, from or "", to, fingerprint or "") for each; the number of audit entries, then
/// (field, delta) for each; then groups (see below); last the latest second since 1970 that Redis' clock may
/// show, 0 = any. Groups, in the order of their keys: kind, where `@` stands behind it the key's expiry, number of
/// entries, and the entries: (field, value), of scores (value, member), for kind P only the member. Kind U: scores, each
/// above 0 and below 10^15, as the dump of a set in the entries' place; it is put into the scratch key and added by a
/// union where that is the cheaper way. Last in a kind may stand a limit of fields, then `/` and a limit of values of the
/// key's scope: see `limits`. Kind S: the shard's register of scopes; its entries are (scope, limit) of those that the
/// caller counts under `__other__`. Where `parked` is given as the number of ranges, names of parked fields follow
/// instead: they are tried again, and what its cell takes now leaves the parked hash.
///
/// Answers: {1, zeros that could not be removed, scores added one by one, microseconds taken} applied, and where
/// the parked hash was touched its number of fields, the entries that were parked, and key, field, kind and error of
/// some fields that are new; last, where entries went to `__other__`, a list of (key, entries); {0, mark…} another
/// mark stands there, {-1, contract} another contract stands there, {-2, reason} torn, {-3, key, field, error, kind,
/// value} the shard's own records refused, and all was undone, {-4, second} Redis' clock shows a later second than the
/// latest permitted, {-5, then (scope, 0 = refused, 1 = admitted, 2 = there is room)} nothing changed: what the caller
/// believed of these scopes is not so.
public enum CommitScript {
    /// Every command that the script runs, as an access list must permit it.
    public static let commands = [
        "HGET", "HMGET", "HLEN", "ZCARD", "ZSCORE", "ZRANGE", "GETRANGE", "EXISTS", "HINCRBY",
        "ZINCRBY", "HSET", "HDEL", "ZADD", "ZREM", "RESTORE", "ZUNIONSTORE", "PFADD", "EXPIREAT",
        "PEXPIRETIME", "PEXPIREAT", "DEL", "PFMERGE",
    ]

    /// The Lua text; `#!lua` without flags, so that a full or read-only server refuses it at the start.
    public static let source = start + clock + body

    /// The same for a user who may not run TIME: nothing is asked that is refused each time.
    public static let sourceWithoutClock = start + noClock + body

    private static let body =
        header + parked + comparison + preflight + scopes + steps + limits + parking + undo + main

    private static let start = #"""
        #!lua
        local call, try = redis.call, redis.pcall
        local tonumber, type, unpack = tonumber, type, unpack
        local second = 0

        """#

    private static let clock = #"""
        -- Redis 7.0's clock; where the time stands still within a script no duration is told.
        local function microseconds()
          local now = try('TIME')
          if type(now) ~= 'table' or not now[2] then return 0 end
          second = tonumber(now[1])
          return second % 1000000 * 1000000 + now[2]
        end

        """#

    private static let noClock = #"""
        local function microseconds() return 0 end

        """#

    private static let header = #"""
        local began = microseconds()
        local marks, audit, scratch = KEYS[1], KEYS[2], KEYS[3]
        local argv, n = ARGV, #ARGV - 1
        local latest = tonumber(argv[n + 1])
        -- A clock that is ahead throws keys away that are needed: none is touched.
        if latest > 0 and second > latest then return {-4, second} end

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

        """#

    /// Compares the marks.
    private static let comparison = #"""
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
        -- Group g: its kind, its key's index, its first and last entry, its expiry. Group 0 is the audit.
        local kinds, keys, firsts, lasts = {[0] = 'H'}, {[0] = 2}, {[0] = firstAudit}, {[0] = lastAudit}
        local expiries, mosts, sizes = {}, {}, {}
        -- Groups whose key is absent and gets an expiry.
        local ending = {}
        local register, registerGroup, lastScope
        local claims, wanted, limits = {}, {}, {}
        local phases, absent, low, bulk = {{}, {}, {}}, {}, {}, {}
        local stride = {H = 2, Z = 2, U = 0, m = 2, M = 2, f = 2, l = 2, P = 1, p = 1, S = 2}
        -- Increments first; then what can be repeated without harm; HyperLogLogs last, for PFADD has no undo.
        local order = {H = 1, Z = 1, U = 1, m = 2, M = 2, f = 2, l = 2, P = 3, p = 3}
        local function refused(key, err, kind, j)
          if kind == 'U' then
            -- A member of the set stands for all of it.
            try('RESTORE', scratch, '0', argv[j], 'REPLACE')
            local entry = try('ZRANGE', scratch, '0', '0', 'WITHSCORES')
            try('DEL', scratch)
            return {-3, key, entry[1] or '', err, 'Z', entry[2] or ''}
          end
          local field, value = argv[j], argv[j + stride[kind] - 1]
          if kind == 'Z' then field, value = value, field end
          return {-3, key, field or '', err, kind, value or ''}
        end
        local function isShort(score) return not score or #score < 16 and not score:find('[^%d]') end
        -- Whether the key is absent; an error; whether all its scores are short; how a union serves.
        local named, hasUnion = {}, false
        local function scores(key, kind, member, count, most)
          -- What an earlier group of this call does to the key is not seen here.
          local isFirst = not named[key]
          named[key] = true
          -- One look at the score, or at the greatest of the set, tells that no sum comes near 2^53.
          if kind == 'Z' and count == 1 then
            local score = try('ZSCORE', key, member)
            if failed(score) then return false, score.err end
            -- A member that is there adds none: the size need not be known.
            if score then return false, nil, isShort(score) end
            sizes[key] = try('ZCARD', key)
            return sizes[key] == 0, nil, true
          end
          local top = try('ZRANGE', key, -1, -1, 'WITHSCORES')
          if failed(top) then return false, top.err end
          local isLow = isShort(top[2])
          if kind == 'Z' or not isLow or not isFirst then
            if most then sizes[key] = try('ZCARD', key) end
            return not top[2], nil, isLow
          end
          hasUnion = true
          if not top[2] then
            sizes[key] = 0
            return true, nil, true, not (most and count > most) and 'fill'
          end
          -- A union costs by all members, an increment by the touched ones: six to one.
          local card = try('ZCARD', key)
          if failed(card) then return false, card.err end
          sizes[key] = card
          if card > 4 * count or most and card + count > most then return false, nil, true end
          -- A sum of 0 must not stand, and a union does not look at sums: all must be above 0 before.
          local bottom = try('ZRANGE', key, 0, 0, 'WITHSCORES')
          if failed(bottom) then return false, bottom.err end
          if bottom[2]:byte() == 45 then return false, nil, true end
          return false, nil, true, 'union'
        end
        -- By kind: whether the key is absent, and an error.
        local absence = {}
        function absence.P(key)
          local r = try('GETRANGE', key, 0, 3)
          if r == 'HYLL' then return false end
          if failed(r) then return false, r.err end
          local there = try('EXISTS', key)
          if there == 1 then return false, 'WRONGTYPE not a HyperLogLog' end
          return true, failed(there)
        end
        absence.p = absence.P
        function absence.H(key, most)
          local r = try('HLEN', key)
          if type(r) == 'table' then return false, r.err end
          -- Where not even all of this call's entries fill the key, its size need not be known.
          if most and r + n > most then sizes[key] = r end
          return r == 0
        end
        for kind in pairs(wins) do absence[kind] = absence.H end
        -- A group's letter, limit of fields and limit of its scope's values; words an entry has; its phase.
        local specs = {}
        local function spec(text)
          local kind, expires, most, scopes = text:match('^(.)(@?)(%d*)/?(%d*)$')
          specs[text] = {
            kind, tonumber(most), tonumber(scopes), stride[kind], phases[order[kind] or 0], absence[kind],
            expires == '@',
          }
          return specs[text]
        end
        -- The organization and scope in a key's name: up to the last `=` and the value behind it.
        local function scopeOf(key) return key:match('^[^:]*:[^:]*:[^:]*:(.*=[^:]*):') end
        -- A key would be made: is its scope admitted? Groups of one scope follow each other.
        local function want(key, most)
          if lastScope and key:sub(1, #lastScope) == lastScope
            and not key:find('=', #lastScope + 1, true) then
            return
          end
          lastScope = key:match('^.*=[^:]*:')
          if not lastScope then return end
          local scope = scopeOf(lastScope)
          if not scope then return end
          if not limits[scope] then wanted[#wanted + 1] = scope end
          limits[scope] = most
        end
        if audits > 0 then
          local gone, err = absence.H(audit)
          if err then return refused(audit, err, 'H', firstAudit) end
          absent[2] = gone
        end
        local i, g = lastAudit + 1, 0
        while i <= n do
          local known = specs[argv[i]] or spec(argv[i])
          local kind, most, scopes = known[1], known[2], known[3]
          local width, phase, look = known[4], known[5], known[6]
          local first, expiry, err = i + 2
          if known[7] then
            first, expiry = i + 3, argv[i + 1]
          end
          local count = tonumber(argv[first - 1])
          g = g + 1
          local index = g + 3
          local key = KEYS[index]
          if not width or not key then return redis.error_reply('BADARGS kind or key') end
          local after = first + (kind == 'U' and 1 or count * width)
          kinds[g], keys[g], firsts[g], lasts[g] = kind, index, first, after - 1
          if look then
            -- What undo does to increments without a limit or an expiry also removes a key that they made.
            if kind ~= 'H' or most or scopes or expiry then
              local isAbsent
              isAbsent, err = look(key, most)
              if isAbsent then absent[index] = true end
            end
          elseif phase then
            absent[index], err, low[index], bulk[index] = scores(key, kind, argv[first + 1], count, most)
          else
            register, registerGroup = index, g
            for j = first, after - 1, 2 do claims[#claims + 1] = j end
          end
          if scopes and absent[index] then want(key, scopes) end
          if expiry and count > 0 then
            expiries[g] = expiry
            if absent[index] then ending[#ending + 1] = g end
          end
          if most and (sizes[key] or not look) then mosts[g] = most end
          if not err then
            if phase then phase[#phase + 1] = g end
          elseif isOfCell(err) then
            refusals[#refusals + 1], isOut[g] = {g, err}, true
          else
            return refused(key, err, kind, first)
          end
          i = after
        end
        if i ~= n + 1 then return redis.error_reply('BADARGS length') end

        """#

    private static let main = #"""
        local function run(g)
          local first = from
          if not first then
            at, begun[#begun + 1], reached = g, g, firsts[g] - 2
            if kinds[g] == 'U' and not bulk[keys[g]] then
              expand(g)
              reached = firsts[g] - 2
            end
            if mosts[g] then limit(g) end
            first = firsts[g]
          end
          from = nil
          local index = keys[g]
          act[kinds[g]](KEYS[index], first, lasts[g], low[index], bulk[index])
        end
        -- Called again after an entry was left out: goes on behind it.
        local function apply()
          if phase == 0 then
            if hasUnion then
              call('DEL', scratch)
              -- A union is taken back by increments: whether they are permitted must be known before.
              call('ZINCRBY', scratch, '0', '')
              call('DEL', scratch)
            end
            if audits > 0 then run(0) end
            join()
            phase = 1
          end
          while phase <= 3 do
            local list = phases[phase]
            while turn <= #list do
              run(list[turn])
              turn = turn + 1
            end
            phase, turn = phase + 1, 1
          end
          if hasUnion then call('DEL', scratch) end
          for _, g in ipairs(ending) do
            at, failedAt = g, firsts[g]
            call('EXPIREAT', KEYS[keys[g]], expiries[g])
          end
          if again or #refusals > 0 then
            prepareParking()
            if again then takeOut() else parkAll() end
          end
        end

        local left, fields = 0, {}
        if audits > 0 or #kinds > 0 or again then
          -- Changes nothing: what writes the marks at the end must be permitted before the first cell.
          local err = failed(try('HSET', marks, '!done', done))
          if not err then commits = try('HINCRBY', marks, '!begun', 1) end
          err = err or failed(commits)
          if err then return refused(marks, err, 'H', 3) end
          local isDone, err, isLeftOut
          repeat
            isDone, err = pcall(apply)
            if not isDone then
              prepareParking()
              isLeftOut, err = leaveOut(err)
            end
          until isDone or not isLeftOut
          if not isDone then
            local j = failedAt or reached + 2
            if hasUnion then try('DEL', scratch) end
            local hindrance = undo(begun, reached)
            if hindrance then
              local reason = 'undo failed: ' .. hindrance .. ' after ' .. err
              try('HSET', marks, '!torn', reason)
              return {-2, reason}
            end
            call('HINCRBY', marks, '!begun', -1)
            if kinds[at] == 'S' then
              return {-3, KEYS[register], joiningTo[counted + 1] or '', err, 'H', '1'}
            end
            if spot then return {-3, spot, '', err, spot == parked and 'H' or 'P', '1'} end
            return refused(KEYS[keys[at]], err, kinds[at], j)
          end
          fields = {'!done', commits}
          if countParked then countParked(fields) end
          -- A zero that stays is read like an absent cell; so an error here changes no answer.
          for k = 1, #zeros do
            local read, remove, key, field = unpack(zeros[k])
            local value = try(read, key, field)
            if failed(value) then
              left = left + 1
            elseif (value == '0' or value == '-0') and not isFull(key, read, field) then
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
        local answer = {1, left, singles, microseconds() - began}
        for k = 1, #news do answer[#answer + 1] = news[k] end
        local overflows = {}
        for key, count in pairs(others) do
          overflows[#overflows + 1] = key
          overflows[#overflows + 1] = count
        end
        if #overflows > 0 then answer[#answer + 1] = overflows end
        return answer
        """#
}
