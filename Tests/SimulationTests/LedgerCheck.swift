@testable import Ledger

/// Compares shards with what the oracle says of their marks.
final class LedgerCheck {
    private struct Known {
        var coverage: LedgerOracle.Coverage
        var content: ShardContent
    }
    private let log: SimulatedLog
    private var known: [Known?]
    /// Keys that have refused something; a value that was parked may come in beyond a limit.
    private var refusing: Set<String> = []

    init(log: SimulatedLog, shardCount: Int) {
        self.log = log
        known = Array(repeating: nil, count: shardCount)
    }

    /// What is wrong with a shard; nil when nothing is.
    ///
    /// `origins`: by partition, where counting began.
    func difference(
        of shard: Int, _ found: ShardContent, origins: [Int32: Int64]?
    ) -> String? {
        let expected = expected(shard, coverage(of: found, origins))
        let audit = found.audit.filter { $0.key != "!birth" }
        if audit != expected.audit {
            return "audit \(Self.differing(audit, expected.audit))"
        }
        for partition in log.counted {
            if let difference = fingerprintDifference(found, partition) { return difference }
        }
        var cells = withParked(found)
        var right = expected.cells
        if log.isLimited, let difference = AdmissionOracle.judge(&cells, &right, refusing) {
            return difference
        }
        guard cells != right else { return nil }
        for key in Set(cells.keys).union(right.keys).sorted() where cells[key] != right[key] {
            return "\(key): \(text(cells[key])) is there, \(text(right[key])) is right"
        }
        return nil
    }

    /// The cells together with what is parked, which is what a reader must return.
    private func withParked(_ content: ShardContent) -> [String: KeyContent] {
        var cells = content.cells
        for (name, value) in content.parked {
            let parts = name.split(separator: " ", maxSplits: 3, omittingEmptySubsequences: false)
            let (kind, key) = (parts[0].prefix(1), String(parts[2]))
            var member = String(parts[3])
            refusing.insert(key)
            let expiry = parts[1] == "0" ? nil : String(parts[1])
            let family: Character = kind == "Z" ? "Z" : kind == "P" ? "P" : "H"
            var cell = cells[key] ?? KeyContent(kind: family, expiry: expiry)
            let other = MemberLaw.other(member, isShared: parts[0].dropFirst().hasPrefix("F"))
            if cell.members[member] == nil, kind != "P", cell.members[other] != nil {
                member = other
            }
            let before = cell.members[member]
            switch kind {
            case "H", "Z":
                let sum = (Int64(before ?? "0") ?? 0) + (Int64(value) ?? 0)
                // A member of a full key stays there even if the sum is 0.
                let isKept =
                    before != nil && log.isLimited && AdmissionOracle.isFull(cell, key)
                cell.members[member] = sum == 0 && !isKept ? nil : String(sum)
            case "P":
                cell.members.merge(cells[key + ":parked"]?.members ?? [:]) { old, _ in old }
                cells[key + ":parked"] = nil
            case "m": cell.members[member] = before.map { min($0, value) } ?? value
            default: cell.members[member] = before.map { max($0, value) } ?? value
            }
            cells[key] = cell.members.isEmpty ? nil : cell
        }
        return cells
    }

    private func coverage(
        of content: ShardContent, _ origins: [Int32: Int64]?
    ) -> LedgerOracle.Coverage {
        var coverage = LedgerOracle.Coverage(origins: [], marks: [], lost: [])
        for partition in log.counted {
            let member = "\(SimulatedLog.topic)/\(partition.number)"
            let origin = origins?[partition.number] ?? 0
            coverage.origins.append(origin)
            let mark = content.marks[member].flatMap { Int64($0) }
            coverage.marks.append(mark ?? origin)
            coverage.lost.append(content.lost[partition.number] ?? [])
        }
        return coverage
    }

    /// The content that belongs to these marks; continues from the one before if it can.
    private func expected(_ shard: Int, _ coverage: LedgerOracle.Coverage) -> ShardContent {
        var content = ShardContent()
        var from = coverage.origins
        if let last = known[shard], isContinued(last.coverage, coverage) {
            content = last.content
            for index in last.coverage.marks.indices { from[index] = last.coverage.marks[index] }
        }
        for (index, partition) in log.counted.enumerated() where from[index] < coverage.marks[index]
        {
            LedgerOracle.advance(
                &content, shard: shard, partition, from: from[index], to: coverage.marks[index],
                lost: coverage.lost[index])
        }
        known[shard] = Known(coverage: coverage, content: content)
        return content
    }

    private func isContinued(_ old: LedgerOracle.Coverage, _ new: LedgerOracle.Coverage) -> Bool {
        old.marks.indices.allSatisfy {
            old.origins[$0] == new.origins[$0] && old.marks[$0] <= new.marks[$0]
                && new.lost[$0].starts(with: old.lost[$0])
                && new.lost[$0].dropFirst(old.lost[$0].count).allSatisfy { [at = old.marks[$0]] in
                    $0.lowerBound >= at
                }
        }
    }

    /// What is wrong with the stored fingerprint; it must be that of a record below the mark.
    private func fingerprintDifference(
        _ content: ShardContent, _ partition: SimulatedPartition
    ) -> String? {
        let member = "\(SimulatedLog.topic)/\(partition.number)"
        guard let text = content.marks[member + "@"], let mark = Int64(content.marks[member] ?? "")
        else { return nil }
        guard let offset = Int64(text.split(separator: " ")[0]), offset < mark,
            partition.record(at: offset)?.fingerprint == text
        else { return "fingerprint \(text) at mark \(mark) of \(member)" }
        return nil
    }

    private static func differing(_ found: [String: String], _ right: [String: String]) -> String {
        Set(found.keys).union(right.keys).sorted().filter { found[$0] != right[$0] }
            .map { "\($0) \(found[$0] ?? "0") is there, \(right[$0] ?? "0") is right" }
            .joined(separator: "; ")
    }

    private func text(_ content: KeyContent?) -> String {
        guard let content else { return "nothing" }
        let members = content.members.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        return
            "\(content.kind) \(members.joined(separator: " ")) expiry \(content.expiry ?? "never")"
    }
}
