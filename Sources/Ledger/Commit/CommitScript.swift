/// The only writer of cells and marks: the Lua script `commit.lua` beside this file.
///
/// The law, the arguments and the answers are told at the head of the script. `make embed` writes
/// its text into the sources, and a test holds that both are the same.
public enum CommitScript {
    /// Every command that the script runs, as an access list must permit it.
    public static let commands = [
        "HGET", "HMGET", "HGETALL", "HLEN", "ZCARD", "ZSCORE", "ZRANGE", "GETRANGE", "EXISTS",
        "HINCRBY", "ZINCRBY", "HSET", "HDEL", "ZADD", "ZREM", "RESTORE", "ZUNIONSTORE", "PFADD",
        "EXPIREAT", "PEXPIRETIME", "PEXPIREAT", "DEL", "PFMERGE",
    ]

    /// The Lua text; `#!lua` without flags, so that a full or read-only server refuses it at once.
    public static let source = CommitScriptText.text

    /// The same for a user who may not run TIME: a command that is refused each time is not run.
    public static let sourceWithoutClock = source.replacing(
        "local READS_CLOCK = true", with: "local READS_CLOCK = false")
}
