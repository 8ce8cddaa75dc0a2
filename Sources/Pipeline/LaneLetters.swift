internal import Kafka
internal import Metering

/// What a lane has to do with its dead letters beside sending them.
extension Lane {
    /// Tells whether they arrive, and forgets those that are no longer needed.
    func watchDeadLetters(_ now: Int64) {
        if let problem = deadLetters.problem {
            trouble(.deadLetters, "dead letters cannot be written: \(problem)")
        } else if deadLetters.waiting == 0 {
            passed(.deadLetters, "dead letters are written again")
        }
        tellGivenUp(now)
        guard now >= forgetLettersAt else { return }
        forgetLettersAt = now + Self.checkInterval
        deadLetters.forget { place in
            guard
                let slot = taken.firstIndex(where: {
                    $0.topicID == place.topicID && $0.topicPartition.partition == place.partition
                }), let mark = core?.leastMark(slot: slot)
            else { return false }
            return place.offset < mark
        }
    }

    /// At once for the first, then once a minute for all that came meanwhile.
    private func tellGivenUp(_ now: Int64) {
        let count = deadLetters.givenUp
        guard count > toldGivenUp.count, now >= toldGivenUp.nextAt else { return }
        let more = count - toldGivenUp.count - 1
        report(
            .error, "dead-letter-given-up",
            (deadLetters.lastGivenUp ?? "") + (more > 0 ? " (and \(more) before it)" : ""))
        toldGivenUp = (count, now + 60_000)
    }
}

extension LaneCore {
    /// The lowest mark of a partition, of all shards: records below it are not read again unless Redis goes back.
    ///
    /// Nil while it is not known: a shard whose tallies were dropped may stand lower than it was believed to.
    func leastMark(slot: Int) -> Int64? {
        var least = Int64.max
        for (shard, one) in shards.enumerated() {
            guard one.aside == nil, !one.awaitsMarks else { return nil }
            least = min(least, cursors[slot].start(shard: shard))
            for sent in one.sent where sent.slot == slot { least = min(least, sent.range.from) }
        }
        return least
    }
}
