public import Metering

/// Writes a tally as the arguments of one commit: cells grouped by key, so that a key is named
/// once.
///
/// Each lane has its own, whose memory is used again. One thread.
public struct TallyEncoder: ~Copyable {
    /// What cells are sorted by, so that those of one key follow each other.
    struct SortedCell {
        /// Organization and scope.
        var owner: UInt64
        /// The key (its first set, window and first number of its bucket; for totals nothing), and
        /// in the lowest byte the group within the key.
        var group: UInt64
        /// The same in all cells of a key.
        var keyGroup: UInt64 { group >> 8 }
        /// What tells the members of a group apart: set and symbol, step or window number.
        var member: UInt64
        var index: Int32
    }
    /// The limits of one set, as in `GroupLimits`, with ranges of `texts` instead of texts.
    private struct LimitRanges {
        var text: Range<Int>
        var redirected: Range<Int>
        var other: Range<Int>
        /// The most members; `Int.max`: no limit.
        var most: Int
        var mostScopes: Int?
    }
    /// What every cell needs of its set; a plain value, so that no references are counted.
    struct SetKind {
        var shape: CellShape
        var operation: CellOperation
        /// Whether it shares keys with other meters.
        var isFamily: Bool
        /// The first set whose cells are in the same keys.
        var keySet: UInt16
        /// Where `texts` has the beginning of its members: `METER:` in a family's key.
        var head: Range<Int>
        /// Tells groups of one key apart: by operation, and whether members are limited.
        var group: UInt8
        /// The bit of `group` that says so.
        static var limited: UInt8 { 8 }
    }
    let sets: [SetKind]
    private let retentionSeconds: [[Int64]]
    let meters: [[UInt8]]
    /// What names of keys have in the place of the meter: its family, where it has one.
    private let keyNames: [[UInt8]]
    private let prefixes: [[UInt8]]
    private let marksKeys: [[UInt8]]
    private let auditKeys: [[UInt8]]
    private let scratchKeys: [[UInt8]]
    private let registerKeys: [[UInt8]]
    /// By set.
    private let limits: [LimitRanges]
    /// The texts of all limits and beginnings of members, one after the other; raw memory, so that
    /// no references are counted.
    let texts: UnsafeMutableRawBufferPointer
    private var memory = ScopeMemory()
    /// Scopes of this commit that are counted under `__other__`, with their limits.
    private var refused: [(scope: [UInt8], most: Int)] = []
    /// Whether this commit has a key whose scope is limited.
    private var needsRegister = false
    /// Whether cells may travel as dumps; else all of them are entries.
    public var mayDump = true
    /// Cells that the last `addCells` wrote under a scope's `__other__`, by meter.
    public private(set) var redirected: [String: Int64] = [:]
    var sortedCells: [SortedCell] = []
    var key: [UInt8] = []
    var member: [UInt8] = []
    var value: [UInt8] = []
    var dump = KeyDump()
    var sketch = SketchDump()
    private var knownKeys = KnownKeys()
    let number = UnsafeMutableRawPointer.allocate(byteCount: 32, alignment: 8)

    /// An encoder for the cells of one program under one layout.
    public init(layout: KeyLayout, cellSets: [CellSet]) {
        retentionSeconds = cellSets.map(\.retentionSeconds)
        meters = cellSets.map { Array($0.meter.utf8) }
        keyNames = cellSets.map { Array(($0.family ?? $0.meter).utf8) }
        prefixes = (0..<layout.shardCount).map(layout.shardPrefix)
        marksKeys = (0..<layout.shardCount).map { layout.marksKey(shard: $0) }
        auditKeys = (0..<layout.shardCount).map { layout.auditKey(shard: $0) }
        scratchKeys = (0..<layout.shardCount).map { layout.scratchKey(shard: $0) }
        registerKeys = (0..<layout.shardCount).map { layout.scopesKey(shard: $0) }
        var texts: [UInt8] = []
        func range(of text: [UInt8]) -> Range<Int> {
            texts += text
            return texts.count - text.count..<texts.count
        }
        var keySets: [String: UInt16] = [:]
        sets = cellSets.indices.map { index in
            let set = cellSets[index]
            // A family's series are in other keys than its tables.
            let name = "\(set.family ?? "\(index)") \(set.scope) \(set.shape == .series)"
            let keySet = keySets[name] ?? UInt16(index)
            keySets[name] = keySet
            return SetKind(
                shape: set.shape, operation: set.operation, isFamily: set.family != nil,
                keySet: keySet,
                head: range(of: set.family == nil ? [] : Array("\(set.meter):".utf8)),
                group: set.operation.rawValue | (set.most == nil ? 0 : SetKind.limited))
        }
        limits = cellSets.map {
            let limits = GroupLimits(
                most: $0.most, isFamily: $0.family != nil, scope: $0.scope,
                mostScopes: $0.mostScopes, other: Most.other)
            return LimitRanges(
                text: range(of: limits.text), redirected: range(of: limits.redirected),
                other: range(of: limits.other), most: $0.most ?? .max,
                mostScopes: limits.mostScopes)
        }
        self.texts = .allocate(byteCount: texts.count, alignment: 1)
        self.texts.copyBytes(from: texts)
    }

    deinit {
        number.deallocate()
        texts.deallocate()
    }

    /// Starts a commit of one shard; the caller adds ranges and audit entries.
    public func begin(_ arguments: inout CommitArguments, shard: Int, contract: [UInt8]) {
        arguments.begin(
            marksKey: marksKeys[shard], auditKey: auditKeys[shard], scratchKey: scratchKeys[shard],
            contract: contract)
    }

    /// Adds all cells of a tally.
    public mutating func addCells(
        of tally: borrowing Tally, shard: Int, to arguments: inout CommitArguments
    ) {
        order(tally)
        needsRegister = false
        if !refused.isEmpty { refused.removeAll(keepingCapacity: true) }
        if !redirected.isEmpty { redirected.removeAll(keepingCapacity: true) }
        var first = 0
        while first < sortedCells.count {
            var end = first + 1
            while end < sortedCells.count, sortedCells[end].owner == sortedCells[first].owner,
                sortedCells[end].keyGroup == sortedCells[first].keyGroup
            {
                end += 1
            }
            addKey(first..<end, tally, shard, &arguments)
            first = end
        }
        if needsRegister { arguments.addRegister(key: registerKeys[shard], refused: refused) }
    }

    /// Takes what the script said of scopes; the same tally must be written again.
    public mutating func learn(_ verdicts: [ScopeVerdict]) {
        for verdict in verdicts { memory.learn(verdict) }
    }

    /// Whether the cells of a group must be counted under their scope's `__other__`.
    private mutating func isRedirected(
        _ group: Range<Int>, _ first: TallyCell, _ tally: borrowing Tally
    ) -> Bool {
        guard first.scope != 0, let most = limits[Int(first.cellSet)].mostScopes else {
            return false
        }
        needsRegister = true
        guard !memory.isEmpty else { return false }
        let scope =
            Array(tally.bytes(first.organization)) + [UInt8(ascii: ":")] + tally.bytes(first.scope)
        guard memory.refuses(scope) else { return false }
        // Groups of one scope follow each other.
        if refused.last?.scope != scope { refused.append((scope: scope, most: most)) }
        for position in group {
            let set = Int(tally[Int(sortedCells[position].index)].cellSet)
            redirected[String(decoding: meters[set], as: UTF8.self), default: 0] += 1
        }
        return true
    }

    /// Whether a scope is the one that counts those beyond the limit: a value may be spelled so.
    private func isOtherScope(_ scope: UnsafeRawBufferPointer, _ other: Range<Int>) -> Bool {
        scope.count == other.count && scope.elementsEqual(texts[other])
    }

    /// What follows the letter of a group under these limits.
    private func limitText(_ limits: LimitRanges, _ isRedirected: Bool) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: texts[isRedirected ? limits.redirected : limits.text])
    }

    /// Adds the cells of one key.
    private mutating func addKey(
        _ cells: Range<Int>, _ tally: borrowing Tally, _ shard: Int,
        _ arguments: inout CommitArguments
    ) {
        let first = tally[Int(sortedCells[cells.lowerBound].index)]
        let operation = sets[Int(first.cellSet)].operation
        let isRedirected = isRedirected(cells, first, tally)
        let own = limits[Int(first.cellSet)]
        let limits = limitText(own, isRedirected)
        let expirySecond = writeKey(of: first, tally, shard, isRedirected)
        // Several scopes may be redirected to one key, and a key that is made is named once.
        // Of more members than the limit some are not kept apart.
        let isOther = first.scope != 0 && isOtherScope(tally.bytes(first.scope), own.other)
        let isNew =
            mayDump && !isRedirected && !isOther && cells.count <= own.most
            && key.withUnsafeBytes { knownKeys.insert($0) }
        if mayDump, operation == .addScore, fillScores(cells, tally, inOrder: isNew) {
            key.withUnsafeBytes {
                arguments.addUnion(
                    key: $0, expirySecond: expirySecond, limits: limits, isNew: isNew, &dump)
            }
            return
        }
        if isNew, operation != .addScore, operation != .distinct,
            addHash(cells, tally, expirySecond, limits, &arguments)
        {
            return
        }
        if isNew, operation == .distinct, fillSketch(cells, tally) {
            key.withUnsafeBytes {
                arguments.beginSketch(
                    key: $0, expirySecond: expirySecond, limits: limits, &sketch)
            }
            for position in cells {
                addEntry(tally[Int(sortedCells[position].index)], tally, &arguments)
            }
            return
        }
        for position in cells {
            let cell = tally[Int(sortedCells[position].index)]
            if position == cells.lowerBound
                || sortedCells[position].group != sortedCells[position - 1].group
            {
                let kind = sets[Int(cell.cellSet)].operation.argumentKind
                let limits = limitText(self.limits[Int(cell.cellSet)], isRedirected)
                key.withUnsafeBytes {
                    arguments.beginGroup(kind, key: $0, expirySecond: expirySecond, limits: limits)
                }
            }
            addEntry(cell, tally, &arguments)
        }
    }

    private mutating func order(_ tally: borrowing Tally) {
        sortedCells.removeAll(keepingCapacity: true)
        for index in 0..<tally.count {
            let cell = tally[index]
            let set = sets[Int(cell.cellSet)]
            sortedCells.append(
                SortedCell(
                    owner: UInt64(cell.organization) << 32 | UInt64(cell.scope),
                    group: group(of: cell, set), member: member(of: cell, set),
                    index: Int32(index)))
        }
        sortedCells.sort { left, right in
            if left.owner != right.owner { return left.owner < right.owner }
            if left.group != right.group { return left.group < right.group }
            return left.member < right.member
        }
    }

    private func group(of cell: TallyCell, _ set: SetKind) -> UInt64 {
        // All totals of a scope are in one key.
        if set.shape == .series, cell.window == .all { return ~0xFF | UInt64(set.group) }
        let first = bucket(of: cell, set).lowerBound
        return UInt64(set.keySet) << 48 | UInt64(cell.window.rawValue) << 40
            | UInt64(UInt32(bitPattern: first)) << 8 | UInt64(set.group)
    }

    private func member(of cell: TallyCell, _ set: SetKind) -> UInt64 {
        let own =
            switch set.shape {
            case .series, .grid: UInt32(bitPattern: cell.number)
            case .table, .ranking, .distinct, .histogram: cell.member
            }
        return UInt64(cell.cellSet) << 32 | UInt64(own)
    }

    /// First and last window number in the cell's key.
    private func bucket(of cell: TallyCell, _ set: SetKind) -> ClosedRange<Int32> {
        switch set.shape {
        case .series:
            KeyLayout.seriesBucket(cell.window, cell.number, isFamily: set.isFamily)
        case .grid: cell.number / 24...cell.number / 24
        default: cell.number...cell.number
        }
    }

    /// Writes the key of the cell's group, or of its scope's `__other__`; returns the second since
    /// 1970 at which the key ends, nil: never.
    private mutating func writeKey(
        of cell: TallyCell, _ tally: borrowing Tally, _ shard: Int, _ isRedirected: Bool
    ) -> Int64? {
        let set = sets[Int(cell.cellSet)]
        let bucket = bucket(of: cell, set)
        key.removeAll(keepingCapacity: true)
        key.append(contentsOf: prefixes[shard])
        key.append(contentsOf: tally.bytes(cell.organization))
        if cell.scope != 0 {
            key.append(UInt8(ascii: ":"))
            if isRedirected {
                key.append(contentsOf: texts[limits[Int(cell.cellSet)].other])
            } else {
                key.append(contentsOf: tally.bytes(cell.scope))
            }
        }
        KeyLayout.appendCellKeySuffix(
            meter: keyNames[Int(cell.cellSet)], isFamily: set.isFamily, shape: set.shape,
            window: cell.window,
            number: set.shape == .grid ? bucket.lowerBound : cell.number, to: &key)
        let keptSeconds = retentionSeconds[Int(cell.cellSet)][Int(cell.window.rawValue)]
        return keptSeconds < 0 ? nil : cell.window.end(of: bucket.upperBound) + keptSeconds
    }
}

extension CellOperation {
    /// The commit script's letter.
    var argumentKind: CommitArguments.Kind {
        switch self {
        case .add: .add
        case .addScore: .score
        case .minimum: .minimum
        case .maximum: .maximum
        case .first: .first
        case .last: .last
        case .distinct: .distinct
        }
    }
}
