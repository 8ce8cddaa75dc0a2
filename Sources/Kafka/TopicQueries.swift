internal import CRdkafka

extension Consumer {
    /// The number of partitions of a topic, and the smallest number of replicas of a partition.
    public func shape(
        of topic: String, timeoutMilliseconds: Int32
    ) throws(KafkaError) -> (partitions: Int, replicas: Int) {
        let handle = core.handle
        guard let target = rd_kafka_topic_new(handle, topic, nil) else {
            throw KafkaError(rd_kafka_last_error(), "topic \(topic)")
        }
        defer { rd_kafka_topic_destroy(target) }
        var answer: UnsafePointer<rd_kafka_metadata>?
        try KafkaError.check(
            rd_kafka_metadata(handle, 0, target, &answer, timeoutMilliseconds),
            "metadata of topic \(topic)")
        defer { rd_kafka_metadata_destroy(answer) }
        guard let metadata = answer?.pointee, metadata.topic_cnt == 1 else {
            throw KafkaError(RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, "topic \(topic)")
        }
        let found = metadata.topics[0]
        try KafkaError.check(found.err, "topic \(topic)")
        let replicas = (0..<Int(found.partition_cnt)).map {
            Int(found.partitions[$0].replica_cnt)
        }
        guard let least = replicas.min() else {
            throw KafkaError(RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, "topic \(topic)")
        }
        return (replicas.count, least)
    }

    /// The settings of topics, with defaults, by topic.
    ///
    /// A topic whose settings the broker does not show is left out.
    public func settings(
        ofTopics topics: [String], timeoutMilliseconds: Int32
    ) throws(KafkaError) -> [String: [String: String]] {
        let handle = core.handle
        guard let queue = rd_kafka_queue_new(handle) else {
            throw KafkaError(code: .state, message: "a queue for settings")
        }
        defer { rd_kafka_queue_destroy(queue) }
        let options = rd_kafka_AdminOptions_new(handle, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS)
        defer { rd_kafka_AdminOptions_destroy(options) }
        var text = [CChar](repeating: 0, count: 256)
        // A time outside the library's range is refused, and its default is used, which is fine.
        rd_kafka_AdminOptions_set_request_timeout(options, timeoutMilliseconds, &text, text.count)
        var resources: [OpaquePointer?] = topics.map {
            rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, $0)
        }
        defer { rd_kafka_ConfigResource_destroy_array(&resources, resources.count) }
        rd_kafka_DescribeConfigs(handle, &resources, resources.count, options, queue)
        // The library ends the request at its own timeout; a second more is for its answer to
        // arrive.
        guard let event = rd_kafka_queue_poll(queue, timeoutMilliseconds + 1_000) else {
            throw KafkaError(RD_KAFKA_RESP_ERR__TIMED_OUT, "settings of topics")
        }
        defer { rd_kafka_event_destroy(event) }
        try KafkaError.check(rd_kafka_event_error(event), "settings of topics")
        var count = 0
        let results = rd_kafka_DescribeConfigs_result_resources(
            rd_kafka_event_DescribeConfigs_result(event), &count)
        var settings: [String: [String: String]] = [:]
        for index in 0..<count {
            guard let result = results?[index],
                rd_kafka_ConfigResource_error(result) == RD_KAFKA_RESP_ERR_NO_ERROR,
                let name = rd_kafka_ConfigResource_name(result)
            else { continue }
            settings[String(cString: name)] = entries(of: result)
        }
        return settings
    }

    private func entries(of resource: OpaquePointer) -> [String: String] {
        var count = 0
        let entries = rd_kafka_ConfigResource_configs(resource, &count)
        var found: [String: String] = [:]
        for index in 0..<count {
            guard let entry = entries?[index], let name = rd_kafka_ConfigEntry_name(entry),
                let value = rd_kafka_ConfigEntry_value(entry)
            else { continue }
            found[String(cString: name)] = String(cString: value)
        }
        return found
    }
}
