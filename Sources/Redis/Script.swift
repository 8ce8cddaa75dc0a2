/// A script kept in Redis under the digest that Redis itself gives it.
///
/// Redis forgets scripts at every restart and failover, so `NOSCRIPT` is a normal answer: load and
/// call again. Where SCRIPT LOAD is forbidden, the call that follows `NOSCRIPT` brings the text, by
/// EVAL, after which Redis knows it by its digest too.
public struct Script: Sendable {
    /// The Lua text.
    public let source: String
    /// What SCRIPT LOAD returned: the name to call it by, or nil before the first load.
    public private(set) var digest: [UInt8]?

    /// Whether SCRIPT LOAD is forbidden: `load` then finds out the digest only.
    public private(set) var bringsText = false

    /// A script with that text, not yet loaded.
    public init(_ source: String) { self.source = source }

    /// Loads the script, in a cluster on every master; no answer of a pipeline may be pending.
    public mutating func load(on connection: inout Connection) throws(RedisError) {
        try load(on: &connection, key: nil)
    }

    /// Loads the script where this key is, or on every master.
    private mutating func load(
        on connection: inout Connection, key: [UInt8]?
    ) throws(RedisError) {
        if bringsText, digest != nil { return }
        let reply: ReplyValue
        do throws(RedisError) {
            reply = try connection.commandOfServers(["SCRIPT", "LOAD", source], key: key)
        } catch {
            guard error.isForbidden else { throw error }
            reply = try askDigest(&connection, afterRefusal: error)
            bringsText = true
        }
        guard let bytes = reply.bytes, bytes.count == 40 else {
            throw RedisError(.protocolViolation, "Redis did not answer with a script's digest")
        }
        digest = bytes
    }

    private func askDigest(
        _ connection: inout Connection, afterRefusal refusal: RedisError
    ) throws(RedisError) -> ReplyValue {
        do throws(RedisError) {
            return try connection.command("EVAL", "return redis.sha1hex(ARGV[1])", "0", source)
        } catch {
            // Where neither is permitted, SCRIPT LOAD is the one to ask for.
            throw error.isForbidden ? refusal : error
        }
    }

    /// Calls the script and waits for the answer, loading it where needed, for cold code.
    public mutating func call(
        on connection: inout Connection, keys: [[UInt8]], arguments: [[UInt8]]
    ) throws(RedisError) -> ReplyValue {
        if digest == nil { try load(on: &connection, key: keys.first) }
        do {
            return try connection.command(evaluation(keys: keys, arguments: arguments))
        } catch  where error.serverPrefix == "NOSCRIPT" {
            try load(on: &connection, key: keys.first)
            return try connection.command(
                evaluation(keys: keys, arguments: arguments, bringsText: bringsText))
        }
    }

    /// Buffers a call of the script, which must have been loaded; the caller handles NOSCRIPT.
    ///
    /// Where the script cannot be loaded each call brings its text, so this is for small ones.
    public func append(on connection: inout Connection, keys: [[UInt8]], arguments: [[UInt8]]) {
        connection.append(
            evaluation(keys: keys, arguments: arguments, bringsText: bringsText))
    }

    private func evaluation(
        keys: [[UInt8]], arguments: [[UInt8]], bringsText: Bool = false
    ) -> [[UInt8]] {
        let name =
            bringsText
            ? [Array("EVAL".utf8), Array(source.utf8)] : [Array("EVALSHA".utf8), digest ?? []]
        return name + [Array(String(keys.count).utf8)] + keys + arguments
    }
}
