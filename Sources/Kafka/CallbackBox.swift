internal import CRdkafka
internal import Synchronization

/// What the C callbacks find behind a client's opaque pointer.
///
/// Shared between threads of the library (log) and those that poll (everything else): the
/// closures are Sendable, the counters are atomic, the errors are behind a lock. `consumer` is
/// set before the first poll and read only on the polling thread.
final class CallbackBox: @unchecked Sendable {
    /// More errors than this are not kept between two polls; the newest are the ones dropped.
    private static let errorLimit = 64

    let log: LogHandler?
    let onDelivery: (@Sendable (DeliveryReport) -> Void)?
    let delivered = Atomic<UInt64>(0)
    let failed = Atomic<UInt64>(0)
    let takenHints = Atomic<UInt64>(0)
    let failedHints = Atomic<UInt64>(0)
    /// Code of the last refused hint.
    let lastRefusal = Atomic<Int32>(0)
    /// Not owned: the consumer's `deinit` clears it before it destroys the client.
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
/// - Deadline: at once; neither calls back into the client, save for the fatal error's text.
/// - Keeper: the box is kept alive by the owner of the client, beyond the client's end.
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
