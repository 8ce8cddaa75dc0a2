/// Where a command belongs, read from its bytes in Redis' protocol.
struct RoutedCommand {
    /// What the router must know of a command.
    enum Kind {
        /// Goes to the master that has its key, or to any where it has none.
        case plain
        /// Begins a transaction.
        case multi
        /// Ends a transaction.
        case end
        /// Is about all keys, or about what a single connection has seen: no master can answer it.
        case refused
    }

    /// Its first word in capitals.
    var name: String
    var kind: Kind
    /// Slot of its first key; nil where it has none.
    var slot: Int?
    /// Whether it only reads, so that ASK may be followed.
    var isRead: Bool
    /// The key and the cursor, where it is a step of a scan through one key.
    var scan: (key: [UInt8], isFirst: Bool)?
    /// Bytes of the whole command.
    var byteCount: Int

    /// The first command of these bytes; nil where they do not begin with a whole one.
    init?(_ bytes: UnsafeRawBufferPointer) {
        var parser = Parser(bytes)
        guard let count = parser.number(after: UInt8(ascii: "*")), count > 0,
            let word = parser.argument()
        else { return nil }
        name = String(decoding: word, as: UTF8.self).uppercased()
        let form = CommandForm(name)
        kind = form.kind
        var arguments: [UnsafeRawBufferPointer] = []
        for index in 1..<max(1, count) {
            guard let argument = parser.argument() else { return nil }
            if index <= CommandForm.mostLooked { arguments.append(argument) }
        }
        slot = form.key(arguments).map { Slot.of(key: $0) }
        isRead = form.isRead
        if form.isScan, arguments.count > 1 {
            scan = ([UInt8](arguments[0]), arguments[1].elementsEqual("0".utf8))
        }
        byteCount = parser.offset
    }

    private struct Parser {
        let bytes: UnsafeRawBufferPointer
        var offset = 0

        init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

        mutating func number(after mark: UInt8) -> Int? {
            guard offset < bytes.count, bytes[offset] == mark else { return nil }
            var number = 0
            offset += 1
            while offset < bytes.count, bytes[offset] != UInt8(ascii: "\r") {
                number = number * 10 + Int(bytes[offset]) - Int(UInt8(ascii: "0"))
                offset += 1
            }
            offset += 2
            return offset <= bytes.count ? number : nil
        }

        mutating func argument() -> UnsafeRawBufferPointer? {
            guard let count = number(after: UInt8(ascii: "$")), offset + count + 2 <= bytes.count
            else { return nil }
            defer { offset += count + 2 }
            return UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count])
        }
    }
}

/// Where a command has its first key, and whether it only reads.
private struct CommandForm {
    /// Arguments behind the first word that are looked at.
    static let mostLooked = 3

    private let name: String

    init(_ name: String) { self.name = name }

    var kind: RoutedCommand.Kind {
        switch name {
        case "MULTI": .multi
        case "EXEC", "DISCARD": .end
        case "SCAN", "KEYS", "RANDOMKEY", "DBSIZE", "FLUSHALL", "FLUSHDB", "SWAPDB", "SELECT",
            "WATCH", "SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "MONITOR", "RESET", "READONLY",
            "ASKING":
            .refused
        default: .plain
        }
    }

    func key(_ arguments: [UnsafeRawBufferPointer]) -> UnsafeRawBufferPointer? {
        switch name {
        case "MULTI", "EXEC", "DISCARD", "PING", "ECHO", "INFO", "TIME", "CONFIG", "SCRIPT", "ACL",
            "CLIENT", "CLUSTER", "COMMAND", "HELLO", "AUTH", "ROLE", "WAIT", "WAITAOF", "LATENCY",
            "SLOWLOG", "LASTSAVE", "FUNCTION", "UNWATCH", "READWRITE", "LOLWUT", "PUBLISH", "QUIT",
            "DEBUG", "MODULE", "SHUTDOWN", "BGSAVE", "SAVE", "BGREWRITEAOF", "REPLICAOF":
            return nil
        // The number of keys comes before them; a script may have none.
        case "EVAL", "EVALSHA", "EVAL_RO", "EVALSHA_RO", "FCALL", "FCALL_RO":
            guard arguments.count > 2, !arguments[1].elementsEqual("0".utf8) else { return nil }
            return arguments[2]
        case "ZUNION", "ZINTER", "ZDIFF", "ZINTERCARD", "SINTERCARD", "ZMPOP", "LMPOP":
            return arguments.count > 1 ? arguments[1] : nil
        // A word that says what of the key is meant.
        case "MEMORY", "OBJECT", "XINFO", "XGROUP":
            return arguments.count > 1 ? arguments[1] : nil
        case "BITOP": return arguments.count > 1 ? arguments[1] : nil
        default: return arguments.first
        }
    }

    var isRead: Bool { Self.reads.contains(name) }

    var isScan: Bool { name == "HSCAN" || name == "ZSCAN" || name == "SSCAN" }

    private static let reads: Set<String> = [
        "GET", "MGET", "STRLEN", "EXISTS", "TYPE", "DUMP", "TTL", "PTTL", "EXPIRETIME",
        "PEXPIRETIME", "HGET", "HMGET", "HGETALL", "HLEN", "HEXISTS", "HSCAN", "HRANDFIELD",
        "HKEYS", "HVALS", "HSTRLEN", "ZRANGE", "ZCARD", "ZSCORE", "ZMSCORE", "ZSCAN", "ZRANK",
        "ZCOUNT", "ZUNION", "SMEMBERS", "SCARD", "SISMEMBER", "SSCAN", "PFCOUNT", "MEMORY",
        "OBJECT", "EVAL_RO", "EVALSHA_RO",
    ]
}
