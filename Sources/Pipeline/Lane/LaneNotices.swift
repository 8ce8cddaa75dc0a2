internal import Kafka
internal import Metering

/// What the log hears of single records and cells: the first of a kind, then nothing for a while.
extension Lane {
    /// When what was told last.
    struct Notices {
        /// When a meter's overflow is told again, in milliseconds of the steady clock.
        fileprivate var overflowAt: [String: Int64] = [:]
        /// When a rejected record of each cause was told last.
        fileprivate var rejectedAt: [RejectionCause: Int64] = [:]
        /// Dead letters that were given up when that was told last, and when it is told again.
        fileprivate var givenUp: (count: Int64, nextAt: Int64) = (0, 0)
    }

    private static let noticePause: Int64 = 60_000

    /// Tells of the records that the fold has just rejected, without anything that their producers
    /// wrote.
    ///
    /// Bounded by the catalog: a cause is a reason, a type of event and a field.
    func tellRejected(_ rejected: [RejectedRecord], of batch: UnsafeBufferPointer<Record>) {
        let now = self.now
        for rejection in rejected {
            if let told = notices.rejectedAt[rejection.cause], now - told < Self.noticePause {
                continue
            }
            notices.rejectedAt[rejection.cause] = now
            let record = batch[Int(sources[rejection.index])]
            let place = "\(consumer.topicName(record.topicID))/\(record.partition)"
            let what = "\(rejection.outcome.name): \(rejection.detail)"
            let type = rejection.eventType.map { ", event type \($0)" } ?? ""
            report(
                PipelineEvent(
                    level: .warning, name: "rejected",
                    message: "\(place) offset \(record.offset) is rejected, \(what)\(type); "
                        + "no more of these are told for a minute",
                    subject: "rejected \(what)\(type)"))
        }
    }

    /// Counts what went to `__other__`, and says it once an hour for each meter.
    func tellOverflows(_ overflows: [String: Int64], _ now: Int64) {
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

    /// Tells whether dead letters arrive, and forgets those that are no longer needed.
    func watchDeadLetters(_ assignment: Assignment, _ now: Int64) {
        if let problem = deadLetters.problem {
            trouble(.deadLetters, "dead letters cannot be written: \(problem)")
        } else if deadLetters.waiting == 0 {
            passed(.deadLetters, "dead letters are written again")
        }
        tellGivenUp(now)
        guard now >= forgetLettersAt else { return }
        forgetLettersAt = now + Self.checkInterval
        deadLetters.forget(where: assignment.isPassed)
    }

    /// At once for the first, then once a minute for all that came meanwhile.
    private func tellGivenUp(_ now: Int64) {
        let count = deadLetters.givenUp
        guard count > notices.givenUp.count, now >= notices.givenUp.nextAt else { return }
        let more = count - notices.givenUp.count - 1
        report(
            .error, "dead-letter-given-up",
            (deadLetters.lastGivenUp ?? "") + (more > 0 ? " (and \(more) before it)" : ""))
        notices.givenUp = (count, now + Self.noticePause)
    }
}
