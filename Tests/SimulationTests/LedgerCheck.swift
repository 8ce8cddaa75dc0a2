@testable import Ledger

/// Compares shards with what the oracle says of their marks.
final class LedgerCheck {
    private struct Known {
        var place: LedgerOracle.Place
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

    /// What is wrong with a shard, or nil.
    func difference(of shard: Int, _ content: SimulatedServer.Content) -> String? {
        let stands = content.shards[shard]
        let expected = expected(shard, place(of: shard, content))
        if stands.audit != expected.audit {
            return "audit \(Self.differing(stands.audit, expected.audit))"
        }
        for partition in log.counted {
            if let problem = fingerprintProblem(stands, partition) { return problem }
        }
        var cells = withParked(stands)
        var right = expected.cells
        if log.isLimited, let problem = AdmissionOracle.judge(&cells, &right, refusing) {
            return problem
        }
        guard cells != right else { return nil }
        for key in Set(cells.keys).union(right.keys).sorted() where cells[key] != right[key] {
            return "\(key): \(text(cells[key])) stands, \(text(right[key])) is right"
        }
        return nil
    }

    /// The cells as they are with what is parked, which is what a reader must take for true.
    private func withParked(_ content: ShardContent) -> [String: KeyContent] {
        var cells = content.cells
        for (name, value) in content.parked {
            let parts = name.split(separator: " ", maxSplits: 3, omittingEmptySubsequences: false)
            let (kind, key) = (parts[0].prefix(1), String(parts[2]))
            var field = String(parts[3])
            refusing.insert(key)
            let expiry = parts[1] == "0" ? nil : String(parts[1])
            let family: Character = kind == "Z" ? "Z" : kind == "P" ? "P" : "H"
            var cell = cells[key] ?? KeyContent(kind: family, expiry: expiry)
            let other = FieldLaw.other(field)
            if cell.fields[field] == nil, kind != "P", cell.fields[other] != nil { field = other }
            let before = cell.fields[field]
            switch kind {
            case "H", "Z":
                let sum = (Int64(before ?? "0") ?? 0) + (Int64(value) ?? 0)
                // A cell that is there keeps its place in a full key, also where the sum is 0.
                let keepsPlace =
                    before != nil && log.isLimited && AdmissionOracle.isFull(cell, key)
                cell.fields[field] = sum == 0 && !keepsPlace ? nil : String(sum)
            case "P":
                cell.fields.merge(cells[key + ":parked"]?.fields ?? [:]) { one, _ in one }
                cells[key + ":parked"] = nil
            case "m": cell.fields[field] = before.map { min($0, value) } ?? value
            default: cell.fields[field] = before.map { max($0, value) } ?? value
            }
            cells[key] = cell.fields.isEmpty ? nil : cell
        }
        return cells
    }

    private func place(
        of shard: Int, _ content: SimulatedServer.Content
    ) -> LedgerOracle.Place {
        var place = LedgerOracle.Place(origins: [], marks: [], lost: [])
        for partition in log.counted {
            let field = "\(SimulatedLog.topic)/\(partition.number)"
            let origin = content.origins?[partition.number] ?? 0
            place.origins.append(origin)
            let mark = content.shards[shard].marks[field].flatMap { Int64($0) }
            place.marks.append(mark ?? origin)
            place.lost.append(content.lost[shard][partition.number] ?? [])
        }
        return place
    }

    /// The content that belongs to these marks: what was known, taken
    /// further where that is possible.
    private func expected(_ shard: Int, _ place: LedgerOracle.Place) -> ShardContent {
        var content = ShardContent()
        var from = place.origins
        if let last = known[shard], isContinued(last.place, place) {
            content = last.content
            for index in last.place.marks.indices { from[index] = last.place.marks[index] }
        }
        for (index, partition) in log.counted.enumerated() where from[index] < place.marks[index] {
            LedgerOracle.advance(
                &content, shard: shard, partition, from: from[index], to: place.marks[index],
                lost: place.lost[index])
        }
        known[shard] = Known(place: place, content: content)
        return content
    }

    private func isContinued(_ old: LedgerOracle.Place, _ new: LedgerOracle.Place) -> Bool {
        old.marks.indices.allSatisfy {
            old.origins[$0] == new.origins[$0] && old.marks[$0] <= new.marks[$0]
                && new.lost[$0].starts(with: old.lost[$0])
                && new.lost[$0].dropFirst(old.lost[$0].count).allSatisfy { [at = old.marks[$0]] in
                    $0.lowerBound >= at
                }
        }
    }

    /// The stored fingerprint is that of a record below the mark.
    private func fingerprintProblem(
        _ content: ShardContent, _ partition: SimulatedPartition
    ) -> String? {
        let field = "\(SimulatedLog.topic)/\(partition.number)"
        guard let text = content.marks[field + "@"], let mark = Int64(content.marks[field] ?? "")
        else { return nil }
        guard let offset = Int64(text.split(separator: " ")[0]), offset < mark,
            partition.record(at: offset)?.fingerprint == text
        else { return "fingerprint \(text) at mark \(mark) of \(field)" }
        return nil
    }

    private static func differing(_ one: [String: String], _ other: [String: String]) -> String {
        Set(one.keys).union(other.keys).sorted().filter { one[$0] != other[$0] }
            .map { "\($0) \(one[$0] ?? "0") stands, \(other[$0] ?? "0") is right" }
            .joined(separator: "; ")
    }

    private func text(_ content: KeyContent?) -> String {
        guard let content else { return "nothing" }
        let fields = content.fields.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        return
            "\(content.kind) \(fields.joined(separator: " ")) expiry \(content.expiry ?? "never")"
    }
}
