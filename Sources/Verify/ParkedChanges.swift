import Redis

/// What stands in the parked hashes of a ledger: changes that single cells refused.
///
/// The right value of a cell is what stands in it plus what is parked of it.
struct ParkedFields: Equatable {
    /// One field of a parked hash.
    struct Field: Equatable {
        /// The letter of how the cell is changed: H, Z, m, M, f, l or P.
        let kind: UInt8
        /// Second since 1970 at which the cell's key ends; 0 = never.
        let expiry: Int64
        /// Field or member of the cell; empty for a HyperLogLog.
        let field: [UInt8]
        let value: [UInt8]
    }

    /// By the name of the cell's key.
    private(set) var keys: [[UInt8]: [Field]] = [:]

    /// Takes a field of a parked hash; what is not of the published form is no cell's.
    mutating func take(_ name: [UInt8], _ value: [UInt8]) {
        let parts = name.split(separator: 0x20, maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count == 4, let kind = parts[0].first,
            let expiry = Int64(String(decoding: parts[1], as: UTF8.self))
        else { return }
        let field = Field(kind: kind, expiry: expiry, field: Array(parts[3]), value: value)
        keys[Array(parts[2]), default: []].append(field)
    }

    /// The cells of a key as they are with what is parked of them.
    func merged(
        _ cells: [(field: [UInt8], value: [UInt8])], of key: [UInt8]
    ) -> [(field: [UInt8], value: [UInt8])] {
        guard let parked = keys[key] else { return cells }
        var values: [[UInt8]: [UInt8]] = [:]
        for (field, value) in cells { values[field] = value }
        for one in parked {
            let known = values[one.field]
            switch one.kind {
            case UInt8(ascii: "H"), UInt8(ascii: "Z"):
                let texts = [known ?? [0x30], one.value].map { String(decoding: $0, as: UTF8.self) }
                guard let sum = Int128(texts[0]), let delta = Int128(texts[1]) else { continue }
                values[one.field] = sum + delta == 0 ? nil : Array(String(sum + delta).utf8)
            default: values[one.field] = Self.winner(one, known)
            }
        }
        return values.map { ($0.key, $0.value) }
    }

    /// Which of two values an extreme keeps.
    private static func winner(_ one: Field, _ known: [UInt8]?) -> [UInt8] {
        guard let known else { return one.value }
        let isGreater = known.lexicographicallyPrecedes(one.value)
        switch one.kind {
        case UInt8(ascii: "m"): return isGreater ? known : one.value
        case UInt8(ascii: "f") where !known.prefix(20).elementsEqual(one.value.prefix(20)):
            return isGreater ? known : one.value
        default: return isGreater ? one.value : known
        }
    }
}

extension LedgerReader {
    /// The parked hashes of all shards.
    mutating func parked() throws(VerifyError) -> ParkedFields {
        let prefix = prefix
        return try talk { connection throws(RedisError) in
            let count = 64
            for shard in 0..<count { connection.append("HGETALL", "\(prefix){\(shard)}:parked") }
            var parked = ParkedFields()
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
