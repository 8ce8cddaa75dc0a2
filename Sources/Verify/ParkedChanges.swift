import Redis
import Workload

/// The parked hashes of a ledger: changes that single cells refused.
///
/// The right value of a cell is its value in Redis plus what is parked for it.
struct ParkedChanges: Equatable {
    /// A change of one cell: a member of a parked hash and its value.
    struct Change: Equatable {
        /// The letter that says how the cell is changed: H, Z, m, M, f, l or P
        /// (`schemas/redis.md`).
        let kind: UInt8
        /// When the cell's key expires, in seconds since 1970; 0: never.
        let expirySeconds: Int64
        /// The cell's member; empty for a HyperLogLog.
        let member: [UInt8]
        let value: [UInt8]
    }

    /// By the name of the cell's key.
    private(set) var keys: [[UInt8]: [Change]] = [:]

    /// Takes a member of a parked hash and its value; ignores what is not of the published form.
    mutating func take(_ name: [UInt8], _ value: [UInt8]) {
        let parts = name.split(separator: 0x20, maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count == 4, let kind = parts[0].first,
            let expirySeconds = Int64(String(decoding: parts[1], as: UTF8.self))
        else { return }
        let change = Change(
            kind: kind, expirySeconds: expirySeconds, member: Array(parts[3]), value: value)
        keys[Array(parts[2]), default: []].append(change)
    }

    /// The cells of a key with what is parked for them.
    func merged(
        _ cells: [(member: [UInt8], value: [UInt8])], of key: [UInt8]
    ) -> [(member: [UInt8], value: [UInt8])] {
        guard let parked = keys[key] else { return cells }
        var values: [[UInt8]: [UInt8]] = [:]
        for (member, value) in cells { values[member] = value }
        for change in parked {
            let known = values[change.member]
            switch change.kind {
            case UInt8(ascii: "H"), UInt8(ascii: "Z"):
                let texts = [known ?? [0x30], change.value].map {
                    String(decoding: $0, as: UTF8.self)
                }
                guard let sum = Int128(texts[0]), let delta = Int128(texts[1]) else { continue }
                values[change.member] = sum + delta == 0 ? nil : Array(String(sum + delta).utf8)
            default: values[change.member] = Self.winner(change, known)
            }
        }
        return values.map { ($0.key, $0.value) }
    }

    /// Which of two values an extreme keeps.
    private static func winner(_ change: Change, _ known: [UInt8]?) -> [UInt8] {
        guard let known else { return change.value }
        let isGreater = known.lexicographicallyPrecedes(change.value)
        switch change.kind {
        case UInt8(ascii: "m"): return isGreater ? known : change.value
        case UInt8(ascii: "f") where !known.prefix(20).elementsEqual(change.value.prefix(20)):
            return isGreater ? known : change.value
        default: return isGreater ? change.value : known
        }
    }
}

extension LedgerReader {
    /// The parked hashes of all shards.
    mutating func parked() throws(VerifyError) -> ParkedChanges {
        let (prefix, count) = (prefix, shards)
        return try talk { connection throws(RedisError) in
            for shard in 0..<count {
                let start = oracleKeyStart(prefix, shard: shard, shards: count)
                connection.append("HGETALL", start + "parked")
            }
            var parked = ParkedChanges()
            for _ in 0..<count {
                let reply = try connection.receive()
                if let error = reply.errorText { throw RedisError(serverText: error) }
                let elements = reply.copied().elements
                for place in stride(from: 0, to: elements.count - 1, by: 2) {
                    guard let name = elements[place].bytes, let value = elements[place + 1].bytes
                    else { continue }
                    parked.take(name, value)
                }
            }
            return parked
        }
    }
}
