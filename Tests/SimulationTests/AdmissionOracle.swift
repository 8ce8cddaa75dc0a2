/// What keys with limits must hold, by the log and by the values that were admitted.
///
/// It shares no code with `MemberLaw` and `ScopeLaw`.
enum AdmissionOracle {
    /// Limits of members by meter, as in `SimulatedEvent.limits`.
    private static let members = [
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
            CellDelta(kind: "+", key: "\(own):agent_calls:all", member: agent, amount: 1),
            CellDelta(
                kind: "+", key: "\(own):agent_calls:day:\(at.dayText)", member: agent, amount: 1),
            CellDelta(kind: "+", key: "\(own):totals", member: "own_calls", amount: 1),
            CellDelta(
                kind: "+", key: "\(own):own_calls:day:\(at.monthText)", member: day, amount: 1),
            CellDelta(
                kind: "+", key: "\(own):agent=\(agent):totals", member: "own_calls", amount: 1),
            CellDelta(
                kind: "+", key: "\(own):agent=\(agent):own_calls:day:\(at.monthText)", member: day,
                amount: 1),
            CellDelta(
                kind: "p", key: "\(own):agent=\(agent):own_visits:day:\(at.dayText)", member: agent,
                expiry: longExpiry),
        ]
        if let amount = event.amount {
            let value = LedgerOracle.sortable(amount)
            deltas += [
                CellDelta(
                    kind: "+", key: "\(own):agent_amounts:all", member: agent, amount: amount),
                CellDelta(kind: "z", key: "\(own):agent_scores:all", member: agent, amount: amount),
                CellDelta(kind: "<", key: "\(own):agent_least:all", member: agent, value: value),
                CellDelta(
                    kind: "l", key: "\(own):agent_latest:day:\(at.dayText)", member: agent,
                    value: LedgerOracle.sortable(time * 1_000_000) + ":" + value),
            ]
        }
        for item in event.items {
            deltas += [
                CellDelta(
                    kind: "z", key: "\(own):pairs:all", member: "\(item):\(agent)", amount: 1),
                CellDelta(
                    kind: "z", key: "\(own):agent=\(agent):own_things:all", member: item, amount: 1),
            ]
        }
        return deltas
    }

    /// Moves the values that were not admitted to `__other__` in what is right, so that it can be
    /// compared with what was found.
    ///
    /// Returns what is wrong with the admitted values; nil when nothing is.
    static func judge(
        _ found: inout [String: KeyContent], _ right: inout [String: KeyContent],
        _ refusing: Set<String>
    ) -> String? {
        if let difference = judgeScopes(&found, &right) { return difference }
        for key in Set(found.keys).union(right.keys) {
            guard let (meter, most, rest) = limit(of: key) else { continue }
            var content = found[key] ?? KeyContent(kind: "H")
            let present = Set(content.members.keys).subtracting([rest])
            if present.count > most, !refusing.contains(key) {
                return "\(key): \(present.count) values, at most \(most)"
            }
            if content.members[rest] != nil, present.count < most {
                return "\(key): \(rest) is beside \(present.count) of \(most) values"
            }
            // Only a full key may have a cell at 0.
            if present.count >= most, found[key] != nil {
                content.members = content.members.filter { $0.value != "0" }
                found[key] = content.members.isEmpty ? nil : content
            }
            guard let expected = right.removeValue(forKey: key) else { continue }
            for (member, value) in expected.members {
                add(value, meter, expected, key, present.contains(member) ? member : rest, &right)
            }
        }
        return nil
    }

    /// Whether a key has as many values as it may.
    static func isFull(_ content: KeyContent, _ key: String) -> Bool {
        guard let (_, most, rest) = limit(of: key) else { return false }
        return Set(content.members.keys).subtracting([rest]).count >= most
    }

    /// The meter of a key whose values are limited, its limit, and the name of the rest.
    private static func limit(of key: String) -> (meter: String, most: Int, rest: String)? {
        guard let (meter, most) = members.first(where: { key.contains(":\($0.key):") })
        else { return nil }
        return (meter, most, meter == "pairs" ? "\(other):\(other)" : other)
    }

    /// Adds a cell's value under another name.
    private static func add(
        _ value: String, _ meter: String, _ content: KeyContent, _ key: String, _ member: String,
        _ cells: inout [String: KeyContent]
    ) {
        var delta = CellDelta(
            kind: content.kind == "Z" ? "z" : content.kind == "P" ? "p" : "+", key: key,
            member: member, value: value, expiry: content.expiry)
        if meter == "agent_least" { delta.kind = "<" }
        if meter == "agent_latest" { delta.kind = "l" }
        delta.amount = Int64(value) ?? 0
        var shard = ShardContent(cells: cells)
        LedgerOracle.add(delta, to: &shard)
        cells = shard.cells
    }

    private static func judgeScopes(
        _ found: inout [String: KeyContent], _ right: inout [String: KeyContent]
    ) -> String? {
        var register: [String: String] = [:]
        for key in found.keys where key.hasSuffix("}:scopes") {
            register = found.removeValue(forKey: key)?.members ?? [:]
        }
        let names = register.keys.filter { $0.contains("=") }
        for organization in Set(names.map { $0.prefix { $0 != ":" } }) {
            let count = names.filter { $0.hasPrefix("\(organization):") }.count
            if register["\(organization):agent"] != String(count) || count > scopes {
                return "\(count) scopes of \(organization): \(register)"
            }
        }
        if let key = found.keys.first(where: { $0.contains(":agent=\(other):") }) {
            let organization = key.split(separator: ":")[3]
            if register["\(organization):agent"] != String(scopes) {
                return "\(key) is beside \(register)"
            }
        }
        for (key, content) in right where key.contains(":agent=") {
            let parts = key.split(separator: ":")
            if register["\(parts[3]):\(parts[4])"] != nil { continue }
            right[key] = nil
            let name = key.replacing(":\(parts[4]):", with: ":agent=\(other):")
            for (member, value) in content.members { add(value, "", content, name, member, &right) }
        }
        return nil
    }
}
