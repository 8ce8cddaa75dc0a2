public import Kafka
public import Ledger
public import Metering
public import Redis

/// Where the counting of a topic begins when nothing of it was counted before.
public enum StartOrigin: Sendable, Equatable {
    /// At the log start.
    case earliest
    /// At the log end.
    case latest
    /// At the first record with this timestamp or later, in milliseconds since 1970.
    case time(Int64)
}

/// What to do where Kafka no longer holds what was not counted yet.
public enum LossPolicy: Sendable, Equatable {
    /// Stop that partition and say so.
    case stop
    /// Count the loss and go on behind it.
    case `continue`
}

/// Everything that the running machine needs to know; `validate` names what is wrong.
public struct PipelineConfiguration: Sendable {
    /// How to reach Kafka.
    public var client: ClientConfiguration
    /// Topics with usage events.
    public var topics: [String]
    /// Topic of profiles, plans and credentials; nil = not mirrored.
    public var directoryTopic: String?
    /// What is wrong with an object of the directory, as one line; nil = nothing.
    ///
    /// Others may write to the topic, too, so each record is asked about before it is mirrored. Called
    /// on the mirror's thread, with the record's key and its value, a JSON object.
    public var directoryComplaint: @Sendable (_ key: [UInt8], _ value: [UInt8]) -> String? = {
        _, _ in nil
    }
    /// Topic for rejected records; nil = they are only counted.
    public var deadLetterTopic: String?
    /// Kafka group id; part of the contract.
    public var group: String
    /// Static member id; each lane adds its number.
    ///
    /// Nil = none.
    public var instance: String?
    /// How to reach Redis.
    public var redis: RedisConfiguration
    /// Names in Redis.
    public var layout: KeyLayout
    /// What is counted.
    public var catalog: MeterCatalog
    /// Number of lanes, 1 … 64.
    public var lanes: Int
    /// Time between two commits of a shard, 10 … 60,000 ms.
    public var commitInterval: Int64
    /// Offsets before a record that are looked at for duplicates, 0 … 2^28.
    public var dedupeWindow: Int64
    /// Milliseconds that an event may lie after its record's timestamp, 0 … 86,400,000.
    public var futureBound: Int64
    /// Where the counting of a topic begins.
    public var origin: StartOrigin
    /// What to do where Kafka no longer holds what was not counted yet.
    public var onLoss: LossPolicy
    /// Whether a ledger written under another contract is moved to this one.
    public var acceptContract: Bool

    /// A configuration with the defaults of `docs/OPERATIONS.md`.
    public init(
        client: ClientConfiguration, topics: [String] = ["usage-events"],
        directoryTopic: String? = "usage-directory",
        deadLetterTopic: String? = "usage-dead-letters", group: String? = nil,
        instance: String? = nil, redis: RedisConfiguration, layout: KeyLayout = KeyLayout(),
        catalog: MeterCatalog, lanes: Int = 1, commitInterval: Int64 = 500,
        dedupeWindow: Int64 = 1_048_576, futureBound: Int64 = 300_000,
        origin: StartOrigin = .earliest, onLoss: LossPolicy = .stop, acceptContract: Bool = false
    ) {
        self.client = client
        self.topics = topics
        self.directoryTopic = directoryTopic
        self.deadLetterTopic = deadLetterTopic
        self.group = group ?? "odometer-\(layout.prefix)"
        self.instance = instance
        self.redis = redis
        self.layout = layout
        self.catalog = catalog
        self.lanes = lanes
        self.commitInterval = commitInterval
        self.dedupeWindow = dedupeWindow
        self.futureBound = futureBound
        self.origin = origin
        self.onLoss = onLoss
        self.acceptContract = acceptContract
    }

    /// Throws an error that names field, value and permitted range.
    public func validate() throws(PipelineError) {
        func check(
            _ name: String, _ value: Int64, _ range: ClosedRange<Int64>
        )
            throws(PipelineError)
        {
            guard range.contains(value) else {
                throw PipelineError(
                    .configuration,
                    "\(name) is \(value); it must be \(range.lowerBound) to \(range.upperBound)")
            }
        }
        try check("lanes", Int64(lanes), 1...64)
        try check("commit interval", commitInterval, 10...60_000)
        try check("dedupe window", dedupeWindow, 0...(1 << 28))
        try check("future bound", futureBound, 0...86_400_000)
        guard !topics.isEmpty, Set(topics).count == topics.count else {
            throw PipelineError(.configuration, "topics must name at least one topic, each once")
        }
        for topic in [directoryTopic, deadLetterTopic] {
            if let topic, topics.contains(topic) {
                throw PipelineError(.configuration, "'\(topic)' cannot be an event topic as well")
            }
        }
    }
}
