internal import CRdkafka
internal import Synchronization

/// The outcome of one produced record.
public struct DeliveryReport: Sendable {
    /// The number that was given to `produce`.
    public let opaque: UInt64
    /// The partition that took the record; -1: none.
    public let partition: Int32
    /// The offset of the record; -1: the broker did not say.
    public let offset: Int64
    /// Why it did not arrive; nil: it did.
    public let error: KafkaError?
}

/// A topic of a producer; valid as long as its producer.
public struct ProducerTopic: @unchecked Sendable {
    // Sendable: nothing here changes the library's topic object, which counts its own references.
    let handle: OpaquePointer
    /// The name of the topic.
    public let name: String
}

/// Writes records to Kafka, idempotently unless configured otherwise.
///
/// Safe to use from several threads. Delivery reports come only while `poll` or `flush` runs, on
/// the thread that calls it.
public final class Producer: @unchecked Sendable {
    // Sendable: the library's producer is thread-safe, the topics are behind a lock.
    private let handle: OpaquePointer
    private let box: CallbackBox
    private let topics = Mutex<[String: ProducerTopic]>([:])

    private static let defaults: [(name: String, value: String)] = [
        ("enable.idempotence", "true"), ("linger.ms", "5"), ("socket.nagle.disable", "true"),
        ("reconnect.backoff.max.ms", "2000"),
    ]

    /// Makes a producer; linger, batch size, compression and the rest are properties.
    public init(
        _ configuration: ClientConfiguration,
        onDelivery: (@Sendable (DeliveryReport) -> Void)? = nil
    ) throws(KafkaError) {
        let box = CallbackBox(log: configuration.log, onDelivery: onDelivery)
        var builder = PropertyBuilder()
        for (name, value) in Self.defaults { try builder.set(name, value) }
        try builder.apply(
            configuration.properties, except: ["bootstrap.servers", "metadata.broker.list"])
        try builder.set("bootstrap.servers", configuration.bootstrap)
        installDeliveryCallback(on: builder.conf)
        handle = try builder.make(RD_KAFKA_PRODUCER, box: box)
        self.box = box
    }

    /// Drops records that were not flushed.
    ///
    /// The order is: queue, topics, client.
    deinit {
        rd_kafka_purge(handle, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT)
        rd_kafka_poll(handle, 0)
        topics.withLock { table in
            for topic in table.values { rd_kafka_topic_destroy(topic.handle) }
            table = [:]
        }
        rd_kafka_destroy(handle)
    }

    /// Records acknowledged so far.
    public var deliveredCount: UInt64 { box.delivered.load(ordering: .relaxed) }
    /// Records that failed so far.
    public var failedCount: UInt64 { box.failed.load(ordering: .relaxed) }
    /// Records in the queue and in flight.
    public var queuedCount: Int { Int(rd_kafka_outq_len(handle)) }
    /// The fatal error after which this producer does nothing more; nil: there was none.
    public var fatalError: KafkaError? { Client(handle: handle).fatalError }

    /// Errors since the last call that are not about a single record.
    public func takeErrors() -> [KafkaError] {
        box.takeErrors()
    }

    /// Looks up a topic, so that `produce` need not do it for each record.
    public func topic(_ name: String) throws(KafkaError) -> ProducerTopic {
        let topic = topics.withLock { table -> ProducerTopic? in
            if let known = table[name] { return known }
            guard let made = rd_kafka_topic_new(handle, name, nil) else { return nil }
            let topic = ProducerTopic(handle: made, name: name)
            table[name] = topic
            return topic
        }
        guard let topic else { throw KafkaError(rd_kafka_last_error(), "topic \(name)") }
        return topic
    }

    /// Puts a record into the queue; false: the queue is full, so poll and try again.
    ///
    /// Key and value are copied; nil is null on the wire, an empty buffer is not. Without a
    /// partition, the key decides. Without a timestamp (milliseconds since 1970), it is now.
    public func produce(
        to topic: ProducerTopic, partition: Int32? = nil, key: UnsafeRawBufferPointer?,
        value: UnsafeRawBufferPointer?, headers: [(name: String, value: [UInt8]?)] = [],
        timestamp: Int64? = nil, opaque: UInt64 = 0
    ) throws(KafkaError) -> Bool {
        let list = headers.isEmpty ? nil : makeHeaders(headers)
        let error = odometer_kafka_produce(
            handle, topic.handle, partition ?? -1, key.map(address), key?.count ?? 0,
            value.map(address), value?.count ?? 0, timestamp ?? 0, list,
            UnsafeMutableRawPointer(bitPattern: UInt(opaque)))
        guard error != RD_KAFKA_RESP_ERR_NO_ERROR else { return true }
        if let list { rd_kafka_headers_destroy(list) }
        if error == RD_KAFKA_RESP_ERR__QUEUE_FULL { return false }
        if error == RD_KAFKA_RESP_ERR__FATAL, let fatalError { throw fatalError }
        throw KafkaError(error, "produce to \(topic.name)")
    }

    /// The same for arrays and the name of a topic.
    public func produce(
        topic: String, partition: Int32? = nil, key: [UInt8]?, value: [UInt8]?,
        headers: [(name: String, value: [UInt8]?)] = [], timestamp: Int64? = nil,
        opaque: UInt64 = 0
    ) throws(KafkaError) -> Bool {
        let target = try self.topic(topic)
        let outcome = withBytes(key) { key in
            withBytes(value) { value in
                Result { () throws(KafkaError) -> Bool in
                    try produce(
                        to: target, partition: partition, key: key, value: value,
                        headers: headers, timestamp: timestamp, opaque: opaque)
                }
            }
        }
        return try outcome.get()
    }

    /// Serves delivery reports until the time is over; returns the number of callbacks.
    @discardableResult
    public func poll(timeoutMilliseconds: Int32 = 0) -> Int {
        Int(rd_kafka_poll(handle, timeoutMilliseconds))
    }

    /// Waits until every record has its report; false where the time is over before that.
    public func flush(timeoutMilliseconds: Int32) -> Bool {
        rd_kafka_flush(handle, timeoutMilliseconds) == RD_KAFKA_RESP_ERR_NO_ERROR
    }

    /// The number of partitions of a topic; throws where the topic does not exist.
    public func partitionCount(
        of topic: String, timeoutMilliseconds: Int32
    ) throws(KafkaError) -> Int {
        try Client(handle: handle).partitionCount(
            of: topic, timeoutMilliseconds: timeoutMilliseconds)
    }

    private func makeHeaders(_ headers: [(name: String, value: [UInt8]?)]) -> OpaquePointer? {
        let list = rd_kafka_headers_new(headers.count)
        for (name, value) in headers {
            withBytes(value) { bytes in
                _ = rd_kafka_header_add(list, name, -1, bytes.map(address), bytes?.count ?? 0)
            }
        }
        return list
    }
}

/// The address of a buffer; never NULL, which would mean null instead of an empty value.
private func address(_ buffer: UnsafeRawBufferPointer) -> UnsafeRawPointer {
    buffer.baseAddress ?? UnsafeRawPointer(emptyByte)
}

/// An address for empty buffers; its byte is never read.
private nonisolated(unsafe) let emptyByte: UnsafeMutablePointer<UInt8> = {
    let byte = UnsafeMutablePointer<UInt8>.allocate(capacity: 1)
    byte.initialize(to: 0)
    return byte
}()

private func withBytes<R>(_ bytes: [UInt8]?, _ body: (UnsafeRawBufferPointer?) -> R) -> R {
    guard let bytes else { return body(nil) }
    return bytes.withUnsafeBytes { body($0) }
}

/// Installs the delivery callback.
///
/// - Thread: the one that calls `poll` or `flush`.
/// - Deadline: it must return quickly, because later reports wait for it.
/// - Owner: the producer keeps the box alive until after the client's end.
private func installDeliveryCallback(on conf: OpaquePointer?) {
    rd_kafka_conf_set_dr_msg_cb(conf) { _, message, opaque in
        guard let message = message?.pointee, let box = CallbackBox.of(opaque) else { return }
        let arrived = message.err == RD_KAFKA_RESP_ERR_NO_ERROR
        if arrived {
            box.delivered.wrappingAdd(1, ordering: .relaxed)
        } else {
            box.failed.wrappingAdd(1, ordering: .relaxed)
        }
        guard let onDelivery = box.onDelivery else { return }
        onDelivery(
            DeliveryReport(
                opaque: UInt64(UInt(bitPattern: message._private)), partition: message.partition,
                offset: message.offset < 0 ? -1 : message.offset,
                error: arrived ? nil : KafkaError(message.err, "delivery")))
    }
}
