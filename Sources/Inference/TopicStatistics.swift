import Metering

/// What a sample of a topic holds, place by place.
struct TopicStatistics {
    /// Objects inside of objects are followed so far.
    static let deepest = 8
    /// An object with more different members than this is a map.
    static let mostMembers = 50
    /// More places than this are not looked at.
    static let mostPlaces = 2_000

    /// A record whose value is a JSON object.
    struct Event {
        let record: SampledRecord
        let value: SampledValue
        /// What contains it, the record's value first.
        var outers: [(origin: SampledPlace.Origin, value: SampledValue)] = []

        var isObject: Bool { value.isObject }
    }

    private(set) var events: [Event] = []
    private(set) var nullValues = 0
    private(set) var binaryEvents = 0
    /// Values that are a JSON array, or several JSON texts one after the other.
    private(set) var batches = 0
    /// Values that begin as a schema registry's serializers write them.
    private(set) var framed = 0
    private(set) var unreadable = 0
    /// In the order of their pointers.
    private(set) var places: [PlaceStatistics] = []
    /// The place of texts that are JSON objects, where all of them are.
    let inside: [String]?

    /// How the catalog says that each record has several events; nil: it has one.
    private(set) var each: String?
    /// Entries of outer lists in which the list of events is missing.
    private(set) var listless = 0

    init(_ records: [SampledRecord]) {
        var arrays: [Event] = []
        var lines: [Event] = []
        var events: [Event] = []
        for record in records {
            if record.isBinaryEvent {
                binaryEvents += 1
                events.append(Event(record: record, value: record.structured))
                continue
            }
            guard let bytes = record.value else {
                nullValues += 1
                continue
            }
            switch SampledValue.read(bytes) {
            case .object(let members): events.append(Event(record: record, value: .object(members)))
            case .list(let entries):
                batches += 1
                arrays += entries.map { Event(record: record, value: $0) }
            default:
                if bytes.count > 5, bytes[0] == 0 {
                    framed += 1
                } else if let objects = Self.lines(bytes) {
                    batches += 1
                    lines += objects.map { Event(record: record, value: $0) }
                } else {
                    unreadable += 1
                }
            }
        }
        // A catalog has one way to take records apart; a single object is one line as well.
        if events.isEmpty, lines.isEmpty, arrays.contains(where: \.isObject) {
            each = "array"
            events = arrays.filter(\.isObject)
        } else if !lines.isEmpty, arrays.isEmpty, binaryEvents == 0 {
            each = "lines"
            events += lines
        }
        if each != "lines", binaryEvents == 0 {
            let found = NestedLists(events, isArray: each == "array")
            if !found.lists.isEmpty {
                if each == nil { batches += events.count }
                (each, events, listless) = (found.each, found.events, found.listless)
            }
        }
        inside = each == nil ? Self.placeOfText(in: events.map(\.value)) : nil
        if let inside { events = events.map { Self.opened($0, inside) } }
        self.events = events
        places = Self.places(of: events)
    }

    /// The statistics of some of the events.
    static func places(of events: [Event]) -> [PlaceStatistics] {
        var found: [SampledPlace: PlaceStatistics] = [:]
        for event in events {
            walk(event.value, SampledPlace(pointer: []), event.record, &found)
            for outer in event.outers {
                let root = SampledPlace(origin: outer.origin, pointer: [])
                walk(outer.value, root, event.record, &found)
            }
            for header in event.record.texts {
                let place = SampledPlace(origin: .header, pointer: [header.name])
                walk(header.value, place, event.record, &found)
            }
        }
        // Members of many different names are the keys of a map, which are data.
        var members: [SampledPlace: Set<String>] = [:]
        for place in found.keys {
            for depth in place.pointer.indices {
                members[place.above(depth), default: []].insert(place.pointer[depth])
            }
        }
        let maps = Set(
            members.filter { !$0.key.pointer.isEmpty && $0.value.count > mostMembers }.map(\.key))
        found = found.filter { entry in
            !entry.key.pointer.indices.contains { maps.contains(entry.key.above($0)) }
        }
        let sorted = found.values.sorted {
            $0.pointer != $1.pointer
                ? $0.pointer.lexicographicallyPrecedes($1.pointer) : $0.text < $1.text
        }
        return sorted.filter { $0.present > 0 }
    }

    private static func walk(
        _ value: SampledValue, _ place: SampledPlace, _ record: SampledRecord,
        _ found: inout [SampledPlace: PlaceStatistics]
    ) {
        if case .object(let members) = value, place.pointer.count < deepest {
            for (name, member) in members {
                var inner = place
                inner.pointer.append(name)
                walk(member, inner, record, &found)
            }
            return
        }
        guard found[place] != nil || found.count < mostPlaces else { return }
        found[place, default: PlaceStatistics(place)].take(value, of: record)
    }

    /// JSON objects, one a line; nil: the text is something else.
    private static func lines(_ bytes: [UInt8]) -> [SampledValue]? {
        let objects = bytes.split(separator: 0x0A).map { SampledValue.read(Array($0)) }
        return objects.count > 1 && objects.allSatisfy { $0?.isObject == true }
            ? objects.compactMap(\.self) : nil
    }

    // MARK: JSON inside a text

    private static func placeOfText(in values: [SampledValue]) -> [String]? {
        guard case .object(let first)? = values.first else { return nil }
        return first.keys.sorted().first { name in
            values.allSatisfy { text(of: $0, name).flatMap(object) != nil }
        }.map { [$0] }
    }

    private static func text(of value: SampledValue, _ name: String) -> String? {
        guard case .object(let members) = value, case .text(let text)? = members[name] else {
            return nil
        }
        return text
    }

    private static func object(_ text: String) -> SampledValue? {
        guard let value = SampledValue.read(Array(text.utf8)), case .object = value else {
            return nil
        }
        return value
    }

    private static func opened(_ event: Event, _ place: [String]) -> Event {
        guard case .object(var members) = event.value, let name = place.first else { return event }
        members[name] = text(of: event.value, name).flatMap(object) ?? .null
        return Event(record: event.record, value: .object(members))
    }
}

extension SampledPlace {
    /// What contains it, `depth` names below its root.
    fileprivate func above(_ depth: Int) -> SampledPlace {
        SampledPlace(origin: origin, pointer: Array(pointer[..<depth]))
    }
}
