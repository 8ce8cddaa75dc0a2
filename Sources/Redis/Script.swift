/// A script kept in Redis under the digest that Redis itself gives it.
///
/// Redis forgets scripts at every restart and failover, so `NOSCRIPT` is a normal answer: load and
/// call again.
public struct Script: Sendable {
    /// The Lua text.
    public let source: String
    /// What SCRIPT LOAD returned: the name to call it by, or nil before the first load.
    public private(set) var digest: [UInt8]?

    /// A script with that text, not yet loaded.
    public init(_ source: String) { self.source = source }

    /// Loads the script; no answer of a pipeline may be pending.
    public mutating func load(on connection: inout Connection) throws(RedisError) {
        let reply = try connection.command("SCRIPT", "LOAD", source)
        guard let bytes = reply.bytes, bytes.count == 40 else {
            throw RedisError(.protocolViolation, "SCRIPT LOAD did not answer with a digest")
        }
        digest = bytes
    }

    /// Calls the script and waits for the answer, loading it where needed, for cold code.
    public mutating func call(
        on connection: inout Connection, keys: [[UInt8]], arguments: [[UInt8]]
    ) throws(RedisError) -> ReplyValue {
        if digest == nil { try load(on: &connection) }
        do {
            return try connection.command(evaluation(keys: keys, arguments: arguments))
        } catch  where error.serverPrefix == "NOSCRIPT" {
            try load(on: &connection)
            return try connection.command(evaluation(keys: keys, arguments: arguments))
        }
    }

    /// Buffers a call of the script, which must have been loaded; the caller handles NOSCRIPT.
    public func append(on connection: inout Connection, keys: [[UInt8]], arguments: [[UInt8]]) {
        connection.append(evaluation(keys: keys, arguments: arguments))
    }

    private func evaluation(keys: [[UInt8]], arguments: [[UInt8]]) -> [[UInt8]] {
        [Array("EVALSHA".utf8), digest ?? [], Array(String(keys.count).utf8)] + keys + arguments
    }
}
