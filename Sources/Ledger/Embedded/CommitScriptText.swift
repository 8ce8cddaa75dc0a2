// Written by scripts/embed from Sources/Ledger/Commit/commit.lua; change it there, not here.
// swift-format-ignore-file

enum CommitScriptText {
    static let text = #"""
#!lua
-- The commit script: the only writer of cells and marks. This is the law of Odometer.
--
--  1. A commit brings what a range [from, to) of offsets of each partition adds to a shard's cells.
--  2. Redis runs this script alone, and writes its effects as one transaction.
--  3. For each range the stored mark must be `from`, under our contract; else nothing changes.
--  4. If all match, the cells change and the marks become `to`, in this one call.
--  5. Redis takes nothing back when a command in a script fails. So whatever can fail is tried by
--     reads first; the rest runs under `pcall` and is undone here on an error.
--  6. `!begun` counts up before the first cell changes, `!done` becomes that number at the end.
--     They differ only where a part of a commit was run: then the shard is torn, and takes none.
--  7. An entry that its own cell refuses is left out and parked beside the marks, in the same call.
--     An error of the whole server undoes everything, also what this call has parked.
--  8. Members beyond a key's limit, and scopes beyond an organization's, count as `__other__`.
--  9. Deltas, offsets and scores stay strings: Lua's numbers are doubles, exact below 2^53 only.
-- 10. The proof is in docs/EXACTLY_ONCE.md; the keys are described in schemas/redis.md.
--
-- KEYS: marks, audit, scratch, then one key for each group.
--
-- ARGV: the expected contract;
--   the number of ranges, then for each: mark, from or "", to, fingerprint or "";
--   the number of audit entries, then for each: member, delta;
--   the groups in the order of their keys, each: its head, where the head has `@` the second since
--   1970 at which a new key expires, the number of entries, the entries (see the kinds below);
--   last the latest second since 1970 that Redis' clock may show, 0: any.
-- A head is the kind's letter, then `@` or nothing, then a limit of the key's members or nothing
-- (with an `F` before it where members are `METER:MEMBER`, because several meters share the key),
-- then `/` and a limit of the values that its scope's dimensions may have, or nothing.
-- Where `parked` is in the place of the number of ranges, names of parked entries follow instead,
-- and the latest second: they are tried again; what its cell takes leaves the parked hash.
--
-- Answers:
--   {1, zeros that could not be removed, scores added one by one, microseconds}: applied. Where the
--     parked hash was touched there follow its size, the number of entries parked, and key, member,
--     kind and error of some that are new. Last, where entries went to `__other__`, a list
--     {key, number of entries, …}.
--   {0, mark…}: nothing changed, these are the marks.
--   {-1, contract}: nothing changed, the shard is under this contract.
--   {-2, reason}: the shard is torn.
--   {-3, key, member, error, kind, value}: the shard's own records refused; everything was undone.
--   {-4, second}: nothing changed, Redis' clock shows this second, later than the latest permitted.
--   {-5, then for each: scope, 0 refused, 1 admitted, 2 there is room}: nothing changed; the caller
--     believed something else of these scopes.

-- The kinds of groups. `CommitArguments` in Swift has the same letters; a test compares them.
--                            entry          what it does
local ADD = 'H'            -- member, delta  adds an integer to a member of a hash
local SCORE = 'Z'          -- delta, member  adds an integer to a score in a sorted set
local UNION = 'U'          -- one dump       adds the scores of a dumped set, each in 1 ..< 10^15
local HASH = 'N'           -- one dump       makes a hash, where the key is absent; see below
local SET = 'Y'            -- one dump       makes a sorted set, where the key is absent; see below
local SKETCH = 'Q'         -- dump, values   makes a HyperLogLog, where the key is absent; see below
local MINIMUM = 'm'        -- member, value  keeps the lesser 20-digit text
local MAXIMUM = 'M'        -- member, value  keeps the greater 20-digit text
local FIRST = 'f'          -- member, value  keeps the TIME20:VALUE of the least time; ties: greater
local LAST = 'l'           -- member, value  keeps the greater TIME20:VALUE
local DISTINCT = 'P'       -- value          adds a value to a HyperLogLog
local REGISTER = 'S'       -- scope, limit   the shard's register of scopes, and those of its scopes
                           --                that the caller counts as `__other__`
local REMERGE = 'p'        -- "", none       only made here: adds a parked HyperLogLog to its key
-- HASH, SET and SKETCH are sent for keys that the caller believes absent. No other group names
-- their key. Where it exists, a SKETCH is a group of DISTINCT, a SET is a UNION, and the entries of a HASH's dump apply one by one: as integers
-- to add, but for those of which kind and member follow the dump: their number, then two words each.
local EXPIRES = '@'
local HEAD_PATTERN = '^(.)(@?)(F?)(%d*)/?(%d*)$'
-- Words of one entry; a dump is counted where it is used.
local entryWords = {
  [ADD] = 2, [SCORE] = 2, [UNION] = 0, [HASH] = 0, [SET] = 0, [SKETCH] = 0, [MINIMUM] = 2, [MAXIMUM] = 2, [FIRST] = 2, [LAST] = 2,
  [DISTINCT] = 1, [REMERGE] = 1, [REGISTER] = 2,
}
-- The kinds whose groups make their key where it is absent.
local makesKey = {[HASH] = true, [SET] = true, [SKETCH] = true}
-- Increments come first; then what can be repeated without harm; then PFADD, which has no undo.
local phaseOf = {
  [ADD] = 1, [SCORE] = 1, [UNION] = 1, [HASH] = 1, [SET] = 1, [MINIMUM] = 2, [MAXIMUM] = 2, [FIRST] = 2, [LAST] = 2,
  [DISTINCT] = 3, [SKETCH] = 3, [REMERGE] = 3,
}

-- Set to false where the user may not run TIME; the only text that Swift changes here.
local READS_CLOCK = true
-- Sums at or beyond this may be rounded by Redis, which adds scores as doubles.
local SCORE_LIMIT = 9007199254740992 -- 2^53
-- Numbers of fewer digits stay below the limit when two of them are added.
local LONG_SCORE = 16
-- Arguments of one command where there are many.
local BATCH = 1000
-- New parked entries that are named in the answer, four words each.
local LISTED_WORDS = 32
-- The member that counts what a limit leaves out.
local OTHER = '__other__'

local call, try = redis.call, redis.pcall
local tonumber, type, unpack = tonumber, type, unpack
local byte, find, min = string.byte, string.find, math.min

---------------------------------------------------------------------------------------------------
-- The clock, the contract and the state of the shard

local second = 0
-- Redis 7.0's clock goes on within a script; where it does not, no duration is told.
local function microseconds()
  if not READS_CLOCK then return 0 end
  local now = try('TIME')
  if type(now) ~= 'table' or not now[2] then return 0 end
  second = tonumber(now[1])
  return second % 1000000 * 1000000 + now[2]
end
local began = microseconds()
local marks, audit, scratch = KEYS[1], KEYS[2], KEYS[3]
local argv, lastPlace = ARGV, #ARGV - 1
local latest = tonumber(argv[lastPlace + 1])
-- A clock that is ahead deletes keys that are still needed: nothing is touched.
if latest > 0 and second > latest then return {-4, second} end

local contract = try('HGET', marks, '!contract') or ''
if type(contract) == 'table' then
  return {-3, marks, '!contract', contract.err, ADD, ''}
end
if contract ~= argv[1] then return {-1, contract} end
local state = try('HMGET', marks, '!torn', '!begun', '!done')
if state.err then return {-3, marks, '!torn', state.err, ADD, ''} end
local torn, commits, done = state[1] or '', state[2] or '0', state[3] or '0'
if torn == '' and commits ~= done then
  torn = 'a part of a commit was run: ' .. commits .. ' begun, ' .. done .. ' done'
end
if torn ~= '' then return {-2, torn} end

---------------------------------------------------------------------------------------------------
-- Errors and values

local function failed(reply) return type(reply) == 'table' and reply.err end
-- Whether an error is about one cell's content, and not about the server or our rights.
local function isCellError(err)
  return find(err, '^WRONGTYPE') or find(err, '^INVALIDOBJ')
    or find(err, 'not an integer', 1, true) or find(err, 'would overflow', 1, true)
    or find(err, 'beyond 2^53', 1, true) or find(err, 'no extreme', 1, true)
    or find(err, '(NaN)', 1, true)
end
-- Compares by bytes: Lua's own order of strings is that of the server's locale.
-- Four bytes a call; past its end a string gives nil, which is less than any byte.
local function isGreater(left, right)
  for position = 1, math.max(#left, #right), 4 do
    local left1, left2, left3, left4 = byte(left, position, position + 3)
    local right1, right2, right3, right4 = byte(right, position, position + 3)
    if left1 ~= right1 then return (left1 or -1) > (right1 or -1) end
    if left2 ~= right2 then return (left2 or -1) > (right2 or -1) end
    if left3 ~= right3 then return (left3 or -1) > (right3 or -1) end
    if left4 ~= right4 then return (left4 or -1) > (right4 or -1) end
  end
  return false
end
-- By kind of extreme: whether a new value takes the place of the one before.
local replaces = {[MAXIMUM] = isGreater, [LAST] = isGreater}
replaces[MINIMUM] = function(new, before) return isGreater(before, new) end
replaces[FIRST] = function(new, before)
  local newTime, timeBefore = new:sub(1, 20), before:sub(1, 20)
  if newTime ~= timeBefore then return isGreater(timeBefore, newTime) end
  return isGreater(new, before)
end
-- Whether a value has the form of its kind.
local function isSound(kind, text)
  if kind == MINIMUM or kind == MAXIMUM then
    local _, last = find(text, '^%d+')
    return last == 20 and #text == 20
  elseif kind == FIRST or kind == LAST then
    local _, last = find(text, '^%d+:')
    return last == 21
  end
  return find(text, '^%-?%d+$')
end

---------------------------------------------------------------------------------------------------
-- What is tried again: the parked hash is beside the marks. The name of an entry is
-- `KIND[F][#NUMBER] EXPIRY KEY MEMBER`: the group's letter, F as in the head, the second at which
-- the key ends, or 0 for never, and where the delta belongs. No key's name holds a space, so two
-- cells never give one name.
-- Increments and scores add up in it; extremes keep the winner. Values of a HyperLogLog go to one
-- of their own, `KEY:parked`, and the entry counts them. Where an entry cannot take a value (its
-- sum would pass 2^63, or its content is not ours), the value goes to the entry of the next number:
-- so parking refuses nothing for its size.

local parked = marks:sub(1, -6) .. 'parked'
-- Groups and entries that are left out, with the reason.
local refusals, isOut, isSkipped = {}, {}, {}
-- By a key's index the name of the parked entry that is tried again; nil in a commit.
local retriedNames
-- Entries whose cell was at 0 in a full key, by place: see the limits.
local wasZero = {}
-- Keys in which a member begins with its meter's name; each meter has its own `__other__`.
local isShared = {}
local function otherOf(key, member)
  local meter, values = '', member
  if isShared[key] then meter, values = member:match('^([^:]*:)(.*)$') end
  local _, colons = values:gsub(':', '')
  return meter .. OTHER .. (':' .. OTHER):rep(colons)
end
if argv[2] == 'parked' then
  local names = argv
  retriedNames, argv = {}, {names[1], '0', '0'}
  for index = 3, #names - 1 do
    local kind, shared, expiry, key, member =
      names[index]:match('^(%a)(F?)#?%d* (%d+) (%S+) (.*)$')
    local value = kind and try('HGET', parked, names[index])
    if failed(value) then return {-3, parked, '', value.err, ADD, '1'} end
    if value and isSound(kind, value) then
      KEYS[#KEYS + 1] = key
      if shared ~= '' then isShared[key] = true end
      retriedNames[#KEYS] = names[index]
      if kind ~= DISTINCT then
        local read, other = kind == SCORE and 'ZSCORE' or 'HGET', otherOf(key, member)
        local before = try(read, key, member)
        if not before and type(try(read, key, other)) == 'string' then member = other end
        if before == '0' or before == '-0' then
          wasZero[#argv + (expiry == '0' and 3 or 4)] = true
        end
      end
      local word1, word2 = member, value
      if kind == SCORE then word1, word2 = value, member end
      if kind == DISTINCT then kind, word1, word2 = REMERGE, '', nil end
      argv[#argv + 1] = expiry == '0' and kind or kind .. EXPIRES
      if expiry ~= '0' then argv[#argv + 1] = expiry end
      for _, word in ipairs({'1', word1, word2}) do argv[#argv + 1] = word end
    end
  end
  lastPlace = #argv
end

---------------------------------------------------------------------------------------------------
-- The law: each stored mark must be the start of its range

local ranges = tonumber(argv[2])
local firstAudit = 4 + 4 * ranges
local answerOfMarks, differs = {0}, false
for place = 3, firstAudit - 2, 4 do
  local mark = call('HGET', marks, argv[place]) or ''
  if mark ~= argv[place + 1] then differs = true end
  answerOfMarks[#answerOfMarks + 1] = mark
end
if differs then return answerOfMarks end

---------------------------------------------------------------------------------------------------
-- Looks at every group by reads alone: the shape of its arguments, the type of its key, whether the
-- key exists

local audits = tonumber(argv[firstAudit - 1])
local lastAudit = firstAudit - 1 + 2 * audits
-- Of each group: kind, index of its key, place of its first and last word. Group 0 is the audit.
local kinds, keys = {[0] = ADD}, {[0] = 2}
local firsts, lasts = {[0] = firstAudit}, {[0] = lastAudit}
-- Of a group: its expiry, its limit of members. By key: its number of members, where it is needed.
local expiries, memberLimits, sizes = {}, {}, {}
-- Groups whose key is absent and gets an expiry.
local expiringGroups = {}
local register, registerGroup, lastScope
-- Places of the register's entries; scopes of keys that would be made, and their limits.
local claims, wanted, scopeLimits = {}, {}, {}
-- Groups by phase. By a key's index: whether it is absent, whether all its scores are short, how a
-- union adds to it.
local phases, isAbsent, isShortSet, unionWay = {{}, {}, {}}, {}, {}, {}
-- The answer after an error about an entry.
local function refusalAnswer(key, err, kind, place)
  -- Nothing is known of it but that the server refuses to make it.
  if kind == HASH then return {-3, key, '', err, ADD, '0'} end
  if kind == SKETCH then return {-3, key, argv[place + 1], err, DISTINCT, ''} end
  if kind == UNION or kind == SET then
    -- One member of the set is named for all of it.
    try('RESTORE', scratch, '0', argv[place], 'REPLACE')
    local entry = try('ZRANGE', scratch, '0', '0', 'WITHSCORES')
    try('DEL', scratch)
    return {-3, key, entry[1] or '', err, SCORE, entry[2] or ''}
  end
  local member, value = argv[place], argv[place + entryWords[kind] - 1]
  if kind == SCORE then member, value = value, member end
  return {-3, key, member or '', err, kind, value or ''}
end
local function isShort(score)
  return not score or #score < LONG_SCORE and not score:find('[^%d]')
end
local isNamed, hasUnion = {}, false
-- A union is undone by increments: whether they are permitted must be known before.
local function tryScores()
  call('DEL', scratch)
  call('ZINCRBY', scratch, '0', '')
  call('DEL', scratch)
end
-- Of a group of scores: whether its key is absent; an error; whether all its scores are short; how
-- a union adds to it.
local function lookAtScores(key, kind, member, count, limit)
  -- What an earlier group of this call does to the key is not seen here.
  local isFirst = not isNamed[key]
  isNamed[key] = true
  -- One look at the score, or at the greatest of the set, tells that no sum comes near 2^53.
  if kind == SCORE and count == 1 then
    local score = try('ZSCORE', key, member)
    if failed(score) then return false, score.err end
    -- A member that exists makes no new one: the size need not be known.
    if score then return false, nil, isShort(score) end
    sizes[key] = try('ZCARD', key)
    return sizes[key] == 0, nil, true
  end
  local top = try('ZRANGE', key, -1, -1, 'WITHSCORES')
  if failed(top) then return false, top.err end
  local isLow = isShort(top[2])
  if kind == SCORE or not isLow or not isFirst then
    if limit then sizes[key] = try('ZCARD', key) end
    return not top[2], nil, isLow
  end
  hasUnion = true
  if not top[2] then
    sizes[key] = 0
    return true, nil, true, not (limit and count > limit) and 'fill'
  end
  -- A union costs by all members, an increment by the touched ones: six to one.
  local size = try('ZCARD', key)
  if failed(size) then return false, size.err end
  sizes[key] = size
  if size > 4 * count or limit and size + count > limit then return false, nil, true end
  -- A sum of 0 must not stay, and a union does not look at sums: all scores must be above 0 before.
  local bottom = try('ZRANGE', key, 0, 0, 'WITHSCORES')
  if failed(bottom) then return false, bottom.err end
  if bottom[2]:byte() == 45 then return false, nil, true end
  return false, nil, true, 'union'
end
-- By kind: tells whether a group's key is absent, and an error.
local lookAtKey = {}
lookAtKey[DISTINCT] = function(key)
  local reply = try('GETRANGE', key, 0, 3)
  if reply == 'HYLL' then return false end
  if failed(reply) then return false, reply.err end
  local exists = try('EXISTS', key)
  if exists == 1 then return false, 'WRONGTYPE not a HyperLogLog' end
  return true, failed(exists)
end
lookAtKey[REMERGE] = lookAtKey[DISTINCT]
-- These are made where their key is absent, and only a refusal tells that it is there.
lookAtKey[HASH] = function() return false end
lookAtKey[SKETCH] = lookAtKey[HASH]
lookAtKey[SET] = function(key)
  -- A later union of this key must not take it for absent.
  isNamed[key] = true
  return false
end
local function lookAtHash(key, limit)
  local size = try('HLEN', key)
  if type(size) == 'table' then return false, size.err end
  -- Where not even all words of this call fill the key, its size need not be known.
  if limit and size + lastPlace > limit then sizes[key] = size end
  return size == 0
end
lookAtKey[ADD] = lookAtHash
for kind in pairs(replaces) do lookAtKey[kind] = lookAtHash end
-- What a head says, read once for each different one: kind, limit of members, limit of the scope's
-- values, words of an entry, groups of its phase, look at the key, whether it expires.
local heads = {}
local function readHead(text)
  local kind, expires, shared, limit, scopeLimit = text:match(HEAD_PATTERN)
  heads[text] = {
    kind, tonumber(limit), tonumber(scopeLimit), entryWords[kind], phases[phaseOf[kind] or 0],
    lookAtKey[kind], expires == EXPIRES, shared ~= '',
  }
  return heads[text]
end
-- The organization and scope in a key's name: up to the last `=` and the value behind it.
local function scopeOf(key) return key:match('^[^:]*:[^:]*:[^:]*:(.*=[^:]*):') end
-- Notes that a key would be made, so that its scope must be admitted. Groups of one scope follow
-- each other.
local function want(key, limit)
  if lastScope and key:sub(1, #lastScope) == lastScope
    and not key:find('=', #lastScope + 1, true) then
    return
  end
  lastScope = key:match('^.*=[^:]*:')
  if not lastScope then return end
  local scope = scopeOf(lastScope)
  if not scope then return end
  if not scopeLimits[scope] then wanted[#wanted + 1] = scope end
  scopeLimits[scope] = limit
end
if audits > 0 then
  local isGone, err = lookAtHash(audit)
  if err then return refusalAnswer(audit, err, ADD, firstAudit) end
  isAbsent[2] = isGone
end
local headPlace, group = lastAudit + 1, 0
while headPlace <= lastPlace do
  local head = heads[argv[headPlace]] or readHead(argv[headPlace])
  local kind, limit, scopeLimit = head[1], head[2], head[3]
  local words, phase, look = head[4], head[5], head[6]
  local first, expiry, err = headPlace + 2
  if head[7] then
    first, expiry = headPlace + 3, argv[headPlace + 1]
  end
  local count = tonumber(argv[first - 1])
  group = group + 1
  local index = group + 3
  local key = KEYS[index]
  if not words or not key then return redis.error_reply('BADARGS kind or key') end
  if head[8] then isShared[key] = true end
  -- Whether it exists is not known before it is made: its scope is asked for as if it did not.
  local isMade = makesKey[kind]
  local after
  if words > 0 then
    after = first + count * words
  else
    after = first + 1
    if kind == HASH then after = after + 1 + 2 * tonumber(argv[after]) end
    if kind == SKETCH then after = after + count end
  end
  kinds[group], keys[group], firsts[group], lasts[group] = kind, index, first, after - 1
  if look then
    -- What undo does to increments without a limit or an expiry also removes a key that they made.
    if kind ~= ADD or limit or scopeLimit or expiry then
      local isGone
      isGone, err = look(key, limit)
      if isGone then isAbsent[index] = true end
    end
  elseif phase then
    isAbsent[index], err, isShortSet[index], unionWay[index] =
      lookAtScores(key, kind, argv[first + 1], count, limit)
  else
    register, registerGroup = index, group
    for place = first, after - 1, 2 do claims[#claims + 1] = place end
  end
  if scopeLimit and (isAbsent[index] or isMade) then want(key, scopeLimit) end
  if expiry and count > 0 then
    expiries[group] = expiry
    if isAbsent[index] then expiringGroups[#expiringGroups + 1] = group end
  end
  if limit and (sizes[key] or not look or isMade) then memberLimits[group] = limit end
  if not err then
    if phase then phase[#phase + 1] = group end
  elseif isCellError(err) then
    refusals[#refusals + 1], isOut[group] = {group, err}, true
  else
    return refusalAnswer(key, err, kind, first)
  end
  headPlace = after
end
if headPlace ~= lastPlace + 1 then return redis.error_reply('BADARGS length') end

---------------------------------------------------------------------------------------------------
-- Limits of scopes, before anything changes: which scopes join the register, and which the caller
-- must count as `__other__`. Which were admitted first depends on the order of commits, so it is
-- recorded where it is decided; it goes back with the cells where Redis loses its last seconds.
-- Only a key that would be made asks: where nothing is new, no command is added. KEYS must name
-- every key, so a scope that is refused is answered, and comes again under another key's name.

-- Scopes that join; the register's counters of their dimensions, and by how much each grows.
local joining, joinedCounters, joiningCount, verdict = {}, {}, {}, {-5}
local counterOf = {}
-- The register's member that counts a scope's values: the organization and the dimensions' names.
local function counter(scope)
  local name = counterOf[scope]
  if not name then
    local organization, rest = scope:match('^([^:]*)(.*)$')
    name = organization .. rest:gsub('=[^:]*', '')
    counterOf[scope] = name
  end
  return name
end
-- A ledger from before the limits has scopes that are not registered: those that have keys.
local scopesWithKeys
local function hasKeys(scope)
  if not scopesWithKeys then
    scopesWithKeys = {}
    for index = 1, group do
      local key = KEYS[keys[index]]
      local name = not isAbsent[keys[index]] and scopeOf(key)
      if name and try('EXISTS', key) == 1 then scopesWithKeys[name] = true end
    end
  end
  return scopesWithKeys[scope]
end
if register and #claims + #wanted > 0 then
  local names, isAsked, found = {}, {}, {}
  local function ask(name)
    if not isAsked[name] then names[#names + 1], isAsked[name] = name, true end
  end
  for _, place in ipairs(claims) do
    ask(argv[place])
    ask(counter(argv[place]))
  end
  for _, scope in ipairs(wanted) do
    ask(scope)
    ask(counter(scope))
  end
  for first = 1, #names, BATCH do
    local last = min(first + BATCH - 1, #names)
    local values = try('HMGET', KEYS[register], unpack(names, first, last))
    if values.err then return {-3, KEYS[register], names[first], values.err, ADD, '1'} end
    for index = 1, #values do found[names[first + index - 1]] = values[index] end
  end
  local function answer(scope, code)
    verdict[#verdict + 1] = scope
    verdict[#verdict + 1] = code
  end
  local function admitted(scope) return tonumber(found[counter(scope)] or 0) or 0 end
  for _, scope in ipairs(wanted) do
    if not found[scope] then
      local count = admitted(scope)
      if count < scopeLimits[scope] or hasKeys(scope) then
        local name = counter(scope)
        joining[#joining + 1] = scope
        if not joiningCount[name] then joinedCounters[#joinedCounters + 1] = name end
        joiningCount[name] = (joiningCount[name] or 0) + 1
        found[name] = count + 1
      else
        answer(scope, 0)
      end
    end
  end
  -- Scopes that would join are told too, and room is what they leave of it. Otherwise the caller
  -- could take them all for refused, hear of room, and begin again without end.
  if #verdict > 1 then
    for _, scope in ipairs(joining) do answer(scope, 1) end
  end
  for _, place in ipairs(claims) do
    if found[argv[place]] then
      answer(argv[place], 1)
    elseif admitted(argv[place]) < tonumber(argv[place + 1]) then
      answer(argv[place], 2)
    end
  end
  if #verdict > 1 then return verdict end
end

---------------------------------------------------------------------------------------------------
-- How a group changes its cells: an error is raised, `reached` is the place of the last entry that
-- is done, `valueBefore` and `isAdded` keep what undo needs

local reached, failedPlace = 0, nil
local valueBefore, isAdded, zeroCells, singleScores, change = {}, {}, {}, 0, {}
change[ADD] = function(key, first, last)
  for place = first, last, 2 do
    if call('HINCRBY', key, argv[place], argv[place + 1]) == 0 then
      zeroCells[#zeroCells + 1] = {'HGET', 'HDEL', key, argv[place]}
    end
    reached = place
  end
end
-- What a rounded sum was made of cannot be told from it, so the score before is kept. `tonumber`
-- only compares with the limit here; no amount is made from it.
local function isBig(text)
  if #text < LONG_SCORE then return false end
  local number = tonumber(text)
  return not (number and number < SCORE_LIMIT and number > -SCORE_LIMIT)
end
local function addScore(key, place)
  if isBig(argv[place]) then error({err = 'ERR increment beyond 2^53'}) end
  local before = call('ZSCORE', key, argv[place + 1])
  -- Infinite, or with a fraction: not ours.
  if before and not isSound(SCORE, before) then
    error({err = 'ERR score is not an integer'})
  end
  local sum = call('ZINCRBY', key, argv[place], argv[place + 1])
  valueBefore[place], reached = before, place
  if isBig(sum) then
    failedPlace = place
    error({err = 'ERR score beyond 2^53'})
  end
  return sum
end
-- Where all scores and the increments are short, sums are exact: what is undone by the opposite
-- needs no score before. (A negative score far beyond them is not ours.)
change[SCORE] = function(key, first, last, isLow)
  singleScores = singleScores + (last - first + 1) / 2
  for place = first, last, 2 do
    local delta, sum = argv[place]
    if isLow and #delta < LONG_SCORE and byte(delta) ~= 45 then
      sum = call('ZINCRBY', key, delta, argv[place + 1])
      isAdded[place], reached = true, place
    else
      sum = addScore(key, place)
    end
    if sum == '0' or sum == '-0' then
      zeroCells[#zeroCells + 1] = {'ZSCORE', 'ZREM', key, argv[place + 1]}
    end
  end
end
-- Turns a union into a group of single scores, whose words are appended to the arguments.
local function expand(index)
  call('RESTORE', scratch, '0', argv[firsts[index]], 'REPLACE')
  local list, last = call('ZRANGE', scratch, '0', '-1', 'WITHSCORES'), #argv
  call('DEL', scratch)
  for place = 1, #list, 2 do
    argv[last + place], argv[last + place + 1] = list[place + 1], list[place]
  end
  kinds[index], firsts[index], lasts[index] = SCORE, last + 1, last + #list
end
-- Turns the dump of a hash into groups of its entries, which are appended to the arguments: extremes
-- get groups of their own in the next phase.
local function expandHash(index)
  call('RESTORE', scratch, '0', argv[firsts[index]], 'REPLACE')
  local list = try('HGETALL', scratch)
  call('DEL', scratch)
  if failed(list) then error(list) end
  local kindOf, words = {}, {[ADD] = {}}
  for place = firsts[index] + 2, lasts[index], 2 do kindOf[argv[place + 1]] = argv[place] end
  for place = 1, #list, 2 do
    local kind = kindOf[list[place]] or ADD
    if not words[kind] then words[kind] = {} end
    local ofKind = words[kind]
    ofKind[#ofKind + 1], ofKind[#ofKind + 2] = list[place], list[place + 1]
  end
  local function append(place, kind)
    kinds[place], keys[place], expiries[place] = kind, keys[index], expiries[index]
    memberLimits[place] = memberLimits[index]
    firsts[place], lasts[place] = #argv + 1, #argv + #words[kind]
    for _, word in ipairs(words[kind]) do argv[#argv + 1] = word end
  end
  append(index, ADD)
  for _, kind in ipairs({MINIMUM, MAXIMUM, FIRST, LAST}) do
    if words[kind] then
      group = group + 1
      append(group, kind)
      phases[2][#phases[2] + 1] = group
    end
  end
end
-- Makes the key of a dump; whether it did. Where it exists, or where not all of its members may be
-- kept apart, the group becomes one of another kind.
local function make(index)
  local key = KEYS[keys[index]]
  local expiry, limit = expiries[index], memberLimits[index]
  local count = tonumber(argv[firsts[index] - 1])
  if limit and count > limit then
    if call('EXISTS', key) == 0 then
      isAbsent[keys[index]] = true
      if expiry then expiringGroups[#expiringGroups + 1] = index end
    end
  else
    -- RESTORE takes no second before 1970; a key of the past is not made.
    local time = expiry and (tonumber(expiry) > 0 and expiry .. '000' or '1') or '0'
    local reply = try('RESTORE', key, time, argv[firsts[index]], 'ABSTTL')
    local err = failed(reply)
    if not err then
      isAbsent[keys[index]] = true
      if sizes[key] then sizes[key] = sizes[key] + count end
      return true
    elseif not find(err, '^BUSYKEY') then
      error(reply)
    end
  end
  if kinds[index] == HASH then
    expandHash(index)
    if limit then
      local size = try('HLEN', key)
      sizes[key] = not failed(size) and size or nil
    end
  elseif kinds[index] == SKETCH then
    kinds[index], firsts[index] = DISTINCT, firsts[index] + 1
  else
    kinds[index] = UNION
    if not hasUnion then tryScores() end
    local place, err = keys[index], nil
    isNamed[key] = nil
    isAbsent[place], err, isShortSet[place], unionWay[place] =
      lookAtScores(key, UNION, nil, count, limit)
    if err then error({err = err}) end
  end
  return false
end
-- ZUNIONSTORE ends a key's expiry. That it may be set again is tried before, once a script.
local hasTriedExpiry, isUnited, currentGroup = false, {}, 0
change[UNION] = function(key, first, last, isLow, way)
  local expiry = way == 'union' and call('PEXPIRETIME', key) or 0
  if expiry > 0 and not hasTriedExpiry then
    call('PEXPIREAT', key, expiry)
    hasTriedExpiry = true
  end
  call('RESTORE', scratch, '0', argv[first], 'REPLACE')
  if way == 'fill' then
    call('ZUNIONSTORE', key, 1, scratch)
  else
    call('ZUNIONSTORE', key, 2, key, scratch)
  end
  isUnited[currentGroup] = true
  if expiry > 0 then call('PEXPIREAT', key, expiry) end
end
change[DISTINCT] = function(key, first, last)
  for place = first, last, BATCH do
    reached = place - 2
    call('PFADD', key, unpack(argv, place, min(place + BATCH - 1, last)))
  end
end
change[REMERGE] = function(key)
  if call('EXISTS', key .. ':parked') == 1 then call('PFMERGE', key, key .. ':parked') end
end
-- Keeps the winners of several members by one read and one write; whether it did. What is not sound,
-- or named twice, is left to be looked at one by one.
local function keepAtOnce(kind, key, first, last)
  local names, isNamedHere, words, changed = {}, {}, {}, {}
  for place = first, last, 2 do
    local member = argv[place]
    if isNamedHere[member] then return false end
    names[#names + 1], isNamedHere[member] = member, true
  end
  local values = call('HMGET', key, unpack(names))
  for position = 1, #names do
    local place, before = first + 2 * position - 2, values[position]
    local value = argv[place + 1]
    if before and not isSound(kind, before) then return false end
    if not before or before ~= value and replaces[kind](value, before) then
      words[#words + 1], words[#words + 2] = names[position], value
      changed[#changed + 1] = position
    end
  end
  if #words > 0 then call('HSET', key, unpack(words)) end
  for _, position in ipairs(changed) do
    valueBefore[first + 2 * position - 2] = values[position]
  end
  reached = last - 1
  return true
end
local function keepExtreme(kind)
  return function(key, first, last)
    if last > first + 1 and last < first + 2 * BATCH and keepAtOnce(kind, key, first, last) then
      return
    end
    for place = first, last, 2 do
      local before, value = call('HGET', key, argv[place]), argv[place + 1]
      if before and not isSound(kind, before) then error({err = 'ERR cell holds no extreme'}) end
      if not before or before ~= value and replaces[kind](value, before) then
        call('HSET', key, argv[place], value)
        valueBefore[place] = before
      end
      reached = place
    end
  end
end
for kind in pairs(replaces) do change[kind] = keepExtreme(kind) end

---------------------------------------------------------------------------------------------------
-- Undo of one entry; joining the register and its undo

local function opposite(delta)
  -- Redis takes no '-0'.
  if delta == '0' then return delta end
  return byte(delta) == 45 and delta:sub(2) or '-' .. delta
end
local function undoEntry(kind, key, place)
  if isSkipped[place] then return end
  -- Redis keeps no cell at 0: 0 after undo means that the cell was absent. Only in a full key zeros
  -- stay; `wasZero` tells those that were there before.
  if isAdded[place] then
    local sum = try('ZINCRBY', key, opposite(argv[place]), argv[place + 1])
    if (sum == '0' or sum == '-0') and not wasZero[place] then
      sum = try('ZREM', key, argv[place + 1])
    end
    return failed(sum)
  elseif kind == ADD then
    local sum = try('HINCRBY', key, argv[place], opposite(argv[place + 1]))
    if sum == 0 and not wasZero[place] then sum = try('HDEL', key, argv[place]) end
    return failed(sum)
  end
  local before = valueBefore[place]
  if before == nil then return end
  if kind == SCORE then
    if before then return failed(try('ZADD', key, before, argv[place + 1])) end
    return failed(try('ZREM', key, argv[place + 1]))
  end
  if before then return failed(try('HSET', key, argv[place], before)) end
  return failed(try('HDEL', key, argv[place]))
end
-- How many scopes were written, and how many counters.
local joined, counted = 0, 0
local function joinScopes()
  if #joining > 0 then currentGroup, reached = registerGroup, firsts[registerGroup] - 2 end
  for first = 1, #joining, BATCH do
    local words, last = {}, min(first + BATCH - 1, #joining)
    for index = first, last do
      words[#words + 1], words[#words + 2] = joining[index], '1'
    end
    call('HSET', KEYS[register], unpack(words))
    joined = last
  end
  for index = 1, #joinedCounters do
    call('HINCRBY', KEYS[register], joinedCounters[index], joiningCount[joinedCounters[index]])
    counted = index
  end
end
local function undoJoining()
  for index = counted, 1, -1 do
    local name = joinedCounters[index]
    local reply = try('HINCRBY', KEYS[register], name, -joiningCount[name])
    if reply == 0 then reply = try('HDEL', KEYS[register], name) end
    if failed(reply) then return reply.err end
  end
  for first = 1, joined, BATCH do
    local last = min(first + BATCH - 1, joined)
    local reply = try('HDEL', KEYS[register], unpack(joining, first, last))
    if failed(reply) then return reply.err end
  end
end

---------------------------------------------------------------------------------------------------
-- Limits of a key's members: what is new to a full key counts as `__other__`

local limitOf, otherCounts = {}, {}
-- Whether a key has the `__other__` of any meter in it. No value of a cell looks like one's name.
local function hasOther(key, read, member)
  if not isShared[key] then return type(try(read, key, otherOf(key, member))) == 'string' end
  for _, name in ipairs(try('HGETALL', key)) do
    if find(name, ':' .. OTHER, 1, true) then return true end
  end
  return false
end
-- In a key that several meters share every field counts.
local function isFull(key, read, member)
  local limit = limitOf[key]
  if not limit then
    -- What was parked comes without a limit: a key that has `__other__` is taken for full.
    return retriedNames and hasOther(key, read, member)
  end
  local size = try(read == 'HGET' and 'HLEN' or 'ZCARD', key)
  if failed(size) then return true end
  if not isShared[key] and type(try(read, key, otherOf(key, member))) == 'string' then
    size = size - 1
  end
  return size >= limit
end
-- Writes `__other__` over the members of entries that are new to a full key.
local function admit(index, key, limit)
  local isScore = kinds[index] == SCORE
  local offset, read = isScore and 1 or 0, isScore and 'ZSCORE' or 'HGET'
  local size = call(isScore and 'ZCARD' or 'HLEN', key)
  local other = otherOf(key, argv[firsts[index] + offset])
  local otherBefore, isNew = call(read, key, other), {}
  local shared = isShared[key]
  if otherBefore and not shared then size = size - 1 end
  for place = firsts[index], lasts[index], 2 do
    local member = argv[place + offset]
    local value = call(read, key, member)
    if shared then
      local own = otherOf(key, member)
      if own ~= other then other, otherBefore = own, call(read, key, own) end
    end
    if not value and not isNew[member] and member ~= other then
      if size < limit then
        isNew[member] = true
        size = size + 1
      else
        argv[place + offset], value = other, otherBefore
        otherCounts[key] = (otherCounts[key] or 0) + 1
      end
    end
    if shared and not value and not isNew[other] and argv[place + offset] == other then
      isNew[other] = true
      size = size + 1
    end
    if value == '0' or value == '-0' then wasZero[place] = true end
  end
  sizes[key] = size + 1
end
local function limitMembers(index)
  local key, limit = KEYS[keys[index]], memberLimits[index]
  limitOf[key] = limit
  local size = sizes[key]
  local first, last = firsts[index], lasts[index]
  if not size or last < first then return end
  local isUnion = kinds[index] == UNION
  local count = isUnion and tonumber(argv[first - 1]) or (last - first + 1) / 2
  if isUnion or size + count <= limit then
    sizes[key] = size + count
  else
    admit(index, key, limit)
  end
end

---------------------------------------------------------------------------------------------------
-- Parking what single cells refuse, and taking it out again

-- Groups that were begun; the phase under way and the turn in it; the place at which to go on in a
-- group, one of whose entries was left out.
local begunGroups, phase, turn, resumeAt = {}, 0, 1, nil
-- The key that refused to park; what the answer says of parking.
local parkingKey, parkedAnswer = nil, {}
local leaveOut, parkAll, takeOut, undoParking, countParked
-- Most commits need none of this, so it is made only for those that do.
local function prepareParking()
  if leaveOut then return end
  -- Parked entries as they were; HyperLogLogs that were made; words for the answer.
  local before, made, parkedEntries, listed = {}, {}, 0, {}
  -- Leaves out the entry at which `apply` ended, so that `apply` can continue with the next one.
  -- Answers whether it did, and the error.
  function leaveOut(err)
    err = failed(err) or tostring(err)
    local index = phases[phase] and phases[phase][turn]
    if not index or not isCellError(err) then return false, err end
    local kind, place = kinds[index], failedPlace or reached + 2
    failedPlace, resumeAt = nil, nil
    if kind == UNION or kind == DISTINCT or kind == REMERGE then
      refusals[#refusals + 1] = {index, err, kind == DISTINCT and place or nil}
      turn = turn + 1
    else
      if valueBefore[place] ~= nil then
        local undoError = undoEntry(kind, KEYS[keys[index]], place)
        if undoError then return false, undoError end
        valueBefore[place] = nil
      end
      refusals[#refusals + 1] = {index, err, place, place + 1}
      isSkipped[place], reached = true, place
      if place + 2 > lasts[index] then turn = turn + 1 else resumeAt = place + 2 end
    end
    isOut[index] = true
    return true
  end
  -- The value of a parked entry, which is kept for undo.
  local function noteBefore(name)
    local value = call('HGET', parked, name)
    before[#before + 1] = {name, value}
    return value
  end
  -- Parks one value; whether its entry is new.
  local function park(kind, expiry, key, member, value)
    local number, shared = 1, isShared[key] and 'F' or ''
    while true do
      local suffix = shared .. (number > 1 and '#' .. number or '')
      local name = kind .. suffix .. ' ' .. expiry .. ' ' .. key .. ' ' .. member
      local held = noteBefore(name)
      if not replaces[kind] then
        local sum = try('HINCRBY', parked, name, value)
        local err = failed(sum)
        if not err then
          if sum == 0 then call('HDEL', parked, name) end
          return not held
        end
        if not isCellError(err) or number > 99 then error(sum) end
      elseif not held or isSound(kind, held) then
        if not held or replaces[kind](value, held) then call('HSET', parked, name, value) end
        return not held
      end
      number = number + 1
    end
  end
  local function parkDistinct(key, expiry, first, last)
    parkingKey = key .. ':parked'
    if call('EXISTS', parkingKey) == 0 then made[#made + 1] = parkingKey end
    for place = first, last, BATCH do
      call('PFADD', parkingKey, unpack(argv, place, min(place + BATCH - 1, last)))
    end
    if made[#made] == parkingKey and expiry ~= '0' then call('EXPIREAT', parkingKey, expiry) end
    parkingKey = parked
    return park(DISTINCT, expiry, key, '', last - first + 1)
  end
  -- Parks everything that was left out: of a group all entries, or those named.
  function parkAll()
    parkingKey = parked
    for _, refusal in ipairs(refusals) do
      local index, err = refusal[1], refusal[2]
      if kinds[index] == UNION then expand(index) end
      local kind, key, step = kinds[index], KEYS[keys[index]], entryWords[kinds[index]]
      local expiry = expiries[index] or '0'
      local first, last = refusal[3] or firsts[index], refusal[4] or lasts[index]
      if kind == DISTINCT then step = last - first + 1 end
      for place = first, last, step do
        local member, value, isNew = argv[place], argv[place + 1], nil
        if kind == SCORE then member, value = value, member end
        if kind == DISTINCT then
          member, isNew = '', parkDistinct(key, expiry, first, last)
        else
          isNew = park(kind, expiry, key, member, value)
        end
        parkedEntries = parkedEntries + 1
        if isNew and #listed < LISTED_WORDS then
          for _, word in ipairs({key, member, kind, err}) do listed[#listed + 1] = word end
        end
      end
    end
    parkingKey = nil
  end
  -- Removes, of the entries tried again, what its cell took, and what has expired meanwhile.
  function takeOut()
    parkingKey = parked
    for index = 1, #kinds do
      local name = retriedNames[keys[index]]
      if not isOut[index] or expiries[index] and tonumber(expiries[index]) <= second then
        noteBefore(name)
        call('HDEL', parked, name)
        if kinds[index] == REMERGE then listed[#listed + 1] = KEYS[keys[index]] .. ':parked' end
      end
    end
    parkingKey = nil
  end
  function undoParking()
    for index = #before, 1, -1 do
      local name, value = before[index][1], before[index][2]
      local reply
      if value then
        reply = try('HSET', parked, name, value)
      else
        reply = try('HDEL', parked, name)
      end
      if failed(reply) then return reply.err end
    end
    for _, key in ipairs(made) do
      local err = failed(try('DEL', key))
      if err then return err end
    end
  end
  -- After the parked hash was touched: its size for the marks and for the answer.
  function countParked(words)
    if not retriedNames and #refusals == 0 then return end
    local count = try('HLEN', parked)
    if failed(count) then return end
    words[#words + 1], words[#words + 2] = '!parked', count
    parkedAnswer = {count, parkedEntries}
    if retriedNames then
      for _, key in ipairs(listed) do try('DEL', key) end
    else
      for index = 1, #listed do parkedAnswer[#parkedAnswer + 1] = listed[index] end
    end
  end
end

---------------------------------------------------------------------------------------------------
-- Running the groups, and undoing all of them

-- Answers an error where something could not be undone: then the shard is torn.
local function undo(groups, lastReached)
  local err = undoParking and undoParking()
  if err then return err end
  -- A key may be named by several groups, and not all of them have looked whether it exists.
  local isRemoved = {}
  for position = #groups, 1, -1 do
    local undone = groups[position]
    local index = keys[undone]
    local last = position == #groups and lastReached or lasts[undone] - 1
    if isAbsent[index] then
      local err = failed(try('DEL', KEYS[index]))
      if err then return err end
      isRemoved[KEYS[index]] = true
    elseif kinds[undone] ~= DISTINCT and not isRemoved[KEYS[index]] then
      if isUnited[undone] then
        local isDone, err = pcall(expand, undone)
        if not isDone then return failed(err) or tostring(err) end
        last = lasts[undone] - 1
        for place = firsts[undone], last, 2 do isAdded[place] = true end
      end
      for place = last, firsts[undone], -2 do
        local err = undoEntry(kinds[undone], KEYS[index], place)
        if err then return err end
      end
    end
  end
  return undoJoining()
end
local function run(index)
  local first = resumeAt
  if not first then
    currentGroup, begunGroups[#begunGroups + 1], reached = index, index, firsts[index] - 2
    if makesKey[kinds[index]] then
      if make(index) then return end
      reached = firsts[index] - 2
    end
    if kinds[index] == UNION and not unionWay[keys[index]] then
      expand(index)
      reached = firsts[index] - 2
    end
    if memberLimits[index] then limitMembers(index) end
    first = firsts[index]
  end
  resumeAt = nil
  local key = keys[index]
  change[kinds[index]](KEYS[key], first, lasts[index], isShortSet[key], unionWay[key])
end
-- Called again after an entry was left out: continues with the next one.
local function apply()
  if phase == 0 then
    if hasUnion then tryScores() end
    if audits > 0 then run(0) end
    joinScopes()
    phase = 1
  end
  while phase <= 3 do
    local groups = phases[phase]
    while turn <= #groups do
      run(groups[turn])
      turn = turn + 1
    end
    phase, turn = phase + 1, 1
  end
  if hasUnion then call('DEL', scratch) end
  for _, index in ipairs(expiringGroups) do
    currentGroup, failedPlace = index, firsts[index]
    call('EXPIREAT', KEYS[keys[index]], expiries[index])
  end
  if retriedNames or #refusals > 0 then
    prepareParking()
    if retriedNames then takeOut() else parkAll() end
  end
end

local zerosLeft, words = 0, {}
if audits > 0 or #kinds > 0 or retriedNames then
  -- Changes nothing: what writes the marks at the end must be permitted before the first cell.
  local err = failed(try('HSET', marks, '!done', done))
  if not err then commits = try('HINCRBY', marks, '!begun', 1) end
  err = err or failed(commits)
  if err then return refusalAnswer(marks, err, ADD, 3) end
  local isDone, err, isLeftOut
  repeat
    isDone, err = pcall(apply)
    if not isDone then
      prepareParking()
      isLeftOut, err = leaveOut(err)
    end
  until isDone or not isLeftOut
  if not isDone then
    local place = failedPlace or reached + 2
    if hasUnion then try('DEL', scratch) end
    local undoError = undo(begunGroups, reached)
    if undoError then
      local reason = 'undo failed: ' .. undoError .. ' after ' .. err
      try('HSET', marks, '!torn', reason)
      return {-2, reason}
    end
    call('HINCRBY', marks, '!begun', -1)
    if kinds[currentGroup] == REGISTER then
      return {-3, KEYS[register], joinedCounters[counted + 1] or '', err, ADD, '1'}
    end
    if parkingKey then
      return {-3, parkingKey, '', err, parkingKey == parked and ADD or DISTINCT, '1'}
    end
    return refusalAnswer(KEYS[keys[currentGroup]], err, kinds[currentGroup], place)
  end
  words = {'!done', commits}
  if countParked then countParked(words) end
  -- A zero that stays is read like an absent cell; so an error here changes no answer.
  for index = 1, #zeroCells do
    local read, remove, key, member = unpack(zeroCells[index])
    local value = try(read, key, member)
    if failed(value) then
      zerosLeft = zerosLeft + 1
    elseif (value == '0' or value == '-0') and not isFull(key, read, member) then
      if failed(try(remove, key, member)) then zerosLeft = zerosLeft + 1 end
    end
  end
end

---------------------------------------------------------------------------------------------------
-- The marks move

for place = 3, firstAudit - 2, 4 do
  words[#words + 1] = argv[place]
  words[#words + 1] = argv[place + 2]
  if argv[place + 3] ~= '' then
    words[#words + 1] = argv[place] .. '@'
    words[#words + 1] = argv[place + 3]
  end
  if #words >= 4 * BATCH then
    call('HSET', marks, unpack(words))
    words = {}
  end
end
if #words > 0 then call('HSET', marks, unpack(words)) end
local answer = {1, zerosLeft, singleScores, microseconds() - began}
for index = 1, #parkedAnswer do answer[#answer + 1] = parkedAnswer[index] end
local others = {}
for key, count in pairs(otherCounts) do
  others[#others + 1] = key
  others[#others + 1] = count
end
if #others > 0 then answer[#answer + 1] = others end
return answer

"""#
}
