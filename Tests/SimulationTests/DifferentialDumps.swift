@testable import Ledger

/// Groups that make keys of dumps, whose keys may be there or not.
extension DifferentialTests {
    func expiry(_ name: String) -> Int64? { name.hasSuffix("0") ? 4_000_000_000 : nil }

    /// The dump of a hash, whose key may be there or not.
    ///
    /// `limits`: what follows the letter; the members may be more.
    func addHash(
        _ name: String, limits: [UInt8] = [], _ arguments: inout CommitArguments, _ dice: Dice
    ) {
        var kept: [(kind: CommitArguments.Kind, member: [UInt8])] = []
        var values = KeyDump()
        // All members of a limited key share one `__other__`, so they are of one kind.
        let kinds = CommitArguments.Kind.allCases.filter {
            limits.isEmpty ? $0 != .score && $0 != .distinct : $0 == .add
        }
        for kind in kinds {
            for number in 0...(limits.isEmpty ? 2 : 9) where dice.oneIn(3) {
                let member = Array("\(kind)\(number)".utf8)
                let digits = "0000000000000000000\(dice.roll(0...6))"
                let suffix =
                    kind == .first || kind == .last ? ":\(dice.pick(["a", "b", ""]) ?? "")" : ""
                if kind != .add { kept.append((kind, member)) }
                member.withUnsafeBytes { member in
                    if kind == .add {
                        let delta = amount(dice, limit: .max)
                        values.append(member, number: delta == 0 ? 7 : delta)
                    } else {
                        Array((digits + suffix).utf8).withUnsafeBytes {
                            values.append(member, value: $0)
                        }
                    }
                }
            }
        }
        guard values.count > 0 else { return }
        let key = Array((Self.shard + name).utf8)
        key.withUnsafeBytes { key in
            limits.withUnsafeBytes {
                arguments.addHash(
                    key: key, expirySecond: expiry(name), limits: $0, &values,
                    keptCount: kept.count)
            }
        }
        for (kind, member) in kept {
            member.withUnsafeBytes { arguments.addKept(kind, member: $0) }
        }
    }

    /// The dump of a sorted set, whose key may be there or not.
    func addSet(
        _ name: String, limits: [UInt8] = [], _ arguments: inout CommitArguments, _ dice: Dice
    ) {
        let scores = (0..<dice.roll(1...5)).map { (score: small(dice), member: "score\($0)") }
        var values = KeyDump()
        for (score, member) in scores.sorted(by: { $0 < $1 }) {
            Array(member.utf8).withUnsafeBytes { values.append($0, number: score) }
        }
        let key = Array((Self.shard + name).utf8)
        key.withUnsafeBytes { key in
            limits.withUnsafeBytes {
                arguments.addUnion(
                    key: key, expirySecond: expiry(name), limits: $0, isNew: true, &values)
            }
        }
    }

    /// The dump of a HyperLogLog, whose key may be there or not.
    func addSketch(_ name: String, _ arguments: inout CommitArguments, _ dice: Dice) {
        let values = (0..<dice.roll(1...3)).map { _ in Array("m\(dice.roll(0...4))".utf8) }
        var sketch = SketchDump()
        sketch.begin()
        for value in values { _ = value.withUnsafeBytes { sketch.insert($0) } }
        Array((Self.shard + name).utf8).withUnsafeBytes {
            arguments.beginSketch(
                key: $0, expirySecond: expiry(name),
                limits: UnsafeRawBufferPointer(start: nil, count: 0), &sketch)
        }
        for value in values { arguments.addDistinct(value) }
    }
}
