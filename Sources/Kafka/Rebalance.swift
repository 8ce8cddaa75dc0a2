internal import CRdkafka
internal import Synchronization

/// Installs the callbacks of a consumer.
///
/// The rebalance callback:
/// - Thread: only the consumer's own, inside `nextBatch` or `close`.
/// - Deadline: it must have assigned or unassigned when it returns. The handler's commits must take
///   much less time than `max.poll.interval.ms`.
/// - Owner: the box lives as long as the client. The consumer's `deinit` sets `consumer` to nil
///   before it destroys the client; after that, the callback only unassigns.
///
/// The commit callback has the same thread and owner; it counts accepted and refused hints.
func installConsumerCallbacks(on conf: OpaquePointer?) {
    rd_kafka_conf_set_rebalance_cb(conf) { client, code, list, opaque in
        guard let consumer = CallbackBox.of(opaque)?.consumer else {
            rd_kafka_assign(client, nil)
            return
        }
        consumer.rebalance(code, list)
    }
    rd_kafka_conf_set_offset_commit_cb(conf) { _, code, _, opaque in
        guard code != RD_KAFKA_RESP_ERR__NO_OFFSET, let box = CallbackBox.of(opaque) else {
            return
        }
        guard code != RD_KAFKA_RESP_ERR_NO_ERROR else {
            box.takenHints.wrappingAdd(1, ordering: .relaxed)
            return
        }
        box.lastRefusal.store(code.rawValue, ordering: .relaxed)
        box.failedHints.wrappingAdd(1, ordering: .relaxed)
    }
}

extension ConsumerCore {
    fileprivate func rebalance(
        _ code: rd_kafka_resp_err_t,
        _ list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?
    ) {
        waker.idle()
        hold()
        let partitions = PartitionList.partitions(of: list)
        switch code {
        case RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS:
            take(partitions)
            onRebalance(.assigned(partitions))
        case RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS:
            let isLost = rd_kafka_assignment_lost(handle) != 0
            onRebalance(.revoked(partitions, isLost: isLost))
            hold()
            assigned = []
            rd_kafka_assign(handle, nil)
        default:
            box.note(KafkaError(code, "rebalance"))
            assigned = []
            rd_kafka_assign(handle, nil)
        }
    }

    /// Answers an assignment of the group with an empty list.
    ///
    /// Without an answer, the member leaves the group; but no record may come before the lane names
    /// its offsets. Offsets chosen here would be an error under `auto.offset.reset=error`, or fetch
    /// records that are dropped.
    private func take(_ partitions: [TopicPartition]) {
        assigned = partitions
        wakeTargetsExpireMilliseconds = 0
        let error = assignNothing()
        guard error != RD_KAFKA_RESP_ERR_NO_ERROR else { return }
        box.note(KafkaError(error, "assign"))
    }

    /// Assigns an empty list, which keeps the membership; NULL is the answer to a revocation.
    func assignNothing() -> rd_kafka_resp_err_t {
        PartitionList(capacity: 0).pass { rd_kafka_assign(handle, $0) }
    }
}
