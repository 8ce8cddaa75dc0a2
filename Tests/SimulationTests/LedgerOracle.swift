/// One change of one cell.
struct CellDelta {
    /// + number, z score, < least, l latest, p member.
    var kind: Character
    var key: String
    var member: String
    var value: String = ""
    var amount: Int64 = 0
    var expiry: String?
}

/// What a shard must hold, told by the log alone, in code that shares nothing with what it checks.
enum LedgerOracle {
    /// Which offsets a shard has counted.
    struct Coverage {
        var origins: [Int64]
        var marks: [Int64]
        /// For each partition, offsets that were gone before they were taken.
        var lost: [[Range<Int64>]]
    }

    static func shard(of organization: String, _ count: Int) -> Int {
        var hash: UInt32 = 2_166_136_261
        for byte in organization.utf8 { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
        return Int(hash % UInt32(count))
    }

    /// What an accepted event adds, by `schemas/redis.md`.
    static func deltas(
        of event: SimulatedEvent, timestamp: Int64, shard: Int, isLimited: Bool
    ) -> [CellDelta] {
        let time = event.time ?? timestamp
        let at = CalendarText(time)
        let own = "sim:1:{\(shard)}:\(event.organization)"
        let minuteEnd = (time / 60_000 + 1) * 60
        let isMinuteKept = timestamp < 0 || minuteEnd + 93_600 > timestamp / 1_000
        let hourEnd = (time / 3_600_000 + 1) * 3_600
        let minute = CalendarText.padded(at.minute, 2)
        let minuteExpiry = String(hourEnd + 93_600)
        if event.shape == .blip {
            return [
                CellDelta(
                    kind: "+", key: "\(own):blips:minute:\(at.hourText)", member: minute, amount: 1,
                    expiry: minuteExpiry)
            ]
        }
        let day = CalendarText.padded(at.dayOfMonth, 2)
        let longExpiry = String((at.day + 1) * 86_400 + 400 * 86_400)
        // A day that ended so long ago is not written; no event of the simulation is that old.
        var deltas = [
            CellDelta(kind: "+", key: "\(own):totals", member: "calls", amount: 1),
            CellDelta(kind: "+", key: "\(own):calls:day:\(at.monthText)", member: day, amount: 1),
            CellDelta(
                kind: "z", key: "\(own):agents:month:\(at.monthText)", member: event.agent,
                amount: 1),
            CellDelta(
                kind: "p", key: "\(own):visitors:day:\(at.dayText)", member: event.agent,
                expiry: longExpiry),
        ]
        if isMinuteKept {
            deltas.append(
                CellDelta(
                    kind: "+", key: "\(own):calls:minute:\(at.hourText)", member: minute, amount: 1,
                    expiry: minuteExpiry))
        }
        if let amount = event.amount {
            deltas += [
                CellDelta(kind: "+", key: "\(own):totals", member: "amounts", amount: amount),
                CellDelta(
                    kind: "l", key: "\(own):totals", member: "latest",
                    value: sortable(time * 1_000_000) + ":" + sortable(amount)),
                CellDelta(
                    kind: "<", key: "\(own):least:day:\(at.monthText)", member: day,
                    value: sortable(amount)),
            ]
        }
        deltas += across(event, "sim:1:{\(shard)}:", at, isMinuteKept ? minuteExpiry : nil)
        if isLimited {
            deltas += AdmissionOracle.deltas(of: event, own, at, time, timestamp: timestamp)
        }
        for item in event.items {
            deltas += [
                CellDelta(kind: "z", key: "\(own):things:all", member: item, amount: 1),
                CellDelta(
                    kind: "z", key: "\(own):things:day:\(at.dayText)", member: item, amount: 1,
                    expiry: longExpiry),
            ]
        }
        return deltas
    }

    /// What meters over all organizations change: cells of the event's organization and of all of
    /// the shard's, and the lists of organizations.
    private static func across(
        _ event: SimulatedEvent, _ start: String, _ at: CalendarText, _ minuteExpiry: String?
    ) -> [CellDelta] {
        let day = CalendarText.padded(at.dayOfMonth, 2)
        let longExpiry = String((at.day + 1) * 86_400 + 400 * 86_400)
        var deltas: [CellDelta] = []
        for owner in [start + event.organization, start + "%all"] {
            deltas += [
                CellDelta(kind: "+", key: "\(owner):totals", member: "all_calls", amount: 1),
                CellDelta(
                    kind: "z", key: "\(owner):all_agents:month:\(at.monthText)",
                    member: event.agent, amount: 1),
                CellDelta(
                    kind: "p", key: "\(owner):all_visitors:day:\(at.dayText)", member: event.agent,
                    expiry: longExpiry),
            ]
            if let minuteExpiry {
                deltas.append(
                    CellDelta(
                        kind: "+", key: "\(owner):all_calls:minute:\(at.hourText)",
                        member: CalendarText.padded(at.minute, 2), amount: 1, expiry: minuteExpiry))
            }
            if let amount = event.amount {
                deltas.append(
                    CellDelta(
                        kind: "<", key: "\(owner):all_least:day:\(at.monthText)", member: day,
                        value: sortable(amount)))
            }
        }
        func list(_ meter: String, _ window: String, _ expiry: String? = nil) -> CellDelta {
            CellDelta(
                kind: "+", key: "\(start)%subjects:\(meter):\(window)", member: event.organization,
                amount: 1, expiry: expiry)
        }
        let next = at.month == 12 ? (at.year + 1, 1) : (at.year, at.month + 1)
        let month = "month:\(at.monthText)"
        deltas += [
            list("all_calls", "all"), list("all_calls", month), list("all_agents", month),
            list(
                "all_visitors", month,
                String(CalendarText.start(year: next.0, month: next.1) + 400 * 86_400)),
        ]
        // A meter of amounts does not take an event without one.
        if event.amount != nil { deltas.append(list("all_least", month)) }
        return deltas
    }

    /// Number + 2^63 in 20 digits.
    static func sortable(_ number: Int64) -> String {
        let shifted =
            number < 0
            ? UInt64(number - Int64.min) : UInt64(number) + 9_223_372_036_854_775_808
        return CalendarText.padded(shifted, 20)
    }

    /// Takes the records of [from, to) of a partition into a shard's content.
    static func advance(
        _ content: inout ShardContent, shard: Int, _ partition: SimulatedPartition, from: Int64,
        to: Int64, lost: [Range<Int64>]
    ) {
        var counts: [String: Int64] = [:]
        var index = partition.index(of: from)
        var missing: Int64 = 0
        for range in lost {
            missing += max(0, min(range.upperBound, to) - max(range.lowerBound, from))
        }
        while index < partition.records.count, partition.records[index].offset < to {
            let record = partition.records[index]
            index += 1
            if lost.contains(where: { $0.contains(record.offset) }) { continue }
            counts["delivered", default: 0] += 1
            for (number, part) in record.parts.enumerated() where part.shard == shard {
                counts[part.outcome.rawValue, default: 0] += 1
                if number > 0 { counts["further", default: 0] += 1 }
                for delta in part.deltas { add(delta, to: &content) }
            }
        }
        counts["lost"] = missing
        counts["gaps"] = to - from - missing - (counts["delivered"] ?? 0)
        for (name, count) in counts where count != 0 {
            let member = "\(SimulatedLog.topic)/\(partition.number):\(name)"
            content.audit[member] = String((Int64(content.audit[member] ?? "0") ?? 0) + count)
        }
    }

    static func add(_ delta: CellDelta, to content: inout ShardContent) {
        let kind: Character = delta.kind == "z" ? "Z" : delta.kind == "p" ? "P" : "H"
        var key = content.cells[delta.key] ?? KeyContent(kind: kind, expiry: delta.expiry)
        let before = key.members[delta.member]
        switch delta.kind {
        case "+", "z":
            let sum = (Int64(before ?? "0") ?? 0) + delta.amount
            key.members[delta.member] = sum == 0 ? nil : String(sum)
        case "<": key.members[delta.member] = before.map { min($0, delta.value) } ?? delta.value
        case "l": key.members[delta.member] = before.map { max($0, delta.value) } ?? delta.value
        default: key.members[delta.member] = ""
        }
        content.cells[delta.key] = key.members.isEmpty ? nil : key
    }
}
