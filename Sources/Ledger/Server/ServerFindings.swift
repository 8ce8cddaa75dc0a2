/// Judges what a server check read: what makes numbers wrong, and what only makes them unsafe.
extension ServerCheck {
    /// Whether Kafka still holds everything that the ledger has counted.
    public enum Refill: Sendable {
        /// It does.
        case complete
        /// Some of it is deleted there.
        case incomplete
        /// Kafka or the ledger could not be asked.
        case unknown
        /// There is nothing yet that could be lost.
        case nothingCounted
    }

    /// Everything that was found.
    public func findings(refill: Refill) -> [Finding] {
        fitness
            + [
                dumpFinding, otherAccess, role, memory, persistence(refill), writing, clockFinding,
                coverageFinding,
            ]
            .compactMap(\.self)
    }

    /// What exact numbers need; the rest is advice.
    var fitness: [Finding] {
        [versionFinding, clusterFinding, policyFinding, evictionFinding, accessFinding]
            .compactMap(\.self)
    }

    private var versionFinding: Finding {
        guard let version else {
            return Finding(
                .warning, "redis", "redis-version", "Redis does not say its version",
                remedy: "let the user run INFO; version 7 or later is needed")
        }
        // A fork says by `redis_version` which Redis it can replace; all of Valkey and Redict are
        // 7.2 or later.
        let compatible = info["redis_version"] ?? (name == "Redis" ? version : "7")
        guard let major = Int(compatible.prefix { $0 != "." }), major < 7 else {
            return Finding(.ok, "redis", "redis-version", product)
        }
        return Finding(
            .error, "redis", "redis-version",
            "\(product) is too old: version 7 or later is needed", remedy: "upgrade Redis",
            isFatal: true)
    }

    private var clusterFinding: Finding? {
        guard part == nil, isCluster ?? false else { return nil }
        return Finding(
            .error, "redis", "redis-cluster", Self.clusterText(product, clusterURL),
            remedy: "name a few of its nodes, with a comma between", isFatal: true)
    }

    /// The sentence about a node of a cluster that an address names alone.
    static func clusterText(_ product: String, _ url: String?) -> String {
        "\(product) runs as a node of a cluster: --redis must be "
            + (url ?? "redis+cluster://HOST:PORT")
    }

    /// With full coverage the loss of one master stops all of them.
    private var coverageFinding: Finding? {
        guard settings[Self.coverageName] == "yes" else { return nil }
        return Finding(
            .warning, "redis", "cluster-coverage",
            "\(Self.coverageName) is yes: while one master is away, no other takes commands",
            remedy: "CONFIG SET \(Self.coverageName) no, and the same in redis.conf")
    }

    private var policyFinding: Finding {
        guard let evictionPolicy else { return unknownPolicyFinding }
        guard evictionPolicy != "noeviction" else {
            return Finding(.ok, "redis", "redis-eviction", "maxmemory-policy is noeviction")
        }
        return Finding(
            .error, "redis", "redis-eviction",
            "maxmemory-policy is \(evictionPolicy): set it to noeviction, or cells will be lost",
            remedy: mayConfigure
                ? "CONFIG SET maxmemory-policy noeviction, and the same in redis.conf"
                : "set it \(Self.elsewhere)",
            isFatal: true)
    }

    /// Nobody would see cells that are thrown away, so somebody must have looked.
    private var unknownPolicyFinding: Finding {
        if isEvictionChecked {
            return Finding(
                .warning, "redis", "redis-eviction",
                "maxmemory-policy cannot be asked: --redis-eviction-checked says that a person "
                    + "looked, and a later change is not noticed",
                remedy: "let the user run INFO or CONFIG GET, where the server has them")
        }
        return Finding(
            .error, "redis", "redis-eviction",
            "neither CONFIG GET nor INFO says the maxmemory-policy: where you have seen that it is "
                + "noeviction, set --redis-eviction-checked",
            remedy: "let the user run INFO or CONFIG GET; or set --redis-eviction-checked",
            isFatal: true)
    }

    private var mayConfigure: Bool { !settings.isEmpty }
    private static let elsewhere = "where this server is configured: this user may not run CONFIG"
    /// What says that somebody has looked after keys were thrown away.
    var evictionReset: String {
        mayConfigure
            ? "CONFIG RESETSTAT"
            : "HDEL \(String(decoding: ledgerKey, as: UTF8.self)) \(EvictionNote.member)"
    }

    private var evictionFinding: Finding? {
        if let evictionTrouble {
            return Finding(
                .error, "redis", "redis-evicted", evictionTrouble,
                remedy: "odometer verify --full tells; then restore a backup, or \(evictionReset)",
                isFatal: true)
        }
        guard let evictedKeys, runID != nil else {
            return Finding(
                .warning, "redis", "redis-evicted",
                "Redis does not say how many keys it has evicted, or in which run: that it threw "
                    + "keys away is not noticed",
                remedy: "let the user run INFO; else watch evictions where the service shows them")
        }
        guard evictedKeys > 0 else { return nil }
        return Finding(
            .warning, "redis", "redis-evicted",
            "Redis has thrown away \(evictedKeys) keys since it started: numbers may be gone",
            remedy: mayConfigure
                ? "odometer verify --full tells; then restore a backup, or CONFIG RESETSTAT"
                : "odometer verify --full tells; then restore a backup, if it must be")
    }

    private var accessFinding: Finding {
        if let missing = forbidden[.run] {
            let denied = missing.filter { !absent.contains($0) }
            let gone = missing.filter { absent.contains($0) }
            let parts =
                (denied.isEmpty
                    ? [] : ["the Redis user may not run: \(denied.joined(separator: ", "))"])
                + (gone.isEmpty
                    ? []
                    : ["this server has no command: \(gone.joined(separator: ", "))"])
            return Finding(
                .error, "redis", "redis-access", parts.joined(separator: "; "),
                remedy: gone.isEmpty
                    ? "odometer check --acl prints the rights"
                    : "odometer check --acl prints the rights; no rename-command for these",
                isFatal: true)
        }
        guard !unchecked.contains("access list") else {
            return Finding(
                .warning, "redis", "redis-access", "the user's rights could not be checked",
                remedy: "let the user run ACL WHOAMI and ACL DRYRUN")
        }
        return Finding(
            .ok, "redis", "redis-access", "the Redis user has every right that odometer run needs")
    }

    // MARK: Advice

    /// Rights for other commands of the program, which may have users of their own.
    private var otherAccess: Finding? {
        let others = ServerRights.Use.allCases.filter { $0 != .run }.compactMap { use in
            forbidden[use].map { "\(use.rawValue) (\($0.joined(separator: ", ")))" }
        }
        guard !others.isEmpty else { return nil }
        return Finding(
            .warning, "redis", "redis-access-others",
            "the user lacks rights for: \(others.joined(separator: "; "))",
            remedy: "odometer check --acl prints the rights; or take another user for these")
    }

    private var role: Finding? {
        guard isReplica ?? false else { return nil }
        return Finding(
            .error, "redis", "redis-role", "this is a replica, which takes no writes",
            remedy: "name the master in --redis")
    }

    /// Percent of `maxmemory` that is used; nil where there is no limit, or the server does not
    /// say.
    public var memoryShare: Int64? {
        guard let most = info["maxmemory"].flatMap({ Int64($0) }), most > 0,
            let used = info["used_memory"].flatMap({ Int64($0) })
        else { return nil }
        return used * 100 / most
    }

    private var memory: Finding? {
        guard let share = memoryShare else { return nil }
        let text = "\(share) % of maxmemory are used"
        guard share >= 70 else { return Finding(.ok, "redis", "redis-memory", text) }
        let meters = heaviest.map { "; most of the ledger is held by \($0)" } ?? ""
        let end = share >= 90 ? ": soon Redis takes no commits" : ""
        return Finding(
            .warning, "redis", "redis-memory", "\(text)\(end)\(meters)",
            remedy: "raise maxmemory, or keep fewer values apart: 'most' in the catalog")
    }

    private func persistence(_ refill: Refill) -> Finding? {
        let append =
            settings["appendonly"].map { $0 == "yes" } ?? info["aof_enabled"].map { $0 == "1" }
        guard let append else {
            return Finding(
                .warning, "redis", "redis-persistence",
                "Redis does not say whether it keeps an append-only file",
                remedy: "see that AOF is on, everysec or better, \(Self.elsewhere)")
        }
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
                remedy: "CONFIG SET appendfsync everysec")
        }
        let remedy =
            mayConfigure
            ? "CONFIG SET appendonly yes and appendfsync everysec, and the same in redis.conf"
            : "switch AOF on, everysec or better, \(Self.elsewhere)"
        if let save = settings["save"], !save.isEmpty {
            return Finding(
                .warning, "redis", "redis-persistence",
                "AOF is off: a crash loses what came after the last RDB (save \(save)), which "
                    + "Kafka must still hold", remedy: remedy)
        }
        guard settings["save"] != nil else {
            return Finding(
                .warning, "redis", "redis-persistence",
                "AOF is off, and Redis does not say whether it writes RDB files: a crash loses what "
                    + "came after the last one, which Kafka must still hold", remedy: remedy)
        }
        let consequence =
            switch refill {
            case .complete: ": after a restart everything is read again from Kafka"
            case .incomplete: ", and Kafka no longer holds all that was counted"
            case .unknown: "; whether Kafka still holds all that was counted could not be asked"
            case .nothingCounted:
                ": what it will count must be read again from Kafka after a restart"
            }
        return Finding(
            refill == .incomplete ? .error : .warning, "redis", "redis-persistence",
            "Redis keeps nothing on disk" + consequence, remedy: remedy)
    }

    private var writing: Finding? {
        let failed = [
            "aof_last_write_status", "aof_last_bgrewrite_status", "rdb_last_bgsave_status",
        ]
        .filter { info[$0].map { $0 != "ok" } ?? false }
        guard !failed.isEmpty else { return nil }
        return Finding(
            .error, "redis", "redis-disk",
            "Redis could not write to its disk (\(failed.joined(separator: ", ")))",
            remedy: "free space or rights in its directory; its log says which")
    }

    private var clockFinding: Finding? {
        guard let clockDifferenceMilliseconds else { return nil }
        let seconds = clockDifferenceMilliseconds / 1_000
        let text = "the clocks of Redis and of this machine differ by \(seconds) s"
        guard seconds >= 5 else { return Finding(.ok, "redis", "redis-clock", text) }
        return Finding(
            seconds < 60 ? .warning : .error, "redis", "redis-clock",
            "\(text): windows expire by the clock of Redis", remedy: "run NTP on both")
    }
}
