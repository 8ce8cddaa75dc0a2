internal import Kafka
internal import Metering

/// What is logged about single records and meters: the first of a kind, then nothing for a while.
extension Lane {
    /// What was logged last, and when.
    struct Notices {
        /// When a meter's overflow may be logged again.
        fileprivate var overflowAt: [String: Milliseconds] = [:]
        /// When a rejected record of each cause was logged last.
        fileprivate var rejectedAt: [RejectionCause: Milliseconds] = [:]
        /// How many dead letters were given up when that was logged last, and when it may be again.
        fileprivate var givenUp: (count: Int64, nextAt: Milliseconds) = (0, 0)
    }

    private static let noticePause: Milliseconds = 60_000

    /// Logs records that the fold has just rejected, without anything that their producers wrote.
    ///
    /// One line a minute for each cause. The catalog bounds how many there are: a cause is a
    /// reason, a type of event and a field.
    func tellRejected(_ rejected: [RejectedRecord], of batch: UnsafeBufferPointer<Record>) {
        let now = self.now
        for rejection in rejected {
            if let told = notices.rejectedAt[rejection.cause], now - told < Self.noticePause {
                continue
            }
            notices.rejectedAt[rejection.cause] = now
            let record = batch[Int(sources[rejection.index])]
            let partition = "\(consumer.topicName(record.topicID))/\(record.partition)"
            let reason = "\(rejection.outcome.name): \(rejection.detail)"
            let type = rejection.eventType.map { ", event type \($0)" } ?? ""
            report(
                PipelineEvent(
                    level: .warning, name: "rejected",
                    message: "\(partition) offset \(record.offset) is rejected, \(reason)\(type); "
                        + "no more of these are told for a minute",
                    subject: "rejected \(reason)\(type)"))
        }
    }

    /// Counts what went to `__other__`, and logs it once an hour for each meter.
    func tellOverflows(_ overflows: [String: Int64], _ now: Milliseconds) {
        for (meter, count) in overflows {
            totals.overflows[meter, default: 0] += count
            guard now >= notices.overflowAt[meter] ?? .min else { continue }
            notices.overflowAt[meter] = now + 3_600_000
            report(
                .warning, "overflow",
                "meter \(meter): new values are counted as \(Most.other), its limit (most) is reached"
            )
        }
    }

    // MARK: Dead letters

    /// Reports whether dead letters arrive, and forgets those that are no longer needed.
    func watchDeadLetters(_ assignment: Assignment, _ now: Milliseconds) {
        if let trouble = deadLetters.trouble {
            self.trouble(.deadLetters, "dead letters cannot be written: \(trouble)")
        } else if deadLetters.waiting == 0 {
            passed(.deadLetters, "dead letters are written again")
        }
        tellGivenUp(now)
        guard now >= forgetLettersAt else { return }
        forgetLettersAt = now + Self.checkInterval
        deadLetters.forget(where: assignment.isPassed)
    }

    /// Logs dead letters that were given up: the first at once, then once a minute all that came
    /// since.
    private func tellGivenUp(_ now: Milliseconds) {
        let count = deadLetters.givenUp
        guard count > notices.givenUp.count, now >= notices.givenUp.nextAt else { return }
        let more = count - notices.givenUp.count - 1
        report(
            .error, "dead-letter-given-up",
            (deadLetters.lastGivenUp ?? "") + (more > 0 ? " (and \(more) before it)" : ""))
        notices.givenUp = (count, now + Self.noticePause)
    }
}
