import Kafka

/// Why a demonstration cannot go on.
public struct DemoError: Error, Sendable {
    /// One line for people.
    public let message: String

    init(_ message: String) { self.message = message }

    init(_ error: KafkaError) { message = "kafka: \(error.message)" }
}
