import Redis
import Workload

/// Decides which expected cells belong to `__other__`, where there were more values than a meter's
/// limit keeps apart.
///
/// Which values came first depends on the order of commits, so the log does not tell. The ledger
/// does: a member is kept apart when it is in its key, a scope when it is in the shard's register.
/// A value that is kept apart must hold all that the log has of it, and `__other__` must hold all
/// the rest. So the expected cells of the rest are moved there, and then everything is compared.
struct Admission {
    private static let other = Array("__other__".utf8)
    /// How many keys are asked for in one pipeline.
    private static let batch = 500

    private let meters: [[UInt8]: OracleMeter]
    private let limits: ComparisonLimits
    private let parked: ParkedChanges
    private let prefixLength: Int
    /// Names of registered scopes: `ORG:DIM=VALUE…`.
    private var registered: Set<[UInt8]> = []
    /// How many scopes are registered, by `ORG:DIM…`.
    private var counts: [[UInt8]: Int] = [:]

    init(
        _ meters: [OracleMeter], _ limits: ComparisonLimits, _ parked: ParkedChanges,
        prefixLength: Int
    ) {
        self.parked = parked
        self.meters = Dictionary(
            meters.map { (Array($0.name.utf8), $0) }, uniquingKeysWith: { first, _ in first })
        self.limits = limits
        self.prefixLength = prefixLength
    }

    // MARK: Scopes

    /// Moves the cells of scopes that have no keys of their own.
    mutating func judgeScopes(
        _ ledger: inout LedgerReader, _ cells: inout ExpectedCells,
        _ report: inout VerificationReport
    ) throws(VerifyError) {
        guard meters.values.contains(where: { $0.mostScopes != nil && $0.scopes != [[]] }) else {
            return
        }
        try readRegisters(&ledger, &report)
        var asked: [(key: Int, name: [UInt8])] = []
        for key in 0..<cells.keyCount where cells.count(key) > 0 {
            let name = cells.name(key)
            guard let (scope, most) = scope(of: name), !registered.contains(scope),
                let dimensions = Self.dimensions(of: scope), counts[dimensions] ?? 0 >= most
            else { continue }
            asked.append((key, name))
        }
        for start in stride(from: 0, to: asked.count, by: Self.batch) {
            let part = asked[start..<min(asked.count, start + Self.batch)]
            // A ledger that is older than the limit has scopes that are not registered.
            let isThere = try ledger.exist(part.map(\.name))
            for (scoped, isThere) in zip(part, isThere) where !isThere {
                let target = redirected(scoped.name)
                let key = LedgerKey(scoped.name, prefixLength: prefixLength)
                cells.move(scoped.key, keepsLarger: { keepsLarger($0, key) }) {
                    (key: target, member: $0)
                }
            }
        }
    }

    private mutating func readRegisters(
        _ ledger: inout LedgerReader, _ report: inout VerificationReport
    ) throws(VerifyError) {
        for shard in 0..<ledger.shards {
            let name = Array("\(ledger.start(of: shard))scopes".utf8)
            let found = try ledger.talk { connection throws(RedisError) in
                try Comparison.readInSteps(name, .hash, &connection)
            }
            if let errorText = found.errorText {
                report.add(.different, name, expected: "a hash", found: errorText)
            }
            var counts: [[UInt8]: Int] = [:]
            var stored: [[UInt8]: [UInt8]] = [:]
            for (member, value) in found.cells {
                guard let dimensions = Self.dimensions(of: member) else {
                    stored[member] = value
                    continue
                }
                registered.insert(member)
                counts[dimensions, default: 0] += 1
            }
            self.counts.merge(counts) { $1 }
            for member in Set(counts.keys).union(stored.keys) {
                let right = String(counts[member] ?? 0)
                let text = stored[member].map { String(decoding: $0, as: UTF8.self) } ?? "0"
                guard text != right else { continue }
                report.add(.different, name, member: member, expected: right, found: text)
            }
        }
    }

    /// `ORG:DIM…` of `ORG:DIM=VALUE…`; nil when it is not a scope.
    private static func dimensions(of member: [UInt8]) -> [UInt8]? {
        let parts = member.split(separator: 0x3A, omittingEmptySubsequences: false)
        guard parts.count > 1, parts.dropFirst().allSatisfy({ $0.contains(0x3D) }) else {
            return nil
        }
        let names = parts.dropFirst().map { $0.prefix { $0 != 0x3D } }
        return Array(([parts[0]] + names).joined(separator: [0x3A]))
    }

    /// A key's name taken apart: the text up to the shard, then the parts between colons, and which
    /// of these are the scope.
    private func parts(
        _ name: [UInt8]
    ) -> (head: ArraySlice<UInt8>, all: [ArraySlice<UInt8>], scope: Range<Int>) {
        let rest = name.dropFirst(prefixLength)
        let start = (rest.firstIndex(of: 0x3A) ?? rest.endIndex - 1) + 1
        let all = name[start...].split(separator: 0x3A, omittingEmptySubsequences: false)
        var end = 1
        while end < all.count, all[end].contains(0x3D) { end += 1 }
        return (name[..<start], all, 1..<end)
    }

    /// `ORG:DIM=VALUE…` of a key whose scope has a limit, and the limit.
    private func scope(of name: [UInt8]) -> (name: [UInt8], most: Int)? {
        let (_, all, scope) = parts(name)
        guard !scope.isEmpty else { return nil }
        let names = all[scope].map { part in
            String(decoding: part.prefix { $0 != 0x3D }, as: UTF8.self)
        }
        // Meters of one scope share its limit.
        guard let most = meters.values.first(where: { $0.scopes.contains(names) })?.mostScopes
        else { return nil }
        return (Array(([all[0]] + all[scope]).joined(separator: [0x3A])), most)
    }

    /// The key's name with `__other__` as each value of its scope.
    private func redirected(_ name: [UInt8]) -> [UInt8] {
        var (head, all, scope) = parts(name)
        for place in scope {
            all[place] = ArraySlice(Array(all[place].prefix { $0 != 0x3D }) + [0x3D] + Self.other)
        }
        return Array(head) + all.joined(separator: [0x3A])
    }

    // MARK: Members

    /// Moves the cells of values that are not in their key, when the key has more than its limit.
    func judgeMembers(
        _ ledger: inout LedgerReader, _ cells: inout ExpectedCells,
        _ report: inout VerificationReport
    ) throws(VerifyError) {
        // Keys are selected before the first cell moves, as a move changes their counts.
        var crowded: [(number: Int, key: LedgerKey, most: Int, isSpelled: Bool)] = []
        for number in 0..<cells.keyCount where cells.shape(number) != .distinct {
            let key = LedgerKey(cells.name(number), prefixLength: prefixLength)
            guard let most = limits.most(in: key),
                cells.count(number) > most,
                limits.reason(against: key, expirySeconds: cells.expirySeconds(number)) == nil,
                !isSeries(number, key, cells)
            else { continue }
            let isSpelled = cells.cells(number).contains { isOther($0.member, key) }
            crowded.append((number, key, most, isSpelled))
        }
        for (number, key, most, isSpelled) in crowded {
            let name = cells.name(number)
            let shape = cells.shape(number)
            let found = try ledger.talk { connection throws(RedisError) in
                try Comparison.readInSteps(name, shape, &connection)
            }
            guard found.errorText == nil, !found.cells.isEmpty else { continue }
            // A value whose change is parked was kept apart, too.
            let present = Set(found.cells.map(\.member))
                .union((parked.keys[name] ?? []).map(\.member))
            let others = present.filter { isOther($0, key) }
            if let other = others.first, !isSpelled, present.count - others.count < most {
                report.add(
                    .different, name, member: other, expected: "\(most) values before it",
                    found: "\(present.count - others.count) values")
            }
            cells.move(number, keepsLarger: { keepsLarger($0, key) }) { member in
                guard !present.contains(member), let other = other(member, key) else { return nil }
                return (key: name, member: other)
            }
        }
    }

    /// Whether the members of a family's key are windows of series, which have no limit.
    private func isSeries(
        _ number: Int, _ key: LedgerKey, _ cells: borrowing ExpectedCells
    ) -> Bool {
        guard let member = cells.cells(number).first?.member else { return false }
        return meters[limits.meter(of: member, in: key)]?.isSeries ?? false
    }

    /// The member that holds all values of a member's meter that are not kept apart; nil where the
    /// meter has no limit.
    private func other(_ member: [UInt8], _ key: LedgerKey) -> [UInt8]? {
        guard let meter = meters[limits.meter(of: member, in: key)], meter.isTable else {
            return nil
        }
        return meter.head + meter.by.map { _ in Self.other }.joined(separator: [0x3A])
    }

    private func isOther(_ member: [UInt8], _ key: LedgerKey) -> Bool {
        other(member, key) == member
    }

    /// Whether a cell keeps the larger of two extremes.
    private func keepsLarger(_ member: [UInt8], _ key: LedgerKey) -> Bool {
        meters[limits.meter(of: member, in: key)]?.keepsLarger ?? true
    }
}
