import Foundation
import Kafka
import Redis

/// The servers of a demonstration: private ones inside this process and beside it, or given ones.
///
/// What it makes it takes away again in `clear`: topics, keys, server, folder.
final class DemoStage {
    let settings: Settings
    let kafka: ClientConfiguration
    let eventTopic: String
    let directoryTopic: String
    /// The secret by which the identity provider's tokens are signed.
    let tokenSecret: [UInt8]
    static let partitions = 4
    /// How many records are sent at a time.
    static let piece = 1_000

    private let log: Log
    private let folder: TemporaryFolder
    private let redis: PrivateRedis?
    private let cluster: Cluster?
    private let topics: [String]

    /// Keeps the mock cluster, which cannot be copied, for a class.
    private final class Cluster {
        let mock: MockCluster
        init() throws(KafkaError) { mock = try MockCluster() }
    }

    init(_ given: Settings, log: Log) throws(CommandFailure) {
        self.log = log
        let name =
            "odometer-demo-"
            + TokenSigner.randomBytes(3).map { String($0, radix: 16) }.joined()
        folder = try TemporaryFolder()
        tokenSecret = Array(
            TokenSigner.randomBytes(32).map { String($0 | 0x80, radix: 16) }.joined().utf8)
        let secretFile = folder.path + "/token-secret"
        guard
            FileManager.default.createFile(
                atPath: secretFile, contents: Data(tokenSecret),
                attributes: [.posixPermissions: 0o600])
        else { throw CommandFailure(.failed, "\(secretFile) cannot be written") }
        var settings = given.with(Options.jwtSecretFile, secretFile).with(
            Options.jwtAlgorithm, "HS256")
        if given.isGiven(Options.redis) {
            redis = nil
            settings = settings.with(Options.prefix, name)
        } else {
            let server = try PrivateRedis(folder: folder.path)
            redis = server
            settings = settings.with(Options.redis, server.url)
        }
        do throws(KafkaError) {
            cluster = given.isGiven(Options.bootstrap) ? nil : try Cluster()
        } catch {
            throw CommandFailure(error)
        }
        let prefix = cluster == nil ? name + "." : ""
        eventTopic = prefix + "usage-events"
        directoryTopic = prefix + "usage-directory"
        topics = [eventTopic, directoryTopic, prefix + "usage-dead-letters"]
        settings = settings.with(Options.topic, eventTopic)
            .with(Options.directoryTopic, directoryTopic).with(Options.deadLetterTopic, topics[2])
        if let cluster { settings = settings.with(Options.bootstrap, cluster.mock.bootstrap) }
        for option in [Options.listen, Options.adminListen] where !given.isGiven(option) {
            let (host, port) = given.address(option)
            // Somebody else's server on the usual port is no reason not to show ours.
            if HTTPProbe.isTaken(host: host, port: port) {
                settings = settings.with(option, "\(host):0")
            }
        }
        self.settings = settings
        kafka = try settings.kafkaConfiguration(log: log)
        try createTopics()
    }

    /// What stands where, for people.
    var description: String {
        let kafka =
            cluster == nil ? settings.required(Options.bootstrap) : "librdkafka's mock cluster"
        let store = redis == nil ? "the given Redis" : "a private redis-server"
        return "Kafka: \(kafka); Redis: \(store)"
    }

    /// Whether another piece may be sent: the mock cluster forgets what exceeds about 14,800 records
    /// of 300 bytes a partition, and what is not counted yet must not be forgotten.
    ///
    /// - Parameters:
    ///   - busy: records that shards with cells have not counted yet.
    ///   - idle: the same of all shards.
    func hasRoom(_ busy: Int64, _ idle: Int64) -> Bool {
        cluster == nil || busy + Int64(DemoStage.piece) <= 8_000 && idle <= 11_000
    }

    private func createTopics() throws(CommandFailure) {
        for topic in topics {
            let count = topic == eventTopic ? DemoStage.partitions : 1
            do throws(KafkaError) {
                if let cluster {
                    try cluster.mock.createTopic(topic, partitions: count)
                } else {
                    try Admin(kafka).createTopic(
                        topic, partitions: count,
                        configuration: topic == directoryTopic
                            ? [("cleanup.policy", "compact")] : [])
                }
            } catch {
                throw CommandFailure(error)
            }
        }
    }

    /// Takes away what was made; the machine must be stopped.
    func clear() {
        if cluster == nil {
            do throws(KafkaError) {
                let admin = try Admin(kafka)
                for topic in topics { try admin.deleteTopic(topic) }
                try admin.deleteGroup(settings.groupName)
            } catch {
                log.warning("topics of the demonstration remain: \(error.message)")
            }
        }
        if let redis {
            redis.stop()
        } else {
            do throws(RedisError) {
                try deleteKeys()
            } catch {
                log.warning("keys of the demonstration remain: \(error)")
            }
        }
        folder.remove()
    }

    private func deleteKeys() throws(RedisError) {
        guard let configuration = try? settings.redisConfiguration() else { return }
        var connection = try Connection(configuration)
        let pattern = settings.required(Options.prefix) + ":*"
        var cursor = "0"
        repeat {
            let page = try connection.command("SCAN", cursor, "MATCH", pattern, "COUNT", "1000")
                .elements
            guard page.count == 2 else { return }
            cursor = page[0].text ?? "0"
            let keys = page[1].elements.compactMap(\.bytes)
            if !keys.isEmpty { _ = try connection.command([Array("UNLINK".utf8)] + keys) }
        } while cursor != "0"
    }
}
