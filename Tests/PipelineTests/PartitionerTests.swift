import Ledger
import Testing

@testable import Pipeline

/// Partitioners against real clients, and what a sample of keys says of them.
@Suite struct PartitionerTests {
    /// What confluent-kafka 2.16.1 (librdkafka 2.16.0) and kafka-python 3.0.12 did on Kafka 4.3
    /// with topics of 7 and of 12 partitions; Java's client 4.3.0 has the same for murmur2.
    private static let seen: [(key: [UInt8], crc32: [Int], murmur2: [Int], fnv1a: [Int])] = [
        (Array("org-1".utf8), [4, 2], [0, 3], [2, 7]),
        (Array("org-2".utf8), [4, 0], [6, 1], [0, 6]),
        (Array("org-3".utf8), [3, 2], [0, 0], [5, 5]),
        (Array("org-17".utf8), [2, 11], [5, 8], [1, 0]),
        (Array("acme".utf8), [6, 2], [4, 0], [5, 7]),
        ([0xC3, 0xBC], [4, 1], [0, 2], [0, 10]),
        ([0x00, 0xFF], [6, 10], [4, 1], [0, 0]),
        (Array("a".utf8), [4, 3], [5, 4], [6, 0]),
        (Array("ab".utf8), [5, 5], [0, 2], [2, 6]),
        (Array("abc".utf8), [5, 6], [4, 3], [5, 11]),
        (Array("abcd".utf8), [4, 1], [5, 8], [1, 3]),
        (Array("a-little-bit-longer-string".utf8), [0, 2], [0, 11], [4, 9]),
        (Array("kafka".utf8), [6, 11], [3, 4], [4, 5]),
        ([], [0, 0], [2, 9], [2, 3]),
    ]

    @Test func keysGoWhereRealClientsPutThem() {
        for (key, crc32, murmur2, fnv1a) in Self.seen {
            for (place, partitions) in [7, 12].enumerated() {
                let found = Partitioner.allCases.map { put(key, $0, partitions) }
                #expect(
                    found == [murmur2[place], crc32[place], fnv1a[place]].map { Int32($0) },
                    "\(key)")
            }
        }
        // Of all three functions, as the clients' own tests have them.
        #expect(hash("kafka", .murmur2) == 0x5067_CF64 && hash("kafka", .fnv1a) == 0x0D33_C4E1)
        #expect(hash("123456789", .crc32) == 0xCBF4_3926)
        #expect(hash("foobar", .murmur2) == UInt32(bitPattern: -790_332_482) & 0x7FFF_FFFF)
    }

    private func hash(_ key: String, _ partitioner: Partitioner) -> UInt32 {
        Array(key.utf8).withUnsafeBytes { partitioner.hash($0) }
    }

    private func put(_ key: [UInt8], _ partitioner: Partitioner, _ partitions: Int) -> Int32 {
        key.withUnsafeBytes { Int32(partitioner.hash($0) % UInt32(partitions)) }
    }

    // MARK: Samples

    private func key(_ number: Int) -> [UInt8] { Array("org-\(number)".utf8) }

    private func sample(
        partitions: Int = 12,
        _ fill: (_ take: (_ key: [UInt8]?, _ partition: Int32) -> Void) -> Void
    ) -> KeySample {
        var sample = KeySample(topic: "t", partitions: partitions, depth: 1_000)
        fill { key, partition in
            guard let key else {
                return sample.take(key: nil, partition: partition, reading: nil)
            }
            key.withUnsafeBytes { sample.take(key: $0, partition: partition, reading: nil) }
        }
        return sample
    }

    /// Findings by check; each that is not ok says what to do.
    private func findings(_ sample: KeySample) -> [String: Finding] {
        for finding in sample.findings {
            #expect((finding.grade == .ok) == (finding.remedy == nil), "\(finding)")
            #expect(finding.subject == "t" && finding.message.hasPrefix("t: "))
        }
        return Dictionary(uniqueKeysWithValues: sample.findings.map { ($0.check, $0) })
    }

    @Test(arguments: Partitioner.allCases)
    func producersThatAgreeAreNamedAndFine(_ partitioner: Partitioner) {
        let found = findings(
            sample { take in
                for number in 0..<200 {
                    take(key(number % 100), put(key(number % 100), partitioner, 12))
                }
            })
        #expect(found.count == 1 && found["topic-partitioner"]?.grade == .ok)
        #expect(
            found["topic-partitioner"]?.message
                == "t: 100 keys of 200 sampled records are where \(partitioner.text) puts them")
    }

    @Test(arguments: [2, 3, 12, 100])
    func producersThatDifferAreAWarning(_ partitions: Int) throws {
        let found = findings(
            sample(partitions: partitions) { take in
                for number in 0..<200 {
                    take(key(number), put(key(number), .murmur2, partitions))
                    take(key(number), put(key(number), .crc32, partitions))
                }
            })
        let spread = (0..<200).count {
            put(key($0), .murmur2, partitions) != put(key($0), .crc32, partitions)
        }
        let partitioner = try #require(found["topic-partitioner"])
        #expect(partitioner.grade == .warning)
        #expect(
            partitioner.message.contains(
                "in different ways: 200 by \(Partitioner.murmur2.text), and \(spread) by "
                    + Partitioner.crc32.text), "\(partitioner.message)")
        #expect(partitioner.remedy?.contains("partitioner=murmur2_random") == true)
        let keys = try #require(found["topic-keys"])
        #expect(keys.grade == .warning)
        #expect(
            keys.message.hasPrefix(
                "t: \(spread) of 200 sampled keys are in several partitions, as \"org-"))
    }

    /// Each key comes from one of two producers only, so that no key is in two partitions yet.
    @Test func producersThatDifferAreFoundBeforeTheyMeet() {
        let found = findings(
            sample { take in
                for number in 0..<300 {
                    take(key(number), put(key(number), number % 3 == 0 ? .fnv1a : .crc32, 12))
                }
            })
        #expect(found.count == 1 && found["topic-partitioner"]?.grade == .warning, "\(found)")
    }

    @Test func partitionsThatWereAddedAreTold() throws {
        let found = findings(
            sample { take in
                for number in 0..<300 {
                    take(key(number), put(key(number), .murmur2, 8))
                    if number < 100 { take(key(number), put(key(number), .murmur2, 12)) }
                }
            })
        let partitioner = try #require(found["topic-partitioner"])
        #expect(partitioner.message.contains("when there were 8 partitions"), "\(partitioner)")
        #expect(partitioner.remedy?.contains("before partitions were added") == true)
        #expect(found["topic-keys"]?.grade == .warning)
    }

    @Test func aPartitionerOfTheirOwnIsFineAsLongAsKeysStayTogether() {
        let own = { (number: Int) in Int32(number * 7_919 % 12) }
        var found = findings(
            sample { take in for number in 0..<200 { take(key(number), own(number)) } })
        #expect(found.count == 1 && found["topic-partitioner"]?.grade == .ok)
        #expect(found["topic-partitioner"]?.message.contains("where none of") == true)
        found = findings(
            sample { take in
                for number in 0..<200 { take(key(number), own(number)) }
                take(key(5), own(6))
            })
        #expect(found["topic-keys"]?.grade == .warning)
        #expect(
            found["topic-keys"]?.message.contains("1 of 200 sampled keys") == true
                && found["topic-keys"]?.message.contains("\"org-5\" in 6 and 7") == true)
        // Most by murmur2, some by themselves: somebody else writes too.
        found = findings(
            sample { take in
                for number in 0..<200 {
                    take(
                        key(number),
                        number < 5
                            ? (put(key(number), .murmur2, 12) + 1) % 12
                            : put(key(number), .murmur2, 12))
                }
            })
        #expect(found["topic-partitioner"]?.grade == .warning)
        #expect(found["topic-partitioner"]?.message.contains("5 by something else") == true)
    }

    /// A hundred keys in partitions by dice, a thousand times over.
    @Test func chanceIsNotTakenForAPartitioner() {
        var dice = SplitMix(state: 17)
        for round in 0..<1_000 {
            let partitions = [2, 3, 12, 30][round % 4]
            let places = (0..<100).map { number in
                (
                    key: key(number + 100 * round).withUnsafeBytes { SampledKey($0) },
                    partition: Int32.random(in: 0..<Int32(partitions), using: &dice)
                )
            }
            let fit = PartitionerFit(places, partitions: partitions)
            #expect(fit.parts.isEmpty && fit.elsewhere == 100, "round \(round): \(fit.parts)")
        }
    }

    private struct SplitMix: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var word = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
            word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
            return word ^ word >> 31
        }
    }

    @Test func fewKeysAndNoKeysSayLittle() {
        var found = findings(sample { take in take(key(1), put(key(1), .murmur2, 12)) })
        #expect(found["topic-partitioner"]?.grade == .ok)
        #expect(found["topic-partitioner"]?.message.contains("too few") == true)
        found = findings(
            sample { take in
                for number in 0..<20 { take(number < 10 ? nil : [], Int32(number % 12)) }
            })
        #expect(found["topic-partitioner"]?.message == "t: none of 20 sampled records has a key")
        found = findings(sample { _ in })
        #expect(found["topic-partitioner"]?.grade == .ok && found.count == 1)
        var unread = sample { _ in }
        unread.errorText = "Topic authorization failed"
        found = findings(unread)
        #expect(found["topic-partitioner"]?.grade == .warning)
        #expect(
            found["topic-partitioner"]?.message
                == "t: its keys cannot be sampled: Topic authorization failed")
    }

    @Test func namesAreEscapedAndShortened() {
        #expect(
            KeySample.quoted(Array("a \"b\"\\\n\u{1B}[1m".utf8)) == #""a \x22b\x22\x5c\x0a\x1b[1m""#
        )
        #expect(KeySample.quoted(Array(repeating: 0x61, count: 40)).hasSuffix("a\""))
        let long = [UInt8](repeating: 0x61, count: 1_000)
        let found = findings(
            sample { take in for partition: Int32 in 0..<6 { take(long, partition) } })
        #expect(
            found["topic-keys"]?.message.contains(
                "\"\(String(repeating: "a", count: 40))\"… in 0, 1, 2 and 3 more:") == true)
    }
}
