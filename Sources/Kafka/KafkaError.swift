internal import CRdkafka

/// An error of the client library, of a broker or of the checks in this room.
public struct KafkaError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The kind of error, as a number of the Kafka protocol or of the client library.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        /// The number itself: positive from a broker, negative from the client.
        public let rawValue: Int32

        /// Makes a code from its number.
        public init(rawValue: Int32) {
            self.rawValue = rawValue
        }

        init(_ error: rd_kafka_resp_err_t) {
            self.init(rawValue: Int32(error.rawValue))
        }

        /// The name of the code in the client library.
        public var description: String {
            switch self {
            case .unknownProperty: return "UNKNOWN_PROPERTY"
            case .invalidProperty: return "INVALID_PROPERTY"
            case .fixedProperty: return "FIXED_PROPERTY"
            default:
                guard let name = rd_kafka_err2name(rd_kafka_resp_err_t(rawValue)) else {
                    return "\(rawValue)"
                }
                return String(cString: name)
            }
        }
    }

    /// The kind of error.
    public let code: Code
    /// Text for people, with the name of the topic, property or call.
    public let message: String
    /// Whether the same call may succeed later although nobody changes anything.
    public let isRetriable: Bool
    /// Whether this client can do nothing more, so that the process should end.
    public let isFatal: Bool

    /// Makes an error; `isRetriable` follows from the code.
    public init(code: Code, message: String, isFatal: Bool = false) {
        self.code = code
        self.message = message
        self.isFatal = isFatal
        isRetriable = !isFatal && Code.retriable.contains(code)
    }

    init(_ error: rd_kafka_resp_err_t, _ context: String) {
        let text = rd_kafka_err2str(error).map { String(cString: $0) } ?? "unknown error"
        self.init(code: Code(error), message: "\(context): \(text)")
    }

    /// Name and message in one line.
    public var description: String {
        "\(code): \(message)"
    }

    static func check(
        _ error: rd_kafka_resp_err_t, _ context: @autoclosure () -> String
    ) throws(KafkaError) {
        guard error == RD_KAFKA_RESP_ERR_NO_ERROR else { throw KafkaError(error, context()) }
    }
}

extension KafkaError.Code {
    /// The library does not know a property of the configuration.
    public static let unknownProperty = Self(rawValue: -10_001)
    /// The library refuses the value of a property.
    public static let invalidProperty = Self(rawValue: -10_002)
    /// A property that exactly-once counting depends on was set.
    public static let fixedProperty = Self(rawValue: -10_003)
    /// The client has failed and does nothing more.
    public static let fatal = Self(RD_KAFKA_RESP_ERR__FATAL)
    /// No answer in time.
    public static let timedOut = Self(RD_KAFKA_RESP_ERR__TIMED_OUT)
    /// The producer's queue is full.
    public static let queueFull = Self(RD_KAFKA_RESP_ERR__QUEUE_FULL)
    /// No broker is reachable.
    public static let allBrokersDown = Self(RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
    /// The connection to a broker failed.
    public static let transport = Self(RD_KAFKA_RESP_ERR__TRANSPORT)
    /// The topic does not exist (said by the client).
    public static let unknownTopic = Self(RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC)
    /// The partition does not exist (said by the client).
    public static let unknownPartition = Self(RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION)
    /// The topic or partition does not exist (said by the broker).
    public static let unknownTopicOrPartition = Self(RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
    /// The start offset lies outside the log; the partition is stopped until it is assigned again.
    public static let autoOffsetReset = Self(RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET)
    /// An offset lies outside the log.
    public static let offsetOutOfRange = Self(RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE)
    /// Another process uses the same instance id.
    public static let fencedInstance = Self(RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID)
    /// The client has no such state, for example no group.
    public static let state = Self(RD_KAFKA_RESP_ERR__STATE)
    /// The record is larger than the broker or the client permits.
    public static let messageTooLarge = Self(RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
    /// The request is larger than a segment of the topic.
    public static let recordListTooLarge = Self(RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE)
    /// The broker refuses a record because of its content, or because of another in the same
    /// request.
    public static let invalidRecord = Self(RD_KAFKA_RESP_ERR_INVALID_RECORD)
    /// A timestamp is too far from the broker's clock.
    public static let invalidTimestamp = Self(RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP)
    /// A topic of that name exists already.
    public static let topicAlreadyExists = Self(RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
    /// An argument is not permitted.
    public static let invalidArgument = Self(RD_KAFKA_RESP_ERR__INVALID_ARG)

    /// Whether a produced record, or one in the same request, was refused for its size.
    public var isAboutSize: Bool { self == .messageTooLarge || self == .recordListTooLarge }

    /// Whether a produced record was refused because of its content, or that of another record in
    /// the same request.
    ///
    /// The same record is refused again; others may be accepted.
    public var concernsRecord: Bool {
        isAboutSize || self == .invalidTimestamp || self == .invalidRecord
    }

    /// Whether the client has dropped records of a partition with this error and continues after
    /// them.
    public var dropsRecords: Bool { Self.dropping.contains(self) }

    /// A batch that is damaged, cannot be unpacked or is of an unknown form.
    private static let dropping: Set<Self> = [
        Self(RD_KAFKA_RESP_ERR__BAD_MSG), Self(RD_KAFKA_RESP_ERR__BAD_COMPRESSION),
        Self(RD_KAFKA_RESP_ERR__NOT_IMPLEMENTED), .messageTooLarge,
    ]

    /// Codes after which the same call may succeed: the cluster is changing or out of reach.
    static let retriable: Set<Self> = [
        .timedOut, .queueFull, .allBrokersDown, .transport,
        Self(RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE), Self(RD_KAFKA_RESP_ERR__MSG_TIMED_OUT),
        Self(RD_KAFKA_RESP_ERR__WAIT_COORD),
        Self(RD_KAFKA_RESP_ERR__IN_PROGRESS), Self(RD_KAFKA_RESP_ERR__PREV_IN_PROGRESS),
        Self(RD_KAFKA_RESP_ERR__RESOLVE),
        Self(RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE),
        Self(RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION),
        Self(RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT), Self(RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION),
        Self(RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE),
        Self(RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE),
        Self(RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS),
        Self(RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE),
        Self(RD_KAFKA_RESP_ERR_NOT_COORDINATOR),
        Self(RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS),
        Self(RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND),
        Self(RD_KAFKA_RESP_ERR_NOT_CONTROLLER), Self(RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS),
        Self(RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR),
        Self(RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE),
        Self(RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT),
    ]
}
