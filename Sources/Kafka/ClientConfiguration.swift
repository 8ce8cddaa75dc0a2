internal import CRdkafka

/// Takes a log line of the client library: syslog level (0 to 7), facility, text.
///
/// It is called on threads of the library, even before a client's initializer has returned. It must
/// return quickly and must not call the client.
public typealias LogHandler = @Sendable (_ level: Int32, _ facility: String, _ text: String) -> Void

/// How to reach a cluster, and properties of the client library by name.
public struct ClientConfiguration: Sendable {
    /// The first brokers to ask, as `host:port,host:port`.
    public var bootstrap: String
    /// Properties of the client library, applied in this order.
    public var properties: [(name: String, value: String)]
    /// Takes the library's log lines; nil: they are dropped.
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

    /// Throws an error that names the first property that is not permitted here or by the library.
    public func validate() throws(KafkaError) {
        guard !bootstrap.isEmpty else {
            throw KafkaError(
                code: .invalidProperty, message: "bootstrap is empty; expected host:port,…")
        }
        var builder = PropertyBuilder()
        try builder.set("bootstrap.servers", bootstrap)
        try builder.apply(properties, except: ConsumerSettings.fixedNames)
    }

    /// Throws the library's error where it cannot make a consumer of this group, or a producer,
    /// with these properties.
    ///
    /// The library finds some errors only when it makes a client: values that exclude each other,
    /// files that cannot be opened. The clients made here have no broker, so no connection is
    /// opened. Blocks for some milliseconds.
    public func validateClients(group: String, instance: String?) throws(KafkaError) {
        let nowhere = ClientConfiguration(bootstrap: "", properties: properties)
        _ = try Consumer(
            nowhere, settings: ConsumerSettings(group: group, instance: instance)
        ) { _ in }
        _ = try Producer(nowhere)
    }
}

/// The settings of a consumer that vary; those that exactly-once counting depends on are fixed.
public struct ConsumerSettings: Sendable {
    /// The consumer group; nil: a reader that only assigns.
    public var group: String?
    /// The static member id; nil: none.
    ///
    /// Two processes with the same id push each other out of the group.
    public var instance: String?
    /// Whether `endOfPartition` events are wanted.
    public var reportsEndOfPartition: Bool
    /// How many consumers of this process share the memory for records that were fetched ahead.
    public var sharers: Int
    /// Whether it fetches single records without delay, whatever the configuration says.
    ///
    /// For `RecordProbe`.
    var readsSingleRecords = false

    /// Makes settings; without a group, `subscribe` and `commitHint` throw.
    public init(
        group: String? = nil, instance: String? = nil, reportsEndOfPartition: Bool = true,
        sharers: Int = 1
    ) {
        self.group = group
        self.instance = instance
        self.reportsEndOfPartition = reportsEndOfPartition
        self.sharers = sharers
    }

    /// Properties with the only values that counting works with.
    ///
    /// Start offsets come from the ledger only; records of aborted transactions are not delivered;
    /// damaged records are noticed. Only the eager assignors work in librdkafka 2.0.2.
    private static let fixed: [(name: String, value: String)] = [
        ("enable.auto.commit", "false"), ("enable.auto.offset.store", "false"),
        ("auto.offset.reset", "error"), ("isolation.level", "read_committed"),
        ("check.crcs", "true"), ("partition.assignment.strategy", "range,roundrobin"),
        ("allow.auto.create.topics", "false"),
    ]

    /// Names that `ClientConfiguration.properties` may not contain.
    public static let fixedNames: Set<String> = Set(fixed.map(\.name)).union([
        "bootstrap.servers", "metadata.broker.list", "group.id", "group.instance.id",
        "auto.commit.enable", "enable.partition.eof", "group.protocol", "group.remote.assignor",
    ])

    /// Default values, which a configuration may override.
    private static let defaults: [(name: String, value: String)] = [
        // A fetch is answered with the first byte. So this only says how often an idle log is
        // asked, and how late a seek may take effect.
        ("fetch.wait.max.ms", "250"), ("fetch.error.backoff.ms", "100"),
        // Fewer and larger fetches than the library's default.
        ("fetch.message.max.bytes", "2097152"),
        ("reconnect.backoff.max.ms", "2000"), ("topic.metadata.refresh.interval.ms", "30000"),
        ("socket.nagle.disable", "true"),
        // A killed member is replaced soon. That is safe: the ledger refuses its late commits.
        ("session.timeout.ms", "12000"),
        // How late a member learns of a rebalance. What it reads until then is lost work.
        ("heartbeat.interval.ms", "500"),
    ]

    /// Default values that divide the memory for fetched records among the process's consumers.
    private var shares: [(name: String, value: String)] {
        [
            ("queued.min.messages", share(of: 100_000, 10_000...50_000)),
            ("queued.max.messages.kbytes", share(of: 131_072, 8_192...65_536)),
        ].map { ($0, String($1)) }
    }

    /// The most bytes of one answer to a fetch.
    ///
    /// A fetch asks for all partitions of a broker at once, each up to `fetch.message.max.bytes`,
    /// and all of the answer is unpacked into the queue, however full that becomes. So this bounds
    /// the memory of a consumer with many partitions (docs/decisions/0046).
    private var fetchBytes: Int { share(of: 8 << 20, 1 << 20...4 << 20) }

    private func share(of whole: Int, _ range: ClosedRange<Int>) -> Int {
        min(max(whole / max(1, sharers), range.lowerBound), range.upperBound)
    }

    /// Sets `fetch.max.bytes` within the limits that the library demands where others are changed.
    private func limitFetches(_ builder: inout PropertyBuilder) throws(KafkaError) {
        func number(_ name: String) -> Int { builder.value(of: name).flatMap { Int($0) } ?? 0 }
        let queueBytes = number("queued.max.messages.kbytes") << 10
        let bytes = max(number("message.max.bytes"), min(fetchBytes, queueBytes))
        try builder.set("fetch.max.bytes", String(bytes))
    }

    /// Properties for fetching single records: one record counts as a full queue.
    ///
    /// Checksums are not checked again, because the lane that consumed the records has checked
    /// them.
    private static let singleRecords: [(name: String, value: String)] = [
        ("fetch.min.bytes", "1"), ("fetch.message.max.bytes", "65536"),
        ("queued.min.messages", "1"), ("fetch.wait.max.ms", "5"), ("check.crcs", "false"),
    ]

    /// The name of a group that clients without one never join; the library demands a name.
    private static let readerGroup = "odometer-reader"

    func build(_ configuration: ClientConfiguration) throws(KafkaError) -> PropertyBuilder {
        var builder = PropertyBuilder()
        for (name, value) in Self.defaults + shares { try builder.set(name, value) }
        // Unknown before 2.2.0, where the Waker does its work.
        try builder.set("fetch.queue.backoff.ms", "10", ifKnown: true)
        try builder.apply(configuration.properties, except: Self.fixedNames)
        if !configuration.properties.contains(where: { $0.name == "fetch.max.bytes" }) {
            try limitFetches(&builder)
        }
        try builder.set("bootstrap.servers", configuration.bootstrap)
        for (name, value) in Self.fixed { try builder.set(name, value) }
        // Unknown to 2.0.2, known to 2.8.0. Under the consumer protocol the broker alone says after
        // how many seconds a killed member is replaced, and our session timeout is refused
        // (docs/decisions/0053).
        try builder.set("group.protocol", "classic", ifKnown: true)
        if readsSingleRecords {
            for (name, value) in Self.singleRecords { try builder.set(name, value) }
        }
        try builder.set("enable.partition.eof", reportsEndOfPartition ? "true" : "false")
        try builder.set("group.id", group ?? Self.readerGroup)
        if let instance { try builder.set("group.instance.id", instance) }
        return builder
    }
}

/// Collects properties and makes a client of them; owns the C object until then.
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

    /// The property's value at this moment; nil where the library does not know the name.
    func value(of name: String) -> String? {
        var text = [CChar](repeating: 0, count: 512)
        var size = text.count
        guard rd_kafka_conf_get(conf, name, &text, &size) == RD_KAFKA_CONF_OK else { return nil }
        return string(of: text)
    }

    mutating func apply(
        _ properties: [(name: String, value: String)], except fixed: Set<String>
    ) throws(KafkaError) {
        for (name, value) in properties {
            guard !fixed.contains(name) else {
                throw KafkaError(
                    code: .fixedProperty,
                    message: "property \(name) has a fixed value, or a setting of its own")
            }
            try set(name, value)
        }
    }

    /// Makes the client; the box must live longer than it.
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
