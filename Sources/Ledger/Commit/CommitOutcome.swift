public import Redis

/// A member of the shard's own records that Redis refused to change; nothing of that commit was
/// applied.
public struct RefusedCell: Sendable, Hashable {
    /// Name of the key.
    public var key: [UInt8]
    /// Member of the hash or sorted set; for a HyperLogLog the value.
    public var member: [UInt8]
    /// How the cell was to be changed.
    public var kind: CommitArguments.Kind
    /// The delta or value.
    public var value: [UInt8]
    /// Redis' own error text.
    public var error: String

    /// The meter as the key names it, for a log; never a value of an event.
    public var meter: String? { KeyLayout.meter(ofKey: key, member: member) }

    /// A refused cell of these parts.
    public init(
        key: [UInt8], member: [UInt8], kind: CommitArguments.Kind, value: [UInt8], error: String
    ) {
        self.key = key
        self.member = member
        self.kind = kind
        self.value = value
        self.error = error
    }
}

/// What became of a commit.
public enum CommitOutcome: Sendable, Hashable {
    /// All cells changed and all marks moved. `zerosLeft` cells ended at 0 and could not be
    /// removed.
    case applied(zerosLeft: Int)
    /// Nothing changed; the marks that are there, in the order of the ranges, nil where there is
    /// none.
    case mismatch([Int64?])
    /// Nothing changed; the contract that is there, "" when there is none.
    case contract(current: String)
    /// Nothing changed, or the undo itself failed: the shard needs a rebuild, for this reason.
    case torn(String)
    /// Nothing changed: the whole server refuses for now, so keep the tally and wait.
    case refused(code: String, message: String)
    /// Nothing changed: the shard's own records (marks, audit, parked cells) refuse, or an error is
    /// not known.
    case cellRefused(RefusedCell)
    /// Nothing changed: the lane believed something else of these scopes.
    case scopes([ScopeVerdict])
    /// The connection broke; the commit may have been applied or not: read the marks over a new
    /// one.
    case unknown(RedisError)

    /// First words of errors that concern the whole server.
    public static let serverWideCodes: Set<String> = [
        "OOM", "MISCONF", "READONLY", "NOREPLICAS", "BUSY", "TRYAGAIN", "LOADING", "NOPERM",
        "NOAUTH", "CLUSTERDOWN", "MASTERDOWN", "MOVED", "ASK", "NOSCRIPT", "UNKILLABLE",
    ]

    /// Code of a refusal because Redis' clock is ahead of the latest time that the commit permits;
    /// the message is what it shows, in seconds since 1970.
    public static let clockAhead = "CLOCK"

    /// The outcome that an answer of the script means.
    init(_ reply: ReplyView) {
        if let text = reply.errorText {
            let error = RedisError(serverText: text)
            self = .refused(code: error.serverPrefix ?? "ERR", message: text)
            return
        }
        guard reply.count > 0, let code = reply[0].integer else {
            self = .refused(code: "ERR", message: "the script's answer is not understood")
            return
        }
        switch (code, reply.count) {
        case (1, _): self = .applied(zerosLeft: reply.count > 1 ? Int(reply[1].integer ?? 0) : 0)
        case (0, _): self = CommitOutcome(marks: reply)
        case (-1, 2): self = .contract(current: Self.text(reply[1]))
        case (-2, 2): self = .torn(Self.text(reply[1]))
        case (-5, _): self = .scopes(Self.verdicts(reply))
        case (-3, 6): self = CommitOutcome(refusal: reply)
        case (-4, 2):
            self = .refused(code: Self.clockAhead, message: String(reply[1].integer ?? 0))
        default: self = .refused(code: "ERR", message: "the script's answer is not understood")
        }
    }

    private init(marks reply: ReplyView) {
        var marks: [Int64?] = []
        for index in 1..<reply.count {
            let text = Self.text(reply[index])
            guard text.isEmpty || Int64(text) != nil else {
                self = .torn("a mark is not an offset: \(text)")
                return
            }
            marks.append(Int64(text))
        }
        self = .mismatch(marks)
    }

    private static func verdicts(_ reply: ReplyView) -> [ScopeVerdict] {
        stride(from: 1, to: reply.count - 1, by: 2).map { index in
            ScopeVerdict(
                scope: reply[index].bytes.map { Array($0) } ?? [],
                state: reply[index + 1].integer.flatMap { ScopeVerdict.State(rawValue: $0) }
                    ?? .refused)
        }
    }

    private init(refusal reply: ReplyView) {
        let error = Self.text(reply[3])
        let word = RedisError.code(ofText: error)
        guard !Self.serverWideCodes.contains(word) else {
            self = .refused(code: word, message: error)
            return
        }
        self = .cellRefused(
            RefusedCell(
                key: reply[1].bytes.map { Array($0) } ?? [],
                member: reply[2].bytes.map { Array($0) } ?? [],
                kind: reply[4].bytes?.first.flatMap { CommitArguments.Kind(rawValue: $0) } ?? .add,
                value: reply[5].bytes.map { Array($0) } ?? [], error: error))
    }

    private static func text(_ view: ReplyView) -> String {
        view.bytes.map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
}

/// The end of one commit that was submitted.
public struct CommitResult: Sendable, Hashable {
    /// What was given with it, for example the shard.
    public var tag: Int
    /// What became of it.
    public var outcome: CommitOutcome
    /// Where it applied, scores that were added one by one, which costs Redis most.
    public var singleScores: Int64 = 0
    /// Time of the script in Redis where it applied, in microseconds; 0: unknown.
    public var scriptMicroseconds: Int64 = 0
    /// Where it applied, what it had to park; nil when it parked nothing.
    public var parked: ParkedNews?
    /// Where it applied, entries that went to `__other__`, by meter.
    public var overflows: [String: Int64] = [:]

    /// The end of the commit that was submitted with that tag.
    package init(
        tag: Int, outcome: CommitOutcome, singleScores: Int64 = 0, scriptMicroseconds: Int64 = 0,
        parked: ParkedNews? = nil, overflows: [String: Int64] = [:]
    ) {
        self.tag = tag
        self.outcome = outcome
        self.singleScores = singleScores
        self.scriptMicroseconds = scriptMicroseconds
        self.parked = parked
        self.overflows = overflows
    }
}
