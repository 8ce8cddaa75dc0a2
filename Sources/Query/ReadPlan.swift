internal import Ledger
internal import Metering

/// The reads of one answer, each key once.
struct ReadPlan {
    /// Where a field's value will stand.
    struct Slot {
        let read: Int
        let position: Int
    }

    private(set) var reads: [CellQuery] = []
    private var places = PlaceTable()

    /// Plans to read a field of a hash.
    mutating func field(_ field: [UInt8], of key: [UInt8]) -> Slot {
        let read = place(.members(key, []))
        guard case .members(_, var fields) = reads[read] else {
            return Slot(read: read, position: 0)
        }
        if let position = fields.firstIndex(of: field) {
            return Slot(read: read, position: position)
        }
        // The array is taken out meanwhile, or it would be copied.
        reads[read] = .size([])
        fields.append(field)
        reads[read] = .members(key, fields)
        return Slot(read: read, position: fields.count - 1)
    }

    /// Plans to read these fields of a hash, each named once.
    mutating func fields(_ fields: [[UInt8]], of key: [UInt8]) -> [Slot] {
        let read = place(.members(key, []))
        guard case .members(_, let known) = reads[read], known.isEmpty else {
            return fields.map { field($0, of: key) }
        }
        reads[read] = .members(key, fields)
        return fields.indices.map { Slot(read: read, position: $0) }
    }

    /// Plans a read that takes a whole key; gives its place.
    mutating func whole(_ read: CellQuery) -> Int { place(read) }

    /// The place of an equal read, fields of one key being equal; a new one where there is none.
    private mutating func place(_ read: CellQuery) -> Int {
        let hash = read.mainKey.withUnsafeBytes { PlaceTable.hash($0) }
        var known: Int?
        places.forEach(hash) { place in
            if known == nil, reads[place].isSame(as: read) { known = place }
        }
        if let known { return known }
        reads.append(read)
        places.insert(reads.count - 1, hash)
        return reads.count - 1
    }
}

extension CellQuery {
    fileprivate var mainKey: [UInt8] {
        switch self {
        case .hash(let key), .bucket(let key, _), .members(let key, _), .size(let key),
            .ranking(let key):
            key
        case .distinct(let keys), .rankingSum(let keys): keys.first ?? []
        }
    }

    fileprivate func isSame(as other: CellQuery) -> Bool {
        if case .members(let key, _) = self, case .members(let otherKey, _) = other {
            return key == otherKey
        }
        return self == other
    }
}

/// Finds the places of equal names: an open table of a few hundred entries.
struct PlaceTable {
    private var slots: [(hash: UInt64, place: Int32)] = []
    private var count = 0

    /// Names are hashed with this process' seed, because ids of others may stand in them.
    static func hash(_ name: UnsafeRawBufferPointer) -> UInt64 {
        var hasher = Hasher()
        hasher.combine(bytes: name)
        return UInt64(bitPattern: Int64(hasher.finalize()))
    }

    func forEach(_ hash: UInt64, _ body: (Int) -> Void) {
        guard !slots.isEmpty else { return }
        var index = Int(truncatingIfNeeded: hash) & (slots.count - 1)
        while slots[index].place >= 0 {
            if slots[index].hash == hash { body(Int(slots[index].place)) }
            index = (index + 1) & (slots.count - 1)
        }
    }

    mutating func insert(_ place: Int, _ hash: UInt64) {
        if 2 * (count + 1) > slots.count { grow() }
        count += 1
        put((hash, Int32(place)))
    }

    private mutating func put(_ entry: (hash: UInt64, place: Int32)) {
        var index = Int(truncatingIfNeeded: entry.hash) & (slots.count - 1)
        while slots[index].place >= 0 { index = (index + 1) & (slots.count - 1) }
        slots[index] = entry
    }

    private mutating func grow() {
        let old = slots
        slots = Array(repeating: (0, -1), count: max(32, 2 * old.count))
        for entry in old where entry.place >= 0 { put(entry) }
    }
}

/// Where the numbers of neighbouring windows of one series will stand.
enum SeriesPart {
    /// One window's field.
    case field(ReadPlan.Slot, number: Int32)
    /// A whole key, of which these windows are wanted.
    case bucket(read: Int, Window, bucket: ClosedRange<Int32>, wanted: Range<Int32>)
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
            case .field(let slot, let number):
                if let value = self[slot] { body(number, value) }
            case .bucket(let read, let window, let bucket, let wanted):
                forEachPair(read) { field, value in
                    if let number = KeyLayout.seriesNumber(field, window, in: bucket),
                        wanted.contains(number)
                    {
                        body(number, value)
                    }
                }
            }
        }
    }
}

/// Values by name, each name once; names are looked at where Redis' answers hold them.
struct NamedValues<Value> {
    private var places = PlaceTable()
    private(set) var entries: [(name: UnsafeRawBufferPointer, value: Value)] = []
    /// Where the next name stands if it comes in the order in which the names came before.
    private var next = 0

    /// Changes a name's value; where it has none yet, the initial one.
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
        let hash = PlaceTable.hash(name)
        var known: Int?
        places.forEach(hash) { place in
            if known == nil, CellText.isSame(entries[place].name, name) { known = place }
        }
        if known == nil {
            places.insert(entries.count, hash)
            entries.append((name, initial()))
        }
        let place = known ?? entries.count - 1
        change(&entries[place].value)
        next = place + 1
    }

    /// The values of the tuples that names stand for; a broken name is no tuple of ours.
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

/// Entries of one meter's tables: where the same name stands in several windows, several.
struct TableEntries {
    let reads: [Int]
    /// Which of two values stays, of an extreme.
    let keep: MeterDeclaration.Keep?

    func forEach(
        _ snapshot: CellSnapshot,
        _ body: (_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Void
    ) {
        for read in reads { snapshot.forEachPair(read, body) }
    }
}
