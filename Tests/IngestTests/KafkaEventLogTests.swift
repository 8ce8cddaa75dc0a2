import Glibc
import Ingest
import Kafka
import Synchronization
import Testing

/// Against a cluster inside this process.
@Suite struct KafkaEventLogTests {
    private final class Answers: Sendable {
        private let list = Mutex<[[EventFate]]>([])
        func add(_ fates: [EventFate]) { list.withLock { $0.append(fates) } }
        var all: [[EventFate]] { list.withLock { $0 } }

        /// Waits until there are so many.
        func wait(_ count: Int, seconds: Int = 20) -> [[EventFate]] {
            let end = ContinuousClock.now + .seconds(seconds)
            while all.count < count, ContinuousClock.now < end { usleep(2_000) }
            return all
        }
    }

    private final class Changes: Sendable {
        private let list = Mutex<[String]>([])
        func add(_ change: KafkaEventLog.Change) {
            list.withLock {
                switch change {
                case .lost: $0.append("lost")
                case .returned: $0.append("returned")
                }
            }
        }
        var all: [String] { list.withLock { $0 } }
    }

    private final class World {
        let cluster: MockCluster
        let answers = Answers()
        let changes = Changes()
        var log: KafkaEventLog?

        init(patienceMilliseconds: Int64 = 5_000, mostBytes: Int = 64 << 20) throws {
            cluster = try MockCluster()
            try cluster.createTopic("events", partitions: 4)
            let log = KafkaEventLog(
                ClientConfiguration(bootstrap: cluster.bootstrap), topic: "events",
                patienceMilliseconds: patienceMilliseconds, mostBytes: mostBytes
            ) { [changes] in changes.add($0) }
            try log.start()
            self.log = log
        }

        deinit { log?.stop(milliseconds: 100) }

        func send(_ count: Int, bytes: Int = 10) -> EventLogAnswer {
            let value = [UInt8](repeating: 0x20, count: bytes)
            let events = (0..<count).map {
                OutgoingEvent(key: Array("key-\($0 % 7)".utf8), value: value[...])
            }
            return log?.send(events, timestampMilliseconds: now) { [answers] in answers.add($0) }
                ?? .closed
        }
    }

    @Test func eventsAreAcknowledged() throws {
        let world = try World()
        #expect(world.send(10_000) == .taken)
        #expect(world.send(1) == .taken)
        let answers = world.answers.wait(2)
        #expect(answers.map(\.count).sorted() == [1, 10_000])
        #expect(answers.joined().allSatisfy { $0 == .acknowledged })
        let waiting = try #require(world.log).waiting
        #expect(waiting.events == 0 && waiting.bytes == 0)
    }

    @Test func whatIsNotAcknowledgedInTimeIsUnknownAndLaterEventsArrive() throws {
        let world = try World(patienceMilliseconds: 1_500)
        #expect(world.send(1) == .taken)
        #expect(world.answers.wait(1) == [[.acknowledged]])
        try world.cluster.setBroker(1, isUp: false)
        let begin = ContinuousClock.now
        #expect(world.send(3) == .taken)
        #expect(world.answers.wait(2).last == [.unknown, .unknown, .unknown])
        let taken = begin.duration(to: .now)
        #expect(taken >= .seconds(1) && taken < .seconds(10), "\(taken)")
        try world.cluster.setBroker(1, isUp: true)
        let end = ContinuousClock.now + .seconds(30)
        var tries = 2
        while world.answers.all.last != [.acknowledged], ContinuousClock.now < end {
            #expect(world.send(1) == .taken)
            tries += 1
            _ = world.answers.wait(tries)
        }
        #expect(world.answers.all.last == [.acknowledged])
        let waitEnd = ContinuousClock.now + .seconds(10)
        while world.changes.all.last != "returned", ContinuousClock.now < waitEnd {
            usleep(5_000)
        }
        #expect(world.changes.all.prefix(1) == ["lost"])
        #expect(world.changes.all.last == "returned")
    }

    @Test func moreBytesThanTheLimitAreNotTakenUntilSomeAreAcknowledged() throws {
        let world = try World(mostBytes: 100_000)
        try world.cluster.setBroker(1, isUp: false)
        #expect(world.send(1, bytes: 60_000) == .taken)
        #expect(world.send(1, bytes: 60_000) == .full)
        #expect(world.send(3, bytes: 10_000) == .taken)
        #expect(world.send(1, bytes: 20_000) == .full)
        try world.cluster.setBroker(1, isUp: true)
        #expect(world.answers.wait(2).joined().allSatisfy { $0 == .acknowledged })
        #expect(world.send(1, bytes: 60_000) == .taken)
        #expect(world.answers.wait(3).last == [.acknowledged])
    }

    @Test func anEventThatTheClientRefusesIsToldAndTheOthersArrive() throws {
        let world = try World()
        let log = try #require(world.log)
        let large = [UInt8](repeating: 0x20, count: 1_100_000)
        let events = [large, [0x20], large].map { OutgoingEvent(key: [1], value: $0[...]) }
        let answer = log.send(events, timestampMilliseconds: now) { [answers = world.answers] in
            answers.add($0)
        }
        #expect(answer == .taken)
        #expect(world.answers.wait(1) == [[.refused, .acknowledged, .refused]])
    }

    @Test func aStopWaitsForAcknowledgementsAndAnswersTheRest() throws {
        let world = try World()
        #expect(world.send(500) == .taken)
        let log = try #require(world.log)
        log.stop(milliseconds: 10_000)
        #expect(world.answers.all.count == 1)
        #expect(world.answers.all.joined().allSatisfy { $0 == .acknowledged })
        #expect(world.send(1) == .closed)
        let other = try World()
        try other.cluster.setBroker(1, isUp: false)
        #expect(other.send(2) == .taken)
        try #require(other.log).stop(milliseconds: 100)
        #expect(other.answers.all == [[.unknown, .unknown]])
    }
}
