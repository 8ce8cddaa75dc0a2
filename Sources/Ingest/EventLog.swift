/// What became of an event that was handed to the log.
public enum EventFate: UInt8, Sendable {
    /// All replicas that must have it have it.
    case acknowledged
    /// It is not in the log, and will not be: the log refused it.
    case refused
    /// Nobody knows whether it is in the log.
    case unknown
}

/// The log that events are written to; safe to use from several threads.
public protocol EventLog: Sendable {
    /// Takes events, all of them or none.
    ///
    /// Returns at once. `whenDone` is called once, on a thread of the log, with a fate for each
    /// event in order: when the last one is acknowledged, at the latest when the time for that is
    /// over. It must return quickly. Not called where the answer is not `taken`.
    func send(
        _ events: [OutgoingEvent], timestampMilliseconds: Int64,
        whenDone: @escaping @Sendable ([EventFate]) -> Void
    ) -> EventLogAnswer
}

/// Whether a log takes events.
public enum EventLogAnswer: Sendable, Hashable {
    /// It has taken them.
    case taken
    /// Too much waits for acknowledgements already.
    case full
    /// It takes nothing now: it stops, or its client cannot be made.
    case closed
}
