internal import CRdkafka
internal import Synchronization

/// The object behind a client's opaque pointer, for the C callbacks.
///
/// Log callbacks use it on threads of the library, all others on threads that poll. The closures
/// are Sendable, the counters are atomic, the errors are behind a lock. `consumer` is set before
/// the first poll and read only on the polling thread.
final class CallbackBox: @unchecked Sendable {
    /// The most errors that are kept between two polls; later ones are dropped.
    private static let errorLimit = 64

    let log: LogHandler?
    let onDelivery: (@Sendable (DeliveryReport) -> Void)?
    let delivered = Atomic<UInt64>(0)
    let failed = Atomic<UInt64>(0)
    let takenHints = Atomic<UInt64>(0)
    let failedHints = Atomic<UInt64>(0)
    /// Error code of the last refused hint.
    let lastRefusal = Atomic<Int32>(0)
    /// Not retained; the consumer's `deinit` sets it to nil before it destroys the client.
    unowned(unsafe) var consumer: ConsumerCore?
    private let errors = Mutex<[KafkaError]>([])

    init(log: LogHandler?, onDelivery: (@Sendable (DeliveryReport) -> Void)? = nil) {
        self.log = log
        self.onDelivery = onDelivery
    }

    func note(_ error: KafkaError) {
        errors.withLock { list in
            if list.count < Self.errorLimit { list.append(error) }
        }
    }

    func takeErrors() -> [KafkaError] {
        errors.withLock { list in
            guard !list.isEmpty else { return [] }
            defer { list = [] }
            return list
        }
    }

    static func of(_ opaque: UnsafeMutableRawPointer?) -> CallbackBox? {
        opaque.map { Unmanaged<CallbackBox>.fromOpaque($0).takeUnretainedValue() }
    }
}

/// Installs log and error callbacks.
///
/// - Thread: log on any thread of the library; error on the thread that polls.
/// - Deadline: both return at once; they call the client only for the text of a fatal error.
/// - Owner: the owner of the client keeps the box alive until after the client's end.
func installSharedCallbacks(on conf: OpaquePointer?, hasLog: Bool) {
    if hasLog {
        rd_kafka_conf_set_log_cb(conf) { client, level, facility, text in
            guard let client, let box = CallbackBox.of(rd_kafka_opaque(client)) else { return }
            box.log?(
                level, facility.map { String(cString: $0) } ?? "",
                text.map { String(cString: $0) } ?? "")
        }
    } else {
        rd_kafka_conf_set_log_cb(conf, nil)
    }
    rd_kafka_conf_set_error_cb(conf) { client, code, reason, opaque in
        guard let client, let box = CallbackBox.of(opaque) else { return }
        let error = rd_kafka_resp_err_t(code)
        if error == RD_KAFKA_RESP_ERR__FATAL, let fatal = Client(handle: client).fatalError {
            box.note(fatal)
            return
        }
        let text = reason.map { String(cString: $0) } ?? "unknown error"
        box.note(KafkaError(code: .init(error), message: text))
    }
}
