internal import CRdkafka

/// Changes topics and groups of a real cluster; a `MockCluster` refuses that.
public struct Admin: ~Copyable {
    private let handle: OpaquePointer
    private let queue: OpaquePointer
    private let box: CallbackBox

    /// Makes a client; no broker is asked yet.
    public init(_ configuration: ClientConfiguration) throws(KafkaError) {
        let box = CallbackBox(log: configuration.log)
        var builder = PropertyBuilder()
        try builder.apply(
            configuration.properties, except: ["bootstrap.servers", "metadata.broker.list"])
        try builder.set("bootstrap.servers", configuration.bootstrap)
        let handle = try builder.make(RD_KAFKA_PRODUCER, box: box)
        guard let queue = rd_kafka_queue_new(handle) else {
            rd_kafka_destroy(handle)
            throw KafkaError(code: .state, message: "admin queue")
        }
        self.handle = handle
        self.queue = queue
        self.box = box
    }

    /// The queue must be destroyed before the client.
    deinit {
        rd_kafka_queue_destroy(queue)
        rd_kafka_destroy(handle)
    }

    /// Creates a topic; throws `topicAlreadyExists` where there is one of that name.
    public func createTopic(
        _ name: String, partitions: Int, replication: Int = 1,
        configuration: [(name: String, value: String)] = [], timeoutMilliseconds: Int32 = 15_000
    ) throws(KafkaError) {
        var text = [CChar](repeating: 0, count: 512)
        guard
            let topic = rd_kafka_NewTopic_new(
                name, Int32(partitions), Int32(replication), &text, text.count)
        else {
            throw KafkaError(code: .invalidArgument, message: "topic \(name): \(string(of: text))")
        }
        defer { rd_kafka_NewTopic_destroy(topic) }
        for (key, value) in configuration {
            try KafkaError.check(
                rd_kafka_NewTopic_set_config(topic, key, value), "topic \(name), setting \(key)")
        }
        let options = rd_kafka_AdminOptions_new(handle, RD_KAFKA_ADMIN_OP_CREATETOPICS)
        defer { rd_kafka_AdminOptions_destroy(options) }
        limit(options, timeoutMilliseconds)
        var topics: [OpaquePointer?] = [topic]
        rd_kafka_CreateTopics(handle, &topics, topics.count, options, queue)
        let event = try answer("create topic \(name)", timeoutMilliseconds)
        defer { rd_kafka_event_destroy(event) }
        var count = 0
        guard
            let results = rd_kafka_CreateTopics_result_topics(
                rd_kafka_event_CreateTopics_result(event), &count), count == 1
        else { throw KafkaError(code: .state, message: "create topic \(name): no result") }
        let code = rd_kafka_topic_result_error(results[0])
        guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { return }
        let reason = rd_kafka_topic_result_error_string(results[0]).map { String(cString: $0) }
        throw KafkaError(code: .init(code), message: "create topic \(name): \(reason ?? "")")
    }

    /// Deletes all records before the given offsets.
    public func deleteRecords(
        before offsets: [(TopicPartition, offset: Int64)], timeoutMilliseconds: Int32 = 15_000
    ) throws(KafkaError) {
        let list = PartitionList(capacity: offsets.count)
        for (partition, offset) in offsets { list.add(partition, offset: offset) }
        let request = list.pass { rd_kafka_DeleteRecords_new($0) }
        defer { rd_kafka_DeleteRecords_destroy(request) }
        let options = rd_kafka_AdminOptions_new(handle, RD_KAFKA_ADMIN_OP_DELETERECORDS)
        defer { rd_kafka_AdminOptions_destroy(options) }
        limit(options, timeoutMilliseconds)
        var requests: [OpaquePointer?] = [request]
        rd_kafka_DeleteRecords(handle, &requests, requests.count, options, queue)
        let event = try answer("delete records", timeoutMilliseconds)
        defer { rd_kafka_event_destroy(event) }
        guard
            let result = rd_kafka_DeleteRecords_result_offsets(
                rd_kafka_event_DeleteRecords_result(event))
        else { throw KafkaError(code: .state, message: "delete records: no result") }
        for index in 0..<Int(result.pointee.cnt) {
            let element = result.pointee.elems[index]
            try KafkaError.check(element.err, "delete records of \(TopicPartition(element))")
        }
    }

    /// Deletes a topic with all its records; it is no error if it does not exist.
    public func deleteTopic(
        _ name: String, timeoutMilliseconds: Int32 = 15_000
    ) throws(KafkaError) {
        let topic = rd_kafka_DeleteTopic_new(name)
        defer { rd_kafka_DeleteTopic_destroy(topic) }
        let options = rd_kafka_AdminOptions_new(handle, RD_KAFKA_ADMIN_OP_DELETETOPICS)
        defer { rd_kafka_AdminOptions_destroy(options) }
        limit(options, timeoutMilliseconds)
        var topics: [OpaquePointer?] = [topic]
        rd_kafka_DeleteTopics(handle, &topics, topics.count, options, queue)
        let event = try answer("delete topic \(name)", timeoutMilliseconds)
        defer { rd_kafka_event_destroy(event) }
        var count = 0
        let results = rd_kafka_DeleteTopics_result_topics(
            rd_kafka_event_DeleteTopics_result(event), &count)
        for index in 0..<count {
            let code = rd_kafka_topic_result_error(results?[index])
            guard code != RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART else { continue }
            try KafkaError.check(code, "delete topic \(name)")
        }
    }

    /// Deletes a consumer group without members; it is no error if it does not exist.
    public func deleteGroup(
        _ name: String, timeoutMilliseconds: Int32 = 15_000
    ) throws(KafkaError) {
        let group = rd_kafka_DeleteGroup_new(name)
        defer { rd_kafka_DeleteGroup_destroy(group) }
        let options = rd_kafka_AdminOptions_new(handle, RD_KAFKA_ADMIN_OP_DELETEGROUPS)
        defer { rd_kafka_AdminOptions_destroy(options) }
        limit(options, timeoutMilliseconds)
        var groups: [OpaquePointer?] = [group]
        rd_kafka_DeleteGroups(handle, &groups, groups.count, options, queue)
        let event = try answer("delete group \(name)", timeoutMilliseconds)
        defer { rd_kafka_event_destroy(event) }
        var count = 0
        let results = rd_kafka_DeleteGroups_result_groups(
            rd_kafka_event_DeleteGroups_result(event), &count)
        for index in 0..<count {
            guard let error = rd_kafka_group_result_error(results?[index]) else { continue }
            let code = rd_kafka_error_code(error)
            guard code != RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND else { continue }
            try KafkaError.check(code, "delete group \(name)")
        }
    }

    private func limit(_ options: OpaquePointer?, _ timeoutMilliseconds: Int32) {
        var text = [CChar](repeating: 0, count: 256)
        // A time outside the library's range is refused, and its default is used, which is fine.
        rd_kafka_AdminOptions_set_request_timeout(
            options, timeoutMilliseconds, &text, text.count)
        rd_kafka_AdminOptions_set_operation_timeout(
            options, timeoutMilliseconds, &text, text.count)
    }

    /// The answer to the current request; the caller destroys it.
    private func answer(
        _ call: String, _ timeoutMilliseconds: Int32
    ) throws(KafkaError) -> OpaquePointer {
        // The library ends the request at its own timeout; a second more is for its answer to
        // arrive.
        guard let event = rd_kafka_queue_poll(queue, timeoutMilliseconds + 1_000) else {
            throw KafkaError(RD_KAFKA_RESP_ERR__TIMED_OUT, call)
        }
        let code = rd_kafka_event_error(event)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
            let reason = rd_kafka_event_error_string(event).map { String(cString: $0) } ?? ""
            rd_kafka_event_destroy(event)
            throw KafkaError(code: .init(code), message: "\(call): \(reason)")
        }
        return event
    }
}
