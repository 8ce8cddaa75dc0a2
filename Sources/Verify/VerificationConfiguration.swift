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
    public var prefix: String
    /// The second part of the ledger's key names.
    public var generation: Int
    /// The files of the catalog, each a name and its text.
    public var catalogs: [(name: String, text: String)]
    /// How often the ledger is written; marks must not move for two of these.
    public var commitIntervalMilliseconds: Int64
    /// How long to wait for the marks, and for the next record while reading.
    public var timeoutMilliseconds: Int64
    /// How many offsets before a record its duplicates are looked for.
    public var dedupeWindow: Int64
    /// How much later than its record an event may have happened.
    public var futureBoundMilliseconds: Int64

    /// Organizations whose answers are reckoned as well, see `VerificationReport.answers` and `routes`.
    public var organizations: [String] = []

    /// A configuration of these values; there are no defaults that could differ from the ledger's.
    public init(
        kafka: ClientConfiguration, topics: [String], redis: RedisConfiguration, prefix: String,
        generation: Int, catalogs: [(name: String, text: String)],
        commitIntervalMilliseconds: Int64, dedupeWindow: Int64, futureBoundMilliseconds: Int64,
        timeoutMilliseconds: Int64
    ) {
        self.kafka = kafka
        self.topics = topics
        self.redis = redis
        self.prefix = prefix
        self.generation = generation
        self.catalogs = catalogs
        self.commitIntervalMilliseconds = commitIntervalMilliseconds
        self.dedupeWindow = dedupeWindow
        self.futureBoundMilliseconds = futureBoundMilliseconds
        self.timeoutMilliseconds = timeoutMilliseconds
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
