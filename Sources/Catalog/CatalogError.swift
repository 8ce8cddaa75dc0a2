/// What is wrong in a YAML text, and where.
public struct CatalogError: Error, Sendable, CustomStringConvertible {
    /// Name of the file.
    public let file: String
    /// Line, from 1; 0: the file as a whole.
    public let line: Int
    /// Path of the wrong key, like `meters.tokens.kind`.
    public let field: String
    /// What is wrong, a clause for people.
    public let message: String
    /// `file:line: field: message`.
    public var description: String {
        [line > 0 ? "\(file):\(line)" : file, field, message].filter { !$0.isEmpty }
            .joined(separator: ": ")
    }
}
