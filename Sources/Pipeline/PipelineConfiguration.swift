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

    /// The words of `--from` for the origins that are not a time.
    public static let words: [(word: String, origin: StartOrigin)] = [
        ("earliest", .earliest), ("latest", .latest),
    ]

    /// Its word; nil for a time.
    public var word: String? { Self.words.first { $0.origin == self }?.word }
}

/// What to do when Kafka no longer holds records that were not counted yet.
public enum LossPolicy: String, Sendable, CaseIterable {
    /// Stop the partition and report it.
    case stop
    /// Count the loss and go on after it.
    case `continue`
}

/// Everything that the running machine needs to know; `validate` names what is wrong.
public struct PipelineConfiguration: Sendable {
    /// How to reach Kafka.
    public var client: ClientConfiguration
    /// Topics with usage events.
    public var topics: [String]
    /// Topic of profiles, plans and credentials; nil when none is mirrored.
    public var directoryTopic: String?
    /// Why an object of the directory is refused, as one line; nil when it is mirrored.
    ///
    /// Other programs may write to the topic too, so each record is checked before it is mirrored.
    /// Called on the mirror's thread, with the record's key and its value, a JSON object.
    public var directoryRefusal: @Sendable (_ key: [UInt8], _ value: [UInt8]) -> String? = {
        _, _ in nil
    }
    /// Topic for rejected records; nil when they are only counted.
    public var deadLetterTopic: String?
    /// Kafka group id; part of the contract.
    public var group: String
    /// Static member id, to which each lane adds its number; nil for dynamic members.
    public var instance: String?
    /// How to reach Redis.
    public var redis: RedisConfiguration
    /// Names in Redis.
    public var layout: KeyLayout
    /// What is counted.
    public var catalog: MeterCatalog
    /// Where the schemas of records come from; nil where the catalog's records need none.
    public var schemas: (any SchemaSource)?
    /// Number of lanes, within `Ranges.lanes`.
    public var lanes: Int
    /// Time between two commits of a shard, within `Ranges.commitIntervalMilliseconds`.
    public var commitIntervalMilliseconds: Int64
    /// How many offsets before a record are looked at for duplicates, within `Ranges.dedupeWindow`.
    public var dedupeWindow: Int64
    /// How far an event may lie after its record's timestamp, within
    /// `Ranges.futureBoundMilliseconds`.
    public var futureBoundMilliseconds: Int64
    /// Where the counting of a topic begins.
    public var origin: StartOrigin
    /// What to do when Kafka no longer holds records that were not counted yet.
    public var onLoss: LossPolicy
    /// Whether a ledger written under another contract is moved to this one.
    public var acceptContract: Bool
    /// Whether a person has looked at an eviction policy that Redis does not say.
    public var isEvictionChecked = false

    /// A configuration with the values of `Defaults`, and one lane.
    public init(
        client: ClientConfiguration, topics: [String] = [Defaults.topic],
        directoryTopic: String? = Defaults.directoryTopic,
        deadLetterTopic: String? = Defaults.deadLetterTopic, group: String? = nil,
        instance: String? = nil, redis: RedisConfiguration, layout: KeyLayout = KeyLayout(),
        catalog: MeterCatalog, lanes: Int = 1,
        commitIntervalMilliseconds: Int64 = Int64(Defaults.commitIntervalMilliseconds),
        dedupeWindow: Int64 = Int64(Defaults.dedupeWindow),
        futureBoundMilliseconds: Int64 = Int64(Defaults.futureBoundMilliseconds),
        origin: StartOrigin = Defaults.origin, onLoss: LossPolicy = Defaults.onLoss,
        acceptContract: Bool = false
    ) {
        self.client = client
        self.topics = topics
        self.directoryTopic = directoryTopic
        self.deadLetterTopic = deadLetterTopic
        self.group = group ?? Defaults.group(prefix: layout.prefix)
        self.instance = instance
        self.redis = redis
        self.layout = layout
        self.catalog = catalog
        self.lanes = lanes
        self.commitIntervalMilliseconds = commitIntervalMilliseconds
        self.dedupeWindow = dedupeWindow
        self.futureBoundMilliseconds = futureBoundMilliseconds
        self.origin = origin
        self.onLoss = onLoss
        self.acceptContract = acceptContract
    }

    /// Throws an error that names field, value and permitted range.
    public func validate() throws(PipelineError) {
        func check(
            _ name: String, _ value: Int64, _ range: ClosedRange<Int>
        )
            throws(PipelineError)
        {
            guard range.contains(Int(value)) else {
                throw PipelineError(
                    .configuration,
                    "\(name) is \(value); it must be \(range.lowerBound) to \(range.upperBound)")
            }
        }
        try check("lanes", Int64(lanes), Ranges.lanes)
        try check(
            "commit interval", commitIntervalMilliseconds, Ranges.commitIntervalMilliseconds)
        try check("dedupe window", dedupeWindow, Ranges.dedupeWindow)
        try check("future bound", futureBoundMilliseconds, Ranges.futureBoundMilliseconds)
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

/// Defaults and ranges of the settings, in one place.
///
/// The options of the command line and their texts are made from these, and a test compares the
/// table in `docs/OPERATIONS.md` with the options.
extension PipelineConfiguration {
    /// Values of settings that nobody has set.
    public enum Defaults {
        /// Address of a Kafka broker.
        public static let bootstrap = "localhost:9092"
        /// Topic with usage events.
        public static let topic = "usage-events"
        /// Topic of profiles, plans and credentials.
        public static let directoryTopic = "usage-directory"
        /// Topic for rejected records.
        public static let deadLetterTopic = "usage-dead-letters"
        /// Time between two commits of a shard.
        public static let commitIntervalMilliseconds = 500
        /// How many offsets before a record are looked at for duplicates.
        public static let dedupeWindow = 1 << 20
        /// How far an event may lie after its record's timestamp: clocks differ by seconds.
        public static let futureBoundMilliseconds = 300_000
        /// What to do when Kafka no longer holds records that were not counted yet.
        public static let onLoss = LossPolicy.stop
        /// Where the counting of a topic begins that was never counted.
        public static let origin = StartOrigin.earliest

        /// Kafka group id of a ledger under this prefix.
        public static func group(prefix: String) -> String { "odometer-\(prefix)" }

        /// Number of lanes for a number of cores.
        public static func lanes(cores: Int) -> Int {
            min(max(Ranges.lanes.lowerBound, cores), Ranges.lanes.upperBound)
        }
    }

    /// The ranges of the numbers among the settings.
    public enum Ranges {
        /// Number of lanes.
        public static let lanes = 1...64
        /// Time between two commits of a shard.
        public static let commitIntervalMilliseconds = 10...60_000
        /// How many offsets before a record are looked at for duplicates; 0 finds no duplicates.
        public static let dedupeWindow = 0...SeenWindow.largestSpan
        /// How far an event may lie after its record's timestamp.
        public static let futureBoundMilliseconds = 0...86_400_000
    }
}
