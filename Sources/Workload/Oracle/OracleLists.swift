/// Records of several events: takes them apart, and counts all of their events or none.
extension Oracle {
    /// Takes the next record of a partition, which holds a list of events.
    ///
    /// The outcome is that of the record: rejected for its first bad event, ignored where it has no
    /// event, else accepted. Each event is judged twice: all of them before the first one counts.
    mutating func feedList(
        _ partition: Int, offset: Int64, timestamp: Int64, key: UnsafeRawBufferPointer?,
        value: UnsafeRawBufferPointer?, headers: [WorkloadHeader]
    ) -> OracleOutcome {
        let counts = offset >= partitions[partition].origin
        let home = Int(partitions[partition].number) % settings.shards
        let list = reader.events(of: value)
        var failure: OracleOutcome?
        for (number, event) in list.events.enumerated() where failure == nil {
            let outcome = judge(event, number, key, headers, timestamp)
            if outcome != .accepted, outcome != .ignored { failure = outcome }
        }
        if let outcome = failure ?? list.failure ?? (list.events.isEmpty ? .ignored : nil) {
            if counts { record(outcome, partition, home) }
            return outcome
        }
        for (number, event) in list.events.enumerated() {
            var outcome = judge(event, number, key, headers, timestamp)
            if outcome == .accepted, partitions[partition].window.takes(identity(), at: offset) {
                outcome = .duplicate
            }
            guard counts else { continue }
            let shard = self.shard(partition, outcome)
            if outcome == .accepted { apply(shard, timestamp) }
            record(outcome, partition, shard)
            if number > 0 { partitions[partition].audit[shard].further += 1 }
        }
        return .accepted
    }

    private mutating func judge(
        _ event: ListedEvent, _ number: Int, _ key: UnsafeRawBufferPointer?,
        _ headers: [WorkloadHeader], _ timestamp: Int64
    ) -> OracleOutcome {
        (reader.eventNumber, reader.containers) = (number, event.containers)
        return event.text.withUnsafeBytes {
            judge($0, key, headers, timestamp) ?? .accepted
        }
    }
}

/// The text of an event in a record of several, and the texts that contain it, the whole first.
struct ListedEvent {
    var text: [UInt8]
    var containers: [[UInt8]]
}

extension EventReader {
    private static let mostEvents = 10_000

    /// The events of a record in their order, up to where the list itself is wrong.
    struct EventList {
        var events: [ListedEvent] = []
        /// What becomes of the record unless an event before that is wrong.
        var failure: OracleOutcome?
    }

    /// Whether a record with these headers holds a list of events.
    func hasList(_ headers: [WorkloadHeader]) -> Bool {
        if program.each == nil { return program.takesBatches && Self.isBatch(headers) }
        return !Self.hasAttributes(headers) || Self.isStructured(headers)
    }

    /// Takes a record apart.
    mutating func events(of value: UnsafeRawBufferPointer?) -> EventList {
        var list = EventList()
        guard let value else {
            list.failure = program.ignoresTombstones ? .ignored : .malformed
            return list
        }
        guard value.count <= Self.largestValue else {
            list.failure = .malformed
            return list
        }
        switch program.each {
        case .lines: addLines(of: Array(value), to: &list)
        case .arrays: add(Array(value), 0, [], program.outers, to: &list)
        case nil: add(Array(value), 0, [], [OracleProgram.Outer(list: [])], to: &list)
        }
        return list
    }

    private mutating func addLines(of value: [UInt8], to list: inout EventList) {
        for line in value.split(separator: 0x0A) {
            if line.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { continue }
            guard list.events.count < Self.mostEvents else {
                list.failure = .malformed
                return
            }
            list.events.append(ListedEvent(text: Array(line), containers: []))
        }
    }

    /// Adds the events in a text that contains some at a level.
    private mutating func add(
        _ text: [UInt8], _ level: Int, _ containers: [[UInt8]], _ outers: [OracleProgram.Outer],
        to list: inout EventList
    ) {
        guard let items = items(of: text, outers[level], level), items.count <= Self.mostEvents
        else {
            list.failure = .malformed
            return
        }
        for item in items where list.failure == nil {
            if level + 1 < outers.count {
                add(item, level + 1, containers + [text], outers, to: &list)
            } else if list.events.count < Self.mostEvents {
                list.events.append(ListedEvent(text: item, containers: containers + [text]))
            } else {
                list.failure = .malformed
            }
        }
    }

    /// The entries of the list in a text; nil: it is not as it must be.
    private mutating func items(
        of text: [UInt8], _ outer: OracleProgram.Outer, _ level: Int
    ) -> [[UInt8]]? {
        let kind = text.withUnsafeBytes { checker.read($0, node: -1) }
        guard kind == (outer.list.isEmpty ? .array : .object) else { return nil }
        return text.withUnsafeBytes { text -> [[UInt8]]? in
            let whole = 0..<text.count
            var lookup = JSONLookup(text)
            let found = lookup.find(outer.list[...], in: whole)
            for path in outer.paths { _ = lookup.find(path[...], in: whole) }
            for list in outer.lists {
                guard case .inside(let path) = list.place,
                    let range = lookup.find(path[...], in: whole)
                else { continue }
                if repeats(list, lookup, range) { return nil }
            }
            guard !lookup.hasRepeated else { return nil }
            guard let found, lookup.value(found).kind != .null else {
                return level == 0 ? nil : []
            }
            return lookup.items(in: found)?.map { Array(text[$0]) }
        }
    }
}
