/// What keys with limits must hold: told by the log and by which values
/// are there, in code of its own.
enum AdmissionOracle {
    /// Limits of fields by meter, as in `SimulatedEvent.limits`.
    private static let fields = [
        "agent_calls": 2, "agent_amounts": 2, "agent_least": 2, "agent_latest": 1,
        "agent_scores": 2, "pairs": 4, "own_things": 2,
    ]
    private static let scopes = 2
    private static let other = "__other__"

    /// What an event adds to the meters of `SimulatedEvent.limits`.
    static func deltas(
        of event: SimulatedEvent, _ own: String, _ at: CalendarText, _ time: Int64
    ) -> [CellDelta] {
        let agent = event.agent
        let day = CalendarText.padded(at.dayOfMonth, 2)
        let longExpiry = String((at.day + 1) * 86_400 + 400 * 86_400)
        var deltas = [
            CellDelta(kind: "+", key: "\(own):agent_calls:all", field: agent, amount: 1),
            CellDelta(
                kind: "+", key: "\(own):agent_calls:day:\(at.dayText)", field: agent, amount: 1),
            CellDelta(kind: "+", key: "\(own):totals", field: "own_calls", amount: 1),
            CellDelta(
                kind: "+", key: "\(own):own_calls:day:\(at.monthText)", field: day, amount: 1),
            CellDelta(
                kind: "+", key: "\(own):agent=\(agent):totals", field: "own_calls", amount: 1),
            CellDelta(
                kind: "+", key: "\(own):agent=\(agent):own_calls:day:\(at.monthText)", field: day,
                amount: 1),
            CellDelta(
                kind: "p", key: "\(own):agent=\(agent):own_visits:day:\(at.dayText)", field: agent,
                expiry: longExpiry),
        ]
        if let amount = event.amount {
            let value = LedgerOracle.sortable(amount)
            deltas += [
                CellDelta(kind: "+", key: "\(own):agent_amounts:all", field: agent, amount: amount),
                CellDelta(kind: "z", key: "\(own):agent_scores:all", field: agent, amount: amount),
                CellDelta(kind: "<", key: "\(own):agent_least:all", field: agent, value: value),
                CellDelta(
                    kind: "l", key: "\(own):agent_latest:day:\(at.dayText)", field: agent,
                    value: LedgerOracle.sortable(time * 1_000_000) + ":" + value),
            ]
        }
        for item in event.items {
            deltas += [
                CellDelta(
                    kind: "z", key: "\(own):pairs:all", field: "\(item):\(agent)", amount: 1),
                CellDelta(
                    kind: "z", key: "\(own):agent=\(agent):own_things:all", field: item, amount: 1),
            ]
        }
        return deltas
    }

    /// Makes what is right comparable with what is there: values that did not come in are together.
    ///
    /// Returns what is wrong with who came in, or nil.
    static func judge(
        _ stands: inout [String: KeyContent], _ right: inout [String: KeyContent],
        _ refusing: Set<String>
    ) -> String? {
        if let problem = judgeScopes(&stands, &right) { return problem }
        for key in Set(stands.keys).union(right.keys) {
            guard let (meter, most, rest) = limit(of: key) else { continue }
            var content = stands[key] ?? KeyContent(kind: "H")
            let present = Set(content.fields.keys).subtracting([rest])
            if present.count > most, !refusing.contains(key) {
                return "\(key): \(present.count) values, at most \(most)"
            }
            if content.fields[rest] != nil, present.count < most {
                return "\(key): \(rest) stands beside \(present.count) of \(most) values"
            }
            // Only a full key may have a cell at 0.
            if present.count >= most, stands[key] != nil {
                content.fields = content.fields.filter { $0.value != "0" }
                stands[key] = content.fields.isEmpty ? nil : content
            }
            guard let expected = right.removeValue(forKey: key) else { continue }
            for (field, value) in expected.fields {
                add(value, meter, expected, key, present.contains(field) ? field : rest, &right)
            }
        }
        return nil
    }

    /// Whether a key has as many values as it may.
    static func isFull(_ content: KeyContent, _ key: String) -> Bool {
        guard let (_, most, rest) = limit(of: key) else { return false }
        return Set(content.fields.keys).subtracting([rest]).count >= most
    }

    /// The meter of a key whose values are limited, its limit, and the name of the rest.
    private static func limit(of key: String) -> (meter: String, most: Int, rest: String)? {
        guard let (meter, most) = fields.first(where: { key.contains(":\($0.key):") })
        else { return nil }
        return (meter, most, meter == "pairs" ? "\(other):\(other)" : other)
    }

    /// Adds a cell's value under another name.
    private static func add(
        _ value: String, _ meter: String, _ content: KeyContent, _ key: String, _ field: String,
        _ cells: inout [String: KeyContent]
    ) {
        var delta = CellDelta(
            kind: content.kind == "Z" ? "z" : content.kind == "P" ? "p" : "+", key: key,
            field: field, value: value, expiry: content.expiry)
        if meter == "agent_least" { delta.kind = "<" }
        if meter == "agent_latest" { delta.kind = "l" }
        delta.amount = Int64(value) ?? 0
        var shard = ShardContent(cells: cells)
        LedgerOracle.add(delta, to: &shard)
        cells = shard.cells
    }

    private static func judgeScopes(
        _ stands: inout [String: KeyContent], _ right: inout [String: KeyContent]
    ) -> String? {
        var register: [String: String] = [:]
        for key in stands.keys where key.hasSuffix("}:scopes") {
            register = stands.removeValue(forKey: key)?.fields ?? [:]
        }
        let names = register.keys.filter { $0.contains("=") }
        for organization in Set(names.map { $0.prefix { $0 != ":" } }) {
            let count = names.filter { $0.hasPrefix("\(organization):") }.count
            if register["\(organization):agent"] != String(count) || count > scopes {
                return "\(count) scopes of \(organization): \(register)"
            }
        }
        if let key = stands.keys.first(where: { $0.contains(":agent=\(other):") }) {
            let organization = key.split(separator: ":")[3]
            if register["\(organization):agent"] != String(scopes) {
                return "\(key) stands beside \(register)"
            }
        }
        for (key, content) in right where key.contains(":agent=") {
            let parts = key.split(separator: ":")
            if register["\(parts[3]):\(parts[4])"] != nil { continue }
            right[key] = nil
            let name = key.replacing(":\(parts[4]):", with: ":agent=\(other):")
            for (field, value) in content.fields { add(value, "", content, name, field, &right) }
        }
        return nil
    }
}
