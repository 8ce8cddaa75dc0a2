import Foundation
import Kafka
import Testing

@Suite struct ReaderTests {
    @Test func readsExactlyFromTheAssignedOffsetsToTheEnd() throws {
        let fixture = try TopicFixture()
        try fixture.fill(0, 0..<20)
        try fixture.fill(1, 0..<5)
        let consumer = try Consumer(fixture.configuration)
        try consumer.assign([(fixture.partition(0), 7), (fixture.partition(1), 0)])
        let said = consumer.read { $0.ends >= 2 }
        #expect(said.offsets(0) == Array(7..<20))
        #expect(said.offsets(1) == Array(0..<5))
        #expect(said.events.contains(.endOfPartition(fixture.partition(0), offset: 20)))
        #expect(consumer.position(of: fixture.partition(0)) == 20)
        #expect(consumer.lag(of: fixture.partition(0)) == 0)
        let log = try consumer.watermarks(of: fixture.partition(1), timeoutMilliseconds: 5_000)
        #expect(log.low == 0 && log.high == 5)
        #expect(consumer.clusterID(timeoutMilliseconds: 5_000) != nil)
        #expect(try consumer.close())
    }

    @Test func assigningAgainGoesBackAndAfterAPauseGoesOn() throws {
        let fixture = try TopicFixture(partitions: 1)
        try fixture.fill(0, 0..<10)
        let consumer = try Consumer(fixture.configuration)
        let partition = fixture.partition(0)
        try consumer.assign([(partition, Consumer.beginning)])
        #expect(consumer.read { $0.ends == 1 }.offsets(0) == Array(0..<10))
        try consumer.assign([(partition, 4)])
        #expect(consumer.read { $0.ends == 1 }.offsets(0) == Array(4..<10))
        try consumer.pause([partition])
        try fixture.fill(0, 10..<15)
        var paused = Transcript()
        consumer.take(300, into: &paused)
        #expect(paused.records.isEmpty)
        try consumer.assign([(partition, 8)])
        #expect(consumer.read { $0.ends == 1 }.offsets(0) == Array(8..<15))
    }

    @Test func anOffsetBeyondTheLogStopsThePartitionWithAnEvent() throws {
        let fixture = try TopicFixture(partitions: 1)
        try fixture.fill(0, 0..<3)
        let consumer = try Consumer(fixture.configuration)
        try consumer.assign([(fixture.partition(0), 1_000)])
        let said = consumer.read { !$0.events.isEmpty }
        guard case .partitionError(let partition, let error) = said.events.first else {
            Issue.record("\(said)")
            return
        }
        #expect(partition == fixture.partition(0))
        #expect(error.code == .autoOffsetReset)
        #expect(said.records.isEmpty)
    }

    @Test func nullEmptyKeyHeadersAndTimestampComeAsTheyWereSent() throws {
        let fixture = try TopicFixture(partitions: 1)
        let producer = try Producer(fixture.configuration)
        #expect(
            try producer.produce(
                topic: fixture.topic, partition: 0, key: nil, value: nil,
                headers: [("ce_id", Array("a".utf8)), ("none", nil), ("empty", [])],
                timestamp: 1_700_000_000_123))
        #expect(try producer.produce(topic: fixture.topic, partition: 0, key: [], value: []))
        #expect(producer.flush(timeoutMilliseconds: 10_000))

        let consumer = try Consumer(fixture.configuration)
        let id = consumer.topicID(of: fixture.topic)
        try consumer.assign([(fixture.partition(0), 0)])
        var seen = 0
        let deadline = Date().addingTimeInterval(10)
        while seen < 2, Date() < deadline {
            let batch = consumer.nextBatch(maximum: 10, timeoutMilliseconds: 100)
            for record in batch.records {
                #expect(record.topicID == id)
                if record.offset == 0 {
                    #expect(record.key == nil && record.value == nil)
                    #expect(record.timestamp == 1_700_000_000_123)
                    let headers = record.headers.map { header in
                        String(decoding: header.name, as: UTF8.self) + "="
                            + (header.value.map { String(decoding: $0, as: UTF8.self) } ?? "null")
                    }
                    #expect(headers == ["ce_id=a", "none=null", "empty="])
                    #expect(record.headers.contains { $0.name.elementsEqual("ce_id".utf8) })
                } else {
                    #expect(record.key?.count == 0 && record.value?.count == 0)
                    #expect(Array(record.headers.map { $0.name.count }).isEmpty)
                }
                seen += 1
            }
        }
        #expect(seen == 2)
        #expect(consumer.topicName(id) == fixture.topic)
    }

    @Test func theHelperThreadStartsRestsAndEnds() throws {
        let fixture = try TopicFixture(brokers: 2, partitions: 4)
        for number in 0..<4 { try fixture.fill(Int32(number), 0..<50) }
        let consumer = try Consumer(fixture.configuration)
        try consumer.assign((0..<4).map { (fixture.partition($0), offset: 0) })
        consumer.startWaking()
        let said = consumer.read { $0.ends >= 4 }
        consumer.stopWaking()
        consumer.startWaking()
        #expect(said.records.count == 200)
        try consumer.unassign()
        #expect(try consumer.close())
    }

    @Test func aMissingTopicIsAnErrorThatNamesIt() throws {
        let fixture = try TopicFixture(partitions: 3)
        let consumer = try Consumer(fixture.configuration)
        #expect(try consumer.partitionCount(of: fixture.topic, timeoutMilliseconds: 5_000) == 3)
        try consumer.waitForTopics([fixture.topic], timeoutMilliseconds: 5_000)
        // The mock speaks an old version of the protocol, which creates whatever is asked for.
        fixture.cluster.failTopic("absent", with: .unknownTopicOrPartition)
        do throws(KafkaError) {
            try consumer.waitForTopics(["absent"], timeoutMilliseconds: 300)
            Issue.record("the topic should be missing")
        } catch {
            #expect(error.code == .unknownTopicOrPartition || error.code == .unknownTopic)
            #expect(error.message.contains("absent"))
        }
    }

    @Test func callsThatNeedAGroupSaySo() throws {
        let fixture = try TopicFixture()
        let consumer = try Consumer(fixture.configuration)
        #expect(code { () throws(KafkaError) in try consumer.subscribe([fixture.topic]) } == .state)
        #expect(code { () throws(KafkaError) in try consumer.commitHint([]) } == .state)
    }
}

@Suite struct GroupTests {
    @Test func nothingIsDeliveredBeforeAnExplicitAssignThenExactlyFromItsOffsets() throws {
        let fixture = try TopicFixture(partitions: 2)
        try fixture.fill(0, 0..<12)
        try fixture.fill(1, 0..<6)
        let seen = Log<RebalanceEvent>()
        let consumer = try Consumer(
            fixture.configuration, settings: ConsumerSettings(group: "silent"),
            onRebalance: { seen.append($0) })
        try consumer.subscribe([fixture.topic])
        var early = consumer.read(seconds: 20) { _ in !seen.elements.isEmpty }
        // Records that arrive now are behind the silent assignment's start, and must not
        // come either.
        try fixture.fill(0, 12..<15)
        for _ in 0..<5 { consumer.take(100, into: &early) }
        #expect(early.records.isEmpty)
        #expect(early.events.isEmpty)
        let both = [fixture.partition(0), fixture.partition(1)]
        #expect(seen.elements == [.assigned(both)])

        try consumer.assign([(both[0], 3), (both[1], 5)])
        let said = consumer.read { $0.ends >= 2 }
        #expect(said.offsets(0) == Array(3..<15))
        #expect(said.offsets(1) == [5])

        #expect(try consumer.close())
        #expect(seen.elements == [.assigned(both), .revoked(both, isLost: false)])
    }

    @Test func theHandlerMayAssignAtOnceAndCommitOnRevocation() throws {
        let fixture = try TopicFixture(partitions: 1)
        try fixture.fill(0, 0..<8)
        let lane = try Lane(fixture.configuration, group: "inside", start: 2)
        try lane.consumer.subscribe([fixture.topic])
        let said = lane.consumer.read(seconds: 20) { $0.ends >= 1 }
        #expect(said.offsets(0) == Array(2..<8))
        #expect(try lane.consumer.close())
        #expect(lane.events.elements.count == 2)

        let witness = try Consumer(
            fixture.configuration, settings: ConsumerSettings(group: "inside"))
        let committed = try witness.committed(
            [fixture.partition(0)], timeoutMilliseconds: 10_000)
        #expect(committed.first??.offset == 8)
        #expect(committed.first??.metadata == "origin=0")
        let none = try Consumer(fixture.configuration, settings: ConsumerSettings(group: "other"))
        let absent = try none.committed([fixture.partition(0)], timeoutMilliseconds: 10_000)
        #expect(absent.count == 1 && absent[0] == nil)
    }

    @Test func offsetCommitsThatKafkaRefusesAreCountedAndThoseThatItTakes() throws {
        let fixture = try TopicFixture(partitions: 1)
        let lane = try Lane(fixture.configuration, group: "hints", start: 0)
        try lane.consumer.subscribe([fixture.topic])
        _ = lane.consumer.read(seconds: 20) { $0.ends >= 1 }
        let groupAuthorizationFailed = KafkaError.Code(rawValue: 30)
        let offsetCommit: Int16 = 8
        fixture.cluster.failRequests(ofKind: offsetCommit, with: [groupAuthorizationFailed])
        func commit(until isDone: (HintCounts) -> Bool) throws -> HintCounts {
            try lane.consumer.commitHint([(fixture.partition(0), 0, "origin=0")])
            let deadline = Date().addingTimeInterval(20)
            while !isDone(lane.consumer.hintCounts), Date() < deadline {
                _ = lane.foldBatch(maximum: 1, timeout: 50)
            }
            return lane.consumer.hintCounts
        }
        let refused = try commit { $0.refused > 0 }
        #expect(refused.refused == 1 && refused.taken == 0)
        #expect(refused.lastRefusal.contains("authorization"), "\(refused.lastRefusal)")
        let taken = try commit { $0.taken > 0 }
        #expect(taken.refused == 1 && taken.taken == 1)
    }

    @Test func aReaderWithoutAGroupNeedsNoRightOnOneAMemberIsToldThatItHasNone() throws {
        let fixture = try TopicFixture(partitions: 1)
        try fixture.fill(0, 0..<5)
        let findCoordinator: Int16 = 10
        let groupAuthorizationFailed = KafkaError.Code(rawValue: 30)
        fixture.cluster.failRequests(
            ofKind: findCoordinator,
            with: Array(repeating: groupAuthorizationFailed, count: 200))
        let reader = try Consumer(fixture.configuration)
        try reader.assign([(fixture.partition(0), offset: 0)])
        var read = reader.read { $0.ends >= 1 }
        #expect(read.records.count == 5)
        let member = try Consumer(fixture.configuration, settings: ConsumerSettings(group: "mine"))
        try member.subscribe([fixture.topic])
        func refusals(_ transcript: Transcript) -> Int {
            transcript.events.count { event in
                if case .error(let error) = event {
                    error.code == groupAuthorizationFailed
                } else {
                    false
                }
            }
        }
        // When the member has heard it, the reader would have, too.
        let told = member.read(seconds: 30) { transcript in
            reader.take(10, into: &read)
            return refusals(transcript) > 0
        }
        #expect(refusals(told) > 0)
        #expect(refusals(read) == 0, "\(read.events)")
    }

    @Test func aSecondMemberTakesOverWithoutARecordOfOursBeingDeliveredTwice() throws {
        let fixture = try TopicFixture(partitions: 2)
        try fixture.fill(0, 0..<5)
        try fixture.fill(1, 0..<5)
        let first = try Lane(fixture.configuration, group: "two", start: 0)
        try first.consumer.subscribe([fixture.topic])
        #expect(first.consumer.read(seconds: 20) { $0.ends >= 2 }.records.count == 10)
        let second = try Lane(fixture.configuration, group: "two", start: 0)
        try second.consumer.subscribe([fixture.topic])
        var rest = Transcript()
        let deadline = Date().addingTimeInterval(30)
        while rest.records.count < 5, Date() < deadline {
            var ignored = Transcript()
            first.consumer.take(50, into: &ignored)
            second.consumer.take(50, into: &rest)
        }
        #expect(rest.records.count >= 5)
        #expect(Set(first.consumer.assignment).isDisjoint(with: Set(second.consumer.assignment)))
        #expect(try second.consumer.close())
        #expect(try first.consumer.close())
    }

    @Test func recordsTakenBeforeARebalanceInTheSameCallAreNotDeliveredAfterIt() throws {
        let fixture = try TopicFixture(partitions: 4)
        let lane = try Lane(fixture.configuration, group: "inside-batch", start: 0)
        try lane.consumer.subscribe([fixture.topic])
        while lane.events.elements.isEmpty { _ = lane.foldBatch(maximum: 1, timeout: 100) }
        for number in 0..<4 { try fixture.fill(Int32(number), 0..<100) }

        let configuration = fixture.configuration
        let topic = fixture.topic
        let guest = Thread {
            do {
                let guest = try Lane(configuration, group: "inside-batch", start: 0)
                try guest.consumer.subscribe([topic])
                while guest.events.elements.isEmpty {
                    _ = guest.foldBatch(maximum: 1, timeout: 50)
                }
                try guest.consumer.close()
            } catch {
                Issue.record("\(error)")
            }
        }
        guest.start()
        // The call waits for a full array: it takes all 400 records, then meets the guest.
        var count = lane.foldBatch(maximum: 1_000, timeout: 8_000)
        #expect(lane.events.elements.count >= 3, "the rebalance came inside the call")
        let deadline = Date().addingTimeInterval(30)
        while count < 400 || !guest.isFinished, Date() < deadline {
            count += lane.foldBatch(maximum: 1_000, timeout: 100)
        }
        #expect(count == 400)
        #expect(lane.unexpected == 0)
        #expect(guest.isFinished)
        #expect(try lane.consumer.close())
    }

    @Test func throughManyRebalancesEachRecordComesAtExactlyItsExpectedOffset() throws {
        let fixture = try TopicFixture(partitions: 4)
        for number in 0..<4 { try fixture.fill(Int32(number), 0..<2_000) }
        let lane = try Lane(fixture.configuration, group: "chaos", start: 0)
        try lane.consumer.subscribe([fixture.topic])
        var count = 0
        var visits = 0
        let deadline = Date().addingTimeInterval(60)
        while lane.events.elements.isEmpty, Date() < deadline {
            count += lane.foldBatch(maximum: 50, timeout: 40)
        }
        while visits < 3, Date() < deadline {
            let before = lane.events.elements.count
            let guest = try Lane(fixture.configuration, group: "chaos", start: 0)
            try guest.consumer.subscribe([fixture.topic])
            // Small steps while the group is moving, so that rebalances meet filled queues.
            while lane.events.elements.count < before + 2, Date() < deadline {
                count += lane.foldBatch(maximum: 50, timeout: 40)
                var ignored = Transcript()
                guest.consumer.take(10, into: &ignored)
            }
            #expect(try guest.consumer.close())
            visits += 1
        }
        while lane.folded.values.contains(where: { $0 < 2_000 }) || lane.folded.count < 4,
            Date() < deadline
        {
            count += lane.foldBatch(maximum: 500, timeout: 100)
        }
        #expect(lane.folded.values.allSatisfy { $0 == 2_000 })
        #expect(count == 8_000)
        #expect(lane.unexpected == 0)
        #expect(lane.events.elements.count >= 6)
        #expect(try lane.consumer.close())
    }
}

/// The smallest owner of a consumer: assigns inside the handler, commits inside it too.
final class Lane {
    let consumer: Consumer
    let events = Log<RebalanceEvent>()
    /// The next offset to take of each partition ever owned.
    private(set) var folded: [TopicPartition: Int64] = [:]
    private(set) var unexpected = 0

    init(_ configuration: ClientConfiguration, group: String, start: Int64) throws {
        var configuration = configuration
        configuration.properties.append(("session.timeout.ms", "6000"))
        configuration.properties.append(("heartbeat.interval.ms", "200"))
        consumer = try Consumer(configuration, settings: ConsumerSettings(group: group))
        consumer.setRebalanceHandler { [unowned self] event in
            events.append(event)
            do {
                switch event {
                case .assigned(let partitions):
                    try consumer.assign(partitions.map { ($0, offset: folded[$0] ?? start) })
                case .revoked(let partitions, _):
                    try consumer.commitHint(
                        partitions.map { partition in
                            (partition, consumer.position(of: partition) ?? start, "origin=0")
                        })
                }
            } catch {
                Issue.record("\(error)")
            }
        }
    }

    /// Takes one batch and checks each offset against the expected one.
    func foldBatch(maximum: Int, timeout: Int32) -> Int {
        let batch = consumer.nextBatch(maximum: maximum, timeoutMilliseconds: timeout)
        for record in batch.records {
            let partition = TopicPartition(
                topic: consumer.topicName(record.topicID), partition: record.partition)
            if record.offset != folded[partition, default: 0] { unexpected += 1 }
            folded[partition] = record.offset + 1
        }
        return batch.count
    }
}
