/// The scripts that change the directory in Redis; each runs alone, so that several mirrors may write at once.
enum DirectoryScripts {
    /// Offsets and epochs are compared as decimals without leading zeros: longer is greater, then by digits.
    private static let lower = #"""
        #!lua
        local function lower(a, b)
          if #a ~= #b then return #a < #b end
          return a < b
        end

        """#

    /// Writes an object over a lower offset of its epoch, or over an earlier epoch.
    ///
    /// KEYS: the object and, for a credential, the ledger. ARGV: offset, epoch, the epoch's field in the ledger, then names and values.
    static let object =
        lower + #"""
            local key, offset, epoch = KEYS[1], ARGV[1], ARGV[2]
            if KEYS[2] and (redis.call('HGET', KEYS[2], ARGV[3]) or '0') ~= epoch then return -1 end
            local before = redis.call('HGET', key, '@offset')
            if before then
              local written = redis.call('HGET', key, '@epoch') or '0'
              if lower(epoch, written) then return 0 end
              if written == epoch and not lower(before, offset) then return 0 end
            end
            redis.call('DEL', key)
            redis.call('HSET', key, '@offset', offset)
            if epoch ~= '0' then redis.call('HSET', key, '@epoch', epoch) end
            for i = 4, #ARGV, 2 do redis.call('HSET', key, ARGV[i], ARGV[i + 1]) end
            return 1
            """#

    /// Moves the mark.
    ///
    /// KEYS: the ledger. ARGV: the mark's field, its least value, the new one, the witness' field
    /// and text, the epoch's field and value.
    static let mark =
        lower + #"""
            if (redis.call('HGET', KEYS[1], ARGV[6]) or '0') ~= ARGV[7] then return false end
            local before, start, offset = redis.call('HGET', KEYS[1], ARGV[1]), ARGV[2], ARGV[3]
            if start ~= '' and (not before or lower(before, start)) then return before end
            if before and lower(offset, before) then return before end
            redis.call('HSET', KEYS[1], ARGV[1], offset)
            if ARGV[5] ~= '' then redis.call('HSET', KEYS[1], ARGV[4], ARGV[5]) end
            return offset
            """#

    /// Begins an epoch.
    ///
    /// KEYS: the ledger. ARGV: the epoch's field, the one that must be there, the new one, the
    /// fields that go.
    static let epoch = #"""
        #!lua
        if (redis.call('HGET', KEYS[1], ARGV[1]) or '0') ~= ARGV[2] then return 0 end
        redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
        redis.call('HDEL', KEYS[1], ARGV[4], ARGV[5])
        return 1
        """#

    /// Closes an object of an earlier epoch.
    ///
    /// KEYS: the object. ARGV: offset, epoch.
    static let close =
        lower + #"""
            local before = redis.pcall('HGET', KEYS[1], '@offset')
            if not before or type(before) == 'table' then return 0 end
            if not lower(redis.call('HGET', KEYS[1], '@epoch') or '0', ARGV[2]) then return 0 end
            redis.call('DEL', KEYS[1])
            redis.call('HSET', KEYS[1], '@offset', ARGV[1], '@epoch', ARGV[2], '@deleted', '1')
            return 1
            """#
}
