public import Kafka
public import Redis

/// The topics of a demonstration on its servers.
///
/// `clear` removes what was made on given servers: topics, the consumer group, keys.
public final class DemoStage {
    /// Names of the topics of a demonstration.
    public struct Topics {
        /// The topic of usage events.
        public let events: String
        /// The topic of names, plans and keys.
        public let directory: String
        /// The topic of records that cannot be counted.
        public let deadLetters: String

        /// The usual names on a private cluster, else names that no other demonstration has.
        public init(on servers: DemoServers) {
            let prefix = servers.cluster == nil ? servers.name + "." : ""
            events = prefix + "usage-events"
            directory = prefix + "usage-directory"
            deadLetters = prefix + "usage-dead-letters"
        }

        var all: [String] { [events, directory, deadLetters] }
    }

    static let partitions = 4
    /// How many records are sent at a time.
    static let piece = 1_000

    let servers: DemoServers
    let topics: Topics
    let kafka: ClientConfiguration
    let redis: RedisConfiguration
    private let group: String

    /// Makes the topics.
    ///
    /// - Parameters:
    ///   - kafka: where the servers' Kafka is.
    ///   - redis: where their Redis is.
    ///   - group: the consumer group that counts; removed with the topics.
    public init(
        _ servers: DemoServers, _ topics: Topics, kafka: ClientConfiguration,
        redis: RedisConfiguration, group: String
    ) throws(DemoError) {
        self.servers = servers
        self.topics = topics
        self.kafka = kafka
        self.redis = redis
        self.group = group
        do throws(KafkaError) {
            try createTopics()
        } catch {
            throw DemoError(error)
        }
    }

    private func createTopics() throws(KafkaError) {
        for topic in topics.all {
            let count = topic == topics.events ? DemoStage.partitions : 1
            if let cluster = servers.cluster {
                try cluster.mock.createTopic(topic, partitions: count)
            } else {
                try Admin(kafka).createTopic(
                    topic, partitions: count,
                    configuration: topic == topics.directory ? [("cleanup.policy", "compact")] : [])
            }
        }
    }

    /// Whether another piece may be sent: the mock cluster drops old records when a partition has
    /// more than about 14,800 records of 300 bytes, and records that are not counted yet must stay.
    ///
    /// - Parameters:
    ///   - busy: records that shards with cells have not counted yet.
    ///   - idle: the same for all shards.
    func hasRoom(_ busy: Int64, _ idle: Int64) -> Bool {
        servers.cluster == nil || busy + Int64(DemoStage.piece) <= 8_000 && idle <= 11_000
    }

    /// Removes what was made on given servers; the machine must be stopped.
    ///
    /// `warn` is called for what could not be removed.
    public func clear(warn: (String) -> Void) {
        if servers.cluster == nil {
            do throws(KafkaError) {
                let admin = try Admin(kafka)
                for topic in topics.all { try admin.deleteTopic(topic) }
                try admin.deleteGroup(group)
            } catch {
                warn("topics of the demonstration remain: \(error.message)")
            }
        }
        guard servers.redisURL == nil else { return }
        do throws(RedisError) {
            try deleteKeys()
        } catch {
            warn("keys of the demonstration remain: \(error)")
        }
    }

    private func deleteKeys() throws(RedisError) {
        var connection = try Connection(redis)
        var scan = try KeyScan(redis, pattern: servers.name + ":*")
        while let keys = try scan.next() {
            // One at a time: in a cluster they are in several places.
            for key in keys { connection.append([Array("UNLINK".utf8), key]) }
            var failure: RedisError?
            for _ in keys {
                let reply = try connection.receive()
                if let text = reply.errorText { failure = failure ?? RedisError(serverText: text) }
            }
            if let failure { throw failure }
        }
    }
}
