/// Something to log for the people who run the machine; never with ids of end users.
public struct PipelineEvent: Sendable {
    /// How serious it is.
    public enum Level: Sendable {
        /// Normal operation.
        case information
        /// It works, but not as it should.
        case warning
        /// Something has stopped or is lost.
        case error
    }
    /// How serious it is.
    public let level: Level
    /// The event's name in the log, a fixed word for programs.
    public let name: String
    /// One sentence for people.
    public let message: String
    /// Events with the same subject are logged once a minute only, those of all lanes together.
    ///
    /// Nil: it is logged each time.
    public var subject: String?
}
