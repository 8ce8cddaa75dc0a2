import Redis
import Workload

/// What cannot be compared, and from when on it can.
struct ComparisonLimits {
    /// Windows that begin before this may hold events that the log has no more; nil = none do.
    var logStart: Int64?
    /// Meters that were added to the catalog after the ledger was created.
    var laterMeters: Set<[UInt8]> = []
    /// Keys that expire up to this second are gone or going.
    var expiry: Int64 = 0
    /// Most fields of a key, by meter.
    var mostFields: [[UInt8]: Int] = [:]

    /// Whether a cell at 0 may stand in a key with that many cells: it keeps its place where no more may come.
    func keepsZeros(_ key: LedgerKey, cells: Int) -> Bool {
        key.meter.flatMap { mostFields[$0] }.map { cells >= $0 } ?? false
    }

    func reason(against key: LedgerKey, expiry: Int64?) -> VerificationReport.Reason? {
        if let meter = key.meter, laterMeters.contains(meter) { return .meterAddedLater }
        if let expiry, expiry <= self.expiry { return .expired }
        guard let logStart else { return nil }
        return (key.start ?? .min) < logStart ? .olderThanLog : nil
    }
}

/// Compares what the oracle expects with what stands in the ledger, both ways.
struct Comparison: ~Copyable {
    /// Keys that are read in one pipeline.
    private static let batch = 200
    /// Keys with more cells are read in steps, so that Redis is never held for long.
    private static let largest = 5_000

    var report: VerificationReport
    private let limits: ComparisonLimits
    let parked: ParkedFields
    private var seen: [Bool]
    private var extras: Set<[UInt8]> = []
    private var due: [(number: Int, key: LedgerKey)] = []
    let temporary: String

    init(
        _ report: VerificationReport, limits: ComparisonLimits, parked: ParkedFields, keys: Int,
        prefix: String
    ) {
        self.report = report
        self.limits = limits
        self.parked = parked
        self.report.parked = parked.keys.values.reduce(0) { $0 + $1.count }
        seen = [Bool](repeating: false, count: keys)
        temporary = "\(prefix):verify:{0}:\(UInt64.random(in: 0...UInt64.max))"
    }

    /// Goes through all keys of the ledger, then through those that were expected and not met.
    mutating func run(
        _ ledger: inout LedgerReader, _ cells: borrowing ExpectedCells,
        _ progress: (VerificationProgress) -> Void
    ) throws(VerifyError) {
        var cursor = "0"
        var done = 0
        repeat {
            let (next, names) = try ledger.scan(cursor)
            for name in names { meet(name, ledger.prefix.utf8.count, cells) }
            if due.count >= Self.batch { try compare(&ledger, cells) }
            if report.keys / 20_000 > done {
                done = report.keys / 20_000
                progress(.comparing(keys: report.keys, of: cells.keyCount))
            }
            cursor = next
        } while cursor != "0"
        // A key may be absent because all of it is parked.
        for (name, fields) in parked.keys {
            guard fields.contains(where: { $0.expiry == 0 || $0.expiry > limits.expiry }) else {
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

    /// Takes a name from the ledger; it may come twice.
    private mutating func meet(_ name: [UInt8], _ prefix: Int, _ cells: borrowing ExpectedCells) {
        let key = LedgerKey(name, prefixLength: prefix)
        guard key.role == .cells else { return }
        guard let number = name.withUnsafeBytes({ cells.number(of: $0) }) else {
            guard extras.insert(name).inserted else { return }
            if let reason = limits.reason(against: key, expiry: nil) {
                report.skip(reason)
            } else {
                report.add(.extra, name, found: "a key")
            }
            return
        }
        guard !seen[number] else { return }
        seen[number] = true
        if let reason = limits.reason(against: key, expiry: cells.expiry(number)) {
            report.skip(reason)
        } else {
            due.append((number, key))
        }
    }

    /// Counts a key that was expected and not met.
    private mutating func miss(_ number: Int, _ prefix: Int, _ cells: borrowing ExpectedCells) {
        let isEmpty =
            cells.shape(number) == .distinct
            ? cells.count(number) == 0 : cells.cells(number).isEmpty
        guard !isEmpty else { return }
        let name = cells.name(number)
        let key = LedgerKey(name, prefixLength: prefix)
        if let reason = limits.reason(against: key, expiry: cells.expiry(number)) {
            return report.skip(reason)
        }
        report.keys += 1
        guard cells.shape(number) != .distinct else {
            return report.add(.missing, name, expected: "\(cells.values(number).count) values")
        }
        for (field, value) in cells.cells(number) where !isLater(field, key) {
            report.add(.missing, name, field: field, expected: Self.text(value))
        }
    }

    /// Whether a field of totals belongs to a meter that was added later.
    private func isLater(_ field: [UInt8], _ key: LedgerKey) -> Bool {
        key.meter == nil && limits.laterMeters.contains(field)
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
        if let problem = found.problem, parked.keys[name] == nil {
            return report.add(
                .different, name, expected: "\(cells.shape(number))", found: problem)
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
        // A foreign value has an expiry of its own; what it keeps out is right all the same.
        if found.problem != nil { return }
        let expiry = cells.expiry(number).map { $0 * 1_000 } ?? -1
        if found.expiry != expiry, found.expiry != -2 {
            report.add(
                .different, name, expected: "expiry \(expiry) ms",
                found: "expiry \(found.expiry) ms")
        }
    }

    private mutating func compare(
        _ number: Int, _ name: [UInt8], _ key: LedgerKey,
        _ found: [(field: [UInt8], value: [UInt8])],
        _ cells: borrowing ExpectedCells
    ) {
        var expected: [[UInt8]: ExpectedValue] = [:]
        for (field, value) in cells.cells(number) { expected[field] = value }
        for (field, value) in found where !isLater(field, key) {
            report.cells += 1
            let text = String(decoding: value, as: UTF8.self)
            guard let right = expected.removeValue(forKey: field) else {
                let isZero = text == "0" || text == "-0"
                if isZero, limits.keepsZeros(key, cells: cells.count(number)) { continue }
                report.add(.extra, name, field: field, found: text)
                continue
            }
            guard !Array(Self.text(right).utf8).elementsEqual(value) else { continue }
            if case .text(let bytes) = right, bytes == value { continue }
            report.add(.different, name, field: field, expected: Self.text(right), found: text)
        }
        for (field, value) in expected where !isLater(field, key) {
            report.cells += 1
            report.add(.missing, name, field: field, expected: Self.text(value))
        }
    }
}
