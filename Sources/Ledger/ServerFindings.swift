/// What a server check means: what makes numbers wrong, what only makes them unsafe.
extension ServerCheck {
    /// Everything that was found; `now` is our own clock in milliseconds since 1970.
    ///
    /// `isRefillable` says whether Kafka still holds everything that the ledger has counted.
    public func findings(now: Int64, isRefillable: Bool) -> [Finding] {
        fitness
            + [role, memory, persistence(isRefillable: isRefillable), writing, clock(now)]
            .compactMap(\.self)
    }

    /// What exact numbers need; the rest is advice.
    var fitness: [Finding] {
        [versionFinding, policyFinding, evictionFinding, accessFinding].compactMap(\.self)
    }

    private var versionFinding: Finding {
        guard let version else {
            return Finding(
                .warning, "redis", "redis-version", "Redis does not say its version",
                mend: "let the user run INFO; version 7 or later is needed")
        }
        guard let major = Int(version.prefix { $0 != "." }), major < 7 else {
            return Finding(.ok, "redis", "redis-version", "Redis \(version)")
        }
        return Finding(
            .error, "redis", "redis-version",
            "Redis \(version) is too old: version 7 or later is needed", mend: "upgrade Redis",
            isFatal: true)
    }

    private var policyFinding: Finding {
        guard let evictionPolicy else {
            return Finding(
                .warning, "redis", "redis-eviction", "Redis does not say its maxmemory-policy",
                mend: "let the user run INFO or CONFIG GET; it must be noeviction")
        }
        guard evictionPolicy != "noeviction" else {
            return Finding(.ok, "redis", "redis-eviction", "maxmemory-policy is noeviction")
        }
        return Finding(
            .error, "redis", "redis-eviction",
            "maxmemory-policy is \(evictionPolicy): set it to noeviction, or cells will be lost",
            mend: "CONFIG SET maxmemory-policy noeviction, and the same in redis.conf",
            isFatal: true)
    }

    private var evictionFinding: Finding? {
        guard let evictedKeys, evictedKeys > 0 else { return nil }
        return Finding(
            .warning, "redis", "redis-evicted",
            "Redis has thrown away \(evictedKeys) keys since it started: numbers may be gone",
            mend: "odometer verify --full tells; then restore a backup, or CONFIG RESETSTAT")
    }

    private var accessFinding: Finding {
        guard forbidden.isEmpty else {
            return Finding(
                .error, "redis", "redis-access",
                "the Redis user may not run: \(forbidden.joined(separator: ", "))",
                mend: "ACL SETUSER, see docs/OPERATIONS.md", isFatal: true)
        }
        guard !unchecked.contains("access list") else {
            return Finding(
                .warning, "redis", "redis-access", "the user's rights could not be checked",
                mend: "let the user run ACL WHOAMI and ACL DRYRUN")
        }
        return Finding(.ok, "redis", "redis-access", "the user may run every command")
    }

    // MARK: Advice

    private var role: Finding? {
        if field("redis_mode") == "cluster" {
            return Finding(
                .error, "redis", "redis-role", "this is a Redis Cluster, which is not supported",
                mend: "use a single master, with replicas as you like")
        }
        guard field("role") == "slave" else { return nil }
        return Finding(
            .error, "redis", "redis-role", "this is a replica, which takes no writes",
            mend: "name the master in --redis")
    }

    private var memory: Finding? {
        guard let most = field("maxmemory").flatMap({ Int64($0) }), most > 0,
            let used = field("used_memory").flatMap({ Int64($0) })
        else { return nil }
        let share = used * 100 / most
        let text = "\(share) % of maxmemory are used"
        guard share >= 90 else { return Finding(.ok, "redis", "redis-memory", text) }
        return Finding(
            .warning, "redis", "redis-memory", "\(text): soon Redis takes no commits",
            mend: "raise maxmemory")
    }

    private func persistence(isRefillable: Bool) -> Finding? {
        let append =
            settings["appendonly"].map { $0 == "yes" } ?? field("aof_enabled").map { $0 == "1" }
        guard let append else { return nil }
        if append {
            let sync = settings["appendfsync"]
            guard sync == "no" else {
                return Finding(
                    .ok, "redis", "redis-persistence",
                    "AOF is on" + (sync.map { ", appendfsync \($0)" } ?? ""))
            }
            return Finding(
                .warning, "redis", "redis-persistence",
                "appendfsync is no: a crash loses half a minute, which Kafka must still hold",
                mend: "CONFIG SET appendfsync everysec")
        }
        let mend = "CONFIG SET appendonly yes and appendfsync everysec, and the same in redis.conf"
        if let save = settings["save"], !save.isEmpty {
            return Finding(
                .warning, "redis", "redis-persistence",
                "AOF is off: a crash loses what came after the last RDB (save \(save)), which "
                    + "Kafka must still hold", mend: mend)
        }
        guard settings["save"] != nil else { return nil }
        return Finding(
            isRefillable ? .warning : .error, "redis", "redis-persistence",
            isRefillable
                ? "Redis keeps nothing on disk: after a restart everything is read again from Kafka"
                : "Redis keeps nothing on disk, and Kafka no longer holds all that was counted",
            mend: mend)
    }

    private var writing: Finding? {
        let failed = [
            "aof_last_write_status", "aof_last_bgrewrite_status", "rdb_last_bgsave_status",
        ]
        .filter { field($0).map { $0 != "ok" } ?? false }
        guard !failed.isEmpty else { return nil }
        return Finding(
            .error, "redis", "redis-disk",
            "Redis could not write to its disk (\(failed.joined(separator: ", ")))",
            mend: "free space or rights in its directory; its log says which")
    }

    private func clock(_ now: Int64) -> Finding? {
        guard let clock else { return nil }
        let seconds = abs(clock - now) / 1_000
        let text = "the clocks of Redis and of this machine differ by \(seconds) s"
        guard seconds >= 5 else { return Finding(.ok, "redis", "redis-clock", text) }
        return Finding(
            seconds < 60 ? .warning : .error, "redis", "redis-clock",
            "\(text): windows expire by the clock of Redis", mend: "run NTP on both")
    }
}
