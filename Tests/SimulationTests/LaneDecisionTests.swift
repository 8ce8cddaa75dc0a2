import Kafka
import Testing

@testable import Ledger
@testable import Pipeline

/// What a lane decides, by values alone: no Kafka, no Redis, no clock.
@Suite struct LaneDecisionTests {
    private let zero = LogPartition(topic: "usage", partition: 0)
    private let other = LogPartition(topic: "usage", partition: 1)

    private func shard(_ number: Int, _ offsets: [Int64?], torn: String? = nil) -> ShardMarks {
        ShardMarks(
            shard: number, torn: torn,
            marks: offsets.map { PartitionMark(offset: $0, fingerprint: nil) })
    }

    @Test func marksOfShardsSetAsideAndOfTornOnesHoldBackWhatCountsAsApplied() {
        var facts = AssignmentFacts(partitions: [zero, other])
        facts.take(
            [shard(0, [9, 5]), shard(1, [4, 6]), shard(2, [3, 8], torn: "an undo failed")],
            of: [zero, other]
        ) { $0 == 1 }
        #expect(facts.asideMarks == [zero: 3, other: 6])
        #expect(facts.lowestMarks == [zero: 3, other: 5])
        #expect(facts.lowestApplied(zero, applied: 9, hasAside: true) == 3)
        #expect(facts.lowestApplied(zero, applied: 9, hasAside: false) == 9)
        facts.take([shard(0, [9, 9]), shard(1, [9, 9])], of: [zero, other]) { _ in false }
        #expect(facts.asideMarks.isEmpty && facts.lowestMarks == [zero: 9, other: 9])
    }

    @Test func offsetsThatAreGoneAreToldUntilTheShardWasReset() {
        var facts = AssignmentFacts(partitions: [zero])
        facts.lack(zero, count: 7, low: 10)
        facts.take([shard(0, [3]), shard(1, [20])], of: [zero]) { _ in false }
        #expect(facts.gone[zero]?.count == 7)
        #expect(facts.lowestApplied(zero, applied: 20, hasAside: false) == 3)
        facts.take([shard(0, [10]), shard(1, [20])], of: [zero]) { _ in false }
        #expect(facts.gone.isEmpty)
    }

    @Test func anotherTryKeepsTheForeignLogsAndNothingElse() {
        var facts = AssignmentFacts(partitions: [zero, other])
        facts.otherLogs[other] = .record(4)
        facts.stop(other, "another log")
        facts.ends(zero, at: 12)
        #expect(facts.reason(other) == "another log" && facts.reason(zero) == nil)
        #expect(facts.metrics(ofStopped: zero, reason: "").logEnd == 12)
        let again = facts.again
        #expect(again.partitions == [zero, other] && again.otherLogs == [other: .record(4)])
        #expect(again.stopped.isEmpty && again.logEnds.isEmpty)
    }

    @Test func aShardWhoseContractOrMarkIsGoneIsNotWhole() {
        var facts = AssignmentFacts(partitions: [zero])
        facts.opened.stamp = Array("1:sim".utf8)
        var marks = shard(0, [4])
        #expect(!facts.isWhole(marks))
        marks.contract = "1:sim"
        #expect(facts.isWhole(marks))
        marks.marks[0].offset = nil
        #expect(!facts.isWhole(marks))
    }

    @Test func offsetCommitsAreRefusedWhenTwoLooksInARowFoundRefusalsOnly() {
        var hints = HintWatch()
        func judge(taken: UInt64 = 0, refused: UInt64 = 0) -> HintWatch.Finding {
            hints.judge(HintCounts(taken: taken, refused: refused))
        }
        #expect(judge() == .nothingNew)
        #expect(judge(refused: 1) == .nothingNew)
        #expect(judge(taken: 1, refused: 1) == .taken)
        #expect(judge(taken: 1, refused: 2) == .nothingNew)
        #expect(judge(taken: 1, refused: 2) == .nothingNew)
        #expect(judge(taken: 1, refused: 3) == .refused)
    }

    @Test func keysThrownAwayBetweenTwoLooksAreNoticedWithoutTheLedgersNote() {
        var fitness = ServerFitness()
        func look(_ run: String, _ count: Int64) -> String? {
            var health = ServerHealth()
            health.evictions = EvictionNote(runID: run, count: count)
            return fitness.evictionFinding(health)
        }
        #expect(look("a", 5) == nil)
        #expect(look("a", 5) == nil)
        #expect(look("a", 7) == "Redis has thrown away 2 keys")
        // It does not say: what was known before is kept.
        let silent = fitness.evictionFinding(ServerHealth())
        #expect(silent == nil)
        #expect(look("a", 8) == "Redis has thrown away 1 keys")
    }

    @Test func aClockOfRedisIsAheadUntilOurOwnOrRecordsSayThatItIsRight() {
        var fitness = ServerFitness()
        func isAhead(_ clock: Int64, now: Int64, ours: Int64) -> Bool {
            fitness.isAhead(clock, now: now, wallMilliseconds: ours)
        }
        #expect(isAhead(2_000_000, now: 0, ours: 1_000_000))
        fitness.vouch(for: 2_000_000, now: 0)
        #expect(!isAhead(2_010_000, now: 10_000, ours: 1_010_000))
        #expect(isAhead(2_090_000, now: 10_000, ours: 1_010_000))
        // Ours was put back; Redis' clock was right before that.
        #expect(!isAhead(3_000_000, now: 20_000, ours: 3_000_000))
        #expect(!isAhead(3_005_000, now: 25_000, ours: 1_000_000))
    }

    /// One partition counted from 4 on, by every shard.
    @Test func aShardIsBroughtToItsMarks() throws {
        let counting = try CountingLane(origin: 4)
        let assignment = counting.assignment
        func reconcile(_ marks: ShardMarks) -> LaneCore.Reconciliation {
            assignment.core.reconcile(marks, now: 0)
        }
        func isSuspect(_ marks: ShardMarks) -> Bool { assignment.core.isSuspect(marks) }
        #expect(!isSuspect(shard(0, [4])))
        #expect(reconcile(shard(0, [4])) == .nothing)
        #expect(isSuspect(shard(0, [4], torn: "an undo failed")))
        #expect(reconcile(shard(0, [4], torn: "an undo failed")) == .torn("an undo failed"))
        #expect(reconcile(shard(0, [4], torn: "an undo failed")) == .nothing)
        #expect(!isSuspect(shard(0, [4], torn: "an undo failed")))
        #expect(isSuspect(shard(0, [4])))
        #expect(reconcile(shard(0, [4])) == .untorn)
        #expect(isSuspect(shard(0, [2])))
        #expect(reconcile(shard(0, [2])) == .moved)
        #expect(!isSuspect(shard(0, [2])))
        withExtendedLifetime(counting) {}
    }
}
