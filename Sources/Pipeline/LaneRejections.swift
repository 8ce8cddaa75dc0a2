internal import Kafka
internal import Metering

/// Rejected records are heard of: the first of each cause a minute has a line in the log.
extension Lane {
    private static let noticePause: Int64 = 60_000

    /// Tells of the records that the fold has just rejected, without anything that their producers
    /// wrote.
    ///
    /// Bounded by the catalog: a cause is a reason, a type of event and a field.
    func noteRejected(_ batch: UnsafeBufferPointer<Record>) {
        guard let rejected = core?.program.rejected, !rejected.isEmpty else { return }
        let now = self.now
        for one in rejected {
            if let told = rejectionsTold[one.cause], now - told < Self.noticePause { continue }
            rejectionsTold[one.cause] = now
            let record = batch[Int(sources[one.index])]
            let place = "\(consumer.topicName(record.topicID))/\(record.partition)"
            let what = "\(one.outcome.name): \(one.detail)"
            let type = one.eventType.map { ", event type \($0)" } ?? ""
            report(
                PipelineEvent(
                    level: .warning, name: "rejected",
                    message: "\(place) offset \(record.offset) is rejected, \(what)\(type); "
                        + "no more of these are told for a minute",
                    subject: "rejected \(what)\(type)"))
        }
    }
}
