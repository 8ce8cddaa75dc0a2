internal import Synchronization

/// Paths that take larger bodies than others, and the memory for all of these together.
public struct LargeBodies: Equatable, Sendable {
    /// The paths as they are sent, without a query.
    public var paths: [String]
    /// Largest body of these paths; a larger one is answered with 413.
    public var mostBytes: Int
    /// Bytes that such bodies may hold at the same time, while they arrive and until their request
    /// is handled; a request beyond that is answered with 429.
    public var memoryBytes: Int

    /// Large bodies on these paths.
    public init(paths: [String], mostBytes: Int, memoryBytes: Int) {
        self.paths = paths
        self.mostBytes = mostBytes
        self.memoryBytes = memoryBytes
    }

    /// Whether a request target is one of the paths.
    func takes(_ target: [UInt8]) -> Bool {
        let path = target.prefix { $0 != UInt8(ascii: "?") }
        return paths.contains { $0.utf8.elementsEqual(path) }
    }
}

/// How much of a server's memory for large bodies is in use; safe to use from several threads.
final class BodyMemory: Sendable {
    private let most: Int
    private let used = Atomic<Int>(0)

    init(most: Int) { self.most = most }

    /// Takes so many bytes; false, and none taken, where too few are left.
    func take(_ bytes: Int) -> Bool {
        let after = used.add(bytes, ordering: .relaxed).newValue
        if after <= most { return true }
        used.subtract(bytes, ordering: .relaxed)
        return false
    }

    func giveBack(_ bytes: Int) { used.subtract(bytes, ordering: .relaxed) }
}
