/// What may be wrong with a lane for a while: told when it begins, and once more when it has passed.
///
/// The raw value is the event's name in the log. Troubles are told in the order of the cases: a
/// cause before what follows from it.
enum LaneTrouble: String, CaseIterable {
    case redis
    case noMaster = "no-master"
    case unfit
    case refused
    case establish
    case deadLetters = "dead-letters"
    case reestablish
    case reconcile
    case comparison
    case holding
    case marksMoved = "marks-moved"
    case kafka
    case hint
    case dedupeSpan = "dedupe-span"

    /// Whether nothing is counted meanwhile.
    var hinders: Bool {
        switch self {
        case .redis, .noMaster, .unfit, .refused, .establish, .deadLetters, .reestablish,
            .reconcile, .comparison, .holding:
            true
        case .marksMoved, .kafka, .hint, .dedupeSpan: false
        }
    }

    /// Whether it ends where the lane gives up its partitions or gets others: their next owner
    /// finds it again.
    var endsWithPartitions: Bool {
        switch self {
        case .refused, .establish, .deadLetters, .reestablish, .reconcile,
            .comparison, .holding, .marksMoved:
            true
        case .redis, .noMaster, .unfit, .kafka, .hint, .dedupeSpan: false
        }
    }
}

extension Lane {
    /// Troubles that were told and have not passed, or that come again and again.
    var troubles: [LaneTrouble: String] {
        recurrences.filter { $0.value.isStanding }.mapValues(\.message)
    }

    /// Reports a trouble once, until `passed`.
    func trouble(_ trouble: LaneTrouble, _ message: String) {
        if trouble == .kafka { kafkaErrorAt = now }
        if let line = recurrences[trouble, default: Recurrence()].begin(message, now) {
            tell(.warning, trouble, line)
        }
    }

    /// Reports that a trouble is over; of one that comes again and again only when it has stayed
    /// away.
    func passed(_ trouble: LaneTrouble, _ message: String) {
        if let line = recurrences[trouble]?.end(message, now) {
            tell(.information, trouble, line)
        }
    }

    private func tell(_ level: PipelineEvent.Level, _ trouble: LaneTrouble, _ line: String) {
        report(PipelineEvent(level: level, name: trouble.rawValue, message: line))
    }

    /// Tells the loops that have ended.
    func closeLoops(_ now: Int64) {
        for trouble in LaneTrouble.allCases {
            if let line = recurrences[trouble]?.closeLoop(now) {
                tell(.information, trouble, line)
            }
        }
    }

    /// The next owner of the partitions finds their troubles again.
    func endPartitionTroubles() {
        for trouble in LaneTrouble.allCases where trouble.endsWithPartitions {
            recurrences[trouble]?.drop()
        }
    }
}
