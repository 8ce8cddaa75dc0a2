/// How a record holds several events.
public enum EventList: Sendable, Equatable {
    /// Each line of the value is one event; blank lines are none.
    case lines
    /// The entries of an array. The first array is in the record's value, each other one in every
    /// entry of the one before; the entries of the last one are the events. At least one pointer.
    ///
    /// The first may be empty: then the value itself is the array.
    case arrays([JSONPointer])
}

/// Where a structured event keeps its CloudEvents attributes.
public struct Envelope: Sendable, Equatable {
    /// Where an attribute comes from.
    public enum Source: Sendable, Equatable {
        /// The text at that pointer.
        case pointer(JSONPointer)
        /// Always this text.
        case constant(String)
        /// What is at the first of these places that is there: a text or, with `takesAny`, also a
        /// number, true or false by its text.
        case places([Place], takesAny: Bool)
    }
    /// Identity of the event within its source.
    public var id: Source
    /// Producer of the event.
    public var source: Source
    /// Type of the event.
    public var type: Source
    /// Organization that the event belongs to.
    public var subject: Source
    /// Where the event time is, the first of these that is there; at least one place.
    public var time: [Place]
    /// How the event time is written.
    public var timeRule: TimeRule
    /// Whether `specversion` must be there and be "1.0".
    public var requiresSpecVersion: Bool
    /// Whether records with a null value that are not in binary mode are ignored; else they are
    /// malformed.
    public var ignoresTombstones = false
    /// Where a text is that holds JSON, so that pointers which begin with it go on inside; nil:
    /// nowhere.
    public var inside: JSONPointer?

    /// Where a record has its events; nil: it is one itself.
    public var each: EventList?

    /// An envelope of these parts.
    public init(
        id: Source, source: Source, type: Source, subject: Source, time: [Place],
        timeRule: TimeRule, requiresSpecVersion: Bool
    ) {
        self.id = id
        self.source = source
        self.type = type
        self.subject = subject
        self.time = time
        self.timeRule = timeRule
        self.requiresSpecVersion = requiresSpecVersion
    }

    /// The envelope of CloudEvents 1.0 in JSON.
    public static let cloudEvents = Envelope(
        id: .pointer(["id"]), source: .pointer(["source"]), type: .pointer(["type"]),
        subject: .pointer(["subject"]), time: [.pointer(["time"])], timeRule: .standard,
        requiresSpecVersion: true)
}
