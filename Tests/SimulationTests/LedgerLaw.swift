@testable import Ledger

/// What one key holds.
struct KeyContent: Equatable {
    /// H hash, Z sorted set, P HyperLogLog: members with an empty value.
    var kind: Character
    var members: [String: String] = [:]
    var expiry: String?
}

/// What Redis holds of one shard.
struct ShardContent: Equatable {
    var marks: [String: String] = [:]
    var audit: [String: String] = [:]
    var cells: [String: KeyContent] = [:]
    /// Members of the parked hash.
    var parked: [String: String] = [:]
    /// By partition: offsets that were gone when marks were moved over them.
    ///
    /// No key: what the simulation remembers beside the marks.
    var lost: [Int32: [Range<Int64>]] = [:]

    /// Why nobody may count on, as who reads marks and audit sees it.
    var tornOrSplit: String? {
        torn ?? ShardBirth.splitReason(marks: marks["!birth"], audit: audit["!birth"])
    }

    /// The same as the script sees it.
    var torn: String? {
        if let torn = marks["!torn"], torn != "" { return torn }
        let begun = marks["!begun"] ?? "0"
        let done = marks["!done"] ?? "0"
        return begun == done ? nil : "a part of a commit was run: \(begun) begun, \(done) done"
    }
}

/// The law of the commit script in plain Swift: the same answers and the same content.
///
/// `DifferentialTests` compares it with the real script in a real Redis.
enum LedgerLaw {
    /// What refuses a change: a member of the shard's audit, or a cell.
    enum Refusal: Error {
        case own(RefusedCell)
        case cell
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
        let current = call.ranges.map { shard.marks[$0.member] ?? "" }
        if zip(current, call.ranges).contains(where: { $0 != $1.from }) {
            return .mismatch(current.map { Int64($0) })
        }
        let verdicts = ScopeLaw.verdicts(call, shard)
        if !verdicts.isEmpty { return .scopes(verdicts) }
        var after = shard
        let isParking: Bool
        do throws(Refusal) { isParking = try apply(call, to: &after, isSpoiled) } catch {
            guard case .own(let cell) = error else { preconditionFailure("a cell stops a commit") }
            return .cellRefused(cell)
        }
        for range in call.ranges {
            after.marks[range.member] = range.to
            if range.fingerprint != "" { after.marks[range.member + "@"] = range.fingerprint }
        }
        if !call.audit.isEmpty || !call.groups.isEmpty || call.registerKey != nil {
            let number = (Int(shard.marks["!begun"] ?? "0") ?? 0) + 1
            after.marks["!begun"] = String(number)
            after.marks["!done"] = String(number)
        }
        if isParking { after.marks["!parked"] = String(after.parked.count) }
        shard = after
        return .applied(zerosLeft: 0)
    }

    /// Changes all cells; true when something had to be parked.
    private static func apply(
        _ call: CommitCall, to shard: inout ShardContent, _ isSpoiled: (String, String) -> Bool
    ) throws(Refusal) -> Bool {
        var audit = KeyContent(kind: "H", members: shard.audit)
        for (member, delta) in call.audit {
            do throws(Refusal) {
                try change(&audit, "H", member, delta, isSpoiled(call.auditKey, member))
            } catch {
                throw .own(
                    RefusedCell(
                        key: Array(call.auditKey.utf8), member: Array(member.utf8), kind: .add,
                        value: Array(delta.utf8), error: "ERR"))
            }
        }
        shard.audit = audit.members.filter { $0.value != "0" }
        var refused: [(group: CommitCall.Group, member: String, value: String)] = []
        let absent = Set(call.groups.map(\.key).filter { shard.cells[$0] == nil })
        ScopeLaw.join(call, &shard)
        for phase in ["HZ", "mMfl", "P"] {
            for group in call.groups where phase.contains(group.kind) && !group.entries.isEmpty {
                let before = shard.cells[group.key]
                var content = before ?? KeyContent(kind: family(group.kind))
                let isOther = content.kind != family(group.kind)
                for (name, value) in group.entries {
                    let member =
                        isOther
                        ? name
                        : MemberLaw.admitted(
                            name, in: content, group.most, isShared: group.isShared)
                    do throws(Refusal) {
                        if isOther { throw .cell }
                        try change(
                            &content, group.kind, member, value, isSpoiled(group.key, member))
                    } catch { refused.append((group, member, value)) }
                }
                if before != nil || !content.members.isEmpty { shard.cells[group.key] = content }
            }
        }
        for group in call.groups where !group.entries.isEmpty {
            guard var content = shard.cells[group.key] else { continue }
            if content.kind != "P", !MemberLaw.isFull(content, group.most, isShared: group.isShared)
            {
                content.members = content.members.filter { $0.value != "0" }
            }
            if group.expiry != "", absent.contains(group.key) { content.expiry = group.expiry }
            shard.cells[group.key] = content.members.isEmpty ? nil : content
        }
        for (group, member, value) in refused { park(group, member, value, &shard) }
        return !refused.isEmpty
    }

    /// Adds a change that a cell refuses to the parked hash: to its member or, if that cannot take
    /// it, to a member with the next number.
    private static func park(
        _ group: CommitCall.Group, _ member: String, _ value: String, _ shard: inout ShardContent
    ) {
        let address = "\(group.expiry == "" ? "0" : group.expiry) \(group.key) "
        if group.kind == "P" {
            let key = group.key + ":parked"
            var parked =
                shard.cells[key]
                ?? KeyContent(kind: "P", expiry: group.expiry == "" ? nil : group.expiry)
            parked.members[member] = ""
            shard.cells[key] = parked
            let count = Int(shard.parked["P \(address)"] ?? "0") ?? 0
            shard.parked["P \(address)"] = String(count + 1)
            return
        }
        for number in 1... {
            let kindText = group.kind + (group.isShared ? "F" : "")
            let name = kindText + (number > 1 ? "#\(number)" : "") + " \(address)\(member)"
            var content = KeyContent(kind: "H")
            content.members[name] = shard.parked[name]
            // A parked score is a number in a hash.
            let kind = group.kind == "Z" ? "H" : group.kind
            do throws(Refusal) { try change(&content, kind, name, value, false) } catch { continue }
            shard.parked[name] = content.members[name] == "0" ? nil : content.members[name]
            return
        }
    }

    /// Tries every parked cell again, like one call of the script with all names; how many are
    /// left.
    static func retry(
        on shard: inout ShardContent, contract: String, isSpoiled: (String, String) -> Bool
    ) -> Int? {
        guard shard.marks["!contract"] == contract, shard.torn == nil else { return nil }
        var touched: [(key: String, member: String, isShared: Bool)] = []
        for phase in ["HZ", "mMfl", "P"] {
            for name in shard.parked.keys.sorted() where phase.contains(name.prefix(1)) {
                if let cell = retry(name, on: &shard, isSpoiled) { touched.append(cell) }
            }
        }
        for (key, member, isShared) in touched {
            // A key that has `__other__` is taken for full.
            guard let content = shard.cells[key], content.members[member] == "0",
                !MemberLaw.hasOther(content, member, isShared: isShared)
            else { continue }
            shard.cells[key]?.members[member] = nil
            if shard.cells[key]?.members.isEmpty ?? false { shard.cells[key] = nil }
        }
        let number = (Int(shard.marks["!begun"] ?? "0") ?? 0) + 1
        shard.marks["!begun"] = String(number)
        shard.marks["!done"] = String(number)
        shard.marks["!parked"] = String(shard.parked.count)
        return shard.parked.count
    }

    private static func retry(
        _ name: String, on shard: inout ShardContent, _ isSpoiled: (String, String) -> Bool
    ) -> (key: String, member: String, isShared: Bool)? {
        let parts = name.split(separator: " ", maxSplits: 3, omittingEmptySubsequences: false)
        let (kind, key) = (String(parts[0].prefix(1)), String(parts[2]))
        var member = String(parts[3])
        let expiry = parts[1] == "0" ? nil : String(parts[1])
        var content = shard.cells[key] ?? KeyContent(kind: family(kind), expiry: expiry)
        guard content.kind == family(kind) else { return nil }
        let isShared = parts[0].dropFirst().hasPrefix("F")
        let other = MemberLaw.other(member, isShared: isShared)
        if kind != "P", content.members[member] == nil, content.members[other] != nil {
            member = other
        }
        if kind == "P" {
            let parked = shard.cells[key + ":parked"]?.members ?? [:]
            if parked.keys.contains(where: { isSpoiled(key, $0) }) { return nil }
            content.members.merge(parked) { old, _ in old }
            shard.cells[key + ":parked"] = nil
        } else {
            let value = shard.parked[name] ?? ""
            do throws(Refusal) {
                try change(&content, kind, member, value, isSpoiled(key, member))
            } catch { return nil }
        }
        shard.cells[key] = content
        shard.parked[name] = nil
        return (key, member, isShared)
    }

    private static func family(_ kind: String) -> Character {
        kind == "Z" ? "Z" : kind == "P" ? "P" : "H"
    }

    private static func change(
        _ content: inout KeyContent, _ kind: String, _ member: String, _ value: String,
        _ isSpoiled: Bool
    ) throws(Refusal) {
        let before = content.members[member]
        if isSpoiled { throw .cell }
        switch kind {
        case "H", "Z":
            guard let old = Int64(before ?? "0"), let delta = Int64(value) else { throw .cell }
            let (sum, overflow) = old.addingReportingOverflow(delta)
            let limit: UInt64 = kind == "Z" ? 1 << 53 : .max
            if overflow || sum.magnitude >= limit || delta.magnitude >= limit { throw .cell }
            content.members[member] = String(sum)
        case "P": content.members[member] = ""
        default:
            if let before {
                let digits = before.utf8.prefix(20).allSatisfy { (48...57).contains($0) }
                let length = before.utf8.count
                let isTimed = length > 20 && before.utf8.dropFirst(20).first == 58
                guard digits, kind == "m" || kind == "M" ? length == 20 : isTimed else {
                    throw .cell
                }
                guard wins(kind, value, before) else { return }
            }
            content.members[member] = value
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
