/// Something that people who run the machine may want to know; never with ids of end users.
public struct PipelineEvent: Sendable {
    /// How much it matters.
    public enum Level: Sendable {
        /// The normal course.
        case information
        /// Works, but not as it should.
        case warning
        /// Something stands still or is lost.
        case error
    }
    /// How much it matters.
    public let level: Level
    /// A fixed word for machines.
    public let name: String
    /// One sentence for people.
    public let message: String
    /// What may be told once a minute only, by several lanes together; nil = it is told each time.
    public var subject: String?
}
