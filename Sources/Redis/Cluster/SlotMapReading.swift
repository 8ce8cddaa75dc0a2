/// Slot maps from what nodes answer. Unknown fields, roles and states are ignored.
extension SlotMap {
    /// From the answer to CLUSTER SHARDS; nil where it is not one.
    ///
    /// - Parameters:
    ///   - asked: the node that answered: where an address is empty or `?`, it is that one's.
    ///   - usesTLS: whether clients use the nodes' TLS ports.
    init?(shards reply: ReplyValue, asked: Endpoint, usesTLS: Bool) {
        guard case .array(let shards) = reply else { return nil }
        var parts: [(node: ClusterNode, slots: [ClosedRange<Int>])] = []
        for shard in shards {
            let fields = Self.fields(shard)
            guard let bounds = fields["slots"]?.elements, let nodes = fields["nodes"]?.elements
            else { return nil }
            guard let slots = Self.ranges(bounds) else { return nil }
            let masters = nodes.map { Self.fields($0) }.filter { $0["role"]?.text == "master" }
            // While a failover is made, the lost master may still be listed as one.
            let best = masters.first { $0["health"]?.text == "online" } ?? masters.first
            // One that is given up has nothing that counts; its successor is another entry here.
            if let health = best?["health"]?.text, slots.isEmpty, health.hasPrefix("fail") {
                continue
            }
            guard let best, let id = best["id"]?.text, !id.isEmpty,
                let port = Self.port(best, usesTLS)
            else { continue }
            let endpoint = Self.endpoint(
                best["endpoint"] ?? best["ip"] ?? .null, port, asked)
            parts.append((ClusterNode(id: id, endpoint: endpoint), slots))
        }
        self.init(parts)
    }

    /// From the answer to CLUSTER SLOTS; nil where it is not one.
    init?(slots reply: ReplyValue, asked: Endpoint) {
        guard case .array(let entries) = reply else { return nil }
        var parts: [(node: ClusterNode, slots: [ClosedRange<Int>])] = []
        for entry in entries.map(\.elements) {
            guard entry.count >= 2, let slots = Self.ranges(Array(entry.prefix(2))) else {
                return nil
            }
            guard let master = entry.dropFirst(2).first?.elements, master.count >= 2,
                let port = Self.port(master[1])
            else { continue }
            let endpoint = Self.endpoint(master[0], port, asked)
            // Ids came with Redis 4.0; without one the address has to do.
            let id = master.count > 2 ? master[2].text ?? "" : ""
            let node = ClusterNode(id: id.isEmpty ? "?\(endpoint)" : id, endpoint: endpoint)
            parts.append((node, slots))
        }
        self.init(parts)
    }

    private static func fields(_ reply: ReplyValue) -> [String: ReplyValue] {
        var fields: [String: ReplyValue] = [:]
        let elements = reply.elements
        for index in stride(from: 0, to: elements.count - 1, by: 2) {
            if let name = elements[index].text { fields[name] = elements[index + 1] }
        }
        return fields
    }

    /// First and last slot of each range, in turns; nil where they are not slots.
    private static func ranges(_ bounds: [ReplyValue]) -> [ClosedRange<Int>]? {
        var ranges: [ClosedRange<Int>] = []
        guard bounds.count % 2 == 0 else { return nil }
        for index in stride(from: 0, to: bounds.count, by: 2) {
            guard let first = bounds[index].integer, let last = bounds[index + 1].integer,
                first >= 0, first <= last, last < Slot.count
            else { return nil }
            ranges.append(Int(first)...Int(last))
        }
        return ranges
    }

    private static func port(_ fields: [String: ReplyValue], _ usesTLS: Bool) -> Int32? {
        let names = usesTLS ? ["tls-port", "port"] : ["port", "tls-port"]
        return names.lazy.compactMap { fields[$0].flatMap { port($0) } }.first
    }

    private static func port(_ reply: ReplyValue) -> Int32? {
        guard let port = reply.integer, (1...65_535).contains(port) else { return nil }
        return Int32(port)
    }

    private static func endpoint(
        _ host: ReplyValue, _ port: Int32, _ asked: Endpoint
    ) -> Endpoint {
        let text = host.text ?? ""
        return Endpoint(host: text.isEmpty || text == "?" ? asked.host : text, port: port)
    }
}
