import Foundation
import Redis
import Synchronization
import TestSupport
import Testing
import Verify
import Workload

/// `verify` against a ledger on three masters.
@Suite(.serialized) struct ClusterVerificationTests {
    @Test func aLedgerOnSeveralMastersIsComparedAsAWhole() throws {
        let cluster = try TestCluster()
        var world = try HandWrittenLedger.make(events: 2_000, cluster, cluster.configuration)
        var configuration = try world.configuration
        configuration.organizations = [String(text(world.hash).split(separator: ":")[3])]
        let report = try Verification.run(configuration)
        #expect(report.ending == .equal, "\(report.differences)")
        #expect(report.keys > 1_000 && report.routes.count > 20)
        for node in cluster.masters {
            #expect(try node.ask("KEYS", "odo:verify:*").elements.isEmpty)
            #expect(try node.ask("DBSIZE").integer ?? 0 > 100)
        }
        let books = try BookCheck.run(configuration.redis, prefix: "odo", generation: 1)
        #expect(books.ending == .equal, "\(books.differences)")

        try world.connection.command([Array("DEL".utf8), world.sortedSet])
        try world.connection.command(
            [Array("HSET".utf8), world.hash, Array("intruder".utf8), Array("1".utf8)])
        try world.connection.command("HSET", "odo:1:{0}:nobody:totals", "api_calls", "1")
        let broken = try Verification.run(configuration)
        let found = Set(broken.differences.map { "\($0.kind) \($0.key)" })
        #expect(
            found == [
                "missing \(text(world.sortedSet))", "extra \(text(world.hash))",
                "extra odo:1:{0}:nobody:totals",
            ])
    }

    /// A key that moves from a master that was not scanned yet to one that was is not missing.
    @Test func keysThatMoveMeanwhileAreNotMissing() throws {
        let cluster = try TestCluster()
        let world = try HandWrittenLedger.make(events: 2_000, cluster, cluster.configuration)
        let configuration = try world.configuration
        let isOver = Atomic<Bool>(false)
        let slots = (0..<64).map { Slot.of(key: Array("{\($0)}".utf8)) }
        let ended = DispatchSemaphore(value: 0)
        let mover = Thread {
            defer { ended.signal() }
            for slot in slots.shuffled() where !isOver.load(ordering: .relaxed) {
                do {
                    let source = try cluster.owner(ofSlot: slot)
                    guard let target = cluster.masters.first(where: { $0 !== source }) else {
                        continue
                    }
                    try cluster.move(slot: slot, from: source, to: target)
                } catch { Issue.record("slot \(slot): \(error)") }
            }
        }
        mover.start()
        var equal = 0
        for _ in 0..<3 {
            do {
                let report = try Verification.run(configuration)
                #expect(report.ending == .equal, "\(report.differences.prefix(5))")
                equal += 1
            } catch {
                // Several keys that are in two places cannot be counted together.
                let slot = "\(error)".split(separator: " ").compactMap { Int($0) }.first ?? 0
                #expect(
                    "\(error)".contains("TRYAGAIN"),
                    "\(error): \(cluster.opinions(onSlot: slot))")
            }
        }
        isOver.store(true, ordering: .relaxed)
        ended.wait()
        #expect(try Verification.run(configuration).ending == .equal, "\(equal) equal before")
    }
}
