/// A walk through the names of all keys that match a pattern, over connections of its own: to the
/// server, or to one master of a cluster after the other.
///
/// A key that is there all the time is found, perhaps twice; in a cluster that does not hold for a
/// key that moves from one master to another meanwhile.
public struct KeyScan: ~Copyable {
    private let words: [[UInt8]]
    private var rest: ArraySlice<RedisConfiguration>
    private var connection: Connection?
    private var cursor = KeyScan.start
    private static let start = Array("0".utf8)

    /// A walk through keys that match this pattern of Redis; looks at about `count` keys a step.
    public init(
        _ redis: RedisConfiguration, pattern: String, count: Int = 1_000
    ) throws(RedisError) {
        words = ["MATCH", pattern, "COUNT", String(count)].map { Array($0.utf8) }
        rest = try redis.servers()[...]
    }

    /// The names that the next step has found, perhaps none; nil at the end.
    public mutating func next() throws(RedisError) -> [[UInt8]]? {
        var open: Connection
        if let current = connection.take() {
            open = current
        } else {
            guard let server = rest.popFirst() else { return nil }
            open = try Connection(server)
        }
        let page = try open.command([Array("SCAN".utf8), cursor] + words).elements
        guard page.count == 2, let next = page[0].bytes else {
            throw RedisError(.protocolViolation, "SCAN did not answer with a cursor")
        }
        cursor = next
        if cursor != Self.start { connection = consume open }
        return page[1].elements.compactMap(\.bytes)
    }
}
