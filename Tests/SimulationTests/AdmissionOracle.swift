/// What keys with limits must hold, by the log and by the values that were admitted.
///
/// It shares no code with `MemberLaw` and `ScopeLaw`.
enum AdmissionOracle {
    /// Limits of members by meter, as in `SimulatedEvent.limits`.
    private static let members = [
        "agent_calls": 2, "agent_amounts": 2, "agent_least": 2, "agent_latest": 1,
        "agent_scores": 2, "pairs": 4, "own_things": 2, "kin": 3,
    ]
    private static let scopes = 2
    private static let other = "__other__"

    /// What an event adds to the family `kin`.
    private static func kin(
        of event: SimulatedEvent, _ own: String, _ at: CalendarText, _ time: Int64,
        timestamp: Int64
    ) -> [CellDelta] {
        let day = CalendarText.padded(at.dayOfMonth, 2)
        let minute = CalendarText.padded(at.minute, 2)
        let minutes = "\(own):kin:minute:\(at.hourText)q\(at.minute / 15)"
        let minuteExpiry = String((time / 900_000 + 1) * 900 + 93_600)
        let isMinuteKept =
            timestamp < 0 || (time / 60_000 + 1) * 60 + 93_600 > timestamp / 1_000
        var deltas = ["\(own):kin:all", "\(own):kin:day:\(at.dayText)"].map {
            CellDelta(kind: "+", key: $0, member: "kin_calls:\(event.agent)", amount: 1)
        }
        deltas += [
            CellDelta(
                kind: "+", key: "\(own):kin:day:\(at.monthText)", member: "kin_days:\(day)",
                amount: 1),
            CellDelta(kind: "+", key: "\(own):totals", member: "kin_days", amount: 1),
        ]
        if isMinuteKept {
            deltas.append(
                CellDelta(
                    kind: "+", key: minutes, member: "kin_days:\(minute)", amount: 1,
                    expiry: minuteExpiry))
        }
        guard let amount = event.amount else { return deltas }
        let value = LedgerOracle.sortable(amount)
        let timed = LedgerOracle.sortable(time * 1_000_000) + ":" + value
        deltas.append(
            CellDelta(
                kind: "+", key: "\(own):kin:all", member: "kin_sums:\(event.agent)",
                amount: amount))
        deltas += ["\(own):kin:all", "\(own):kin:day:\(at.dayText)"].map {
            CellDelta(kind: "<", key: $0, member: "kin_least:\(event.agent)", value: value)
        }
        deltas.append(
            CellDelta(
                kind: "l", key: "\(own):kin:day:\(at.monthText)", member: "kin_latest:\(day)",
                value: timed))
        if isMinuteKept {
            deltas.append(
                CellDelta(
                    kind: "l", key: minutes, member: "kin_latest:\(minute)", value: timed,
                    expiry: minuteExpiry))
        }
        return deltas
    }

    /// What an event adds to the meters of `SimulatedEvent.limits`.
    static func deltas(
        of event: SimulatedEvent, _ own: String, _ at: CalendarText, _ time: Int64,
        timestamp: Int64
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
        deltas += kin(of: event, own, at, time, timestamp: timestamp)
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
            guard let (meter, most) = limit(of: key) else { continue }
            var content = found[key] ?? KeyContent(kind: "H")
            let present = Set(content.members.keys.filter { $0 != rest(of: $0, meter) })
            if present.count > most, !refusing.contains(key) {
                return "\(key): \(present.count) values, at most \(most)"
            }
            if present.count < min(most, content.members.count) {
                return "\(key): the rest is beside \(present.count) of \(most) values"
            }
            // Only a full key may have a cell at 0.
            if present.count >= most, found[key] != nil {
                content.members = content.members.filter { $0.value != "0" }
                found[key] = content.members.isEmpty ? nil : content
            }
            guard let expected = right.removeValue(forKey: key) else { continue }
            for (member, value) in expected.members {
                let name = present.contains(member) ? member : rest(of: member, meter)
                add(value, meter, expected, key, name, &right)
            }
        }
        return nil
    }

    /// Whether a key has as many values as it may.
    static func isFull(_ content: KeyContent, _ key: String) -> Bool {
        guard let (meter, most) = limit(of: key) else { return false }
        return content.members.keys.filter { $0 != rest(of: $0, meter) }.count >= most
    }

    /// The meter or family of a key whose values are limited, and its limit.
    private static func limit(of key: String) -> (meter: String, most: Int)? {
        guard let (meter, most) = members.first(where: { key.contains(":\($0.key):") })
        else { return nil }
        // The family's series have no limit: of its keys only tables end in a whole day or `all`.
        let label = key.split(separator: ":").last ?? ""
        if meter == "kin", label != "all", label.utf8.count != "2026-03-09".utf8.count {
            return nil
        }
        return (meter, most)
    }

    /// The member that counts what a member's meter does not keep apart.
    private static func rest(of member: String, _ meter: String) -> String {
        switch meter {
        case "pairs": "\(other):\(other)"
        case "kin": member.prefix { $0 != ":" } + ":\(other)"
        default: other
        }
    }

    /// Adds a cell's value under another name.
    private static func add(
        _ value: String, _ meter: String, _ content: KeyContent, _ key: String, _ member: String,
        _ cells: inout [String: KeyContent]
    ) {
        var delta = CellDelta(
            kind: content.kind == "Z" ? "z" : content.kind == "P" ? "p" : "+", key: key,
            member: member, value: value, expiry: content.expiry)
        if meter == "agent_least" || member.hasPrefix("kin_least:") { delta.kind = "<" }
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
