import Redis
import Workload

/// What was read from a key.
struct Found {
    var cells: [(member: [UInt8], value: [UInt8])] = []
    var count: Int64 = 0
    var expectedCount: Int64 = 0
    /// Milliseconds since 1970; −1: no expiry; −2: no key.
    var expiryMilliseconds: Int64 = -1
    /// The error that Redis answered with; nil when there was none.
    var errorText: String?
}

extension Comparison {
    /// How many values go into one PFADD.
    private static let chunk = 1_000

    /// Appends to the pipeline the commands that read a key.
    func ask(_ number: Int, _ connection: inout Connection, _ cells: borrowing ExpectedCells) {
        let name = cells.name(number)
        connection.begin(arguments: 2)
        connection.add("PEXPIRETIME")
        connection.add(name)
        switch cells.shape(number) {
        case .hash:
            connection.begin(arguments: 2)
            connection.add("HGETALL")
            connection.add(name)
        case .sortedSet:
            connection.begin(arguments: 5)
            connection.add("ZRANGE")
            connection.add(name)
            connection.add("0")
            connection.add("-1")
            connection.add("WITHSCORES")
        case .distinct:
            let parts = parked.keys[name] == nil ? [name] : [name, name + Array(":parked".utf8)]
            connection.begin(arguments: 1 + parts.count)
            connection.add("PFCOUNT")
            for part in parts { connection.add(part) }
            // Counted alone as well, for a key of another type, with which PFCOUNT fails.
            if parts.count > 1 { connection.append([Array("PFCOUNT".utf8), parts[1]]) }
            let values = cells.values(number)
            for start in stride(from: 0, to: values.count, by: Self.chunk) {
                let part = values[start..<min(values.count, start + Self.chunk)]
                connection.begin(arguments: part.count + 2)
                connection.add("PFADD")
                connection.add(text: temporary)
                for value in part { connection.add(value) }
                connection.append("EXPIRE", temporary, "60")
            }
            connection.append("PFCOUNT", temporary)
            connection.append("DEL", temporary)
        }
    }

    /// Receives the answers to the commands of `ask`.
    func answer(
        _ number: Int, _ connection: inout Connection, _ cells: borrowing ExpectedCells
    ) throws(RedisError) -> Found {
        var found = Found()
        let expiry = try connection.receive()
        found.expiryMilliseconds = expiry.integer ?? -2
        let reply = try connection.receive()
        found.errorText = try Self.errorText(reply.errorText)
        guard cells.shape(number) == .distinct else {
            found.cells = Self.pairs(reply.view)
            return found
        }
        found.count = reply.integer ?? -1
        if parked.keys[cells.name(number)] != nil {
            let alone = try connection.receive()
            if found.errorText != nil { found.count = alone.integer ?? -1 }
        }
        let values = cells.count(number)
        for _ in stride(from: 0, to: values, by: Self.chunk) {
            try Self.check(connection.receive())
            try Self.check(connection.receive())
        }
        let count = try connection.receive()
        if let error = count.errorText { throw RedisError(serverText: error) }
        found.expectedCount = count.integer ?? -1
        try Self.check(connection.receive())
        return found
    }

    /// The error text of an answer about a key; throws what says only that the key's slot moves.
    private static func errorText(_ text: String?) throws(RedisError) -> String? {
        guard let text else { return nil }
        let error = RedisError(serverText: text)
        if error.isRedirect { throw error }
        return text
    }

    private static func check(_ reply: consuming Reply) throws(RedisError) {
        if let error = reply.errorText { throw RedisError(serverText: error) }
    }

    private static func pairs(_ reply: ReplyView) -> [(member: [UInt8], value: [UInt8])] {
        var cells: [(member: [UInt8], value: [UInt8])] = []
        cells.reserveCapacity(reply.count / 2)
        for place in stride(from: 0, to: reply.count - 1, by: 2) {
            cells.append(
                (
                    reply[place].bytes.map { [UInt8]($0) } ?? [],
                    reply[place + 1].bytes.map { [UInt8]($0) } ?? []
                ))
        }
        return cells
    }

    /// Reads a large hash or sorted set a thousand cells at a time.
    static func readInSteps(
        _ name: [UInt8], _ shape: ExpectedShape, _ connection: inout Connection
    ) throws(RedisError) -> Found {
        var found = Found()
        found.expiryMilliseconds =
            try connection.command([Array("PEXPIRETIME".utf8), name]).integer ?? -2
        let command = shape == .hash ? "HSCAN" : "ZSCAN"
        var cursor = Array("0".utf8)
        var met: Set<[UInt8]> = []
        repeat {
            connection.begin(arguments: 5)
            connection.add(text: command)
            connection.add(name)
            connection.add(cursor)
            connection.add("COUNT")
            connection.add("1000")
            let reply = try connection.receive()
            if let text = try errorText(reply.errorText) {
                found.errorText = text
                return found
            }
            guard reply.count == 2 else {
                throw RedisError(.protocolViolation, "\(command) answered something unknown")
            }
            for cell in pairs(reply[1]) where met.insert(cell.member).inserted {
                found.cells.append(cell)
            }
            cursor = reply[0].bytes.map { [UInt8]($0) } ?? Array("0".utf8)
        } while cursor != Array("0".utf8)
        return found
    }
}

extension LedgerReader {
    /// The same expectation with each distinct count replaced by what this Redis counts.
    mutating func counting(
        _ expected: ExpectedJSON, _ temporary: String
    ) throws(VerifyError) -> ExpectedJSON {
        switch expected {
        case .distinct(let values): return .integer(try count(values, temporary))
        case .list(let entries):
            var counted: [ExpectedJSON] = []
            for entry in entries { counted.append(try counting(entry, temporary)) }
            return .list(counted)
        case .object(let members):
            var counted: [String: ExpectedJSON] = [:]
            for (name, member) in members { counted[name] = try counting(member, temporary) }
            return .object(counted)
        default: return expected
        }
    }

    /// How many different values a HyperLogLog of this Redis counts.
    private mutating func count(
        _ values: Set<[UInt8]>, _ temporary: String
    ) throws(VerifyError) -> Int64 {
        guard !values.isEmpty else { return 0 }
        let values = Array(values)
        return try talk { connection throws(RedisError) in
            for start in stride(from: 0, to: values.count, by: 1_000) {
                let part = Array(values[start..<min(values.count, start + 1_000)])
                try connection.command([Array("PFADD".utf8), Array(temporary.utf8)] + part)
                try connection.command("EXPIRE", temporary, "60")
            }
            let count = try connection.command("PFCOUNT", temporary).integer
            try connection.command("DEL", temporary)
            guard let count else {
                throw RedisError(.protocolViolation, "PFCOUNT did not answer with an integer")
            }
            return count
        }
    }
}
