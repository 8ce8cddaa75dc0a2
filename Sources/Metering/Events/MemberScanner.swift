import CEventScan

/// Splits a JSON object into its members: names, and values as their JSON text.
///
/// One thread.
public final class MemberScanner {
    private let scanner: OpaquePointer?
    private static let mostMembers = 256

    /// A scanner with memory of its own.
    public init() {
        var root = es_node()
        root.slot = -1
        root.fan_out = -1
        root.list = -1
        var name: CChar = 0
        scanner = withUnsafePointer(to: &name) { name in
            root.name = name
            return withUnsafePointer(to: &root) { root in
                var tree = es_tree()
                tree.nodes = root
                tree.node_count = 1
                return es_create(&tree)
            }
        }
    }

    deinit { if let scanner { es_destroy(scanner) } }

    /// The members in their order; where a name occurs twice, the last value counts.
    ///
    /// Nil where the text is not a JSON object or has more than 256 members.
    public func members(_ text: UnsafeRawBufferPointer) -> [(name: [UInt8], json: [UInt8])]? {
        guard let scanner, text.count > 0, text.count <= EventLimits.valueBytes else {
            return nil
        }
        return withUnsafeTemporaryAllocation(of: es_member.self, capacity: Self.mostMembers) {
            room in
            let count = es_members(
                scanner, text.baseAddress?.assumingMemoryBound(to: CChar.self), text.count,
                room.baseAddress, Int32(Self.mostMembers))
            guard count >= 0, count <= Self.mostMembers else { return nil }
            var made: [(name: [UInt8], json: [UInt8])] = []
            for member in room.prefix(Int(count)) {
                let name = Array(
                    UnsafeRawBufferPointer(start: member.name, count: Int(member.name_length)))
                let json = Array(
                    UnsafeRawBufferPointer(start: member.value, count: Int(member.value_length)))
                if let known = made.firstIndex(where: { $0.name == name }) {
                    made[known].json = json
                } else {
                    made.append((name: name, json: json))
                }
            }
            return made
        }
    }
}
