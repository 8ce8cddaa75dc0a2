/// One thing that was looked at, and what was found: for `odometer doctor`, and for a start that is
/// refused.
public struct Finding: Sendable, Hashable {
    /// How bad it is.
    public enum Grade: String, Sendable, CaseIterable {
        /// As it must be.
        case ok
        /// Works, but not safely, or not for long.
        case warning
        /// Must be corrected.
        case error
    }

    /// What was looked at: `redis`, a topic, or `TOPIC/PARTITION`.
    public var subject: String
    /// A fixed word for machines.
    public var check: String
    /// How bad it is.
    public var grade: Grade
    /// One line for people.
    public var message: String
    /// What to do about it; nil when there is nothing to do.
    public var remedy: String?
    /// Whether counting would give wrong numbers, so that `odometer run` refuses to start.
    public var isFatal: Bool

    /// A finding of these parts.
    public init(
        _ grade: Grade, _ subject: String, _ check: String, _ message: String,
        remedy: String? = nil, isFatal: Bool = false
    ) {
        self.subject = subject
        self.check = check
        self.grade = grade
        self.message = message
        self.remedy = remedy
        self.isFatal = isFatal
    }
}
