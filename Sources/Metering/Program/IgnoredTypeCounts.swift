/// Counts events by their type: the first types seen each on their own, all others together.
///
/// The number of types is bounded because producers choose them. It allocates only at the first
/// event of a type.
public struct IgnoredTypeCounts: Sendable {
    /// The most types that are counted apart.
    public static let mostTypes = 20
    /// The longest type that is counted apart; a longer one is counted among the others.
    public static let longestTypeBytes = 256

    /// The name of all other types together; a type with this very name is counted among them.
    public static let othersName = "other"

    private var hashes: [UInt64] = []
    /// The types counted apart, with the number of their events, in the order of their first event.
    public private(set) var types: [(bytes: [UInt8], count: Int64)] = []
    /// Events of all other types.
    public private(set) var others: Int64 = 0

    /// Counts of no event.
    public init() {}

    /// Counts an event of this type.
    mutating func count(_ type: UnsafeRawBufferPointer) {
        let hash = Hashing.table(type)
        for index in hashes.indices where hashes[index] == hash {
            guard types[index].bytes.elementsEqual(type) else { continue }
            types[index].count += 1
            return
        }
        guard types.count < Self.mostTypes, type.count <= Self.longestTypeBytes else {
            others += 1
            return
        }
        add(Array(type), hash, 1, most: Self.mostTypes)
    }

    /// Adds the counts of another; at most `most` types are counted apart afterwards.
    public mutating func add(_ other: IgnoredTypeCounts, most: Int = mostTypes) {
        others += other.others
        for (index, type) in other.types.enumerated() {
            if let known = types.firstIndex(where: { $0.bytes == type.bytes }) {
                types[known].count += type.count
            } else {
                add(type.bytes, other.hashes[index], type.count, most: most)
            }
        }
    }

    private mutating func add(_ type: [UInt8], _ hash: UInt64, _ count: Int64, most: Int) {
        guard types.count < most, type.count <= Self.longestTypeBytes,
            !type.elementsEqual(Self.othersName.utf8)
        else {
            others += count
            return
        }
        hashes.append(hash)
        types.append((bytes: type, count: count))
    }
}
