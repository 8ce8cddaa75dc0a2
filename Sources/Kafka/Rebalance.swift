internal import CRdkafka
internal import Synchronization

/// Installs the callbacks of a consumer.
///
/// The rebalance callback:
/// - Thread: the lane's own, inside `nextBatch` or `close`, never another.
/// - Deadline: it must have assigned or unassigned when it returns, and `max.poll.interval.ms`
///   runs on meanwhile; the handler's commits have to stay far below that.
/// - Keeper: the box lives as long as the client; the consumer's `deinit` clears the way back
///   before it destroys the client, and then the callback only answers.
///
/// The commit callback has the same thread and keeper; it counts hints taken and refused.
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

    /// Answers the group with an empty assignment.
    ///
    /// Membership needs an answer, and no partition may speak before the lane names its offset.
    /// Any start of our own would either be an error under `auto.offset.reset=error` or fetch
    /// what can only be dropped.
    private func take(_ partitions: [TopicPartition]) {
        assigned = partitions
        wakeTargetsExpire = 0
        let error = assignNothing()
        guard error != RD_KAFKA_RESP_ERR_NO_ERROR else { return }
        box.note(KafkaError(error, "assign"))
    }

    /// Assigns an empty list, which keeps the membership; a null one would answer a revocation.
    func assignNothing() -> rd_kafka_resp_err_t {
        PartitionList(capacity: 0).pass { rd_kafka_assign(handle, $0) }
    }
}
