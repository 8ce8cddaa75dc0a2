internal import Kafka

/// Waits at a start until Kafka answers and has every topic, and says early what is missing.
struct TopicWait {
    let configuration: PipelineConfiguration
    let report: @Sendable (PipelineEvent) -> Void

    /// How long nothing is said: a topic that was made a moment ago is not known to every broker yet.
    private static let silence: Int32 = 3_000
    private static let rest: Int32 = 27_000
    /// How long one topic is asked for where Kafka has just answered.
    private static let patience: Int32 = 1_000

    /// Returns when all are there; throws after 30 s, or at once where Kafka refuses for good.
    func wait(_ consumer: borrowing Consumer) throws(PipelineError) {
        let names = TopicFacts.wanted(by: configuration).map(\.name)
        do throws(KafkaError) {
            return try consumer.waitForTopics(names, timeoutMilliseconds: Self.silence)
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
            try consumer.waitForTopics(names, timeoutMilliseconds: Self.rest)
        } catch {
            throw PipelineError(.kafka, "Kafka: \(text(consumer, error))")
        }
    }

    /// Every topic that is missing with the command that makes it; else what Kafka said.
    private func text(_ consumer: borrowing Consumer, _ error: KafkaError) -> String {
        guard error.isUnknownTopic else { return error.message }
        var lines: [String] = []
        for topic in TopicFacts.wanted(by: configuration) {
            do throws(KafkaError) {
                _ = try consumer.partitionCount(
                    of: topic.name, timeoutMilliseconds: Self.patience)
            } catch {
                guard error.isUnknownTopic else { continue }
                lines.append("topic \(topic.name) does not exist; make it: \(topic.creation)")
            }
        }
        return lines.isEmpty ? error.message : lines.joined(separator: "; ")
    }
}

extension KafkaError {
    /// Whether the brokers do not know a topic or partition, which may still come.
    var isUnknownTopic: Bool {
        [.unknownTopic, .unknownTopicOrPartition, .unknownPartition].contains(code)
    }
}
