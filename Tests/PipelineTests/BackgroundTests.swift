import Foundation
import Kafka
import Ledger
import Redis
import TestSupport
import Testing

@testable import Pipeline

/// Threads beside a lane's own.
@Suite struct BackgroundTests {
    @Test func aThreadThatTheSystemDoesNotGiveIsAnError() {
        #expect(throws: ThreadRefusal.self) { try WorkerThread(stackBytes: 1 << 50) {} }
    }

    @Test func tasksRunOneAfterTheOtherOnOneThread() throws {
        let background = try Background<UInt>()
        #expect(!background.isBusy && background.take() == nil)
        var threads: Set<UInt> = []
        for _ in 0..<50 {
            background.start { UInt(pthread_self()) }
            #expect(background.isBusy)
            var value: UInt?
            #expect(
                SupervisorTests.wait {
                    value = background.take()
                    return value != nil
                })
            if let value { threads.insert(value) }
            #expect(!background.isBusy)
        }
        #expect(threads.count == 1 && !threads.contains(UInt(pthread_self())))
    }

    @Test func theThreadEndsWithItsObject() throws {
        final class Held: Sendable {}
        weak var held: Held?
        do {
            let background = try Background<Held>()
            background.start { Held() }
            #expect(SupervisorTests.wait { !background.isBusy || background.take() != nil })
            let last = Held()
            held = last
            background.start { last }
        }
        #expect(SupervisorTests.wait { held == nil })
    }

    /// A master that hangs costs the thread that asks for a check nothing.
    @Test func aCheckOfAllMastersIsNotWaitedFor() throws {
        let nodes = try TestCluster(["--cluster-node-timeout", "60000"])
        let configuration = PipelineConfiguration(
            client: ClientConfiguration(bootstrap: "nowhere"), redis: nodes.configuration,
            catalog: try SupervisorTests.catalog())
        let keeper = try LedgerKeeper(configuration: configuration, cluster: "c")
        let cluster = try #require(nodes.configuration.cluster)
        let ledger = try ClusterLedger(configuration, cluster, keeper: keeper)
        nodes.masters[2].freeze(true)
        defer { nodes.masters[2].freeze(false) }
        let begun = Date()
        ledger.beginCheck()
        #expect(ledger.isChecking && ledger.takeCheck() == nil)
        #expect(Date().timeIntervalSince(begun) < 0.3)
        var found: Result<ServerHealth, LedgerError>?
        #expect(
            SupervisorTests.wait(20) {
                found = ledger.takeCheck()
                return found != nil
            })
        #expect(try found?.get().findings == [])
        #expect(Date().timeIntervalSince(begun) > 0.5)
        #expect(!ledger.isChecking)
    }
}
