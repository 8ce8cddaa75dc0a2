internal import CRdkafka
internal import Glibc

/// What clients of every kind can ask; a borrowed handle that owns nothing.
struct Client {
    let handle: OpaquePointer

    /// The fatal error after which this client does nothing more; nil: there was none.
    var fatalError: KafkaError? {
        var text = [CChar](repeating: 0, count: 512)
        let code = rd_kafka_fatal_error(handle, &text, text.count)
        guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { return nil }
        return KafkaError(code: .init(code), message: string(of: text), isFatal: true)
    }

    /// The leaders of a topic's partitions, in the order of the partitions; -1: none is known.
    ///
    /// Some brokers create a topic when a producer asks for it by name. So a producer asks for all
    /// topics here; consumers have `allow.auto.create.topics=false`.
    func leaders(of topic: String, timeoutMilliseconds: Int32) throws(KafkaError) -> [Int32] {
        var target: OpaquePointer?
        if rd_kafka_type(handle) == RD_KAFKA_CONSUMER {
            target = rd_kafka_topic_new(handle, topic, nil)
            guard target != nil else {
                throw KafkaError(rd_kafka_last_error(), "topic \(topic)")
            }
        }
        defer { if let target { rd_kafka_topic_destroy(target) } }
        var answer: UnsafePointer<rd_kafka_metadata>?
        try KafkaError.check(
            rd_kafka_metadata(handle, target == nil ? 1 : 0, target, &answer, timeoutMilliseconds),
            "metadata of topic \(topic)")
        defer { rd_kafka_metadata_destroy(answer) }
        guard let metadata = answer?.pointee,
            let found = (0..<Int(metadata.topic_cnt)).lazy.map({ metadata.topics[$0] })
                .first(where: { $0.topic.map { String(cString: $0) } == topic })
        else { throw KafkaError(RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, "topic \(topic)") }
        try KafkaError.check(found.err, "topic \(topic)")
        var leaders = [Int32](repeating: -1, count: Int(found.partition_cnt))
        for index in 0..<Int(found.partition_cnt) {
            let partition = found.partitions[index]
            if leaders.indices.contains(Int(partition.id)) {
                leaders[Int(partition.id)] = partition.leader
            }
        }
        return leaders
    }

    func partitionCount(of topic: String, timeoutMilliseconds: Int32) throws(KafkaError) -> Int {
        let count = try leaders(of: topic, timeoutMilliseconds: timeoutMilliseconds).count
        guard count > 0 else {
            throw KafkaError(RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, "topic \(topic)")
        }
        return count
    }

    /// Asks until every topic exists; throws the last error at the deadline.
    func waitForTopics(_ topics: [String], timeoutMilliseconds: Int32) throws(KafkaError) {
        let deadline = monotonicMilliseconds() + Int64(timeoutMilliseconds)
        for topic in topics {
            while true {
                let left = Int32(clamping: max(deadline - monotonicMilliseconds(), 100))
                do {
                    _ = try partitionCount(of: topic, timeoutMilliseconds: left)
                    break
                } catch {
                    let mayCome: Set<KafkaError.Code> = [
                        .unknownTopic, .unknownTopicOrPartition, .unknownPartition,
                    ]
                    guard mayCome.contains(error.code) || error.isRetriable,
                        monotonicMilliseconds() < deadline
                    else { throw error }
                    usleep(50_000)
                }
            }
        }
    }

    func clusterID(timeoutMilliseconds: Int32) -> String? {
        guard let text = rd_kafka_clusterid(handle, timeoutMilliseconds) else { return nil }
        defer { rd_kafka_mem_free(handle, text) }
        return String(cString: text)
    }
}

func monotonicMilliseconds() -> Int64 {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return Int64(now.tv_sec) * 1_000 + Int64(now.tv_nsec) / 1_000_000
}
