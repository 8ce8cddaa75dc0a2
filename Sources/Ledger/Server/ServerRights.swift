/// The Redis commands that each command of the program runs.
///
/// The only such list: `check --acl`, the dry runs of `run` and `doctor`, and the table in
/// `docs/OPERATIONS.md` come from it, and a test compares it with the commands in the sources.
public enum ServerRights {
    /// A command of the program.
    public enum Use: String, Sendable, CaseIterable {
        /// `run`, and the counting half of `up`.
        case run
        /// `serve`, and the answering half of `up`.
        case serve
        /// `verify` without `--full`.
        case verify
        /// `verify --full`.
        case verifyFull = "verify --full"
        /// `reset-shard`.
        case resetShard = "reset-shard"
        /// `doctor`.
        case doctor
        /// `status`.
        case status
        /// `keys` and `directory`.
        case directory = "keys, directory"
        /// `parked`, also with `--apply`.
        case parked
        /// `replay`, which looks at the marks.
        case replay
    }

    /// Commands that a use cannot do without, sorted; a subcommand follows its command: SCRIPT
    /// LOAD.
    public static func needed(_ use: Use) -> [String] {
        let commands =
            switch use {
            case .run: script + counting
            case .serve: reading
            case .verify: books
            case .verifyFull: books + comparison
            case .resetShard:
                ["HGETALL", "HMGET", "MULTI", "EXEC", "HSET", "DEL", "SCAN", "UNLINK"]
            case .doctor: ["HGETALL", "HMGET"]
            case .status: ["HGETALL"]
            case .parked: script + reapplying
            case .directory: ["HGET", "HGETALL", "HMGET"]
            case .replay: ["HMGET"]
            }
        return Set(commands).sorted()
    }

    /// Commands without which a use looks at less, or costs Redis more; sorted.
    public static func wanted(_ use: Use) -> [String] {
        switch use {
        // The mirror looks for what a directory topic that was created again does not hold any
        // more; both look which meters hold most memory.
        case .run: (ServerCheck.questions + ["MEMORY USAGE", "SCAN", dumps]).sorted()
        case .doctor: (ServerCheck.questions + ["MEMORY USAGE", "SCAN"]).sorted()
        // INFO: whether a new connection leads to the same server.
        case .serve: ["HRANDFIELD", "INFO"]
        // Which cells are parked, and why.
        case .status: ["HGET", "HSCAN", "PFCOUNT", "ZSCORE"]
        case .verify, .verifyFull, .resetShard, .parked, .directory, .replay: []
        }
    }

    /// Everything that these uses run, sorted, each once.
    public static func all(_ uses: [Use] = Use.allCases) -> [String] {
        // A database other than 0 is entered by SELECT.
        Set(uses.flatMap { needed($0) + wanted($0) } + ["SELECT"]).sorted()
    }

    /// Commands that every use needs besides where Redis is a cluster, sorted.
    public static let cluster = [
        "ASKING", "CLUSTER COUNTKEYSINSLOT", "CLUSTER GETKEYSINSLOT", "CLUSTER INFO",
        "CLUSTER NODES", "CLUSTER SHARDS", "CLUSTER SLOTS",
    ]
    /// What `reset-shard` needs in a cluster where keys of the shard are on two masters.
    ///
    /// Not in the line of rights: with it a user can break a cluster.
    public static let split = ["CLUSTER SETSLOT", "DUMP", dumps]

    /// The line for redis-cli that makes a user of exactly these rights; the password is left to be
    /// filled in.
    public static func aclLine(
        user: String, prefix: String, uses: [Use] = Use.allCases, isCluster: Bool = false
    ) -> String {
        let rights = (all(uses) + (isCluster ? cluster : [])).map {
            "+" + $0.lowercased().split(separator: " ").joined(separator: "|")
        }
        return "ACL SETUSER \(user) on >PASSWORD ~\(prefix):* -@all "
            + rights.joined(separator: " ")
    }

    /// The table of `docs/OPERATIONS.md`, a line each.
    public static var table: [String] {
        ["| command | needs | better with |", "| --- | --- | --- |"]
            + Use.allCases.map { use in
                let wanted = wanted(use).isEmpty ? "–" : wanted(use).joined(separator: ", ")
                return "| `\(use.rawValue)` | \(needed(use).joined(separator: ", ")) | \(wanted) |"
            } + [
                "| each of them, in a cluster | besides \(cluster.joined(separator: ", ")) "
                    + "| `reset-shard` of a split shard: \(split.joined(separator: ", ")) |"
            ]
    }

    /// What the commit script needs in any case.
    private static let script = CommitScript.commands.filter { $0 != dumps }
    /// Makes a new key of a dump; without it the commits have entries only.
    static let dumps = "RESTORE"
    /// Brings a script, where it may be run, and what does so where that is forbidden.
    static let (loads, evaluates) = ("SCRIPT LOAD", "EVAL")
    /// What counting runs outside of the commit script.
    private static let counting = [
        "EVALSHA", "SCRIPT LOAD", "HGET", "HMGET", "HGETALL", "HSET", "HDEL", "HSETNX", "HEXISTS",
        "HSCAN",
        "ZSCORE", "PFCOUNT", "DEL",
    ]
    private static let reapplying = [
        "EVALSHA", "SCRIPT LOAD", "HGET", "HGETALL", "HSCAN", "PFCOUNT", "ZSCORE",
    ]
    private static let reading = [
        "MULTI", "EXEC", "HGETALL", "HMGET", "HLEN", "HSCAN", "ZRANGE", "ZCARD", "ZMSCORE", "ZSCAN",
        "ZUNION", "GET", "MGET", "PFCOUNT",
    ]
    private static let books = ["HGETALL", "MULTI", "EXEC"]
    private static let comparison = [
        "TIME", "SCAN", "PEXPIRETIME", "HSCAN", "ZRANGE", "ZSCAN", "PFADD", "PFCOUNT", "EXPIRE",
        "DEL",
    ]
}
