import Redis
import Workload

/// What a comparison must leave out.
struct ComparisonLimits {
    /// Windows that begin before this may hold events that are no longer in the log; nil when there
    /// are none.
    var logStartMilliseconds: Int64?
    /// Meters that were added to the catalog after the ledger was created.
    var laterMeters: Set<[UInt8]> = []
    /// Keys that expire up to this time, in seconds since 1970, may be gone.
    var expirySeconds: Int64 = 0
    /// The most members that a key keeps apart, by meter or family.
    var mostMembers: [[UInt8]: Int] = [:]
    /// Names of families; a member of their keys begins with its meter's name.
    var families: Set<[UInt8]> = []

    /// How far a key's expiry may be from the computed one.
    ///
    /// MIGRATE carries how long a key still lives, not until when: each move of a slot in a cluster
    /// changes the expiry by the time that it took.
    var expiryToleranceMilliseconds: Int64 = 0

    /// Whether a key's expiry is the computed one; −1: it has none.
    func isSame(_ expiryMilliseconds: Int64, _ expected: Int64) -> Bool {
        if expiryMilliseconds == expected { return true }
        return expiryMilliseconds >= 0 && expected >= 0
            && abs(expiryMilliseconds - expected) <= expiryToleranceMilliseconds
    }

    /// Whether a cell of value 0 may be in a key with that many cells: a key at its limit keeps
    /// them.
    func keepsZeros(_ key: LedgerKey, cells: Int) -> Bool {
        most(in: key).map { cells >= $0 } ?? false
    }

    /// The most members that a key keeps apart; nil: any number.
    func most(in key: LedgerKey) -> Int? {
        key.isList ? nil : key.meter.flatMap { mostMembers[$0] }
    }

    /// The meter of a member of a key.
    func meter(of member: [UInt8], in key: LedgerKey) -> [UInt8] {
        guard let name = key.meter else { return member }
        return families.contains(name) ? Array(member.prefix { $0 != 0x3A }) : name
    }

    func reason(against key: LedgerKey, expirySeconds: Int64?) -> VerificationReport.Reason? {
        if let meter = key.meter, laterMeters.contains(meter) { return .meterAddedLater }
        if let expirySeconds, expirySeconds <= self.expirySeconds { return .expired }
        guard let logStartMilliseconds else { return nil }
        return (key.startMilliseconds ?? .min) < logStartMilliseconds ? .olderThanLog : nil
    }
}

/// Compares what the oracle expects with what is in the ledger, in both directions.
struct Comparison: ~Copyable {
    /// How many keys are read in one pipeline.
    private static let batch = 200
    /// Keys with more cells are read in steps, so that no command blocks Redis for long.
    private static let largest = 5_000

    var report: VerificationReport
    private let limits: ComparisonLimits
    let parked: ParkedChanges
    private var seen: [Bool]
    private var extras: Set<[UInt8]> = []
    private var due: [(number: Int, key: LedgerKey)] = []
    let temporary: String

    init(
        _ report: VerificationReport, limits: ComparisonLimits, parked: ParkedChanges, keys: Int,
        prefix: String
    ) {
        self.report = report
        self.limits = limits
        self.parked = parked
        self.report.parked = parked.keys.values.reduce(0) { $0 + $1.count }
        seen = [Bool](repeating: false, count: keys)
        temporary = "\(prefix):verify:{0}:\(UInt64.random(in: 0...UInt64.max))"
    }

    /// Compares all keys of the ledger, then reports those that were expected and not found.
    mutating func run(
        _ ledger: inout LedgerReader, _ cells: borrowing ExpectedCells,
        _ progress: (VerificationProgress) -> Void
    ) throws(VerifyError) {
        var done = 0
        try ledger.scan { names, ledger throws(VerifyError) in
            for name in names { self.meet(name, ledger.prefix.utf8.count, cells) }
            if self.due.count >= Self.batch { try self.compare(&ledger, cells) }
            if self.report.keys / 20_000 > done {
                done = self.report.keys / 20_000
                progress(.comparing(keys: self.report.keys, of: cells.keyCount))
            }
        }
        if ledger.isCluster { try meetMoved(&ledger, cells) }
        // A key may be absent because all its changes are parked.
        for (name, members) in parked.keys {
            guard
                members.contains(where: {
                    $0.expirySeconds == 0 || $0.expirySeconds > limits.expirySeconds
                })
            else {
                continue
            }
            meet(name, ledger.prefix.utf8.count, cells)
        }
        try compare(&ledger, cells)
        for number in 0..<cells.keyCount where !seen[number] {
            miss(number, ledger.prefix.utf8.count, cells)
        }
        progress(.comparing(keys: report.keys, of: cells.keyCount))
    }

    /// Takes a key's name from a scan, which may return it twice.
    private mutating func meet(_ name: [UInt8], _ prefix: Int, _ cells: borrowing ExpectedCells) {
        let key = LedgerKey(name, prefixLength: prefix)
        guard key.role == .cells else { return }
        guard let number = name.withUnsafeBytes({ cells.number(of: $0) }) else {
            guard extras.insert(name).inserted else { return }
            if let reason = limits.reason(against: key, expirySeconds: nil) {
                report.skip(reason)
            } else {
                report.add(.extra, name, found: "a key")
            }
            return
        }
        guard !seen[number] else { return }
        seen[number] = true
        if let reason = limits.reason(against: key, expirySeconds: cells.expirySeconds(number)) {
            report.skip(reason)
        } else {
            due.append((number, key))
        }
    }

    /// Looks for the keys that no scan gave: they may have moved from a master that was not scanned
    /// yet to one that was.
    private mutating func meetMoved(
        _ ledger: inout LedgerReader, _ cells: borrowing ExpectedCells
    ) throws(VerifyError) {
        var rest = (0..<cells.keyCount).filter { !seen[$0] }[...]
        while !rest.isEmpty {
            let part = rest.prefix(Self.batch)
            rest = rest.dropFirst(part.count)
            let names = part.map { cells.name($0) }
            for (name, isThere) in zip(names, try ledger.exist(names)) where isThere {
                meet(name, ledger.prefix.utf8.count, cells)
            }
            try compare(&ledger, cells)
        }
    }

    /// Reports a key that was expected and not found.
    private mutating func miss(_ number: Int, _ prefix: Int, _ cells: borrowing ExpectedCells) {
        let isEmpty =
            cells.shape(number) == .distinct
            ? cells.count(number) == 0 : cells.cells(number).isEmpty
        guard !isEmpty else { return }
        let name = cells.name(number)
        let key = LedgerKey(name, prefixLength: prefix)
        if let reason = limits.reason(against: key, expirySeconds: cells.expirySeconds(number)) {
            return report.skip(reason)
        }
        report.keys += 1
        guard cells.shape(number) != .distinct else {
            return report.add(.missing, name, expected: "\(cells.values(number).count) values")
        }
        for (member, value) in cells.cells(number) where !isLater(member, key) {
            report.add(.missing, name, member: member, expected: Self.text(value))
        }
    }

    /// Whether a member of totals or of a family belongs to a meter that was added later.
    private func isLater(_ member: [UInt8], _ key: LedgerKey) -> Bool {
        limits.laterMeters.contains(limits.meter(of: member, in: key))
    }

    /// Reads and compares the keys that are due.
    private mutating func compare(
        _ ledger: inout LedgerReader, _ cells: borrowing ExpectedCells
    ) throws(VerifyError) {
        let batch = due
        due.removeAll(keepingCapacity: true)
        var large: [(number: Int, key: LedgerKey)] = []
        var small: [(number: Int, key: LedgerKey)] = []
        for entry in batch {
            let isLarge =
                cells.shape(entry.number) != .distinct
                && cells.count(entry.number) > Self.largest
            if isLarge { large.append(entry) } else { small.append(entry) }
        }
        for entry in small { ask(entry.number, &ledger.connection, cells) }
        for (number, key) in small {
            let found = try ledger.talk { connection throws(RedisError) in
                try self.answer(number, &connection, cells)
            }
            take(number, key, found, cells)
        }
        for (number, key) in large {
            let name = cells.name(number)
            let shape = cells.shape(number)
            let found = try ledger.talk { connection throws(RedisError) in
                try Self.readInSteps(name, shape, &connection)
            }
            take(number, key, found, cells)
        }
    }

    static func text(_ value: ExpectedValue) -> String {
        switch value {
        case .integer(let integer): String(integer)
        case .text(let bytes): String(decoding: bytes, as: UTF8.self)
        }
    }

    private mutating func take(
        _ number: Int, _ key: LedgerKey, _ found: Found, _ cells: borrowing ExpectedCells
    ) {
        report.keys += 1
        let name = cells.name(number)
        if let errorText = found.errorText, parked.keys[name] == nil {
            return report.add(
                .different, name, expected: "\(cells.shape(number))", found: errorText)
        }
        if cells.shape(number) == .distinct {
            report.cells += 1
            if found.count != found.expectedCount {
                report.add(
                    .different, name, expected: "\(found.expectedCount)", found: "\(found.count)")
            }
        } else {
            compare(number, name, key, parked.merged(found.cells, of: name), cells)
        }
        // A key of another type has an expiry of its own; the changes that it refused are parked.
        if found.errorText != nil { return }
        let expiryMilliseconds = cells.expirySeconds(number).map { $0 * 1_000 } ?? -1
        if !limits.isSame(found.expiryMilliseconds, expiryMilliseconds),
            found.expiryMilliseconds != -2
        {
            report.add(
                .different, name, expected: "expiry \(expiryMilliseconds) ms",
                found: "expiry \(found.expiryMilliseconds) ms")
        }
    }

    private mutating func compare(
        _ number: Int, _ name: [UInt8], _ key: LedgerKey,
        _ found: [(member: [UInt8], value: [UInt8])],
        _ cells: borrowing ExpectedCells
    ) {
        var expected: [[UInt8]: ExpectedValue] = [:]
        for (member, value) in cells.cells(number) { expected[member] = value }
        for (member, value) in found where !isLater(member, key) {
            report.cells += 1
            let text = String(decoding: value, as: UTF8.self)
            guard let right = expected.removeValue(forKey: member) else {
                let isZero = text == "0" || text == "-0"
                if isZero, limits.keepsZeros(key, cells: cells.count(number)) { continue }
                report.add(.extra, name, member: member, found: text)
                continue
            }
            guard !Array(Self.text(right).utf8).elementsEqual(value) else { continue }
            if case .text(let bytes) = right, bytes == value { continue }
            report.add(.different, name, member: member, expected: Self.text(right), found: text)
        }
        for (member, value) in expected where !isLater(member, key) {
            report.cells += 1
            report.add(.missing, name, member: member, expected: Self.text(value))
        }
    }
}
