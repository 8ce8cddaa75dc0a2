public import Redis

/// Which meters and organizations hold most of a ledger's memory, estimated from some of its keys.
///
/// `SCAN` gives keys in no order, so what is seen in a limited time is a sample of all: shares
/// above a few percent are right within a few percent. Only reads; commands of at most 200 keys a
/// round trip. A look goes on where the last one ended.
public struct MemorySample: Sendable {
    /// A meter or an organization, and its share of everything seen, 0 to 1.
    public typealias Share = (name: String, share: Double)
    /// Whether weights are bytes; without MEMORY USAGE they are numbers of keys.
    public private(set) var isBytes = true
    private static let batch = 200
    /// Most organizations that are remembered; the lightest are forgotten first.
    private static let mostNames = 10_000
    private let layout: KeyLayout
    /// By server where the next look goes on; "" is the server of an address that names one.
    private var cursors: [String: String] = [:]
    private var total = 0.0
    private var meterWeights: [String: Double] = [:]
    private var organizationWeights: [String: Double] = [:]

    /// A sample that has seen nothing yet.
    public init(layout: KeyLayout) { self.layout = layout }

    /// Meters by falling share, at most `most`; `totals` holds series of all time.
    public func meters(most: Int) -> [Share] { shares(meterWeights, most) }

    /// Organizations by falling share, at most `most`.
    public func organizations(most: Int) -> [Share] { shares(organizationWeights, most) }

    private func shares(_ weights: [String: Double], _ most: Int) -> [Share] {
        weights.map { (name: $0.key, share: $0.value / max(1, total)) }
            .sorted { $0.share != $1.share ? $0.share > $1.share : $0.name < $1.name }
            .prefix(most).map(\.self)
    }

    /// Looks at keys for about this long, and at about `most` keys at most; of a cluster at as many
    /// keys of each master.
    public mutating func look(
        _ redis: RedisConfiguration, milliseconds: Int64 = 1_000, most: Int = 50_000
    ) throws(LedgerError) {
        do throws(RedisError) {
            let servers = try redis.servers()
            let names = servers.map { redis.cluster == nil ? "" : $0.description }
            // Of masters that are gone no cursor is kept.
            cursors = cursors.filter { names.contains($0.key) }
            var isEmpty = true
            for (server, name) in zip(servers, names) {
                var connection = try Connection(server)
                let hadNone = try take(
                    &connection, name, milliseconds / Int64(servers.count),
                    max(Self.batch, most / servers.count))
                isEmpty = hadNone && isEmpty
            }
            if isEmpty { forget() }
        } catch { throw LedgerError(error) }
    }

    /// The same over a connection to the only server.
    public mutating func look(
        _ connection: inout Connection, milliseconds: Int64 = 1_000, most: Int = 50_000
    ) throws(LedgerError) {
        do throws(RedisError) {
            if try take(&connection, "", milliseconds, most) { forget() }
        } catch { throw LedgerError(error) }
    }

    /// Lets what was seen count less than what comes, so that the sample follows the ledger.
    public mutating func fade() {
        total *= 0.9
        for key in meterWeights.keys { meterWeights[key]? *= 0.9 }
        for key in organizationWeights.keys { organizationWeights[key]? *= 0.9 }
        guard organizationWeights.count > Self.mostNames else { return }
        let heaviest = organizationWeights.sorted { $0.value > $1.value }
        organizationWeights = Dictionary(
            uniqueKeysWithValues: heaviest.prefix(Self.mostNames / 2).map { ($0.key, $0.value) })
    }

    /// Looks at one server; whether it was looked at as a whole and has nothing of the ledger.
    private mutating func take(
        _ connection: inout Connection, _ server: String, _ milliseconds: Int64, _ most: Int
    ) throws(RedisError) -> Bool {
        let end = ContinuousClock.now.advanced(by: .milliseconds(milliseconds))
        let pattern = "\(layout.prefix):\(layout.generation):{*}:*"
        // Counts keys of other programs too: where there are many, a look sees few of ours.
        var asked = 0
        var cursor = cursors[server] ?? "0"
        let (isWhole, before) = (cursor == "0", total)
        repeat {
            let reply = try connection.command(
                "SCAN", cursor, "MATCH", pattern, "COUNT", String(Self.batch))
            guard reply.elements.count == 2, let next = reply.elements[0].text else { break }
            try weigh(reply.elements[1].elements.compactMap(\.bytes), &connection)
            asked += Self.batch
            cursor = next
            cursors[server] = next
        } while cursor != "0" && asked < most && ContinuousClock.now < end
        return isWhole && cursor == "0" && total == before
    }

    private mutating func forget() {
        total = 0
        meterWeights = [:]
        organizationWeights = [:]
    }

    private mutating func weigh(
        _ keys: [[UInt8]], _ connection: inout Connection
    ) throws(RedisError) {
        if isBytes {
            for key in keys {
                connection.append([Array("MEMORY".utf8), Array("USAGE".utf8), key])
            }
        }
        var weights: [Int64] = []
        var isRefused = false
        var failure: RedisError?
        for _ in keys {
            guard isBytes else {
                weights.append(1)
                continue
            }
            let reply = try connection.receive()
            if let text = reply.errorText {
                let error = RedisError(serverText: text)
                // A key of a cluster may have moved since it was named.
                if error.isForbidden {
                    isRefused = true
                } else if !error.isRedirect {
                    failure = error
                }
            }
            weights.append(reply.integer ?? 0)
        }
        if let failure { throw failure }
        if isRefused {
            // The user may not ask for bytes: numbers of keys are as good.
            isBytes = false
            weights = keys.map { _ in 1 }
            forget()
        }
        for (key, weight) in zip(keys, weights) {
            guard let meter = KeyLayout.meter(ofKey: key, member: Array("totals".utf8)),
                let organization = KeyLayout.organization(ofKey: key)
            else { continue }
            total += Double(weight)
            meterWeights[meter, default: 0] += Double(weight)
            organizationWeights[organization, default: 0] += Double(weight)
        }
    }

    /// The heaviest meters in words; nil where nothing was seen.
    public var text: String? {
        guard !meterWeights.isEmpty else { return nil }
        let shown = meters(most: 3).map { "\($0.name) (\(Int($0.share * 100)) %)" }
        return shown.joined(separator: ", ") + (isBytes ? "" : ", by number of keys")
    }
}
