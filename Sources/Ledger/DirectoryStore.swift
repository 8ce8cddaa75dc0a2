public import Redis

/// One record of the directory topic, for one object in Redis.
public struct DirectoryChange: Sendable, Hashable {
    /// A member of the object and its JSON text.
    public struct Member: Sendable, Hashable {
        /// Name of the member.
        public var name: [UInt8]
        /// Its value as JSON text.
        public var json: [UInt8]

        /// A member of that name and value.
        public init(name: [UInt8], json: [UInt8]) {
            self.name = name
            self.json = json
        }
    }

    /// Name of the object's key.
    public var key: [UInt8]
    /// Offset of the record.
    public var offset: Int64
    /// All members, of which those with "@" in front are not stored; nil = the object is deleted.
    public var members: [Member]?

    /// A change of these parts.
    public init(key: [UInt8], offset: Int64, members: [Member]?) {
        self.key = key
        self.offset = offset
        self.members = members
    }
}

/// Writes the objects of the directory topic: the last offset wins, whatever the order of writing.
public struct DirectoryStore: Sendable {
    private let layout: KeyLayout
    private var objectScript = Script(DirectoryStore.objectSource)
    private var markScript = Script(DirectoryStore.markSource)

    /// The directory of a ledger.
    public init(layout: KeyLayout) { self.layout = layout }

    /// Most changes that are on their way at once.
    private static let batch = 256

    /// Writes changes, each only over a lower offset, and returns how many were written.
    public mutating func apply(
        _ changes: [DirectoryChange], on connection: inout Connection
    ) throws(LedgerError) -> Int {
        guard !changes.isEmpty else { return 0 }
        do throws(RedisError) { try objectScript.load(on: &connection) } catch {
            throw LedgerError(error)
        }
        var written = 0
        var rest = changes[...]
        while !rest.isEmpty {
            let part = rest.prefix(DirectoryStore.batch)
            rest = rest.dropFirst(part.count)
            for change in part {
                objectScript.append(
                    on: &connection, keys: [change.key],
                    arguments: DirectoryStore.arguments(of: change))
            }
            try receiveAll(part.count, on: &connection) { _, reply in
                if reply.integer == 1 { written += 1 }
            }
        }
        return written
    }

    /// Next offset of a directory topic; nil = it was never read to its end.
    public func mark(
        topic: String, on connection: inout Connection
    ) throws(LedgerError) -> Int64? {
        let reply: ReplyValue
        do throws(RedisError) {
            reply = try connection.command([Array("HGET".utf8), layout.ledgerKey, field(of: topic)])
        } catch { throw LedgerError(error) }
        guard reply != .null else { return nil }
        guard let offset = reply.integer else {
            throw LedgerError(.corrupt, "the mark of directory topic \(topic) is broken")
        }
        return offset
    }

    /// Moves the mark of a directory topic forward, never back, and returns the one that stands then.
    ///
    /// Nothing moves where the mark is below `start`, or gone: then Redis went back, and what was written
    /// in between is missing. `start` nil = the topic was read from its beginning.
    public mutating func moveMark(
        topic: String, from start: Int64?, to offset: Int64, on connection: inout Connection
    ) throws(LedgerError) -> Int64? {
        let reply: ReplyValue
        do throws(RedisError) {
            reply = try markScript.call(
                on: &connection, keys: [layout.ledgerKey],
                arguments: [
                    field(of: topic), Array((start.map { String($0) } ?? "").utf8),
                    Array(String(offset).utf8),
                ])
        } catch { throw LedgerError(error) }
        guard reply != .null else { return nil }
        guard let stands = reply.integer else {
            throw LedgerError(.corrupt, "the mark of directory topic \(topic) is broken")
        }
        return stands
    }

    private func field(of topic: String) -> [UInt8] { Array("directory:\(topic)".utf8) }

    private static func arguments(of change: DirectoryChange) -> [[UInt8]] {
        var arguments = [Array(String(change.offset).utf8)]
        guard let members = change.members else { return arguments + ["@deleted", "1"].map(bytes) }
        for member in members where member.name.first != UInt8(ascii: "@") {
            arguments.append(member.name)
            arguments.append(member.json)
        }
        return arguments
    }

    private static func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    /// Offsets are compared as decimals without leading zeros: longer is greater, then by digits.
    private static let lower = #"""
        #!lua
        local function lower(a, b)
          if #a ~= #b then return #a < #b end
          return a < b
        end

        """#

    private static let objectSource =
        lower + #"""
            local key, offset = KEYS[1], ARGV[1]
            local before = redis.call('HGET', key, '@offset')
            if before and not lower(before, offset) then return 0 end
            redis.call('DEL', key)
            redis.call('HSET', key, '@offset', offset)
            for i = 2, #ARGV, 2 do redis.call('HSET', key, ARGV[i], ARGV[i + 1]) end
            return 1
            """#

    private static let markSource =
        lower + #"""
            local before, start, offset = redis.call('HGET', KEYS[1], ARGV[1]), ARGV[2], ARGV[3]
            if start ~= '' and (not before or lower(before, start)) then return before end
            if before and not lower(before, offset) then return before end
            redis.call('HSET', KEYS[1], ARGV[1], offset)
            return offset
            """#
}
