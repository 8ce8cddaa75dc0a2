internal import Ledger

/// One tuple of values of several dimensions; tables and keys are joined by it.
///
/// A class, because its parts are made once and used by many requests.
final class TupleGroup: Sendable {
    /// The member that encodes it in Redis.
    let name: [UInt8]
    /// The values, in the dimensions' order.
    let values: [[UInt8]]
    /// The part of its keys that names the group.
    let scopeText: [UInt8]
    /// A sort key: comparing these bytes puts groups in the order of their values.
    let order: [UInt8]

    /// A group; `name` encodes `values`.
    init(name: [UInt8], values: [[UInt8]], labels: GroupLabels) {
        self.name = name
        self.values = values
        scopeText = labels.scopeText(name)
        order = TupleGroup.order(values)
    }

    /// The group of that name; nil where the name does not encode such a tuple.
    convenience init?(_ name: UnsafeRawBufferPointer, labels: GroupLabels) {
        guard let values = KeyLayout.tupleValues(name), values.count == labels.count else {
            return nil
        }
        self.init(name: [UInt8](name), values: values, labels: labels)
    }

    /// About how many bytes of memory it takes: four texts as long as its name, and the objects.
    var byteCount: Int { 4 * name.count + 400 }

    func isNamed(_ other: UnsafeRawBufferPointer) -> Bool {
        name.withUnsafeBytes { CellText.isSame($0, other) }
    }

    /// The values one after the other, each with an end that sorts before any byte of a longer
    /// value.
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

/// The texts before the values of a group in the keys of its scope.
struct GroupLabels: Sendable {
    private let labels: [[UInt8]]

    /// The labels of these dimensions.
    init(_ dimensions: [String]) { labels = dimensions.map { Array(":\($0)=".utf8) } }

    /// How many values a group has.
    var count: Int { labels.count }

    /// The part of keys that names the group of that name.
    ///
    /// Names and keys have the same escapes, so no value is decoded. A name has a colon between two
    /// values, which makes one fewer than there are labels.
    func scopeText(_ name: [UInt8]) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(labels.reduce(name.count) { $0 + $1.count })
        text.append(contentsOf: labels[0])
        var next = 1
        for byte in name {
            guard byte == UInt8(ascii: ":") else {
                text.append(byte)
                continue
            }
            text.append(contentsOf: labels[next])
            next += 1
        }
        return text
    }
}

/// Groups that were decoded from their names before.
///
/// The names are read for every request; only new names are decoded.
struct KnownGroups {
    private let labels: GroupLabels
    private let mostBytes: Int
    /// By organization, in the order in which Redis gave them.
    private var known: [[UInt8]: [TupleGroup]] = [:]
    private(set) var byteCount = 0

    /// Remembers about `mostBytes` of them, at most a quarter of that of one organization.
    init(labels: GroupLabels, mostBytes: Int = 4 << 20) {
        self.labels = labels
        self.mostBytes = mostBytes
    }

    /// The groups of these names, in their order; a name that encodes no tuple is left out.
    mutating func groups(
        of organization: [UInt8], names: (_ body: (UnsafeRawBufferPointer) -> Void) -> Void
    ) -> [TupleGroup] {
        let before = known[organization] ?? []
        var groups: [TupleGroup] = []
        groups.reserveCapacity(before.count)
        var isChanged = false
        names { name in
            if groups.count < before.count, before[groups.count].isNamed(name) {
                groups.append(before[groups.count])
            } else if let group = TupleGroup(name, labels: labels) {
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
        _ groups: [TupleGroup], of organization: [UInt8], insteadOf before: [TupleGroup]
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
    private static func byteCount(_ groups: [TupleGroup], of organization: [UInt8]) -> Int {
        groups.isEmpty ? 0 : groups.reduce(organization.count + 100) { $0 + $1.byteCount }
    }
}

/// Finds the indices of groups by name; quickly where names come in the groups' own order.
struct GroupIndices {
    private let groups: [TupleGroup]
    private var next = 0
    private lazy var indices = Dictionary(
        groups.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })

    init(_ groups: [TupleGroup]) { self.groups = groups }

    mutating func index(of name: UnsafeRawBufferPointer) -> Int? {
        if next < groups.count, groups[next].isNamed(name) {
            next += 1
            return next - 1
        }
        guard let index = indices[[UInt8](name)] else { return nil }
        next = index + 1
        return index
    }
}
