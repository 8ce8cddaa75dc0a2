internal import CRdkafka

/// Takes a log line of the client library: syslog level (0 to 7), facility, text.
///
/// It is called on threads of the library, also before a client's initializer has returned.
/// It must be quick and must not call the client.
public typealias LogHandler = @Sendable (_ level: Int32, _ facility: String, _ text: String) -> Void

/// How to reach a cluster, and any property of the client library by its name.
public struct ClientConfiguration: Sendable {
    /// The first brokers to ask, as `host:port,host:port`.
    public var bootstrap: String
    /// Properties of the client library, applied in this order.
    public var properties: [(name: String, value: String)]
    /// Where the library's log lines go; without it they are dropped.
    public var log: LogHandler?

    /// Makes a configuration; nothing is checked before `validate` or the first client.
    public init(
        bootstrap: String, properties: [(name: String, value: String)] = [],
        log: LogHandler? = nil
    ) {
        self.bootstrap = bootstrap
        self.properties = properties
        self.log = log
    }

    /// Throws an error that names the first property that the library or our rules refuse.
    public func validate() throws(KafkaError) {
        guard !bootstrap.isEmpty else {
            throw KafkaError(
                code: .invalidProperty, message: "bootstrap is empty; expected host:port,…")
        }
        var builder = PropertyBuilder()
        try builder.set("bootstrap.servers", bootstrap)
        try builder.apply(properties, except: ConsumerSettings.fixedNames)
    }

    /// Throws what the library says against a consumer of this group, or a producer, with these properties.
    ///
    /// Some values are right alone and wrong together, and files are opened, which only a client finds out.
    /// These clients know no broker, so nobody is asked. Blocks for some milliseconds.
    public func validateClients(group: String, instance: String?) throws(KafkaError) {
        let nowhere = ClientConfiguration(bootstrap: "", properties: properties)
        _ = try Consumer(
            nowhere, settings: ConsumerSettings(group: group, instance: instance)
        ) { _ in }
        _ = try Producer(nowhere)
    }
}

/// What a consumer may choose; everything that exactly once depends on is fixed.
public struct ConsumerSettings: Sendable {
    /// The consumer group, or nil for a reader that only assigns.
    public var group: String?
    /// The static member id, or nil; two processes with the same one fence each other.
    public var instance: String?
    /// Whether `endOfPartition` events are wanted.
    public var reportsEndOfPartition: Bool
    /// Whether it fetches little at a time and at once, whatever the configuration says: see `RecordProbe`.
    var readsSingleRecords = false

    /// Makes settings; without a group `subscribe` and `commitHint` are refused.
    public init(group: String? = nil, instance: String? = nil, reportsEndOfPartition: Bool = true) {
        self.group = group
        self.instance = instance
        self.reportsEndOfPartition = reportsEndOfPartition
    }

    /// Start offsets come from the ledger and nowhere else, aborted records are not delivered,
    /// damaged ones are noticed, and the eager assignors are the ones that work in 2.0.2.
    private static let fixed: [(name: String, value: String)] = [
        ("enable.auto.commit", "false"), ("enable.auto.offset.store", "false"),
        ("auto.offset.reset", "error"), ("isolation.level", "read_committed"),
        ("check.crcs", "true"), ("partition.assignment.strategy", "range,roundrobin"),
        ("allow.auto.create.topics", "false"),
    ]

    /// Names that `ClientConfiguration.properties` may not contain.
    public static let fixedNames: Set<String> = Set(fixed.map(\.name)).union([
        "bootstrap.servers", "metadata.broker.list", "group.id", "group.instance.id",
        "auto.commit.enable", "enable.partition.eof",
    ])

    /// Sensible values that a configuration may overrule.
    private static let defaults: [(name: String, value: String)] = [
        // An answer comes with the first byte; this is how often an idle log is asked, and how late a seek may be.
        ("fetch.wait.max.ms", "250"), ("fetch.error.backoff.ms", "100"),
        // Fewer and larger fetches than by default, and a shorter queue, so that memory stays.
        ("fetch.message.max.bytes", "2097152"), ("queued.min.messages", "50000"),
        ("reconnect.backoff.max.ms", "2000"), ("topic.metadata.refresh.interval.ms", "30000"),
        ("socket.nagle.disable", "true"),
        // A member that was killed is replaced soon: the ledger fences it, so taking over early is safe.
        ("session.timeout.ms", "12000"),
        // How late a member learns that partitions are shared anew. Whoever reads on meanwhile reads in vain.
        ("heartbeat.interval.ms", "500"),
    ]

    /// What fetches single records and no more: one record counts as a full queue.
    ///
    /// Its batches were checked where they were consumed.
    private static let singleRecords: [(name: String, value: String)] = [
        ("fetch.min.bytes", "1"), ("fetch.message.max.bytes", "65536"),
        ("queued.min.messages", "1"), ("fetch.wait.max.ms", "5"), ("check.crcs", "false"),
    ]

    /// A client without a group still needs the name of one; it never joins it.
    private static let readerGroup = "odometer-reader"

    func build(_ configuration: ClientConfiguration) throws(KafkaError) -> PropertyBuilder {
        var builder = PropertyBuilder()
        for (name, value) in Self.defaults { try builder.set(name, value) }
        // Unknown before 2.2.0, where the Waker does its work.
        try builder.set("fetch.queue.backoff.ms", "10", ifKnown: true)
        try builder.apply(configuration.properties, except: Self.fixedNames)
        try builder.set("bootstrap.servers", configuration.bootstrap)
        for (name, value) in Self.fixed { try builder.set(name, value) }
        if readsSingleRecords {
            for (name, value) in Self.singleRecords { try builder.set(name, value) }
        }
        try builder.set("enable.partition.eof", reportsEndOfPartition ? "true" : "false")
        try builder.set("group.id", group ?? Self.readerGroup)
        if let instance { try builder.set("group.instance.id", instance) }
        return builder
    }
}

/// Collects properties and turns them into a client; owns the C object in between.
struct PropertyBuilder: ~Copyable {
    private(set) var conf: OpaquePointer?

    init() {
        conf = rd_kafka_conf_new()
    }

    deinit {
        if let conf { rd_kafka_conf_destroy(conf) }
    }

    mutating func set(_ name: String, _ value: String, ifKnown: Bool = false) throws(KafkaError) {
        var text = [CChar](repeating: 0, count: 512)
        switch rd_kafka_conf_set(conf, name, value, &text, text.count) {
        case RD_KAFKA_CONF_OK: return
        case RD_KAFKA_CONF_UNKNOWN:
            guard !ifKnown else { return }
            throw KafkaError(
                code: .unknownProperty,
                message: "property \(name) is not known to librdkafka "
                    + String(cString: rd_kafka_version_str()))
        default:
            throw KafkaError(
                code: .invalidProperty, message: "property \(name): \(string(of: text))")
        }
    }

    mutating func apply(
        _ properties: [(name: String, value: String)], except fixed: Set<String>
    ) throws(KafkaError) {
        for (name, value) in properties {
            guard !fixed.contains(name) else {
                throw KafkaError(
                    code: .fixedProperty,
                    message: "property \(name) is fixed by the rules of exactly once")
            }
            try set(name, value)
        }
    }

    /// Makes the client, which the box must outlive.
    mutating func make(
        _ type: rd_kafka_type_t, box: CallbackBox
    ) throws(KafkaError) -> OpaquePointer {
        rd_kafka_conf_set_opaque(conf, Unmanaged.passUnretained(box).toOpaque())
        installSharedCallbacks(on: conf, hasLog: box.log != nil)
        var text = [CChar](repeating: 0, count: 512)
        guard let handle = rd_kafka_new(type, conf, &text, text.count) else {
            throw KafkaError(code: .invalidProperty, message: string(of: text))
        }
        conf = nil  // the client has taken it
        return handle
    }
}

/// The text in a C buffer, up to its first zero.
func string(of buffer: [CChar]) -> String {
    let bytes = buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    return String(decoding: bytes, as: UTF8.self)
}
