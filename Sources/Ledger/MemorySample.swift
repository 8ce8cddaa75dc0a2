public import Redis

/// Which meters hold most of a ledger's memory, estimated from some of its keys.
///
/// `SCAN` gives keys in no order, so what is seen in a limited time is a sample of all: shares above a few
/// percent are right within a few percent. Only reads; commands of at most 200 keys a round trip.
public struct MemorySample: Sendable {
    /// Meters by falling weight, in percent of everything seen; `totals` holds series of all time.
    public private(set) var meters: [(name: String, percent: Int)] = []
    /// Whether weights are bytes; without the right to run MEMORY USAGE they are numbers of keys.
    public private(set) var isBytes = true
    private static let batch = 200

    /// Looks at keys for about this long, and at most at this many.
    public init(
        _ connection: inout Connection, layout: KeyLayout, milliseconds: Int64 = 1_000,
        most: Int = 50_000
    ) throws(LedgerError) {
        do throws(RedisError) {
            try take(&connection, layout, milliseconds, most)
        } catch { throw LedgerError(error) }
    }

    private mutating func take(
        _ connection: inout Connection, _ layout: KeyLayout, _ milliseconds: Int64, _ most: Int
    ) throws(RedisError) {
        let end = ContinuousClock.now.advanced(by: .milliseconds(milliseconds))
        let pattern = "\(layout.prefix):\(layout.generation):{*}:*"
        var weights: [String: Int64] = [:]
        var cursor = "0"
        var seen = 0
        repeat {
            let reply = try connection.command(
                "SCAN", cursor, "MATCH", pattern, "COUNT", String(Self.batch))
            guard reply.elements.count == 2, let next = reply.elements[0].text else { break }
            let keys = reply.elements[1].elements.compactMap(\.bytes)
            try weigh(keys, &connection, &weights)
            seen += keys.count
            cursor = next
        } while cursor != "0" && seen < most && ContinuousClock.now < end
        let sum = max(1, weights.values.reduce(0, +))
        meters = weights.map { (name: $0.key, percent: Int($0.value * 100 / sum)) }
            .sorted { $0.percent != $1.percent ? $0.percent > $1.percent : $0.name < $1.name }
    }

    private mutating func weigh(
        _ keys: [[UInt8]], _ connection: inout Connection, _ weights: inout [String: Int64]
    ) throws(RedisError) {
        if isBytes {
            for key in keys {
                connection.append([Array("MEMORY".utf8), Array("USAGE".utf8), key])
            }
        }
        for key in keys {
            var weight: Int64 = 1
            if isBytes {
                let reply = try connection.receive()
                weight = reply.integer ?? 0
                if reply.errorText != nil { weight = -1 }
            }
            guard let meter = KeyLayout.meter(ofKey: key, field: Array("totals".utf8)) else {
                continue
            }
            weights[meter, default: 0] += weight
        }
        // The user may not: all answers of this round were errors, so numbers of keys are as good.
        guard isBytes, weights.values.contains(where: { $0 < 0 }) else { return }
        isBytes = false
        weights = weights.mapValues { abs($0) }
    }

    /// The heaviest meters in words; nil where nothing was seen.
    public var text: String? {
        guard !meters.isEmpty else { return nil }
        let shown = meters.prefix(3).map { "\($0.name) (\($0.percent) %)" }
        return shown.joined(separator: ", ") + (isBytes ? "" : ", by number of keys")
    }
}
