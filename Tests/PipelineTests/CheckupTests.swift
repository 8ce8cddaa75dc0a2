import Kafka
import Ledger
import Redis
import TestSupport
import Testing

@testable import Pipeline

/// What follows from what is known of topics and partitions; asking
/// real servers is in Tests/Clients.
@Suite struct CheckupTests {
    private func topic(
        _ settings: [String: String], role: TopicFacts.Role = .events, partitions: Int = 4
    ) -> [String: Finding.Grade] {
        var facts = TopicFacts(name: "t", role: role)
        facts.partitions = partitions
        facts.replicas = 3
        facts.settings = settings.merging(["min.insync.replicas": "2"]) { own, _ in own }
        return grades(facts.findings)
    }

    /// Grades by check; every finding says how to repair it.
    private func grades(_ findings: [Finding]) -> [String: Finding.Grade] {
        var grades: [String: Finding.Grade] = [:]
        for finding in findings {
            #expect((finding.grade == .ok) == (finding.remedy == nil), "\(finding)")
            grades[finding.check] = finding.grade
        }
        return grades
    }

    private static let sound = [
        "cleanup.policy": "delete", "retention.ms": "604800000", "retention.bytes": "-1",
        "message.timestamp.type": "CreateTime", "message.timestamp.before.max.ms": "86400000",
        "message.timestamp.after.max.ms": "3600000",
    ]

    @Test func theMemoryOfFullWindowsIsTold() {
        let finding = Checkup.windows(64, 1 << 20)
        #expect(finding?.grade == .ok && finding?.check == "dedupe-memory")
        #expect(
            finding?.message
                == "64 partitions: their windows of ids take 1611 MB in the counting processes once "
                + "all are full, 26 MB each")
        #expect(Checkup.windows(0, 1 << 20) == nil && Checkup.windows(64, 0) == nil)
    }

    @Test func aSoundTopicHasNothingAgainstIt() {
        let all = topic(Self.sound)
        #expect(Set(all.values) == [.ok] && all.count == 5, "\(all)")
    }

    @Test func whatIsWrongWithATopicIsFoundByItself() {
        let changes: [(String, String, String, Finding.Grade)] = [
            ("cleanup.policy", "compact,delete", "topic-compaction", .error),
            ("retention.ms", "3600000", "topic-retention", .warning),
            ("retention.ms", "-1", "topic-retention", .ok),
            ("retention.bytes", "1000", "topic-retention-bytes", .warning),
            (
                "message.timestamp.before.max.ms", "9223372036854775807", "topic-timestamps",
                .warning
            ),
            ("message.timestamp.after.max.ms", "9223372036854775807", "topic-timestamps", .warning),
            ("message.timestamp.type", "LogAppendTime", "topic-timestamps", .ok),
            ("min.insync.replicas", "1", "topic-replication", .warning),
            ("unclean.leader.election.enable", "true", "topic-elections", .warning),
        ]
        for (name, value, check, grade) in changes {
            var settings = Self.sound
            settings[name] = value
            #expect(topic(settings)[check] == grade, "\(name)=\(value)")
        }
        #expect(
            topic(["cleanup.policy": "compact"], role: .directory)["directory-partitions"] == .error
        )
        let directory = topic(["cleanup.policy": "compact"], role: .directory, partitions: 1)
        #expect(Set(directory.values) == [.ok])
        #expect(topic([:], role: .directory, partitions: 1)["topic-compaction"] == .error)
        var missing = TopicFacts(name: "t", role: .events)
        missing.errorText = "unknown topic"
        #expect(grades(missing.findings) == ["topic": .error])
    }

    /// Findings of a partition counted from 100 to 500 … 600, with
    /// 1,000 s of retention and N = 300.
    private func partition(_ change: (inout PartitionFacts) -> Void) -> [String: Finding.Grade] {
        var facts = PartitionFacts(name: LogPartition(topic: "t", partition: 3))
        facts.log = (100, 600)
        facts.origin = 100
        facts.lowest = 500
        facts.highest = 600
        facts.lowestTime = 9_000_000
        facts.retention = 1_000_000
        change(&facts)
        return grades(facts.findings(window: 300, now: 9_100_000))
    }

    @Test func aPartitionIsJudgedByMarksOriginAndWindow() {
        #expect(partition { _ in } == ["log": .ok])
        #expect(partition { $0.origin = nil } == ["log": .ok])
        #expect(partition { $0.log = nil } == ["log": .error])
        #expect(partition { $0.highest = 601 } == ["log-end": .error])
        #expect(partition { $0.log = (501, 600) } == ["log-lost": .error])
        // Behind the origin, and everything that duplicates are looked for in is there.
        #expect(partition { $0.log = (200, 600) } == ["log": .ok])
        #expect(partition { $0.log = (201, 600) } == ["log-warm-up": .warning])
        // A log that never held more has nothing to warm up with.
        #expect(
            partition {
                $0.log = (450, 600)
                $0.origin = 450
            } == ["log": .ok])
        #expect(partition { $0.lowestTime = 8_200_000 } == ["log-margin": .warning])
        #expect(
            partition {
                $0.lowestTime = 8_200_000
                $0.lowest = 600
            } == ["log": .ok])
    }

    /// Kafka is waited for in vain, and the Redis of this machine keeps nothing on disk.
    @Test func aKafkaThatIsAwayIsNoFaultOfRedis() throws {
        let redis = try TestRedis()
        let found = grades(
            Checkup.run(
                PipelineConfiguration(
                    client: ClientConfiguration(bootstrap: "127.0.0.1:1"),
                    redis: redis.configuration, catalog: try SupervisorTests.catalog())))
        #expect(found["kafka-reach"] == .error)
        #expect(found["redis-clock"] == .ok)
        #expect(found["redis-persistence"] == .warning)
    }

    @Test func whetherKafkaCouldGiveEverythingAgain() {
        func facts(_ origin: Int64?, _ log: (low: Int64, high: Int64)?) -> PartitionFacts {
            var facts = PartitionFacts(name: LogPartition(topic: "t", partition: 0))
            facts.origin = origin
            facts.log = log
            return facts
        }
        #expect(Checkup.refill([], isCounted: false) == .nothingCounted)
        #expect(Checkup.refill([facts(nil, (7, 9))], isCounted: false) == .nothingCounted)
        #expect(Checkup.refill([], isCounted: true) == .unknown)
        #expect(Checkup.refill([facts(5, nil)], isCounted: true) == .unknown)
        #expect(Checkup.refill([facts(5, (5, 9))], isCounted: nil) == .unknown)
        #expect(Checkup.refill([facts(5, (5, 9)), facts(nil, nil)], isCounted: true) == .complete)
        #expect(Checkup.refill([facts(5, (6, 9)), facts(5, nil)], isCounted: true) == .incomplete)
    }

    @Test func whetherEverythingCanBeReadAgain() {
        var facts = PartitionFacts(name: LogPartition(topic: "t", partition: 0))
        #expect(facts.reachesOrigin)
        facts.origin = 5
        #expect(!facts.reachesOrigin)
        facts.log = (5, 9)
        #expect(facts.reachesOrigin)
        facts.log = (6, 9)
        #expect(!facts.reachesOrigin)
    }
}

/// What `doctor` makes of the words of Sentinels.
@Suite struct SentinelFactsTests {
    private func report(
        _ number: Int32, master: Int32? = 1, known: Int = 3, replicas: Int = 2,
        obstacle: String? = nil
    ) -> Sentinels.Report {
        var report = Sentinels.Report(endpoint: Endpoint(host: "h", port: number))
        report.master = master.map { Endpoint(host: "m", port: $0) }
        if master == nil {
            report.failure = "Connection refused"
        } else {
            (report.quorum, report.known, report.replicas) = (2, known, replicas)
        }
        report.obstacle = obstacle
        return report
    }

    private func lines(_ reports: Sentinels.Report...) -> [String] {
        SentinelFacts.findings(reports, name: "odo").map {
            "\($0.grade.rawValue) \($0.check): \($0.message)"
        }
    }

    @Test func allOfThemAgree() {
        #expect(
            lines(report(1), report(2), report(3)) == [
                "ok sentinel-reach: 3 of 3 Sentinels answer and name m:1 as odo; "
                    + "3 know each other, quorum 2"
            ])
    }

    @Test func oneIsAwayAndTheOthersDisagree() {
        let found = lines(report(1), report(2, master: 2), report(3, master: nil))
        #expect(found.count == 2)
        #expect(found[0].hasPrefix("warning sentinel-reach: 2 of 3 Sentinels answer"))
        #expect(found[0].hasSuffix("(h:3: Connection refused)"))
        #expect(
            found[1] == "error sentinel-agreement: the Sentinels disagree about odo: "
                + "h:1 names m:1, h:2 names m:2")
    }

    @Test func noFailoverIsPossible() {
        #expect(
            lines(report(1, obstacle: "NOQUORUM x")).contains {
                $0 == "error sentinel-quorum: no failover of odo can be decided: NOQUORUM x"
            })
        let few = lines(report(1, known: 2, replicas: 0))
        #expect(few.contains { $0.hasPrefix("warning sentinel-quorum: 2 Sentinels watch odo") })
        #expect(few.contains { $0.hasPrefix("warning sentinel-replicas: odo has no replica") })
        #expect(lines(report(1, master: nil))[0].hasPrefix("error sentinel-reach: 0 of 1"))
    }
}
