internal import Ledger

/// A group of connections; an object, because its parts are made once and looked at by many requests.
final class ConnectionGroup: Sendable {
    /// Its name as it stands in Redis.
    let name: [UInt8]
    /// Service, protocol, data center.
    let values: [[UInt8]]
    /// What stands for the group in the keys of its scope.
    let scopeText: [UInt8]
    /// The values in such a form that its bytes are in the groups' order.
    let order: [UInt8]

    /// A group of these parts, which say the same.
    init(name: [UInt8], values: [[UInt8]]) {
        self.name = name
        self.values = values
        scopeText = ConnectionGroup.scopeText(name)
        order = ConnectionGroup.order(values)
    }

    /// The group of that name; nil where the name is none of ours.
    convenience init?(_ name: UnsafeRawBufferPointer) {
        guard let values = KeyLayout.tupleValues(name), values.count == 3 else { return nil }
        self.init(name: [UInt8](name), values: values)
    }

    /// Bytes that it takes, about: four texts as long as its name, with what stands around them.
    var byteCount: Int { 4 * name.count + 400 }

    func isNamed(_ other: UnsafeRawBufferPointer) -> Bool {
        name.withUnsafeBytes { CellText.isSame($0, other) }
    }

    /// Names and keys are escaped alike.
    private static func scopeText(_ name: [UInt8]) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(name.count + 32)
        text.append(contentsOf: ":service=".utf8)
        var next = ":protocol="
        for byte in name {
            guard byte == UInt8(ascii: ":") else {
                text.append(byte)
                continue
            }
            text.append(contentsOf: next.utf8)
            next = ":dataCenter="
        }
        return text
    }

    /// Values one after the other, each with an end that stands before any byte that a longer one goes on with.
    private static func order(_ values: [[UInt8]]) -> [UInt8] {
        var order: [UInt8] = []
        order.reserveCapacity(values.reduce(0) { $0 + $1.count + 2 })
        for value in values {
            if value.contains(0) {
                for byte in value { order += byte == 0 ? [0, 1] : [byte] }
            } else {
                order.append(contentsOf: value)
            }
            order.append(contentsOf: [0, 0])
        }
        return order
    }
}

/// Groups as they were taken from their names the last time; the names are read anew for every request.
struct KnownGroups {
    private let mostBytes: Int
    /// By organization, in the order in which Redis gave them.
    private var known: [[UInt8]: [ConnectionGroup]] = [:]
    private(set) var byteCount = 0

    /// Remembers so many bytes of them, about; a quarter of it of one organization.
    init(mostBytes: Int = 4 << 20) { self.mostBytes = mostBytes }

    /// The groups of these names, in their order; a name that is none of ours is left out.
    mutating func groups(
        of organization: [UInt8], names: (_ body: (UnsafeRawBufferPointer) -> Void) -> Void
    ) -> [ConnectionGroup] {
        let before = known[organization] ?? []
        var groups: [ConnectionGroup] = []
        groups.reserveCapacity(before.count)
        var isChanged = false
        names { name in
            if groups.count < before.count, before[groups.count].isNamed(name) {
                groups.append(before[groups.count])
            } else if let group = ConnectionGroup(name) {
                groups.append(group)
                isChanged = true
            }
        }
        if isChanged || groups.count != before.count {
            keep(groups, of: organization, insteadOf: before)
        }
        return groups
    }

    private mutating func keep(
        _ groups: [ConnectionGroup], of organization: [UInt8], insteadOf before: [ConnectionGroup]
    ) {
        known[organization] = nil
        byteCount -= KnownGroups.byteCount(before, of: organization)
        let more = KnownGroups.byteCount(groups, of: organization)
        guard !groups.isEmpty, more <= mostBytes / 4 else { return }
        if byteCount + more > mostBytes {
            known.removeAll()
            byteCount = 0
        }
        byteCount += more
        known[organization] = groups
    }

    /// Nothing is kept where there is no group.
    private static func byteCount(_ groups: [ConnectionGroup], of organization: [UInt8]) -> Int {
        groups.isEmpty ? 0 : groups.reduce(organization.count + 100) { $0 + $1.byteCount }
    }
}
