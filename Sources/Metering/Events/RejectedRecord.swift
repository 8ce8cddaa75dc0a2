/// A rejected record of a batch.
public struct RejectedRecord: Sendable {
    /// Index in the batch.
    public var index: Int
    /// malformed, bad_field, late or future.
    public var outcome: Outcome
    /// What exactly is wrong.
    public var rejection: Rejection
    /// What the rejection is about, as in `EventScratch.rejectedField`.
    var field: Int32
    /// Index of the event's type in the catalog; -1: its type is not known.
    var event: Int32
    /// Whether its attributes were in headers.
    var isBinary: Bool
    /// Which event of a record of several is wrong, from 0 on; -1: the record is one event, or it
    /// is wrong as a whole.
    var eventIndex: Int32 = -1
    let names: RejectionNames

    /// What is wrong and where, like `required field is missing: /data/agent`.
    ///
    /// The text of a dead letter's header `detail`. The location is a JSON pointer into the value
    /// or the name of a header; it is left out where the whole record is wrong. In a record of
    /// several events the number of the wrong one comes first, and a pointer leads into that event.
    public var detail: String {
        let text = (eventIndex < 0 ? "" : "event \(eventIndex): ") + names.text(self)
        return names.location(of: self).map { "\(text): \($0)" } ?? text
    }

    /// The event's type in the catalog; nil where the record was rejected before its type was read.
    public var eventType: String? { event < 0 ? nil : names.types[Int(event)] }

    /// Equal for two records that were rejected for the same reason, with the same type and field.
    public var cause: RejectionCause {
        RejectionCause(
            rejection: rejection, event: event, field: rejection.isOfField ? field : -1,
            isBinary: isBinary)
    }
}

/// Why records were rejected: reason, type of event and field.
public struct RejectionCause: Hashable, Sendable {
    let rejection: Rejection
    let event: Int32
    let field: Int32
    let isBinary: Bool
}
