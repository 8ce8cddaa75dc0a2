import Kafka

/// Creates topics on a real cluster.
enum Topics {
    /// Creates a topic, unless it exists.
    static func create(
        _ name: String, partitions: Int, settings: [(name: String, value: String)] = [],
        configuration: ClientConfiguration
    ) throws(CommandFailure) {
        do throws(KafkaError) {
            try Admin(configuration).createTopic(
                name, partitions: partitions, configuration: settings)
        } catch {
            if error.code != .topicAlreadyExists { throw CommandFailure(error) }
        }
    }
}
