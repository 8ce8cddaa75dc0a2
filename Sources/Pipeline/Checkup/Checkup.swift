internal import Kafka
public import Ledger
internal import Metering
internal import Redis

/// The checks of `odometer doctor` and of each start: what must hold for exact numbers, and what
/// should.
///
/// The start refuses findings that are `isFatal`; the rest is advice. Facts are collected here;
/// `TopicFacts`, `KeySample`, `PartitionFacts` and `LedgerFacts` judge them.
public enum Checkup {
    private static let answerMilliseconds: Int32 = 5_000

    /// Runs all checks; that Redis or Kafka cannot be asked is a finding too.
    public static func run(_ configuration: PipelineConfiguration) -> [Finding] {
        var findings: [Finding] = []
        var server: ServerChecks?
        var ledger: LedgerFacts?
        do throws(LedgerError) {
            var connection = try LedgerFacts.connect(configuration)
            if configuration.redis.cluster == nil, let facts = connection.tlsFacts {
                findings.append(tls(facts, nowMilliseconds: SteadyClock.wallMilliseconds))
            }
            var refusals = ServerCheck.Refusals()
            server = try ServerChecks(
                configuration.redis, &connection, layout: configuration.layout,
                uses: ServerRights.Use.allCases,
                isEvictionChecked: configuration.isEvictionChecked, refusals: &refusals)
            // In a cluster a connection is made with the first command.
            if configuration.redis.cluster != nil, let facts = connection.tlsFacts {
                findings.append(tls(facts, nowMilliseconds: SteadyClock.wallMilliseconds))
            }
            ledger = try LedgerFacts(&connection, configuration, &findings)
            if let share = server?.memoryShare, share >= 70 {
                // This is advice only: without the right to look at keys there is just the share.
                var sample = MemorySample(layout: configuration.layout)
                try? sample.look(configuration.redis)
                server?.note(heaviest: sample.text)
            }
        } catch {
            findings.append(
                Finding(
                    .error, "redis", "redis-reach", "Redis cannot be asked: \(error.message)",
                    remedy: "start it, or correct --redis"))
        }
        findings += SentinelFacts.findings(configuration.redis)
        findings += ClusterFacts.findings(
            configuration.redis, ledger?.layout ?? configuration.layout)
        var partitions: [PartitionFacts] = []
        do throws(KafkaError) {
            let consumer = try Consumer(configuration.client)
            guard let cluster = consumer.clusterID(timeoutMilliseconds: answerMilliseconds) else {
                throw KafkaError(code: .timedOut, message: "no broker answers")
            }
            findings.append(
                Finding(.ok, "kafka", "kafka-library", "librdkafka \(KafkaLibrary.version)"))
            // Not every broker knows a new topic at once. One that is still missing after this
            // becomes a finding.
            try? consumer.waitForTopics(
                configuration.topics
                    + [configuration.directoryTopic, configuration.deadLetterTopic].compactMap(
                        \.self), timeoutMilliseconds: 3_000)
            let topics = topicFacts(consumer, configuration)
            for topic in topics { findings += topic.findings }
            partitions = partitionFacts(consumer, configuration, topics, ledger)
            if let finding = ledger?.contract(configuration, cluster) { findings.append(finding) }
            findings += keys(consumer, configuration, topics)
        } catch {
            findings.append(
                Finding(
                    .error, "kafka", "kafka-reach", "Kafka cannot be asked: \(error.message)",
                    remedy: "start it, or correct --bootstrap and the properties under kafka:"))
        }
        findings += server?.findings(refill: refill(partitions, isCounted: ledger?.isCounted)) ?? []
        findings += directory(configuration)
        for partition in partitions {
            findings += partition.findings(
                window: configuration.dedupeWindow, now: SteadyClock.wallMilliseconds)
        }
        if let finding = windows(partitions.count, configuration.dedupeWindow) {
            findings.append(finding)
        }
        return findings
    }

    /// Whether the same event may get into two partitions, by a sample of each event topic.
    static func keys(
        _ consumer: borrowing Consumer, _ configuration: PipelineConfiguration,
        _ topics: [TopicFacts]
    ) -> [Finding] {
        guard configuration.dedupeWindow > 0 else {
            return [
                Finding(
                    .ok, "kafka", "topic-partitioner",
                    "keys are not sampled: without a dedupe window every record counts")
            ]
        }
        do {
            return try KeyReader.samples(consumer, configuration, topics).flatMap(\.findings)
        } catch {
            return [
                Finding(
                    .error, "kafka", "topic-partitioner", "\(error)", remedy: "see odometer check")
            ]
        }
    }

    /// Whether Kafka still has all records from which a lost ledger could be counted again.
    ///
    /// - Parameters:
    ///   - partitions: the facts of all partitions.
    ///   - isCounted: whether the ledger has begun to count; nil when it could not be read.
    static func refill(_ partitions: [PartitionFacts], isCounted: Bool?) -> ServerCheck.Refill {
        guard isCounted ?? true else { return .nothingCounted }
        let counted = partitions.filter { $0.origin != nil }
        if counted.contains(where: { $0.log != nil && !$0.reachesOrigin }) { return .incomplete }
        let isKnown = isCounted != nil && !counted.isEmpty && counted.allSatisfy { $0.log != nil }
        return isKnown ? .complete : .unknown
    }

    /// What the windows of ids of all partitions take; nil when there are none.
    static func windows(_ partitions: Int, _ span: Int64) -> Finding? {
        guard partitions > 0, span > 0 else { return nil }
        let each = SeenWindow.fullByteCount(span: span)
        return Finding(
            .ok, "memory", "dedupe-memory",
            "\(partitions) partitions: their windows of ids take \(megabytes(partitions * each)) in "
                + "the counting processes once all are full, \(megabytes(each)) each")
    }

    private static func megabytes(_ bytes: Int) -> String {
        "\((bytes + 999_999) / 1_000_000) MB"
    }

    /// The findings about topics alone, which a start needs.
    static func topics(
        _ consumer: borrowing Consumer, _ configuration: PipelineConfiguration
    ) -> [Finding] {
        topicFacts(consumer, configuration).flatMap { $0.findings }
    }

    private static func topicFacts(
        _ consumer: borrowing Consumer, _ configuration: PipelineConfiguration
    ) -> [TopicFacts] {
        var topics = TopicFacts.wanted(by: configuration)
        // They stay unknown if the broker does not know the request or the user has no right to it.
        let settings = try? consumer.settings(
            ofTopics: topics.map(\.name), timeoutMilliseconds: answerMilliseconds)
        for index in topics.indices {
            let name = topics[index].name
            topics[index].settings = settings?[name]
            do throws(KafkaError) {
                let shape = try consumer.shape(of: name, timeoutMilliseconds: answerMilliseconds)
                topics[index].partitions = shape.partitions
                topics[index].replicas = shape.replicas
            } catch {
                topics[index].errorText = error.message
                topics[index].isMissing = error.isUnknownTopic
            }
        }
        return topics
    }

    private static func partitionFacts(
        _ consumer: borrowing Consumer, _ configuration: PipelineConfiguration,
        _ topics: [TopicFacts],
        _ ledger: LedgerFacts?
    ) -> [PartitionFacts] {
        var found: [PartitionFacts] = []
        for topic in topics where topic.role == .events {
            for number in 0..<Int32(topic.partitions) {
                let name = LogPartition(topic: topic.name, partition: number)
                var facts = ledger?.facts(of: name) ?? PartitionFacts(name: name)
                facts.retention = topic.retention
                do throws(KafkaError) {
                    facts.log = try consumer.watermarks(
                        of: TopicPartition(topic: name.topic, partition: number),
                        timeoutMilliseconds: answerMilliseconds)
                } catch { facts.errorText = error.message }
                found.append(facts)
            }
        }
        return found
    }
}
