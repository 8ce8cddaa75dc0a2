import Foundation
import Kafka
import Ledger
import Testing

@testable import Metering
@testable import Pipeline

/// Dead letters that are too large, refused, or asked for again.
@Suite struct DeadLetterTests {
    private static let produceRequest: Int16 = 0

    private static func address(_ offset: Int64) -> LetterAddress {
        LetterAddress(topicID: 0, partition: 0, offset: offset)
    }

    private static func print(_ offset: Int64, hash: UInt64 = 1) -> Fingerprint {
        Fingerprint(offset: offset, timestamp: 5, hash: hash)
    }

    // MARK: Forms

    private static func letter(
        key: Int? = 10, headers: Int? = 20_000, value: Int? = 30_000
    ) -> DeadLetter {
        DeadLetter(
            address: address(1), key: Array("t/0/1".utf8), reason: "malformed",
            own: [("reason", Array("malformed".utf8))],
            originalKey: key.map { [UInt8](repeating: 1, count: $0) },
            originalHeaders: headers.map {
                [("original-h", [UInt8](repeating: 2, count: $0))]
            } ?? [], value: value.map { [UInt8](repeating: 3, count: $0) }, timestamp: 5)
    }

    private static func truncated(_ letter: DeadLetter) -> String? {
        letter.sentHeaders.first { $0.name == "truncated" }?.value.map {
            String(decoding: $0, as: UTF8.self)
        }
    }

    @Test func whatIsLargeIsLeftOutInOrderAndTheHeaderSaysWhat() {
        var letter = Self.letter()
        #expect(Self.truncated(letter) == nil && letter.sentValue?.count == 30_000)
        #expect(letter.messageBytes > 50_000)
        letter.shorten(belowBytes: letter.messageBytes)
        #expect(Self.truncated(letter) == "headers,key" && letter.sentValue?.count == 30_000)
        letter.shorten(belowBytes: 30_000)
        #expect(Self.truncated(letter) == "value" && letter.sentValue == nil)
        #expect(letter.sentHeaders.contains { $0.name == "original-h" })
        letter.shorten(belowBytes: 300)
        #expect(Self.truncated(letter) == "headers,key,value")
        #expect(letter.messageBytes < 300 && letter.nextForm == nil)
        // The shortest form stays, whatever the limit.
        letter.shorten(belowBytes: 0)
        #expect(letter.form == .shortest)
    }

    @Test func aFormThatLeavesNothingOutIsNotTried() {
        var bare = Self.letter(key: nil, headers: nil, value: nil)
        #expect(bare.nextForm == nil)
        bare = Self.letter(key: nil, headers: nil)
        #expect(bare.nextForm == .withoutValue)
        bare = Self.letter(value: nil)
        #expect(bare.nextForm == .withoutHeaders)
        bare.shorten(belowBytes: 0)
        #expect(bare.nextForm == nil && Self.truncated(bare) == "headers,key")
        bare = Self.letter(key: nil, value: 0)
        bare.shorten(belowBytes: 0)
        #expect(Self.truncated(bare) == "headers" && bare.sentValue?.isEmpty == true)
    }

    @Test func theSizeThatWasRefusedIsThatOfAMessageAndIsForgottenAfterAWhile() {
        var limits = LetterLimits()
        #expect(limits.refusedBytes(now: 0) == Int.max)
        limits.refuse(bytes: 0, now: 0)
        #expect(limits.refusedBytes(now: 0) == Int.max)
        limits.refuse(bytes: 20_000, now: 10)
        limits.refuse(bytes: 30_000, now: 20)
        #expect(limits.refusedBytes(now: 30) == 20_000)
        #expect(limits.refusedBytes(now: 700_000) == Int.max)
    }

    // MARK: Memory

    @Test func aLetterIsKnownUntilTheMarksHavePassedItsRecord() {
        var book = LetterBook()
        book.begin(Self.address(7), Self.print(7))
        #expect(book.state(of: Self.address(7), Self.print(7)) == .waiting)
        book.forget { _ in true }
        #expect(book.state(of: Self.address(7), Self.print(7)) == .waiting)
        book.finish(Self.address(7))
        #expect(book.state(of: Self.address(7), Self.print(7)) == .done)
        // Another record at the same address is another letter.
        #expect(book.state(of: Self.address(7), Self.print(7, hash: 2)) == nil)
        book.forget { $0.offset < 7 }
        #expect(book.state(of: Self.address(7), Self.print(7)) == .done)
        book.forget { $0.offset < 8 }
        #expect(book.state(of: Self.address(7), Self.print(7)) == nil && book.count == 0)
        book.begin(Self.address(8), Self.print(8))
        book.drop(Self.address(8))
        #expect(book.count == 0)
    }

    @Test func onlySoManyAreRememberedTheOldestGoFirst() {
        var book = LetterBook(most: 100)
        for offset in Int64(0)..<1_000 {
            book.begin(Self.address(offset), Self.print(offset))
            book.finish(Self.address(offset))
        }
        #expect(book.count <= 100)
        #expect(book.state(of: Self.address(999), Self.print(999)) == .done)
        #expect(book.state(of: Self.address(0), Self.print(0)) == nil)
    }

    // MARK: On a cluster

    /// A cluster with rejected records in a topic, and dead letters that take them from there.
    private final class Post {
        let cluster: MockCluster
        let letters: DeadLetters
        let consumer: Consumer

        init() throws {
            cluster = try MockCluster()
            try cluster.createTopic("events", partitions: 1)
            try cluster.createTopic("dead", partitions: 1)
            let client = ClientConfiguration(bootstrap: cluster.bootstrap)
            letters = DeadLetters(client: client, topic: "dead")
            consumer = try Consumer(client)
            try consumer.assign([(TopicPartition(topic: "events", partition: 0), offset: 0)])
        }

        func write(value: String?, header: Int = 0, key: String? = nil) throws {
            let producer = try Producer(ClientConfiguration(bootstrap: cluster.bootstrap))
            _ = try producer.produce(
                topic: "events", partition: 0, key: key.map { Array($0.utf8) },
                value: value.map { Array($0.utf8) },
                headers: header > 0 ? [("h", [UInt8](repeating: 7, count: header))] : [])
            #expect(producer.flush(timeoutMilliseconds: 10_000))
        }

        /// Takes so many records from the topic, the first one given, as rejected ones.
        func reject(_ count: Int, from offset: Int64 = 0) throws {
            try consumer.assign([(TopicPartition(topic: "events", partition: 0), offset: offset)])
            let names = RejectionNames(try SupervisorTests.catalog())
            let rejected = RejectedRecord(
                index: 0, outcome: .malformed, rejection: .notJSON, field: -1, event: -1,
                isBinary: false, names: names)
            var taken = 0
            let deadline = Date().addingTimeInterval(20)
            while taken < count, Date() < deadline {
                let batch = consumer.nextBatch(maximum: count - taken, timeoutMilliseconds: 100)
                for record in batch.records {
                    taken += 1
                    letters.send(record, topicName: "events", rejected)
                }
            }
            #expect(taken == count)
        }

        func areDelivered() -> Bool {
            let deadline = Date().addingTimeInterval(30)
            while Date() < deadline {
                if letters.deliver(waitMilliseconds: 100) { return true }
            }
            return false
        }

        /// Key, value and the header `truncated` of everything in the dead-letter topic.
        func delivered() throws -> [(key: String, value: String?, truncated: String?)] {
            let reader = try Consumer(ClientConfiguration(bootstrap: cluster.bootstrap))
            let partition = TopicPartition(topic: "dead", partition: 0)
            let end = try reader.watermarks(of: partition, timeoutMilliseconds: 10_000).high
            try reader.assign([(partition, offset: 0)])
            var found: [(key: String, value: String?, truncated: String?)] = []
            let deadline = Date().addingTimeInterval(20)
            while found.count < end, Date() < deadline {
                let batch = reader.nextBatch(maximum: 100, timeoutMilliseconds: 100)
                for record in batch.records {
                    let header = record.headers.first { $0.name.elementsEqual("truncated".utf8) }
                    found.append(
                        (
                            key: record.key.map { String(decoding: $0, as: UTF8.self) } ?? "",
                            value: record.value.map { String(decoding: $0, as: UTF8.self) },
                            truncated: header?.value.map { String(decoding: $0, as: UTF8.self) }
                        ))
                }
            }
            return found
        }
    }

    @Test func oneLetterTooLargeDoesNotEmptyThoseThatWentWithItNorLaterOnes()
        throws
    {
        let post = try Post()
        for number in 0..<5 { try post.write(value: "value \(number)") }
        try post.write(value: nil, header: 5_000, key: "k")
        try post.write(value: "later")
        // The first request is refused as a whole, then the large letter as it goes alone.
        post.cluster.failRequests(ofKind: Self.produceRequest, with: [.messageTooLarge])
        try post.reject(5)
        #expect(post.areDelivered())
        post.cluster.failRequests(
            ofKind: Self.produceRequest, with: [.messageTooLarge, .messageTooLarge])
        try post.reject(1, from: 5)
        #expect(post.areDelivered())
        try post.reject(1, from: 6)
        #expect(post.areDelivered())
        let found = try post.delivered().sorted { $0.key < $1.key }
        #expect(found.map(\.key) == (0..<7).map { "events/0/\($0)" })
        #expect(
            found.map(\.value) == (0..<5).map { "value \($0)" } + [nil, "later"])
        #expect(found.map(\.truncated) == [nil, nil, nil, nil, nil, "headers,key", nil])
        #expect(post.letters.givenUp == 0 && post.letters.delivered == 7)
    }

    @Test func aLetterRefusedInItsShortestFormIsGivenUpAndTheNextOneGoes() throws {
        let post = try Post()
        try post.write(value: "x", header: 10)
        try post.write(value: "next")
        // Among others, alone, without headers, without value, shortest.
        post.cluster.failRequests(
            ofKind: Self.produceRequest, with: Array(repeating: .messageTooLarge, count: 5))
        try post.reject(1)
        #expect(post.areDelivered())
        #expect(post.letters.givenUp == 1 && post.letters.delivered == 0)
        #expect(post.letters.lastGivenUp?.contains("events/0/0") == true)
        try post.reject(2)
        #expect(post.areDelivered())
        #expect(try post.delivered().map(\.key) == ["events/0/1"])
        #expect(post.letters.givenUp == 1)
    }

    @Test func whatWasAcknowledgedIsNotSentAgainBeforeTheMarksHavePassedIt() throws {
        let post = try Post()
        for number in 0..<3 { try post.write(value: "v\(number)") }
        try post.reject(3)
        #expect(post.areDelivered())
        for _ in 0..<2 {
            post.letters.abandon()
            try post.reject(3)
            #expect(post.areDelivered())
        }
        #expect(try post.delivered().count == 3)
        post.letters.forget { $0.offset < 2 }
        try post.reject(3)
        #expect(post.areDelivered())
        #expect(
            try post.delivered().map(\.key).sorted() == [
                "events/0/0", "events/0/0", "events/0/1", "events/0/1", "events/0/2",
            ])
    }

    @Test func aTopicThatRefusesEverybodyIsWaitedForAndNothingIsReadAgain() throws {
        let post = try Post()
        try post.write(value: "v")
        let refused = KafkaError.Code(rawValue: 29)  // TOPIC_AUTHORIZATION_FAILED
        post.cluster.failTopic("dead", with: refused)
        try post.reject(1)
        let isTold = SupervisorTests.wait(30) {
            _ = post.letters.deliver(waitMilliseconds: 50)
            return post.letters.trouble != nil
        }
        #expect(isTold && post.letters.waiting == 1)
        post.cluster.failTopic("dead", with: nil)
        #expect(post.areDelivered())
        #expect(post.letters.trouble == nil && post.letters.delivered == 1)
        #expect(try post.delivered().map(\.value) == ["v"])
    }

    @Test func aLaneThatWaitsForItsDeadLettersSaysSoAndCountsOnWhenTheyAreWritten()
        throws
    {
        try RecoveryTests().withMachine { cluster, redis, supervisor in
            let refused = KafkaError.Code(rawValue: 29)  // TOPIC_AUTHORIZATION_FAILED
            cluster.failTopic("usage-dead-letters", with: refused)
            try SupervisorTests.produce([("x", "no JSON")], to: cluster.bootstrap)
            #expect(
                SupervisorTests.wait { supervisor.trouble?.contains("dead letters") ?? false })
            cluster.failTopic("usage-dead-letters", with: nil)
            #expect(SupervisorTests.wait { supervisor.metrics.deadLetters == 1 })
            #expect(SupervisorTests.wait { supervisor.isReady })
            #expect(supervisor.metrics.deadLettersGivenUp == 0)
        }
    }
}
