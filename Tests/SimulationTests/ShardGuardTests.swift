import Testing

@testable import Ledger
@testable import Pipeline

/// The guard of shards whose owner changed, over every combination of what can be known.
@Suite struct ShardGuardTests {
    /// What a case is made of: A is the owner, B and C are the other masters, D was replaced.
    private struct Case {
        /// Who says that the slot is its own: nobody, A, A and B with the same epoch, or A and a
        /// node that was replaced and claims it with an older epoch.
        var claims = 1
        var areMarksRead = true
        var torn: String?
        /// `!owner` of the marks: A, another one, none.
        var settled: String? = "A"
        var peers: Set<String> = []
        /// Whether D is one that gave all its slots away and now is a replica of the master B.
        var hasGiven = false
        /// Keys at B; where A moves keys to; where B takes them from; whether C answers.
        var keysAtB = 0
        var migratingTo: String?
        var importingFrom: String?
        var isSilent = false
        /// Keys at the node that was replaced, which still answers.
        var oldKeys = 0
        var fingerprint = ShardGuard.Fit.fits
        var content: ShardLook.Content? = .marked
        /// Keys at B that A does not have; nil where that was not looked at.
        var missing: Int? = 0

        var verdict: ShardGuard.Verdict {
            var views = [
                SlotView(
                    node: "A", isOwner: claims > 0, epoch: 5, keys: 9, migratingTo: migratingTo),
                SlotView(
                    node: "B", isOwner: claims == 2, epoch: 5, keys: keysAtB,
                    importingFrom: importingFrom),
                SlotView(node: "D", isOwner: claims == 3, epoch: 4, keys: oldKeys),
            ]
            if !isSilent { views.append(SlotView(node: "C")) }
            var marks = ShardMarks(shard: 0, marks: [PartitionMark(offset: 1, fingerprint: nil)])
            marks.torn = torn
            marks.owner = settled
            let facts = SlotFacts(
                views: views, silent: isSilent ? ["C"] : [], replaced: ["D"],
                follows: ["D": hasGiven ? "B" : "A'"])
            let look = ShardLook(
                shard: 0, facts: facts, marks: areMarksRead ? marks : nil, missing: missing,
                content: content)
            let seen = SeenOpen(peers: peers, givers: peers, masters: ["A", "B", "C", "D"])
            return ShardGuard(look: look, seen: seen, fingerprint: fingerprint).verdict
        }
    }

    private enum Kind { case settle, make, torn, split, otherLog, wait }

    private static func kind(_ verdict: ShardGuard.Verdict) -> Kind {
        switch verdict {
        case .settle: .settle
        case .make: .make
        case .torn: .torn
        case .split: .split
        case .otherLog: .otherLog
        case .wait: .wait
        }
    }

    /// The rule in other words than the guard's, for each case.
    private static func right(_ one: Case) -> Kind {
        if one.claims == 0 || one.claims == 2 { return .wait }
        if one.torn != nil, one.areMarksRead { return .torn }
        let isOpenWithKeys =
            one.migratingTo != nil || one.importingFrom != nil && one.keysAtB > 0
        if !one.areMarksRead, one.peers.isEmpty, !isOpenWithKeys { return .wait }
        let isUnchanged = one.settled == "A" && one.peers.isEmpty && !isOpenWithKeys
        let isElsewhere = one.keysAtB > 0 && one.migratingTo != "B"
        if isElsewhere, !isUnchanged { return .split }
        if isElsewhere, one.missing != 0 { return .wait }
        if one.peers.contains("D"), !one.hasGiven { return .split }
        if one.migratingTo == "D" { return .split }
        if one.importingFrom == "D", one.keysAtB > 0, !one.peers.contains("D") { return .split }
        if one.fingerprint == .differs { return .otherLog }
        if !isUnchanged {
            if one.isSilent || one.migratingTo != nil || one.importingFrom != nil { return .wait }
        }
        if !one.areMarksRead { return .wait }
        switch one.content {
        // Whether nothing else is there has to be known, not assumed.
        case nil: return .wait
        case .marked: return .settle
        case .empty: return .make
        case .cells: return .split
        }
    }

    @Test func everyCaseHasItsVerdict() {
        var counts: [Kind: Int] = [:]
        for claims in 0...3 {
            for torn in [nil, "an undo failed"] {
                for settled in ["A", "D", nil] {
                    for keysAtB in [0, 3] {
                        for migratingTo in [nil, "B", "D"] {
                            for importingFrom in [nil, "A", "D"] {
                                var one = Case(claims: claims)
                                one.torn = torn
                                one.settled = settled
                                one.keysAtB = keysAtB
                                one.migratingTo = migratingTo
                                one.importingFrom = importingFrom
                                judge(one, &counts)
                            }
                        }
                    }
                }
            }
        }
        #expect(counts.count == 6 && counts.values.allSatisfy { $0 > 40 }, "\(counts)")
    }

    private func judge(_ one: Case, _ counts: inout [Kind: Int]) {
        var one = one
        for peers in [[], ["B"], ["D"]] as [Set<String>] {
            for bits in 0..<128 where bits & 48 != 48 {
                for content in [nil, .marked, .empty, .cells] as [ShardLook.Content?] {
                    one.peers = peers
                    one.areMarksRead = bits & 1 == 0
                    one.isSilent = bits & 2 != 0
                    one.oldKeys = bits & 4 != 0 ? 7 : 0
                    one.fingerprint = bits & 8 != 0 ? .differs : .fits
                    one.missing = bits & 16 != 0 ? 2 : bits & 32 != 0 ? nil : 0
                    one.hasGiven = bits & 64 != 0
                    one.content = content
                    let (found, right) = (Self.kind(one.verdict), Self.right(one))
                    if found != right { Issue.record("\(one): \(one.verdict), not \(right)") }
                    counts[found, default: 0] += 1
                }
            }
        }
    }

    @Test func whatIsWaitedForIsSaid() {
        #expect(Case(claims: 0).verdict == .wait(.noOwner))
        #expect(Case(claims: 2).verdict == .wait(.noOwner))
        #expect(Case(areMarksRead: false).verdict == .wait(.unread))
        #expect(Case(settled: nil, isSilent: true).verdict == .wait(.unasked))
        #expect(Case(isSilent: true).verdict == .settle(owner: "A"))
        #expect(Case(settled: "B", importingFrom: "A").verdict == .wait(.open))
        #expect(Case(keysAtB: 1, migratingTo: "B", importingFrom: "A").verdict == .wait(.open))
        #expect(Case(keysAtB: 1, missing: 1).verdict == .wait(.keysElsewhere))
        // What could not be looked at is not taken for well.
        #expect(Case(keysAtB: 1, missing: nil).verdict == .wait(.keysElsewhere))
        #expect(Case(content: nil).verdict == .wait(.unread))
        // Copies that a replica kept of what was moved away.
        #expect(Case(keysAtB: 1).verdict == .settle(owner: "A"))
        #expect(Case(fingerprint: .differs).verdict == .otherLog)
        #expect(Case(settled: "B", keysAtB: 1).verdict == .split("keys of its slot are on B too"))
        #expect(Case(content: .empty).verdict == .make(owner: "A"))
        #expect(Case(torn: "why").verdict == .torn("why"))
        // An old copy that a replaced node still has is no half.
        #expect(Case(claims: 3, settled: "D", oldKeys: 8).verdict == .settle(owner: "A"))
    }

    /// Only those between which keys are on their way, not one that is ready and has none.
    @Test func peersAreTheEndsOfAMove() {
        func peers(_ owner: SlotView, _ other: SlotView) -> Set<String> {
            SeenOpen(SlotFacts(views: [owner, other])).peers
        }
        let owner = SlotView(node: "A", isOwner: true, epoch: 2, keys: 4)
        var source = owner
        source.migratingTo = "B"
        #expect(peers(owner, SlotView(node: "B")) == [])
        #expect(peers(owner, SlotView(node: "B", importingFrom: "A")) == [])
        #expect(peers(owner, SlotView(node: "B", keys: 1, importingFrom: "X")) == ["B", "X"])
        #expect(peers(source, SlotView(node: "B")) == ["A", "B"])
        // The end of a move: the source has not heard of it yet.
        #expect(peers(owner, SlotView(node: "B", migratingTo: "A")) == ["A", "B"])
    }

    /// A master that gave its last slot away becomes a replica of the taker, and nothing is lost.
    @Test func aMasterThatGaveItsLastSlotAwayIsNotLost() {
        let giving = SlotView(node: "A", isOwner: true, epoch: 2, keys: 4, migratingTo: "B")
        let taking = SlotView(node: "B", epoch: 1, keys: 3, importingFrom: "A")
        let moving = SlotFacts(views: [giving, taking], silent: ["C"])
        func isLost(_ node: String, follows master: String, _ seen: SeenOpen) -> Bool {
            let after = SlotFacts(views: [], replaced: [node], follows: [node: master])
            return !seen.hasGiven(node, after)
        }
        var seen = SeenOpen(moving)
        #expect(seen == SeenOpen(peers: ["A", "B"], givers: ["A"], masters: ["A", "B", "C"]))
        #expect(!isLost("A", follows: "B", seen) && !isLost("A", follows: "C", seen))
        // It failed, and its former replica is the master now.
        #expect(isLost("A", follows: "A'", seen))
        // The taker has keys that no other has.
        #expect(isLost("B", follows: "A", seen) && isLost("B", follows: "C", seen))
        // One that took keys back may have some that no other has.
        let back = SlotView(node: "B", isOwner: true, epoch: 3, keys: 7, migratingTo: "A")
        seen.add(SlotFacts(views: [back, SlotView(node: "A", epoch: 2, importingFrom: "B")]))
        #expect(isLost("A", follows: "B", seen) && !isLost("B", follows: "C", seen))
        // A master that was replaced and does not know it yet gives nothing away.
        let new = SlotView(node: "A'", isOwner: true, epoch: 5, keys: 4)
        seen = SeenOpen(SlotFacts(views: [giving, new, taking]))
        #expect(isLost("A", follows: "A'", seen))
    }

    @Test func aSplitIsBelievedOnceItHasLasted() {
        var moving = Moving(.moved, now: 1_000)
        func isSplit(_ keys: Int, _ now: Int64) -> Bool { moving.isSplit(keys: keys, now: now) }
        #expect(!isSplit(5, 1_000))
        #expect(!isSplit(5, 1_000 + Moving.splitPatience - 1))
        #expect(isSplit(5, 1_000 + Moving.splitPatience))
        // As long as the keys become fewer somebody is deleting them.
        #expect(!isSplit(4, 4_000))
        #expect(!isSplit(3, 9_000))
        #expect(isSplit(3, 11_000))
        moving.isWhole()
        #expect(!isSplit(3, 20_000))
    }

    @Test func pausesDoubleAndDiffer() {
        var moving = Moving(.lost, now: 0)
        var pauses: [Int64] = []
        for _ in 0..<9 {
            moving.goOn(.lost, now: 0, roll: 1)
            pauses.append(moving.lookAt)
        }
        #expect(pauses == [50, 100, 200, 400, 800, 1_600, 2_000, 2_000, 2_000])
        moving.goOn(.open, now: 100, roll: 0)
        #expect(moving.lookAt == 1_100 && moving.reason == .open)
    }
}
