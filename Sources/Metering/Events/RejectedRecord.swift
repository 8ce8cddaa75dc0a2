/// A rejected record of a batch.
public struct RejectedRecord: Sendable {
    /// Index in the batch.
    public var index: Int
    /// malformed, bad_field, late or future.
    public var outcome: Outcome
    /// What exactly is wrong.
    public var rejection: Rejection
    /// What it is about: a field of the program; of a long attribute 0 id, 1 source, 2 subject; of
    /// data that is no object 0 data, 1 data_base64.
    var field: Int32
    /// Index of the event among the catalog's; -1 = its type is not known.
    var event: Int32
    /// Whether its attributes stood in headers.
    var isBinary: Bool
    let names: RejectionNames

    /// What is wrong and where, like `required field is missing: /data/agent`.
    ///
    /// The text of a dead letter's header `detail`. The place is a JSON pointer into the value or
    /// the name of a header; there is none where the whole record is wrong.
    public var detail: String {
        let text = names.text(self)
        return names.place(of: self).map { "\(text): \($0)" } ?? text
    }

    /// The catalog's type of the event; nil where the record was rejected before that was looked
    /// at.
    public var eventType: String? { event < 0 ? nil : names.types[Int(event)] }

    /// What two records have in common that are rejected for the same reason, at the same place.
    public var cause: RejectionCause {
        RejectionCause(
            rejection: rejection, event: event, place: rejection.isOfField ? field : -1,
            isBinary: isBinary)
    }
}

/// Why records were rejected: reason, type of event and field.
public struct RejectionCause: Hashable, Sendable {
    let rejection: Rejection
    let event: Int32
    let place: Int32
    let isBinary: Bool
}
