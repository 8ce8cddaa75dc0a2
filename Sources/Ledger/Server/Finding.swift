/// One thing that was looked at, and what was found: for `odometer doctor`, and for a start that is refused.
public struct Finding: Sendable, Hashable {
    /// How bad it is.
    public enum Grade: String, Sendable, CaseIterable {
        /// As it must be.
        case ok
        /// Works, but not safely, or not for long.
        case warning
        /// Must be mended.
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
    /// How to mend it; nil where there is nothing to mend.
    public var remedy: String?
    /// Whether counting all the same would give wrong numbers: `odometer run` refuses.
    public var isFatal: Bool

    /// A finding of these parts.
    public init(
        _ grade: Grade, _ subject: String, _ check: String, _ message: String,
        mend remedy: String? = nil, isFatal: Bool = false
    ) {
        self.subject = subject
        self.check = check
        self.grade = grade
        self.message = message
        self.remedy = remedy
        self.isFatal = isFatal
    }
}
