internal import Glibc
public import Redis

/// What a Redis server says of itself and of our rights; asked at start, after every reconnect and
/// every few seconds.
///
/// `findings` judges it. A question that was refused once is not asked again on that connection:
/// each refusal is a line in the server's log of refusals.
public struct ServerCheck: Sendable, Hashable {
    /// What one connection was refused; kept with the connection and given to its next check.
    public struct Refusals: Sendable, Hashable {
        var questions: Set<String> = []
        /// Why a dump was refused.
        var dumps: String?
        /// What each master of a cluster has refused, by its id.
        var nodes: [String: Refusals] = [:]

        /// Nothing was refused yet.
        public init() {}
    }

    /// Which part of the ledger the server has; nil: all of it.
    public let part: ServerPart?
    /// The meters that hold most memory, in words, as a `MemorySample` tells; nil when not asked
    /// for.
    public var heaviest: String?

    /// The server's `maxmemory-policy`; nil when it does not say.
    public var evictionPolicy: String? {
        settings["maxmemory-policy"] ?? info["maxmemory_policy"]
    }
    /// Keys that it deleted to make room, since it started; nil when it does not say.
    public var evictedKeys: Int64? { info["evicted_keys"].flatMap { Int64($0) } }
    /// Commands that our user may not run on the ledger's keys, by the uses that need them.
    public internal(set) var forbidden: [ServerRights.Use: [String]] = [:]
    /// Those of the tried commands that the server does not have.
    var absent: Set<String> = []
    /// Why new keys cannot be made of dumps, so that commits have entries only; nil when they can,
    /// or when that is not known.
    public internal(set) var dumpRefusal: String?
    /// Whether a person has looked at a `maxmemory-policy` that the server does not say.
    public let isEvictionChecked: Bool
    /// What could not be checked: words for a log line.
    public internal(set) var unchecked: [String] = []
    /// Its clock, in milliseconds since 1970; nil when it does not say.
    public internal(set) var clockMilliseconds: Int64?
    /// How far its clock was outside of the time between our question and its answer; 0: inside;
    /// nil when it does not say.
    public internal(set) var clockDifferenceMilliseconds: Int64?
    /// What the ledger says of keys that Redis deleted to make room; nil when it says nothing.
    public internal(set) var noted: EvictionNote?
    /// Name of the ledger's own hash.
    let ledgerKey: [UInt8]
    /// Lines of INFO, by name; empty where INFO is forbidden.
    var info: [String: String] = [:]
    /// Members of the answer to HELLO, which every user may run.
    var greeting: [String: String] = [:]
    /// Settings of the server that concern us.
    var settings: [String: String] = [:]
    /// A command on our keys was sent to another node.
    var isRedirected = false
    /// The address to use where the server turns out to be a node of a cluster.
    let clusterURL: String?

    /// What is asked beside HELLO where it is permitted.
    static let questions = ["ACL DRYRUN", "ACL WHOAMI", "CONFIG GET", "INFO", "TIME"]
    private static let settingNames = ["maxmemory-policy", "appendonly", "appendfsync", "save"]
    /// Whether a cluster stops as a whole where one master is away.
    static let coverageName = "cluster-require-full-coverage"

    /// Asks the server, in a few round trips; throws only where it cannot be asked at all.
    ///
    /// - Parameters:
    ///   - connection: the connection; no other answer may be pending.
    ///   - layout: names of the ledger's keys.
    ///   - uses: whose rights are tried.
    ///   - isEvictionChecked: whether a person has looked at the eviction policy.
    ///   - part: which part of the ledger this master of a cluster has; nil: it is no cluster. What
    ///     the ledger says of evicted keys is read with the whole ledger only.
    ///   - refusals: what was refused on this connection before.
    public init(
        _ connection: inout Connection, layout: KeyLayout, uses: [ServerRights.Use] = [.run],
        isEvictionChecked: Bool = false, part: ServerPart? = nil, refusals: inout Refusals
    ) throws(LedgerError) {
        ledgerKey = layout.ledgerKey
        self.part = part
        clusterURL = connection.clusterURL
        self.isEvictionChecked = isEvictionChecked
        var asker = ServerQuestioner(refusals)
        do throws(RedisError) {
            let user = try askServer(&connection, layout, &asker)
            let mayDump = try askAccess(&connection, layout, user, uses, &asker)
            refusals = asker.refusals
            if uses.contains(.run), asker.failure == nil {
                try askDumps(&connection, layout, mayDump, &refusals)
            }
            if part == nil, isCluster == nil { try askSlots(&connection, layout) }
        } catch { throw LedgerError(error) }
        // A server that loads or is busy refuses everything: that says nothing about it.
        if let failure = asker.failure { throw LedgerError(failure) }
        if version == nil { unchecked.append("version") }
        if evictionPolicy == nil {
            unchecked.append(
                isEvictionChecked
                    ? "maxmemory-policy (--redis-eviction-checked: a person looked)"
                    : "maxmemory-policy")
        }
        if evictedKeys == nil || runID == nil { unchecked.append("evicted keys") }
        if clockMilliseconds == nil { unchecked.append("clock") }
        if isReplica == nil { unchecked.append("role") }
    }

    /// The same on a connection that is not asked again.
    public init(
        _ connection: inout Connection, layout: KeyLayout, uses: [ServerRights.Use] = [.run],
        isEvictionChecked: Bool = false
    ) throws(LedgerError) {
        var refusals = Refusals()
        try self.init(
            &connection, layout: layout, uses: uses, isEvictionChecked: isEvictionChecked,
            refusals: &refusals)
    }

    /// Why the server is not fit, in words; empty when it is.
    public var fatalFindings: [String] { fitness.filter(\.isFatal).map(\.message) }

    /// Throws `unsuitableServer` with all fatal findings in one line, where there are any.
    public func validate() throws(LedgerError) {
        guard fatalFindings.isEmpty else {
            throw LedgerError(.unsuitableServer, fatalFindings.joined(separator: "; "))
        }
    }

    // MARK: Asking

    /// Asks for everything but the rights and returns our user's name, nil where it may not be
    /// asked for.
    private mutating func askServer(
        _ connection: inout Connection, _ layout: KeyLayout, _ asker: inout ServerQuestioner
    ) throws(RedisError) -> String? {
        asker.ask(&connection, "HELLO")
        asker.ask(&connection, "INFO")
        asker.ask(&connection, "TIME")
        asker.ask(&connection, "ACL WHOAMI")
        asker.ask(
            &connection, "CONFIG GET",
            Self.settingNames + (part == nil ? [] : [Self.coverageName]))
        if part == nil {
            let ledger = String(decoding: layout.ledgerKey, as: UTF8.self)
            asker.ask(&connection, "HMGET", [ledger, EvictionNote.member])
        }
        // All of it is sent with the first wait for an answer.
        let asked = Self.ownClock()
        greeting = Self.pairs(try asker.answer(&connection, "HELLO"))
        for line in (try asker.answer(&connection, "INFO")?.text ?? "").split(
            whereSeparator: \.isNewline)
        {
            guard let colon = line.firstIndex(of: ":") else { continue }
            info[String(line[..<colon])] = String(line[line.index(after: colon)...])
        }
        let time = try asker.answer(&connection, "TIME")?.elements.compactMap { $0.integer } ?? []
        if time.count == 2 {
            let told = time[0] * 1_000 + time[1] / 1_000
            clockMilliseconds = told
            clockDifferenceMilliseconds = max(0, asked - told, told - Self.ownClock())
        }
        let user = try asker.answer(&connection, "ACL WHOAMI")?.text
        // Managed servers forbid CONFIG; INFO says the policy as well.
        settings = Self.pairs(try asker.answer(&connection, "CONFIG GET"))
        let note = try asker.answer(&connection, "HMGET")?.elements.first?.text
        noted = note.flatMap { EvictionNote(text: $0) }
        return user
    }

    /// Our clock, in milliseconds since 1970.
    private static func ownClock() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
    }

    private static func pairs(_ reply: ReplyValue?) -> [String: String] {
        let elements = reply?.elements ?? []
        var pairs: [String: String] = [:]
        for index in stride(from: 0, to: elements.count - 1, by: 2) {
            guard let name = elements[index].text else { continue }
            pairs[name] = elements[index + 1].text ?? elements[index + 1].integer.map { String($0) }
        }
        return pairs
    }

    /// Tries each command by ACL DRYRUN, where our user may ask and the server knows it; whether it
    /// may make keys of dumps, nil where that cannot be asked.
    private mutating func askAccess(
        _ connection: inout Connection, _ layout: KeyLayout, _ user: String?,
        _ uses: [ServerRights.Use], _ asker: inout ServerQuestioner
    ) throws(RedisError) -> Bool? {
        let key = String(decoding: layout.marksKey(shard: 0), as: UTF8.self)
        let commands = Set(
            uses.flatMap { ServerRights.needed($0) }
                + (uses.contains(.run) ? [ServerRights.dumps, ServerRights.evaluates] : [])
        ).sorted()
        var permitted: [String: Bool] = [:]
        // One alone first: where this user may not run ACL DRYRUN, the others would be refused too.
        for part in [commands.prefix(1), commands.dropFirst()] {
            guard let user, !asker.isRefused("ACL DRYRUN") else { break }
            for command in part {
                let words = command.split(separator: " ").map { String($0) }
                asker.ask(&connection, "ACL DRYRUN", [user] + words + Self.sample(words, key))
            }
            for command in part {
                guard let answer = try asker.answer(&connection, "ACL DRYRUN") else { continue }
                permitted[command] = answer.text == "OK"
                if case .error = answer { absent.insert(command) }
            }
        }
        guard permitted.count == commands.count else {
            unchecked.append("access list")
            return nil
        }
        for use in uses {
            let missing = ServerRights.needed(use).filter {
                permitted[$0] == false
                    && !($0 == ServerRights.loads && permitted[ServerRights.evaluates] == true)
            }
            if !missing.isEmpty { forbidden[use] = missing }
        }
        return permitted[ServerRights.dumps]
    }

    /// Asks for a member of every shard: a node of a cluster does not answer for all of them.
    private mutating func askSlots(
        _ connection: inout Connection, _ layout: KeyLayout
    ) throws(RedisError) {
        for shard in 0..<layout.shardCount {
            connection.append([
                Array("HGET".utf8), layout.marksKey(shard: shard), Array("!contract".utf8),
            ])
        }
        for _ in 0..<layout.shardCount {
            let reply = try connection.receive()
            guard let text = reply.errorText else { continue }
            if RedisError(serverText: text).isRedirect { isRedirected = true }
        }
    }

    /// Arguments of the right number for a dry run.
    private static func sample(_ words: [String], _ key: String) -> [String] {
        switch words[0] {
        case "EVALSHA", "EVAL": [String(repeating: "0", count: 40), "1", key]
        case "SCRIPT": ["return 1"]
        case "MULTI", "EXEC", "TIME": []
        case "SCAN": ["0"]
        // Every argument of these is a key, and only ours may be touched.
        case "HLEN", "ZCARD", "EXISTS", "DEL", "HGETALL", "PFCOUNT", "PEXPIRETIME", "GET", "MGET",
            "UNLINK", "PFMERGE":
            [key]
        case "ZUNIONSTORE": [key, "1", key]
        case "ZUNION": ["1", key]
        case "RESTORE": [key, "0", "", "REPLACE"]
        case "GETRANGE", "ZRANGE", "HINCRBY", "ZINCRBY", "HSET", "ZADD", "HSETNX": [key, "0", "0"]
        default: [key, "0"]
        }
    }
}

/// Asks the questions of a check and remembers those that were refused.
struct ServerQuestioner {
    private(set) var refusals: ServerCheck.Refusals
    /// The first refusal that says nothing about rights: the server loads, or is busy.
    private(set) var failure: RedisError?
    private static let passingCodes: Set<String> = ["LOADING", "BUSY", "MASTERDOWN", "NOAUTH"]

    /// Questions that were sent and are not answered yet, also those refused meanwhile.
    private var awaited: [String] = []

    init(_ refusals: ServerCheck.Refusals) { self.refusals = refusals }

    func isRefused(_ question: String) -> Bool { refusals.questions.contains(question) }

    /// Buffers a question, unless it was refused before.
    mutating func ask(
        _ connection: inout Connection, _ question: String, _ arguments: [String] = []
    ) {
        guard !isRefused(question) else { return }
        let words = question.split(separator: " ").map { String($0) } + arguments
        connection.append(words.map { Array($0.utf8) })
        awaited.append(question)
    }

    /// The answer to the next question if it is this one; nil where it was refused now or before.
    mutating func answer(
        _ connection: inout Connection, _ question: String
    ) throws(RedisError) -> ReplyValue? {
        guard awaited.first == question else { return nil }
        awaited.removeFirst()
        let reply = try connection.receive()
        guard let text = reply.errorText else { return reply.copied() }
        // The answer about a command that was renamed or removed.
        if question == "ACL DRYRUN", text.hasPrefix("ERR Command '") { return reply.copied() }
        let error = RedisError(serverText: text)
        if Self.passingCodes.contains(error.serverPrefix ?? "") {
            failure = failure ?? error
        } else {
            refusals.questions.insert(question)
        }
        return nil
    }
}
