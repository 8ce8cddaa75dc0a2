import Foundation
import Kafka
import Redis

/// The servers of a demonstration: private ones, in this process and beside it, or given ones.
///
/// Made and stopped on the main thread, as `PrivateRedis` must be.
public final class DemoServers {
    /// A name that no other demonstration has; the prefix of the keys in a given Redis.
    public let name: String
    /// The address of the cluster inside this process; nil when Kafka is given.
    public var bootstrap: String? { cluster?.mock.bootstrap }
    /// The address of the private Redis; nil when Redis is given.
    public var redisURL: String? { redis?.url }
    /// A file with the secret that signs the identity provider's tokens.
    public let tokenSecretFile: String
    let tokenSecret: [UInt8]
    let cluster: Cluster?
    private let givenBootstrap: String?
    private let folder: TemporaryFolder
    private let redis: PrivateRedis?

    /// Holds the mock cluster, which cannot be copied and so cannot be an optional property.
    final class Cluster {
        let mock: MockCluster
        init() throws(KafkaError) { mock = try MockCluster() }
    }

    /// Starts the servers that are not given.
    public init(givenBootstrap: String?, isRedisGiven: Bool) throws(DemoError) {
        self.givenBootstrap = givenBootstrap
        name =
            "odometer-demo-"
            + TokenSigner.randomBytes(3).map { String($0, radix: 16) }.joined()
        folder = try TemporaryFolder()
        tokenSecret = Array(
            TokenSigner.randomBytes(32).map { String($0 | 0x80, radix: 16) }.joined().utf8)
        tokenSecretFile = folder.path + "/token-secret"
        guard
            FileManager.default.createFile(
                atPath: tokenSecretFile, contents: Data(tokenSecret),
                attributes: [.posixPermissions: 0o600])
        else { throw DemoError("\(tokenSecretFile) cannot be written") }
        redis = isRedisGiven ? nil : try PrivateRedis(folder: folder.path)
        do throws(KafkaError) {
            cluster = givenBootstrap == nil ? try Cluster() : nil
        } catch {
            throw DemoError(error)
        }
    }

    /// Which servers these are, for people.
    public var description: String {
        let kafka = givenBootstrap ?? "librdkafka's mock cluster"
        let store = redis == nil ? "the given Redis" : "a private redis-server"
        return "Kafka: \(kafka); Redis: \(store)"
    }

    /// Stops the private servers and removes their files.
    public func stop() {
        redis?.stop()
        folder.remove()
    }
}
