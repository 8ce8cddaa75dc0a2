/// What became of an event, or of a record that was rejected; each has exactly one outcome.
///
/// The order of the checks is in `schemas/events/README.md`.
public enum Outcome: UInt8, Sendable, CaseIterable {
    /// Counted.
    case accepted = 0
    /// A record among the N offsets before it has the same (subject, source, id).
    case duplicate = 1
    /// No meter takes events of its type.
    case ignored = 2
    /// Not a CloudEvent.
    case malformed = 3
    /// A CloudEvent of a known type with a field that a meter cannot take.
    case badField = 4
    /// Every window that it belongs to has expired.
    case late = 5
    /// Its time is later than the record's timestamp by more than the bound.
    case future = 6

    /// The word in metrics, dead letters and documents.
    public var name: String {
        switch self {
        case .accepted: "accepted"
        case .duplicate: "duplicate"
        case .ignored: "ignored"
        case .malformed: "malformed"
        case .badField: "bad_field"
        case .late: "late"
        case .future: "future"
        }
    }

    /// Whether the record goes to the dead-letter topic.
    public var isRejected: Bool { rawValue >= Outcome.malformed.rawValue }
}
