/// A part of the product that reads untrusted input, and what must hold for every input.
///
/// The fuzzer (`Fuzz/Driver`) and the replay of the corpus (`Tests/APITests/CorpusTests.swift`)
/// feed the same targets. One thread.
public protocol FuzzTarget: AnyObject {
    /// What is wrong with the product's result for an input; nil when nothing is.
    func finding(for input: [UInt8]) -> String?
}

/// All targets written in Swift, by the names of their corpora in `Fuzz/corpus`.
public enum FuzzTargets {
    /// Their names.
    public static let names = [
        "catalog", "foreign", "headers", "lists", "request", "timestamp",
    ]

    /// Makes a target; nil for an unknown name.
    ///
    /// - Parameter redis: path of a Redis server's socket, for requests; nil: every request that
    ///   reads is answered with 503.
    public static func make(_ name: String, redis: String?) throws -> (any FuzzTarget)? {
        switch name {
        case "catalog": CatalogTarget()
        case "foreign": try ForeignTarget()
        case "headers": try HeadersTarget()
        case "lists": try ListsTarget()
        case "request": try RequestTarget(redis: redis)
        case "timestamp": TimestampTarget()
        default: nil
        }
    }
}

/// Bytes as a text for messages.
func shown(_ bytes: some Collection<UInt8>) -> String {
    String(decoding: bytes, as: UTF8.self).debugDescription
}
