internal import CRdkafka
internal import Synchronization

/// The commit hints that Kafka has answered.
public struct HintCounts: Sendable, Equatable {
    /// Hints that it accepted.
    public var taken: UInt64
    /// Hints that it refused.
    public var refused: UInt64
    /// Why it refused the last one.
    public var lastRefusal: String

    /// Counts of these values.
    public init(taken: UInt64 = 0, refused: UInt64 = 0, lastRefusal: String = "") {
        self.taken = taken
        self.refused = refused
        self.lastRefusal = lastRefusal
    }
}

extension Consumer {
    /// The offset after the last delivered record; nil where there was none yet.
    public func position(of partition: TopicPartition) -> Int64? {
        let list = PartitionList([partition])
        guard list.pass({ rd_kafka_position(core.handle, $0) }) == RD_KAFKA_RESP_ERR_NO_ERROR,
            list[0].err == RD_KAFKA_RESP_ERR_NO_ERROR, list[0].offset >= 0
        else { return nil }
        return list[0].offset
    }

    /// Log start and log end, as the broker says now.
    ///
    /// The library's own query may wait for ever for a leader that is gone (2.0.2). The query for
    /// offsets by time keeps its deadline, and the protocol has special times for start and end.
    public func watermarks(
        of partition: TopicPartition, timeoutMilliseconds: Int32
    ) throws(KafkaError) -> (low: Int64, high: Int64) {
        try watermarks(of: [partition], timeoutMilliseconds: timeoutMilliseconds)[0]
    }

    /// Log starts and log ends of partitions, in their order, with two requests for each leader.
    ///
    /// While partitions are fetched, a broker answers a request only after the fetch before it,
    /// which waits up to 250 ms at the end of the log. So many partitions are asked for at once.
    public func watermarks(
        of partitions: [TopicPartition], timeoutMilliseconds: Int32
    ) throws(KafkaError) -> [(low: Int64, high: Int64)] {
        do {
            let lows = try edges(RD_KAFKA_OFFSET_BEGINNING, of: partitions, timeoutMilliseconds)
            let highs = try edges(RD_KAFKA_OFFSET_END, of: partitions, timeoutMilliseconds)
            return zip(lows, highs).map { (min($0, $1), $1) }
        } catch {
            // The library may have asked a former leader. While nothing is fetched, only this query
            // makes it learn the new one.
            if error.isRetriable {
                for topic in Set(partitions.map(\.topic)) {
                    _ = try? partitionCount(of: topic, timeoutMilliseconds: timeoutMilliseconds)
                }
            }
            throw error
        }
    }

    private func edges(
        _ time: Int32, of partitions: [TopicPartition], _ timeoutMilliseconds: Int32
    ) throws(KafkaError) -> [Int64] {
        let found = try offsets(
            forTime: Int64(time), of: partitions, timeoutMilliseconds: timeoutMilliseconds)
        var edges: [Int64] = []
        for (partition, offset) in zip(partitions, found) {
            guard let offset else {
                throw KafkaError(RD_KAFKA_RESP_ERR__FAIL, "watermarks of \(partition)")
            }
            edges.append(offset)
        }
        return edges
    }

    /// Log start and log end of the last fetch, without a request; nil before the first.
    public func cachedWatermarks(of partition: TopicPartition) -> (low: Int64, high: Int64)? {
        var low: Int64 = 0
        var high: Int64 = 0
        let error = rd_kafka_get_watermark_offsets(
            core.handle, partition.topic, partition.partition, &low, &high)
        guard error == RD_KAFKA_RESP_ERR_NO_ERROR, high >= 0 else { return nil }
        return (max(low, 0), high)
    }

    /// Offsets between `position` and the cached log end, without a request; nil: not known.
    ///
    /// Markers of transactions at the end of the log count too, although they are no records;
    /// `endOfPartition` says when a partition is read to its end.
    public func lag(of partition: TopicPartition) -> Int64? {
        guard let position = position(of: partition), let log = cachedWatermarks(of: partition)
        else { return nil }
        return max(log.high - position, 0)
    }

    /// The group's committed offsets with their metadata; nil where there is none.
    public func committed(
        _ partitions: [TopicPartition], timeoutMilliseconds: Int32
    ) throws(KafkaError) -> [(offset: Int64, metadata: String)?] {
        try requireGroup("committed")
        let list = PartitionList(partitions)
        try KafkaError.check(
            list.pass { rd_kafka_committed(core.handle, $0, timeoutMilliseconds) },
            "committed offsets")
        try list.checkElements("committed offset of")
        return (0..<list.count).map { index in
            let element = list[index]
            guard element.offset >= 0 else { return nil }
            let bytes = UnsafeRawBufferPointer(
                start: element.metadata, count: element.metadata_size)
            return (element.offset, String(decoding: bytes, as: UTF8.self))
        }
    }

    /// The first offset with this time (milliseconds since 1970) or later; nil where there is none.
    public func offsets(
        forTime milliseconds: Int64, of partitions: [TopicPartition], timeoutMilliseconds: Int32
    ) throws(KafkaError) -> [Int64?] {
        let list = PartitionList(partitions, offset: milliseconds)
        try KafkaError.check(
            list.pass { rd_kafka_offsets_for_times(core.handle, $0, timeoutMilliseconds) },
            "offsets for time \(milliseconds)")
        try list.checkElements("offset for time of")
        return (0..<list.count).map { list[$0].offset >= 0 ? list[$0].offset : nil }
    }

    /// Tells Kafka how far the group has counted, for lag tools and as a second record of it.
    ///
    /// Returns at once; a refusal is only counted (`hintCounts`).
    public func commitHint(
        _ offsets: [(TopicPartition, offset: Int64, metadata: String)]
    ) throws(KafkaError) {
        try requireGroup("commitHint")
        guard !offsets.isEmpty else { return }
        let list = PartitionList(capacity: offsets.count)
        for (partition, offset, metadata) in offsets {
            list.add(partition, offset: offset, metadata: metadata)
        }
        try KafkaError.check(list.pass { rd_kafka_commit(core.handle, $0, 1) }, "commit hint")
    }

    /// The commit hints so far that Kafka has answered.
    public var hintCounts: HintCounts {
        let code = rd_kafka_resp_err_t(core.box.lastRefusal.load(ordering: .relaxed))
        return HintCounts(
            taken: core.box.takenHints.load(ordering: .relaxed),
            refused: core.box.failedHints.load(ordering: .relaxed),
            lastRefusal: rd_kafka_err2str(code).map { String(cString: $0) } ?? "")
    }

    /// The number of partitions of a topic; throws where the topic does not exist.
    public func partitionCount(
        of topic: String, timeoutMilliseconds: Int32
    ) throws(KafkaError) -> Int {
        try Client(handle: core.handle).partitionCount(
            of: topic, timeoutMilliseconds: timeoutMilliseconds)
    }

    /// Waits until all topics exist; at the deadline throws an error that names a missing one.
    public func waitForTopics(
        _ topics: [String], timeoutMilliseconds: Int32
    ) throws(KafkaError) {
        try Client(handle: core.handle).waitForTopics(
            topics, timeoutMilliseconds: timeoutMilliseconds)
    }

    /// The id of the cluster; nil where no broker has answered in time.
    public func clusterID(timeoutMilliseconds: Int32) -> String? {
        Client(handle: core.handle).clusterID(timeoutMilliseconds: timeoutMilliseconds)
    }
}
