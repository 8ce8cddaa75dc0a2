public import Kafka
public import Redis

/// What a verification compares, and how long it waits.
public struct VerificationConfiguration: Sendable {
    /// How to reach the log; its properties are those of any client.
    public var kafka: ClientConfiguration
    /// The topics that are counted.
    public var topics: [String]
    /// How to reach the ledger.
    public var redis: RedisConfiguration
    /// The first part of the ledger's key names.
    public var prefix = "odo"
    /// The second part of the ledger's key names.
    public var generation = 1
    /// The files of the catalog, each a name and its text.
    public var catalogs: [(name: String, text: String)]
    /// How often the ledger is written, in milliseconds; marks must stand still for two of these.
    public var commitInterval: Int64 = 500
    /// How long to wait for the marks, and for the next record while reading, in milliseconds.
    public var timeout: Int64 = 60_000
    /// How many offsets before a record its duplicates are looked for.
    public var dedupeSpan: Int64 = 1_048_576
    /// How much later than its record an event may have happened, in milliseconds.
    public var futureBound: Int64 = 300_000

    /// Organizations whose answers are reckoned as well, see `VerificationReport.answers` and `routes`.
    public var organizations: [String] = []

    /// Makes a configuration with the defaults of a ledger.
    public init(
        kafka: ClientConfiguration, topics: [String], redis: RedisConfiguration,
        catalogs: [(name: String, text: String)]
    ) {
        self.kafka = kafka
        self.topics = topics
        self.redis = redis
        self.catalogs = catalogs
    }
}

/// How far a verification is.
public enum VerificationProgress: Sendable, Equatable {
    /// So many records of the log are read.
    case reading(records: Int64, of: Int64)
    /// The log is read; so many marks do not stand at its end yet.
    case waiting(marksBehind: Int)
    /// So many of the expected keys are compared.
    case comparing(keys: Int, of: Int)
}
