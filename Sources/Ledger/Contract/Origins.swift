public import Redis

/// Writes origins: where the counting of each partition begins, decided once.
public enum Origins {
    /// Writes these origins of a topic where no origin of it is there, all in one step, and returns
    /// those that are there afterwards.
    public static func establish(
        _ connection: inout Connection, layout: KeyLayout, topic: String,
        _ origins: [Int32: Origin]
    ) throws(LedgerError) -> [Int32: Origin] {
        let prefix = "origin:\(topic)/"
        var arguments = [Array(prefix.utf8)]
        for (partition, origin) in origins.sorted(by: { $0.key < $1.key }) {
            arguments.append(Array("\(prefix)\(partition)".utf8))
            arguments.append(Array(origin.text.utf8))
        }
        var script = Script(establishScript)
        let reply = try script.ask(
            on: &connection, keys: [layout.ledgerKey], arguments: arguments)
        var found: [Int32: Origin] = [:]
        let elements = reply.elements
        for index in stride(from: 0, to: elements.count - 1, by: 2) {
            guard let member = elements[index].text, let value = elements[index + 1].text,
                let partition = Int32(member.dropFirst(prefix.count)),
                let origin = Origin(text: value)
            else { throw LedgerError(.corrupt, "an origin of \(topic) is broken") }
            found[partition] = origin
        }
        return found
    }

    /// Writes the origin of a partition that was added later, where it has none, and returns the
    /// one that is there afterwards.
    public static func add(
        _ connection: inout Connection, layout: KeyLayout, _ partition: LogPartition,
        _ origin: Origin
    ) throws(LedgerError) -> Origin {
        let member = Array("origin:".utf8) + partition.markMember
        connection.append([Array("HSETNX".utf8), layout.ledgerKey, member, Array(origin.text.utf8)])
        connection.append([Array("HGET".utf8), layout.ledgerKey, member])
        var established: Origin?
        try receiveAll(2, on: &connection) { index, reply in
            if index == 1 { established = reply.copied().text.flatMap { Origin(text: $0) } }
        }
        guard let established else {
            throw LedgerError(
                .corrupt, "the origin of \(partition.topic)/\(partition.partition) is broken")
        }
        return established
    }

    private static let establishScript = #"""
        #!lua
        local prefix, found = ARGV[1], {}
        local all = redis.call('HGETALL', KEYS[1])
        for i = 1, #all, 2 do
          if all[i]:sub(1, #prefix) == prefix then
            found[#found + 1] = all[i]
            found[#found + 1] = all[i + 1]
          end
        end
        if #found > 0 then return found end
        for i = 2, #ARGV - 1, 2 do
          redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
          found[#found + 1] = ARGV[i]
          found[#found + 1] = ARGV[i + 1]
        end
        return found
        """#
}
