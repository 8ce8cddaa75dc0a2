import Metering
import Workload

/// Records of several events, some of them with one that is wrong, or wrong as a list.
extension HostileEvents {
    /// A record whose events are where the catalog has them.
    mutating func list() -> LogRecord {
        // Mostly right: one bad event takes all others of its record along.
        mildness = happens(70) ? 90 : 0
        defer { mildness = 0 }
        var record = structured()
        guard let value = record.value else { return record }
        switch catalog.envelope.each {
        case nil:
            let type = "application/cloudevents-batch+json"
            record.headers.append((Array("content-type".utf8), Array(type.utf8)))
            record.value = array(of: events(after: value))
        case .lines:
            let ends: [[UInt8]] = [[10], [10], [13, 10], [10, 32, 10], [10, 10]]
            record.value = events(after: value).map { $0.filter { $0 != 10 } }.reduce([]) {
                $0 + $1 + pick(ends)
            }
        case .arrays(let lists):
            if lists[0].isEmpty, lists.count == 1 {
                record.value = array(of: events(after: value))
            } else {
                record.value = container(lists, 0, value)
            }
        }
        return record
    }

    private mutating func events(after first: [UInt8]) -> [[UInt8]] {
        var events = [first]
        for _ in 0..<random.below(5) {
            if happens(8) {
                events.append(pick(events))
            } else {
                events.append(structured().value ?? [])
            }
        }
        if happens(4) { events.insert(evil(), at: random.below(events.count + 1)) }
        return happens(4) ? [] : events
    }

    private mutating func array(of events: [[UInt8]]) -> [UInt8] {
        [91] + events.map { space() + $0 + space() }.joined(separator: [44]) + [93] + space()
    }

    /// What contains events, with the fields that the catalog asks for there.
    private mutating func container(
        _ lists: [JSONPointer], _ level: Int, _ first: [UInt8]
    ) -> [UInt8] {
        var items: [[UInt8]]
        if level + 1 < lists.count {
            items = []
            for _ in 0..<random.below(4) { items.append(container(lists, level + 1, first)) }
            if happens(2) { items.append(evil()) }
            let own = structured().value ?? []
            if items.isEmpty, happens(90) { items = [container(lists, level + 1, own)] }
        } else {
            items = events(after: structured().value ?? first)
        }
        let text = array(of: items)
        if lists[level].isEmpty { return text }
        let tree = JSONTree()
        fillOuter(tree, level == 0 ? nil : lists[level - 1])
        if happens(98) { set(tree, lists[level], happens(98) ? text : evil()) }
        if happens(2) { tree.repeatMember(&random) }
        return render(tree)
    }

    private mutating func fillOuter(_ tree: JSONTree, _ list: JSONPointer?) {
        let envelope = catalog.envelope
        for (source, value) in [
            (envelope.source, "s"), (envelope.subject, pick(EdgeValues.organizations)),
            (envelope.type, pick(catalog.events).type),
        ] {
            guard case .places(let places, _) = source else { continue }
            for case .outer(list, let place) in places where happens(98) {
                put(tree, place, text(value), value, [])
            }
        }
        for case .outer(list, let place) in envelope.time where happens(90) {
            put(tree, place, time(envelope.timeRule), "", [])
        }
        for field in catalog.events.flatMap(\.fields) where happens(85) {
            for case .outer(list, let place) in field.places {
                put(tree, place, value(of: field), "", [])
            }
        }
    }
}
