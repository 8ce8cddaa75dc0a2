internal import Ledger

/// The reads of one answer, each key once.
struct ReadPlan {
    /// Where a field's value will stand.
    struct Slot {
        let read: Int
        let position: Int
    }

    private(set) var reads: [CellRead] = []
    private var fieldReads: [[UInt8]: Int] = [:]
    private var wholeReads: [CellRead: Int] = [:]
    private var slots: [[UInt8]: [[UInt8]: Int]] = [:]

    /// Plans to read a field of a hash.
    mutating func field(_ field: [UInt8], of key: [UInt8]) -> Slot {
        let read: Int
        if let known = fieldReads[key] {
            read = known
        } else {
            read = reads.count
            reads.append(.fields(key, []))
            fieldReads[key] = read
        }
        if let position = slots[key]?[field] { return Slot(read: read, position: position) }
        guard case .fields(_, var fields) = reads[read] else {
            return Slot(read: read, position: 0)
        }
        let position = fields.count
        fields.append(field)
        reads[read] = .fields(key, fields)
        slots[key, default: [:]][field] = position
        return Slot(read: read, position: position)
    }

    /// Plans a read that takes a whole key; gives its place.
    mutating func whole(_ read: CellRead) -> Int {
        if let known = wholeReads[read] { return known }
        let place = reads.count
        reads.append(read)
        wholeReads[read] = place
        return place
    }
}

extension CellSnapshot {
    subscript(slot: ReadPlan.Slot) -> [UInt8]? {
        guard case .fields(let values) = values[slot.read], slot.position < values.count else {
            return nil
        }
        return values[slot.position]
    }

    func hash(_ read: Int) -> [(field: [UInt8], value: [UInt8])] {
        if case .hash(let fields) = values[read] { fields } else { [] }
    }

    func ranking(_ read: Int) -> [(member: [UInt8], score: Int64)] {
        if case .ranking(let members) = values[read] { members } else { [] }
    }

    func count(_ read: Int) -> Int64 {
        if case .count(let count) = values[read] { count } else { 0 }
    }
}
