/// Numbers by type of event, for as many types as were seen first; all others together.
///
/// Bounded, because whoever writes events chooses their types. It allocates at the first event of a
/// type only.
public struct TypeCounts: Sendable {
    /// Types that are counted apart.
    public static let mostTypes = 20
    /// A longer type is counted among the others.
    public static let longestType = 256

    /// What all other types are called together; a type of this name is one of them.
    public static let othersName = "other"

    private var hashes: [UInt64] = []
    /// The types counted apart and how often each came, in the order of their first event.
    public private(set) var types: [(bytes: [UInt8], count: Int64)] = []
    /// Events of all other types.
    public private(set) var others: Int64 = 0

    /// No event yet.
    public init() {}

    /// Counts an event of this type.
    mutating func count(_ type: UnsafeRawBufferPointer) {
        let hash = Hashing.table(type)
        for index in hashes.indices where hashes[index] == hash {
            guard types[index].bytes.elementsEqual(type) else { continue }
            types[index].count += 1
            return
        }
        guard types.count < Self.mostTypes, type.count <= Self.longestType else {
            others += 1
            return
        }
        add(Array(type), hash, 1, most: Self.mostTypes)
    }

    /// Adds what another has counted; at most `most` types are counted apart afterwards.
    public mutating func add(_ other: TypeCounts, most: Int = mostTypes) {
        others += other.others
        for (index, type) in other.types.enumerated() {
            if let place = types.firstIndex(where: { $0.bytes == type.bytes }) {
                types[place].count += type.count
            } else {
                add(type.bytes, other.hashes[index], type.count, most: most)
            }
        }
    }

    private mutating func add(_ type: [UInt8], _ hash: UInt64, _ count: Int64, most: Int) {
        guard types.count < most, type.count <= Self.longestType,
            !type.elementsEqual(Self.othersName.utf8)
        else {
            others += count
            return
        }
        hashes.append(hash)
        types.append((bytes: type, count: count))
    }
}
