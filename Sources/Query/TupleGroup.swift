internal import Ledger

/// One tuple of the values of several dimensions, by which tables and keys are joined.
///
/// An object, because its parts are made once and looked at by many requests.
final class TupleGroup: Sendable {
    /// Its name as Redis has it.
    let name: [UInt8]
    /// The values, in the dimensions' order.
    let values: [[UInt8]]
    /// The part of its keys that names the group.
    let scopeText: [UInt8]
    /// The values in such a form that its bytes are in the groups' order.
    let order: [UInt8]

    /// A group of these parts, which say the same.
    init(name: [UInt8], values: [[UInt8]], labels: GroupLabels) {
        self.name = name
        self.values = values
        scopeText = labels.scopeText(name)
        order = TupleGroup.order(values)
    }

    /// The group of that name; nil where the name is none of ours.
    convenience init?(_ name: UnsafeRawBufferPointer, labels: GroupLabels) {
        guard let values = KeyLayout.tupleValues(name), values.count == labels.count else {
            return nil
        }
        self.init(name: [UInt8](name), values: values, labels: labels)
    }

    /// Bytes that it takes, about: four texts as long as its name, and what an object costs.
    var byteCount: Int { 4 * name.count + 400 }

    func isNamed(_ other: UnsafeRawBufferPointer) -> Bool {
        name.withUnsafeBytes { CellText.isSame($0, other) }
    }

    /// Values one after the other, each with an end that sorts before any byte of a longer value.
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

/// The text before each value of a group in the keys of its scope.
struct GroupLabels: Sendable {
    private let labels: [[UInt8]]

    /// Labels of these dimensions.
    init(_ dimensions: [String]) { labels = dimensions.map { Array(":\($0)=".utf8) } }

    /// How many values a group has.
    var count: Int { labels.count }

    /// The part of keys that names the group of that name: names and keys are escaped alike.
    ///
    /// The name has as many values as there are labels, so one colon less.
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

/// Groups as they were taken from their names the last time; the names are read for every request.
struct KnownGroups {
    private let labels: GroupLabels
    private let mostBytes: Int
    /// By organization, in the order in which Redis gave them.
    private var known: [[UInt8]: [TupleGroup]] = [:]
    private(set) var byteCount = 0

    /// Remembers so many bytes of them, about; a quarter of it of one organization.
    init(labels: GroupLabels, mostBytes: Int = 4 << 20) {
        self.labels = labels
        self.mostBytes = mostBytes
    }

    /// The groups of these names, in their order; a name that is none of ours is left out.
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

/// Finds groups by name; those that come in the groups' own order at once.
struct GroupPlaces {
    private let groups: [TupleGroup]
    private var next = 0
    private lazy var places = Dictionary(
        groups.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })

    init(_ groups: [TupleGroup]) { self.groups = groups }

    mutating func place(_ name: UnsafeRawBufferPointer) -> Int? {
        if next < groups.count, groups[next].isNamed(name) {
            next += 1
            return next - 1
        }
        guard let place = places[[UInt8](name)] else { return nil }
        next = place + 1
        return place
    }
}
