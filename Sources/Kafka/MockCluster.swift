internal import CRdkafka

/// A cluster inside this process, for demonstrations and tests.
///
/// It speaks the real protocol on loopback ports. It keeps about 5 MB of records for each partition
/// in memory, drops the oldest first, and loses everything at its end. A topic that a client asks
/// for is created, with four partitions.
public struct MockCluster: ~Copyable, @unchecked Sendable {
    // Sendable: every call into the library's mock takes the cluster's own lock.
    private let handle: OpaquePointer
    private let cluster: OpaquePointer
    private let box: CallbackBox

    /// Starts a cluster of so many brokers.
    public init(brokers: Int = 1, log: LogHandler? = nil) throws(KafkaError) {
        guard brokers > 0, brokers <= 32 else {
            throw KafkaError(code: .invalidArgument, message: "brokers: 1 to 32, not \(brokers)")
        }
        let box = CallbackBox(log: log)
        var builder = PropertyBuilder()
        try builder.set("client.id", "mock")
        let handle = try builder.make(RD_KAFKA_PRODUCER, box: box)
        guard let cluster = rd_kafka_mock_cluster_new(handle, Int32(brokers)) else {
            rd_kafka_destroy(handle)
            throw KafkaError(code: .state, message: "the mock cluster could not be started")
        }
        self.box = box
        self.handle = handle
        self.cluster = cluster
    }

    deinit {
        rd_kafka_mock_cluster_destroy(cluster)
        rd_kafka_destroy(handle)
    }

    /// The bootstrap list to connect to.
    public var bootstrap: String {
        rd_kafka_mock_cluster_bootstraps(cluster).map { String(cString: $0) } ?? ""
    }

    /// Creates a topic.
    public func createTopic(
        _ name: String, partitions: Int, replication: Int = 1
    ) throws(KafkaError) {
        try KafkaError.check(
            rd_kafka_mock_topic_create(cluster, name, Int32(partitions), Int32(replication)),
            "create topic \(name)")
    }

    /// Makes every request for a topic fail with this code; nil: they work again.
    public func failTopic(_ name: String, with code: KafkaError.Code?) {
        rd_kafka_mock_topic_set_error(
            cluster, name, rd_kafka_resp_err_t(code?.rawValue ?? 0))
    }

    /// Makes the next requests of one kind in the protocol fail, one for each code.
    public func failRequests(ofKind apiKey: Int16, with codes: [KafkaError.Code]) {
        let errors = codes.map { rd_kafka_resp_err_t($0.rawValue) }
        rd_kafka_mock_push_request_errors_array(cluster, apiKey, errors.count, errors)
    }

    /// Takes a broker down or brings it back; brokers count from 1.
    public func setBroker(_ broker: Int32, isUp: Bool) throws(KafkaError) {
        try KafkaError.check(
            isUp
                ? rd_kafka_mock_broker_set_up(cluster, broker)
                : rd_kafka_mock_broker_set_down(cluster, broker),
            "broker \(broker)")
    }
}
