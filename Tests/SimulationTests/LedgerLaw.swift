@testable import Ledger

/// What stands in one key.
struct KeyContent: Equatable {
    /// H hash, Z sorted set, P HyperLogLog: members with an empty value.
    var kind: Character
    var fields: [String: String] = [:]
    var expiry: String?
}

/// What stands in Redis of one shard.
struct ShardContent: Equatable {
    var marks: [String: String] = [:]
    var audit: [String: String] = [:]
    var cells: [String: KeyContent] = [:]

    var torn: String? {
        if let torn = marks["!torn"], torn != "" { return torn }
        let begun = marks["!begun"] ?? "0"
        let done = marks["!done"] ?? "0"
        return begun == done ? nil : "a part of a commit was run: \(begun) begun, \(done) done"
    }
}

/// The law of the commit script in plain Swift: the same answers and the same content.
///
/// `DifferentialTests` holds it against the real script in a real Redis.
enum LedgerLaw {
    struct Refusal: Error {
        var key: String
        var field: String
        var kind: String
        var value: String
        var error: String
    }

    /// Runs a call on a shard.
    ///
    /// `isSpoiled` tells cells that somebody has made unusable.
    static func run(
        _ call: CommitCall, on shard: inout ShardContent, isSpoiled: (String, String) -> Bool
    ) -> CommitOutcome {
        let contract = shard.marks["!contract"] ?? ""
        if contract != call.contract { return .contract(current: contract) }
        if let torn = shard.torn { return .torn(torn) }
        let current = call.ranges.map { shard.marks[$0.field] ?? "" }
        if zip(current, call.ranges).contains(where: { $0 != $1.from }) {
            return .mismatch(current.map { Int64($0) })
        }
        var after = shard
        do throws(Refusal) { try apply(call, to: &after, isSpoiled) } catch {
            return .cellRefused(
                RefusedCell(
                    key: Array(error.key.utf8), field: Array(error.field.utf8),
                    kind: CommitArguments.Kind(rawValue: error.kind.utf8.first ?? 0) ?? .add,
                    value: Array(error.value.utf8), error: error.error))
        }
        for range in call.ranges {
            after.marks[range.field] = range.to
            if range.fingerprint != "" { after.marks[range.field + "@"] = range.fingerprint }
        }
        if !call.audit.isEmpty || !call.groups.isEmpty {
            let number = (Int(shard.marks["!begun"] ?? "0") ?? 0) + 1
            after.marks["!begun"] = String(number)
            after.marks["!done"] = String(number)
        }
        shard = after
        return .applied(zerosLeft: 0)
    }

    private static func apply(
        _ call: CommitCall, to shard: inout ShardContent, _ isSpoiled: (String, String) -> Bool
    ) throws(Refusal) {
        var audit = KeyContent(kind: "H", fields: shard.audit)
        for (field, delta) in call.audit {
            try change(&audit, "H", call.auditKey, field, delta, isSpoiled)
        }
        shard.audit = audit.fields.filter { $0.value != "0" }
        try preflight(call, shard)
        let absent = Set(call.groups.map(\.key).filter { shard.cells[$0] == nil })
        for phase in ["HZ", "mMfl", "P"] {
            for group in call.groups where phase.contains(group.kind) && !group.entries.isEmpty {
                var content = shard.cells[group.key] ?? KeyContent(kind: family(group.kind))
                // Another group of this commit made it.
                guard content.kind == family(group.kind) else { throw wrongType(group) }
                for (field, value) in group.entries {
                    try change(&content, group.kind, group.key, field, value, isSpoiled)
                }
                shard.cells[group.key] = content
            }
        }
        for group in call.groups where !group.entries.isEmpty {
            guard var content = shard.cells[group.key] else { continue }
            if group.kind != "P" { content.fields = content.fields.filter { $0.value != "0" } }
            if group.expiry != "", absent.contains(group.key) { content.expiry = group.expiry }
            shard.cells[group.key] = content.fields.isEmpty ? nil : content
        }
    }

    private static func family(_ kind: String) -> Character {
        kind == "Z" ? "Z" : kind == "P" ? "P" : "H"
    }

    /// A key of another type refuses before anything changes.
    private static func preflight(_ call: CommitCall, _ shard: ShardContent) throws(Refusal) {
        for group in call.groups {
            guard let content = shard.cells[group.key], content.kind != family(group.kind) else {
                continue
            }
            throw wrongType(group)
        }
    }

    private static func wrongType(_ group: CommitCall.Group) -> Refusal {
        Refusal(
            key: group.key, field: group.entries[0].field, kind: group.kind,
            value: group.kind == "P" ? group.entries[0].field : group.entries[0].value,
            error: "WRONGTYPE")
    }

    private static func change(
        _ content: inout KeyContent, _ kind: String, _ key: String, _ field: String,
        _ value: String, _ isSpoiled: (String, String) -> Bool
    ) throws(Refusal) {
        let before = content.fields[field]
        func refuse(_ error: String) -> Refusal {
            Refusal(key: key, field: field, kind: kind, value: value, error: error)
        }
        if isSpoiled(key, field) { throw refuse("ERR hash value is not an integer") }
        switch kind {
        case "H", "Z":
            guard let old = Int64(before ?? "0"), let delta = Int64(value) else {
                throw refuse("ERR hash value is not an integer")
            }
            let (sum, overflow) = old.addingReportingOverflow(delta)
            let limit: UInt64 = kind == "Z" ? 1 << 53 : .max
            if overflow || sum.magnitude >= limit || delta.magnitude >= limit {
                throw refuse("ERR increment or decrement would overflow")
            }
            content.fields[field] = String(sum)
        case "P": content.fields[field] = ""
        default:
            if let before {
                let digits = before.utf8.prefix(20).allSatisfy { (48...57).contains($0) }
                let length = before.utf8.count
                let isTimed = length > 20 && before.utf8.dropFirst(20).first == 58
                guard digits, kind == "m" || kind == "M" ? length == 20 : isTimed else {
                    throw refuse("ERR cell holds no extreme")
                }
                guard wins(kind, value, before) else { return }
            }
            content.fields[field] = value
        }
    }

    private static func wins(_ kind: String, _ value: String, _ before: String) -> Bool {
        let isGreater = before.utf8.lexicographicallyPrecedes(value.utf8)
        switch kind {
        case "m": return value.utf8.lexicographicallyPrecedes(before.utf8)
        case "f":
            let (new, old) = (value.utf8.prefix(20), before.utf8.prefix(20))
            return new.elementsEqual(old) ? isGreater : new.lexicographicallyPrecedes(old)
        default: return isGreater
        }
    }
}
