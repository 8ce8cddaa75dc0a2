public import Redis

/// Reads cells and directory entries over one connection of its own, for one thread at a time.
///
/// After an error the connection is thrown away and the read is tried once more on a new one. No
/// call holds Redis longer than about 5 ms; how is in `CellReading`.
public final class CellReader {
    /// The names that are read.
    public let layout: KeyLayout
    private let configuration: RedisConfiguration
    private var connection: Connection?
    private var ledgerSeen: ContinuousClock.Instant?
    private var directorySeen = false

    /// A reader that connects at its first read.
    ///
    /// Waits are cut to 1 s, the longest an answer may take.
    public init(configuration: RedisConfiguration, layout: KeyLayout) {
        self.layout = layout
        var configuration = configuration
        configuration.connectTimeoutMilliseconds = min(
            1_000, configuration.connectTimeoutMilliseconds)
        configuration.commandTimeoutMilliseconds = min(
            1_000, configuration.commandTimeoutMilliseconds)
        self.configuration = configuration
    }

    /// Reads what stands about one organization; as one state where that takes Redis less than 5 ms.
    public func read(
        _ reads: [CellRead], organization: [UInt8], deadline: ContinuousClock.Instant
    ) throws(CellReadError) -> CellSnapshot {
        let shard = layout.shard(of: organization)
        let marks = layout.marksKey(shard: shard)
        return try withConnection(deadline) {
            (connection: inout Connection) throws(CellReadError) -> CellSnapshot in
            try self.checkLedger(&connection, deadline)
            var reading = CellReading(reads: reads, marksKey: marks, deadline: deadline)
            return try reading.run(on: &connection)
        }
    }

    /// Reads fields of one hash under the directory's tag; nil where the directory was not read yet.
    public func directoryFields(
        _ key: [UInt8], _ fields: [[UInt8]], deadline: ContinuousClock.Instant
    ) throws(CellReadError) -> [[UInt8]?]? {
        try withConnection(deadline) {
            (connection: inout Connection) throws(CellReadError) -> [[UInt8]?]? in
            try self.checkLedger(&connection, deadline)
            do throws(RedisError) {
                let found = try connection.command([Array("HMGET".utf8), key] + fields).elements
                let values = found.map(\.bytes)
                return self.directorySeen || values.contains { $0 != nil } ? values : nil
            } catch {
                throw CellReadError(error)
            }
        }
    }

    /// Whether Redis answers and holds a ledger of this layout.
    public func probe(deadline: ContinuousClock.Instant) throws(CellReadError) {
        try withConnection(deadline) { (connection: inout Connection) throws(CellReadError) in
            self.ledgerSeen = nil
            try self.checkLedger(&connection, deadline)
        }
    }

    /// Looks for the ledger at most once a second: absent cells of an absent ledger would read as zeros.
    private func checkLedger(
        _ connection: inout Connection, _ deadline: ContinuousClock.Instant
    ) throws(CellReadError) {
        if let ledgerSeen, directorySeen, ContinuousClock.now - ledgerSeen < .seconds(1) { return }
        ledgerSeen = nil
        var members: [String: String] = [:]
        do throws(RedisError) {
            let found = try connection.command([Array("HGETALL".utf8), layout.ledgerKey]).elements
            for index in stride(from: 0, to: found.count - 1, by: 2) {
                if let name = found[index].text { members[name] = found[index + 1].text ?? "" }
            }
        } catch {
            throw CellReadError(error)
        }
        guard members["layout"] != nil else {
            throw CellReadError(.ledgerAbsent, "Redis holds no ledger under this prefix")
        }
        guard members["layout"] == String(KeyLayout.version),
            members["shards"] == String(layout.shardCount)
        else { throw CellReadError(.ledgerAbsent, "the ledger has another layout") }
        directorySeen = members.keys.contains { $0.hasPrefix("directory:") }
        ledgerSeen = .now
    }

    /// Runs `body` on a live connection; once more on a new one where the old one was broken.
    private func withConnection<Result>(
        _ deadline: ContinuousClock.Instant,
        _ body: (inout Connection) throws(CellReadError) -> Result
    ) throws(CellReadError) -> Result {
        var isFirst = connection != nil
        while true {
            var current: Connection
            if let open = connection.take() {
                current = open
            } else {
                guard ContinuousClock.now < deadline else {
                    throw CellReadError(.timeout, "no answer from Redis in time")
                }
                ledgerSeen = nil
                do throws(RedisError) {
                    current = try Connection(configuration)
                } catch {
                    throw CellReadError(error)
                }
            }
            do throws(CellReadError) {
                let result = try body(&current)
                connection = consume current
                return result
            } catch {
                // Answers that were not taken would be taken for those of the next read.
                if current.isAlive && current.pendingReplies == 0 { connection = consume current }
                guard isFirst, error.code == .unavailable, connection == nil else { throw error }
                isFirst = false
            }
        }
    }
}

extension CellReadError {
    init(_ error: RedisError) {
        self.init(error.code == .timeout ? .timeout : .unavailable, error.description)
    }
}
