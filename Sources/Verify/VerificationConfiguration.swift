public import Kafka
public import Redis
public import Workload

/// What a verification compares, and how long it waits.
public struct VerificationConfiguration: Sendable {
    /// How to reach Kafka, which has the log.
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
    /// The longest time between two commits of a shard; marks must not move for two of these.
    public var commitIntervalMilliseconds: Int64
    /// How long to wait for the marks, and how long for the next record while reading.
    public var timeoutMilliseconds: Int64
    /// How many offsets back from a record its duplicates are searched.
    public var dedupeWindow: Int64
    /// How much later than its record's timestamp an event's time may be.
    public var futureBoundMilliseconds: Int64

    /// Where the schemas of Avro and Protobuf come from; a call may take seconds.
    public var schemas: (@Sendable (OracleSchemaName) -> SchemaAnswer)?

    /// Organizations whose answers are computed as well, see `VerificationReport.answers` and
    /// `routes`.
    public var organizations: [String] = []

    /// Makes a configuration of these values; it has no defaults, as they could differ from the
    /// ledger's.
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

/// How far a verification has come.
public enum VerificationProgress: Sendable, Equatable {
    /// This many records of the log have been read.
    case reading(records: Int64, of: Int64)
    /// The log has been read; this many marks are not at its end yet.
    case waiting(marksBehind: Int)
    /// Redis holds no ledger yet.
    case waitingForLedger
    /// This many of the expected keys have been compared.
    case comparing(keys: Int, of: Int)
}
