/// A lasting state of a lane in which something is wrong: reported when it begins and when it ends.
///
/// The raw value is the event's name in the log. The cases are in the order of cause and effect,
/// and a lane lists its troubles in that order.
enum LaneTrouble: String, CaseIterable {
    /// Redis does not answer.
    case redis
    /// The server is a replica, or a master that refuses to work as one.
    case noMaster = "no-master"
    /// Redis would lose or refuse cells.
    case unfit
    /// Redis refuses commits for now.
    case refused
    /// Partitions cannot be taken up yet.
    case establish
    /// Dead letters cannot be written, and commits wait for them.
    case deadLetters = "dead-letters"
    /// Everything read was dropped, to begin again from the marks.
    case reestablish
    /// The marks cannot be read.
    case reconcile
    /// The log cannot be compared with what was counted.
    case comparison
    /// Consumption is paused.
    case holding
    /// Marks were changed by somebody else.
    case marksMoved = "marks-moved"
    /// Kafka's client reports an error.
    case kafka
    /// Partitions wait for schemas.
    case schema
    /// Kafka does not take the group's offset commits.
    case hint
    /// A dedupe window spans so little time that a producer's retry may come too late.
    case dedupeSpan = "dedupe-span"

    /// Whether the lane counts nothing as long as it lasts.
    var blocksCounting: Bool {
        switch self {
        case .redis, .noMaster, .unfit, .refused, .establish, .deadLetters, .reestablish,
            .reconcile, .comparison, .holding:
            true
        case .marksMoved, .kafka, .schema, .hint, .dedupeSpan: false
        }
    }

    /// Whether it ends when the lane gives up its partitions: their next owner finds it again.
    var endsWithPartitions: Bool {
        switch self {
        case .refused, .establish, .deadLetters, .reestablish, .reconcile,
            .comparison, .holding, .marksMoved, .schema:
            true
        case .redis, .noMaster, .unfit, .kafka, .hint, .dedupeSpan: false
        }
    }
}

extension Lane {
    /// Troubles that last, or keep coming back, each with its latest sentence.
    var troubles: [LaneTrouble: String] {
        recurrences.filter { $0.value.isTold }.mapValues(\.message)
    }

    /// Notes a trouble, and reports it when it is new; `passed` ends it.
    func trouble(_ trouble: LaneTrouble, _ message: String) {
        if trouble == .kafka { kafkaErrorAt = now }
        if let line = recurrences[trouble, default: Recurrence()].begin(message, now) {
            tell(.warning, trouble, line)
        }
    }

    /// Ends a trouble and reports that, or later if it keeps coming back.
    func passed(_ trouble: LaneTrouble, _ message: String) {
        if let line = recurrences[trouble]?.end(message, now) {
            tell(.information, trouble, line)
        }
    }

    private func tell(_ level: PipelineEvent.Level, _ trouble: LaneTrouble, _ line: String) {
        report(PipelineEvent(level: level, name: trouble.rawValue, message: line))
    }

    /// Reports the end of troubles that kept coming back and have stayed away since.
    func closeLoops(_ now: Milliseconds) {
        for trouble in LaneTrouble.allCases {
            if let line = recurrences[trouble]?.closeLoop(now) {
                tell(.information, trouble, line)
            }
        }
    }

    /// Forgets the troubles of partitions that are given up: their next owner finds them again.
    func endPartitionTroubles() {
        for trouble in LaneTrouble.allCases where trouble.endsWithPartitions {
            recurrences[trouble]?.drop()
        }
    }
}
