import Redis

@testable import Ledger
@testable import Pipeline

/// Redis as the simulation knows it: content that can be put back, requests on their way, refusals.
final class SimulatedServer {
    /// Everything that is lost or put back together.
    struct Content {
        var shards: [ShardContent]
        /// Number of the contract; 0 when there is none yet.
        var contract = 0
        /// By partition number; nil: no ledger.
        var origins: [Int32: Int64]?
    }

    enum Mood: Equatable {
        case well
        /// Reads pass, writes get this error.
        case refusing(String)
        /// Nothing gets through.
        case away
        /// Works, but would lose cells: `maxmemory-policy` is not `noeviction`.
        case unfit
    }

    /// All that it holds; in a cluster, but for the shards, which the nodes hold.
    var stored: Content
    /// Its nodes; nil where it is one server.
    let cluster: SimulatedCluster?
    private(set) var copies: [Content] = []
    /// Whether the ledger is never lost as a whole from now on.
    private var isKept = false
    var mood = Mood.well
    /// Whether RESTORE is not permitted; also when all else is well.
    var isDumpRefused = false
    /// By how many milliseconds its clock is ahead; then keys that a
    /// commit touches expire by that clock.
    var clockAhead: Int64 = 0
    /// The right time, in milliseconds since 1970.
    var rightTime: () -> Int64 = { 0 }
    /// Its clock, in milliseconds since 1970.
    var clock: Int64 { rightTime() + clockAhead }
    /// Cells that somebody has made unusable.
    var spoiled: Set<String> = []
    /// Commits that had to park something.
    private(set) var parkings = 0
    /// Shards that were torn and reset.
    private(set) var resets = 0
    private var births = 0
    /// Requests of connections that broke; some still run, later.
    private var orphans: [(call: CommitCall, node: String?)] = []
    private var queues: [SimulatedConnection] = []
    private let dice: Dice
    let shardCount: Int
    /// Called with each shard that was changed, what it holds now, and the call that did it.
    var onChange: (Int, ShardContent, CommitCall?) -> Void = { _, _, _ in }

    /// A server with nothing in it; with so many masters it is a cluster.
    init(_ dice: Dice, shardCount: Int, masters: Int? = nil) {
        self.dice = dice
        self.shardCount = shardCount
        stored = Self.nothing(shardCount)
        cluster = masters.map { SimulatedCluster(dice, shardCount: shardCount, masters: $0) }
    }

    /// All that readers of the owners see.
    var content: Content {
        guard let cluster else { return stored }
        var content = stored
        content.shards = (0..<shardCount).map { cluster.shard($0) }
        return content
    }

    /// What a shard's owner holds of it.
    subscript(shard: Int) -> ShardContent {
        get { cluster?.shard(shard) ?? stored.shards[shard] }
        set {
            guard let cluster else {
                stored.shards[shard] = newValue
                return
            }
            cluster.write(shard, newValue)
        }
    }

    private static func nothing(_ count: Int) -> Content {
        Content(
            shards: Array(repeating: ShardContent(), count: count), origins: nil)
    }

    func opened(_ connection: SimulatedConnection) { queues.append(connection) }

    /// A connection broke: of its requests that did not run, the first few may still run.
    func broke(_ connection: SimulatedConnection, _ calls: [CommitCall]) {
        queues.removeAll { $0 === connection }
        let count = calls.isEmpty ? 0 : dice.roll(0...calls.count)
        orphans += calls.prefix(count).map { ($0, connection.node) }
    }

    /// Runs one request that waits, of any connection or of none.
    func work() {
        if !orphans.isEmpty, dice.oneIn(3) {
            let orphan = orphans.removeFirst()
            _ = run(orphan.call, at: orphan.node)
            return
        }
        cluster?.work()
        guard mood != .away else { return }
        let busy = queues.filter(\.hasWork)
        dice.pick(busy)?.runNext()
    }

    /// Runs the commit script, in a cluster at this node.
    func run(_ call: CommitCall, at node: String? = nil) -> CommitOutcome {
        if case .refusing(let code) = mood {
            return .refused(code: code, message: "\(code) for now")
        }
        if isDumpRefused, call.hasDumps { return .refused(code: "NOPERM", message: "no RESTORE") }
        guard
            let shard = (0..<shardCount).first(where: { call.marksKey == "sim:1:{\($0)}:marks" })
        else { preconditionFailure("a commit to \(call.marksKey)") }
        if call.latest > 0, clock > call.latest {
            return .refused(code: CommitOutcome.clockAhead, message: "its clock is ahead")
        }
        guard let cluster else {
            var content = stored.shards[shard]
            defer { stored.shards[shard] = content }
            return run(call, shard, on: &content)
        }
        switch cluster.answer(toScriptFor: shard, at: node) {
        case .run(let node):
            var part = node[shard]
            defer { node[shard] = part }
            return run(call, shard, on: &part)
        case .refuse(let code):
            return .refused(code: code, message: code)
        }
    }

    private func run(
        _ call: CommitCall, _ shard: Int, on content: inout ShardContent
    ) -> CommitOutcome {
        if clockAhead > 0 { expire(call, &content) }
        let before = content.parked
        let outcome = LedgerLaw.run(call, on: &content, isSpoiled: isSpoiled)
        guard case .applied = outcome else { return outcome }
        if content.parked != before { parkings += 1 }
        for range in call.ranges {
            guard call.audit.contains(where: { $0.member == range.member + ":lost" }),
                let from = Int64(range.from), let to = Int64(range.to),
                let number = Int32(range.member.split(separator: "/")[1])
            else { continue }
            content.lost[number, default: []].append(from..<to)
        }
        onChange(shard, content, call)
        return outcome
    }

    /// What Redis does to keys that a script touches after their time.
    private func expire(_ call: CommitCall, _ content: inout ShardContent) {
        for group in call.groups {
            guard let expiry = content.cells[group.key]?.expiry,
                let second = Int64(expiry), second <= clock / 1_000
            else { continue }
            content.cells[group.key] = nil
        }
    }

    /// Tries what is parked in a shard again; returns how many members are left.
    ///
    /// Nil when the script changed nothing.
    func retryParked(
        _ shard: Int, contract: String, latestSecond: Int64, at node: String? = nil
    ) -> Int? {
        if case .refusing = mood { return nil }
        if latestSecond > 0, clock / 1_000 > latestSecond { return nil }
        if let cluster {
            guard case .run(let node) = cluster.answer(toScriptFor: shard, at: node),
                node === cluster.owner(shard)
            else { return nil }
        }
        var content = self[shard]
        let left = LedgerLaw.retry(on: &content, contract: contract, isSpoiled: isSpoiled)
        self[shard] = content
        onChange(shard, content, nil)
        return left
    }

    private func isSpoiled(_ key: String, _ member: String) -> Bool {
        spoiled.contains("\(key) \(member)")
    }

    // MARK: What happens to it

    /// Takes a copy that it may be put back to.
    func copy() {
        // A backup of a cluster is taken while no slot is open.
        guard cluster?.isSettled ?? true else { return }
        copies.append(content)
        if copies.count > 6 { copies.remove(at: dice.roll(0...5)) }
    }

    /// Forgets all copies, for good: what was counted before must not be counted again.
    func forgetCopies() {
        copies = []
        isKept = true
        cluster?.keepAll()
    }

    /// Goes back to an earlier state, or to nothing; after a restart all connections are gone.
    func goBack() {
        guard cluster?.isSettled ?? true else { return }
        let before = content
        let after =
            dice.oneIn(4) && !isKept ? Self.nothing(shardCount) : dice.pick(copies) ?? before
        stored = after
        if let cluster { cluster.restore(after.shards) }
        forgetSpoiled()
        // All copies are kept: it may go back further, or forward again.
        if dice.oneIn(2) {
            orphans = []
            for connection in queues { connection.sever(keepingRequests: false) }
        }
        for shard in 0..<shardCount { onChange(shard, self[shard], nil) }
    }

    /// Forgets spoiled cells that no longer exist.
    private func forgetSpoiled() {
        spoiled = spoiled.filter { name in
            content.shards.contains { shard in
                shard.cells.contains { key, cell in
                    cell.members.keys.contains { name == "\(key) \($0)" }
                }
            }
        }
    }

    /// Breaks some connection.
    func breakConnection() { dice.pick(queues)?.sever(keepingRequests: true) }

    /// Runs all requests that broken connections have left.
    func drainOrphans() {
        while !orphans.isEmpty {
            let orphan = orphans.removeFirst()
            _ = run(orphan.call, at: orphan.node)
        }
    }

    /// Makes some cell unusable until `spoiled` is emptied, or a member of a shard's audit.
    func spoil() {
        if dice.oneIn(4) {
            let shard = dice.roll(0...(shardCount - 1))
            let members = content.shards[shard].audit.keys.filter { $0 != "!birth" }
            guard let member = dice.pick(members.sorted()) else { return }
            spoiled.insert("sim:1:{\(shard)}:audit \(member)")
            return
        }
        guard let shard = dice.pick(content.shards),
            let key = dice.pick(
                shard.cells.keys.filter { !$0.hasSuffix(":parked") && !$0.hasSuffix(":scopes") }
                    .sorted()),
            let member = dice.pick((shard.cells[key]?.members ?? [:]).keys.sorted())
        else { return }
        spoiled.insert("\(key) \(member)")
    }

    /// Stops answering; connections end at once or hang.
    func leave() {
        mood = .away
        guard dice.oneIn(2) else { return }
        for connection in queues { connection.sever(keepingRequests: true) }
    }

    /// Marks a shard as torn, as a failed undo does or a file of which Redis ran a
    /// part; nobody may commit to it.
    func tear() {
        // A shard that is reset would have no witness any more.
        guard !isKept else { return }
        let shard = dice.roll(0...(shardCount - 1))
        if dice.oneIn(2) {
            self[shard].marks["!torn"] = "an undo failed"
        } else {
            let begun = Int(self[shard].marks["!begun"] ?? "0") ?? 0
            self[shard].marks["!begun"] = String(begun + 1)
        }
    }

    /// Does to torn shards what `reset-shard` does: empties them and
    /// puts their marks at the origins.
    ///
    /// In a cluster, after the operator has closed the slot and deleted what others hold;
    /// `told` are shards that are torn by the word of a process.
    func resetTorn(told: Set<Int> = []) {
        for shard in 0..<shardCount where self[shard].tornOrSplit != nil || told.contains(shard) {
            if let cluster, !cluster.clear(shard) { continue }
            resets += 1
            let birth = draw()
            var marks = ["!contract": "\(max(1, stored.contract)):sim", "!birth": birth]
            for (partition, origin) in stored.origins ?? [:] {
                marks["\(SimulatedLog.topic)/\(partition)"] = String(origin)
            }
            self[shard] = ShardContent(marks: marks, audit: ["!birth": birth])
            onChange(shard, self[shard], nil)
        }
    }

    /// Makes the marks of a shard that are absent, as the script for that does.
    func makeMarks(_ shard: Int, _ offsets: [(member: String, offset: Int64)]) {
        var content = self[shard]
        if content.marks["!birth"] == nil, content.marks.keys.allSatisfy({ $0.hasPrefix("!") }) {
            if content.audit.isEmpty {
                let birth = draw()
                content.marks["!birth"] = birth
                content.audit["!birth"] = birth
            } else {
                content.marks["!torn"] = "split: its audit is there, its marks were not"
            }
        }
        for (member, offset) in offsets where content.marks[member] == nil {
            content.marks[member] = String(offset)
        }
        self[shard] = content
        onChange(shard, content, nil)
    }

    /// An id of a birth; no dice, so that a seed does the same with and without them.
    private func draw() -> String {
        births += 1
        return "birth-\(births)"
    }

    /// The least mark of a partition in the content and in every copy that may come back.
    func leastMark(_ partition: Int32) -> Int64 {
        let member = "\(SimulatedLog.topic)/\(partition)"
        var least = cluster?.leastMark(member) ?? .max
        for content in copies + [content] {
            for shard in content.shards {
                least = min(least, shard.marks[member].flatMap { Int64($0) } ?? 0)
            }
        }
        return least
    }
}
