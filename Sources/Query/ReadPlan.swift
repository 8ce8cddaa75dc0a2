internal import Ledger
internal import Metering

/// The reads of one answer, each key once.
struct ReadPlan {
    /// Where a member's value will be found in the snapshot.
    struct Slot {
        let read: Int
        let position: Int
    }

    private(set) var reads: [CellQuery] = []
    private var indices = IndexTable()

    /// Plans to read a member of a hash.
    mutating func member(_ member: [UInt8], of key: [UInt8]) -> Slot {
        let read = index(of: .members(key, []))
        guard case .members(_, var members) = reads[read] else {
            return Slot(read: read, position: 0)
        }
        if let position = members.firstIndex(of: member) {
            return Slot(read: read, position: position)
        }
        // While the array is changed, another read takes its place: with two owners it would be
        // copied.
        reads[read] = .size([])
        members.append(member)
        reads[read] = .members(key, members)
        return Slot(read: read, position: members.count - 1)
    }

    /// Plans to read these members of a hash; each is given once.
    mutating func members(_ members: [[UInt8]], of key: [UInt8]) -> [Slot] {
        let read = index(of: .members(key, []))
        guard case .members(_, let known) = reads[read], known.isEmpty else {
            return members.map { member($0, of: key) }
        }
        reads[read] = .members(key, members)
        return members.indices.map { Slot(read: read, position: $0) }
    }

    /// Plans to read these members of a hash of at most `most` that several meters share; returns
    /// the index of the read, which may become one of the whole key.
    ///
    /// Redis finds a member of a short hash by going through it, so that many of them cost more
    /// than all: two fifths cost as much.
    mutating func shared(_ members: [[UInt8]], of key: [UInt8], most: Int) -> Int {
        let read = index(of: .members(key, []), orWhole: true)
        guard case .members(_, var known) = reads[read] else { return read }
        reads[read] = .size([])
        if known.isEmpty {
            known = members
        } else {
            for member in members where !known.contains(member) { known.append(member) }
        }
        reads[read] =
            5 * known.count > 2 * most ? .bucket(key, most: most) : .members(key, known)
        return read
    }

    /// Plans a read of whole keys; returns its index.
    mutating func whole(_ read: CellQuery) -> Int { index(of: read) }

    /// The index of an equal read; the read is added where there is none.
    ///
    /// Reads of members of the same key are equal. `orWhole`: a read of members is equal to one of
    /// the whole key, too.
    private mutating func index(of read: CellQuery, orWhole: Bool = false) -> Int {
        let hash = read.mainKey.withUnsafeBytes { IndexTable.hash($0) }
        var known: Int?
        indices.forEach(hash) { index in
            guard known == nil else { return }
            if reads[index].isSame(as: read) { known = index }
            if orWhole, case .bucket(read.mainKey, _) = reads[index] { known = index }
        }
        if let known { return known }
        reads.append(read)
        indices.insert(reads.count - 1, hash)
        return reads.count - 1
    }
}

extension CellQuery {
    fileprivate var mainKey: [UInt8] {
        switch self {
        case .hash(let key), .bucket(let key, _), .members(let key, _), .size(let key),
            .ranking(let key):
            key
        case .distinct(let keys), .sketch(let keys), .rankingSum(let keys): keys.first ?? []
        }
    }

    fileprivate func isSame(as other: CellQuery) -> Bool {
        if case .members(let key, _) = self, case .members(let otherKey, _) = other {
            return key == otherKey
        }
        return self == other
    }
}

/// Finds the indices of equal names: an open table of a few hundred entries.
struct IndexTable {
    private var slots: [(hash: UInt64, index: Int32)] = []
    private var count = 0

    /// The hash of a name, with this process' seed.
    ///
    /// Names contain ids that others choose; without the seed they could be chosen to collide.
    static func hash(_ name: UnsafeRawBufferPointer) -> UInt64 {
        var hasher = Hasher()
        hasher.combine(bytes: name)
        return UInt64(bitPattern: Int64(hasher.finalize()))
    }

    func forEach(_ hash: UInt64, _ body: (Int) -> Void) {
        guard !slots.isEmpty else { return }
        var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
        while slots[slot].index >= 0 {
            if slots[slot].hash == hash { body(Int(slots[slot].index)) }
            slot = (slot + 1) & (slots.count - 1)
        }
    }

    mutating func insert(_ index: Int, _ hash: UInt64) {
        if 2 * (count + 1) > slots.count { grow() }
        count += 1
        put((hash, Int32(index)))
    }

    private mutating func put(_ entry: (hash: UInt64, index: Int32)) {
        var slot = Int(truncatingIfNeeded: entry.hash) & (slots.count - 1)
        while slots[slot].index >= 0 { slot = (slot + 1) & (slots.count - 1) }
        slots[slot] = entry
    }

    private mutating func grow() {
        let old = slots
        slots = Array(repeating: (0, -1), count: max(32, 2 * old.count))
        for entry in old where entry.index >= 0 { put(entry) }
    }
}

/// Where the numbers of neighbouring windows of one series will be found in the snapshot.
enum SeriesPart {
    /// One window's member.
    case member(ReadPlan.Slot, number: Int32)
    /// A whole key, of which only the windows `wanted` matter.
    case bucket(read: Int, Window, bucket: ClosedRange<Int32>, wanted: Range<Int32>)
    /// A key that several meters share, or members of it; those of this meter begin with `head`.
    case shared(
        read: Int, head: [UInt8], Window, bucket: ClosedRange<Int32>, wanted: Range<Int32>)
}

extension CellSnapshot {
    subscript(slot: ReadPlan.Slot) -> UnsafeRawBufferPointer? {
        member(slot.read, slot.position)
    }

    /// Calls `body` with the number of each window that has a value, and the value.
    func forEachWindow(
        _ parts: [SeriesPart], _ body: (_ number: Int32, _ value: UnsafeRawBufferPointer) -> Void
    ) {
        for part in parts {
            switch part {
            case .member(let slot, let number):
                if let value = self[slot] { body(number, value) }
            case .bucket(let read, let window, let bucket, let wanted):
                forEachPair(read) { member, value in
                    if let number = KeyLayout.seriesNumber(member, window, in: bucket),
                        wanted.contains(number)
                    {
                        body(number, value)
                    }
                }
            case .shared(let read, let head, let window, let bucket, let wanted):
                forEachValue(read) { member, value in
                    if let label = CellText.rest(of: member, after: head),
                        let number = KeyLayout.seriesNumber(label, window, in: bucket),
                        wanted.contains(number)
                    {
                        body(number, value)
                    }
                }
            }
        }
    }

    /// Calls `body` with each member that a query found, whether it asked for members or for all.
    private func forEachValue(
        _ read: Int,
        _ body: (_ member: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Void
    ) {
        guard case .members(_, let members) = queries[read] else {
            return forEachPair(read, body)
        }
        for (position, name) in members.enumerated() {
            guard let value = member(read, position) else { continue }
            name.withUnsafeBytes { body($0, value) }
        }
    }
}

/// Values by name, each name once; the names stay in the memory of Redis' answers.
struct NamedValues<Value> {
    private var indices = IndexTable()
    private(set) var entries: [(name: UnsafeRawBufferPointer, value: Value)] = []
    /// Index of the next name if names come in the same order as before.
    private var next = 0

    /// Changes a name's value; a name that is new has the initial value.
    mutating func update(
        _ name: UnsafeRawBufferPointer, initial: @autoclosure () -> Value,
        _ change: (inout Value) -> Void
    ) {
        if next == entries.count { next = 0 }
        if next < entries.count, CellText.isSame(entries[next].name, name) {
            change(&entries[next].value)
            next += 1
            return
        }
        let hash = IndexTable.hash(name)
        var known: Int?
        indices.forEach(hash) { index in
            if known == nil, CellText.isSame(entries[index].name, name) { known = index }
        }
        if known == nil {
            indices.insert(entries.count, hash)
            entries.append((name, initial()))
        }
        let index = known ?? entries.count - 1
        change(&entries[index].value)
        next = index + 1
    }

    /// The values by the tuples that the names encode; a name that encodes none is left out.
    func tuples<Result>(_ result: (Value) -> Result?) -> [[[UInt8]]: Result] {
        var tuples: [[[UInt8]]: Result] = [:]
        tuples.reserveCapacity(entries.count)
        for (name, value) in entries {
            if let result = result(value), let values = KeyLayout.tupleValues(name) {
                tuples[values] = result
            }
        }
        return tuples
    }
}

/// The entries of one meter's tables; a name has an entry for each window that it appears in.
struct TableEntries {
    let reads: [Int]
    /// For extremes: which of two values is kept.
    let keep: MeterDeclaration.Keep?
    /// What names of this meter begin with in Redis, where several meters share the tables.
    let head: [UInt8]

    func forEach(
        _ snapshot: CellSnapshot,
        _ body: (_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Void
    ) {
        for read in reads {
            if head.isEmpty {
                snapshot.forEachPair(read, body)
            } else {
                snapshot.forEachPair(read) { name, value in
                    if let rest = CellText.rest(of: name, after: head) { body(rest, value) }
                }
            }
        }
    }
}
