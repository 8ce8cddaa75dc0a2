internal import Redis

/// Whether a server lets our user make keys of dumps.
extension ServerCheck {
    /// Tries a dump in the commits' format, where its right was not found missing before.
    ///
    /// Its key would have expired long ago, so none is made.
    mutating func askDumps(
        _ connection: inout Connection, _ layout: KeyLayout, _ isPermitted: Bool?,
        _ refusals: inout Refusals
    ) throws(RedisError) {
        if isPermitted == false {
            dumpRefusal = Self.refusal(isAbsent: absent.contains(ServerRights.dumps))
            return
        }
        // By ACL DRYRUN it is seen when the right comes back; otherwise with the next connection.
        if isPermitted == nil, let before = refusals.dumps {
            dumpRefusal = before
            return
        }
        // A master of a cluster takes keys of its own shards only, and may have none.
        guard let shard = part == nil ? 0 : part?.shards.first else { return }
        connection.append([
            Array(ServerRights.dumps.utf8), layout.scratchKey(shard: shard), Array("1".utf8),
            Self.sampleDump, Array("ABSTTL".utf8),
        ])
        let reply = try connection.receive()
        dumpRefusal = reply.errorText.flatMap { Self.dumpRefusal(RedisError(serverText: $0)) }
        refusals.dumps = dumpRefusal
    }

    /// Why no dump is taken, by the answer to one; nil where the error says nothing about that.
    static func dumpRefusal(_ error: RedisError) -> String? {
        let code = error.serverPrefix ?? ""
        if error.isForbidden { return refusal(isAbsent: code != "NOPERM") }
        guard code != "BUSYKEY", !error.isRedirect, !CommitOutcome.serverWideCodes.contains(code)
        else { return nil }
        return "the server refuses dumps of Redis 7.0 (\(error.message))"
    }

    private static func refusal(isAbsent: Bool) -> String {
        isAbsent ? "the server has no RESTORE" : "the Redis user may not run RESTORE"
    }

    private static let sampleDump: [UInt8] = {
        var dump = KeyDump()
        dump.begin()
        Array("member".utf8).withUnsafeBytes { dump.append($0, number: 1) }
        var bytes: [UInt8] = []
        dump.withText(.hash) { bytes = Array($0) }
        return bytes
    }()

    /// What follows from a `dumpRefusal`, as the end of a sentence.
    public static let dumpConsequence =
        ": new keys are written entry by entry, which costs Redis more time"

    /// What `doctor` says of dumps.
    var dumpFinding: Finding? {
        guard let dumpRefusal else { return nil }
        return Finding(
            .warning, "redis", "redis-dumps",
            dumpRefusal + Self.dumpConsequence,
            remedy: "permit RESTORE to the user, where the server has it")
    }
}
