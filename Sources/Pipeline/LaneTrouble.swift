/// What may be wrong with a lane for a while: said when it begins, and once more when it has passed.
///
/// The raw value is the event's name in the log. In the order of the cases they are told: the cause before what
/// follows from it.
enum LaneTrouble: String, CaseIterable {
    case redis
    case unfit
    case refused
    case establish
    case deadLetters = "dead-letters"
    case reconcile
    case holding
    case marksMoved = "marks-moved"
    case kafka
    case hint
    case dedupeSpan = "dedupe-span"

    /// Whether nothing is counted meanwhile.
    var hinders: Bool {
        switch self {
        case .redis, .unfit, .refused, .establish, .deadLetters, .reconcile, .holding: true
        case .marksMoved, .kafka, .hint, .dedupeSpan: false
        }
    }

    /// Whether it ends where the lane gives up its partitions or gets others: whoever has them next finds it again.
    var endsWithPartitions: Bool {
        switch self {
        case .refused, .establish, .deadLetters, .reconcile, .holding, .marksMoved: true
        case .redis, .unfit, .kafka, .hint, .dedupeSpan: false
        }
    }
}
