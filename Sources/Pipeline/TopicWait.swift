internal import Kafka

/// Waits at a start until Kafka answers and has every topic, and reports after 3 s what is missing.
struct TopicWait {
    let configuration: PipelineConfiguration
    let report: @Sendable (PipelineEvent) -> Void

    /// How long it waits before it reports anything: not every broker knows a new topic at once.
    private static let silentMilliseconds: Int32 = 3_000
    /// How long it waits after that.
    private static let restMilliseconds: Int32 = 27_000
    /// How long it asks for one topic when Kafka has just answered.
    private static let topicMilliseconds: Int32 = 1_000

    /// Returns when all topics are there; throws after 30 s, or at once when Kafka refuses for
    /// good.
    func wait(_ consumer: borrowing Consumer) throws(PipelineError) {
        let names = TopicFacts.wanted(by: configuration).map(\.name)
        do throws(KafkaError) {
            return try consumer.waitForTopics(names, timeoutMilliseconds: Self.silentMilliseconds)
        } catch {
            guard error.isRetriable || error.isUnknownTopic else {
                throw PipelineError(.kafka, "Kafka: \(error.message)")
            }
            report(
                PipelineEvent(
                    level: .warning, name: "kafka",
                    message: "waiting for Kafka: \(text(consumer, error))"))
        }
        do throws(KafkaError) {
            try consumer.waitForTopics(names, timeoutMilliseconds: Self.restMilliseconds)
        } catch {
            throw PipelineError(.kafka, "Kafka: \(text(consumer, error))")
        }
    }

    /// The missing topics, each with the command that makes it; if none is missing, Kafka's
    /// message.
    private func text(_ consumer: borrowing Consumer, _ error: KafkaError) -> String {
        guard error.isUnknownTopic else { return error.message }
        var lines: [String] = []
        for topic in TopicFacts.wanted(by: configuration) {
            do throws(KafkaError) {
                _ = try consumer.partitionCount(
                    of: topic.name, timeoutMilliseconds: Self.topicMilliseconds)
            } catch {
                guard error.isUnknownTopic else { continue }
                lines.append("topic \(topic.name) does not exist; make it: \(topic.creation)")
            }
        }
        return lines.isEmpty ? error.message : lines.joined(separator: "; ")
    }
}

extension KafkaError {
    /// Whether the brokers do not know a topic or partition; they may learn of it later.
    var isUnknownTopic: Bool {
        [.unknownTopic, .unknownTopicOrPartition, .unknownPartition].contains(code)
    }
}
