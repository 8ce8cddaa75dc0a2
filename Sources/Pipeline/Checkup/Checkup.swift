internal import Kafka
public import Ledger
internal import Redis

/// What must hold before counting, and what should: one list of checks for `odometer doctor` and for the start.
///
/// The start refuses what is `isFatal`; the rest is advice. Here facts are gathered; `TopicFacts` and
/// `PartitionFacts` judge them.
public enum Checkup {
    private static let patience: Int32 = 5_000

    /// Asks Redis and Kafka for everything; what cannot be asked is a finding, too.
    public static func run(_ configuration: PipelineConfiguration) -> [Finding] {
        var findings: [Finding] = []
        var server: ServerCheck?
        var book: LedgerBook?
        do throws(LedgerError) {
            var connection = try LedgerBook.connect(configuration)
            server = try ServerCheck(
                &connection, layout: configuration.layout, uses: ServerRights.Use.allCases)
            book = try LedgerBook(&connection, configuration, &findings)
            if let share = server?.memoryShare, share >= 70 {
                // Advice: without the right to look around there is only the number.
                var sample = MemorySample(layout: configuration.layout)
                try? sample.look(&connection)
                server?.heaviest = sample.text
            }
        } catch {
            findings.append(
                Finding(
                    .error, "redis", "redis-reach", "Redis cannot be asked: \(error.message)",
                    remedy: "start it, or correct --redis"))
        }
        var partitions: [PartitionFacts] = []
        do throws(KafkaError) {
            let consumer = try Consumer(configuration.client)
            guard let cluster = consumer.clusterID(timeoutMilliseconds: patience) else {
                throw KafkaError(code: .timedOut, message: "no broker answers")
            }
            findings.append(
                Finding(.ok, "kafka", "kafka-library", "librdkafka \(KafkaLibrary.version)"))
            // A topic that was made a moment ago is not known to every broker yet; the facts name one
            // that stays away.
            try? consumer.waitForTopics(
                configuration.topics
                    + [configuration.directoryTopic, configuration.deadLetterTopic].compactMap(
                        \.self), timeoutMilliseconds: 3_000)
            let topics = topicFacts(consumer, configuration)
            for topic in topics { findings += topic.findings }
            partitions = partitionFacts(consumer, configuration, topics, book)
            if let finding = book?.contract(configuration, cluster) { findings.append(finding) }
        } catch {
            findings.append(
                Finding(
                    .error, "kafka", "kafka-reach", "Kafka cannot be asked: \(error.message)",
                    remedy: "start it, or correct --bootstrap and the properties under kafka:"))
        }
        findings += server?.findings(refill: refill(partitions, isCounted: book?.isCounted)) ?? []
        findings += directory(configuration)
        for partition in partitions {
            findings += partition.findings(
                window: configuration.dedupeWindow, now: SteadyClock.wallMilliseconds)
        }
        return findings
    }

    /// Whether Kafka could give everything again; `isCounted` says whether a ledger has begun to count,
    /// nil = it could not be read.
    static func refill(_ partitions: [PartitionFacts], isCounted: Bool?) -> ServerCheck.Refill {
        guard isCounted ?? true else { return .nothingCounted }
        let counted = partitions.filter { $0.origin != nil }
        if counted.contains(where: { $0.log != nil && !$0.reachesOrigin }) { return .incomplete }
        let isKnown = isCounted != nil && !counted.isEmpty && counted.allSatisfy { $0.log != nil }
        return isKnown ? .complete : .unknown
    }

    /// What the topics alone say: the part of the start that asks Kafka.
    static func topics(
        _ consumer: borrowing Consumer, _ configuration: PipelineConfiguration
    ) -> [Finding] {
        topicFacts(consumer, configuration).flatMap { $0.findings }
    }

    private static func topicFacts(
        _ consumer: borrowing Consumer, _ configuration: PipelineConfiguration
    ) -> [TopicFacts] {
        var topics = TopicFacts.wanted(by: configuration)
        // Brokers without this request, and users without this right, leave the settings unknown.
        let settings = try? consumer.settings(
            ofTopics: topics.map(\.name), timeoutMilliseconds: patience)
        for index in topics.indices {
            let name = topics[index].name
            topics[index].settings = settings?[name]
            do throws(KafkaError) {
                let shape = try consumer.shape(of: name, timeoutMilliseconds: patience)
                topics[index].partitions = shape.partitions
                topics[index].replicas = shape.replicas
            } catch {
                topics[index].problem = error.message
                topics[index].isMissing = error.isUnknownTopic
            }
        }
        return topics
    }

    private static func partitionFacts(
        _ consumer: borrowing Consumer, _ configuration: PipelineConfiguration,
        _ topics: [TopicFacts],
        _ book: LedgerBook?
    ) -> [PartitionFacts] {
        var found: [PartitionFacts] = []
        for topic in topics where topic.role == .events {
            for number in 0..<Int32(topic.partitions) {
                let name = LogPartition(topic: topic.name, partition: number)
                var facts = book?.facts(of: name) ?? PartitionFacts(name: name)
                facts.retention = topic.retention
                do throws(KafkaError) {
                    facts.log = try consumer.watermarks(
                        of: TopicPartition(topic: name.topic, partition: number),
                        timeoutMilliseconds: patience)
                } catch { facts.problem = error.message }
                found.append(facts)
            }
        }
        return found
    }
}
