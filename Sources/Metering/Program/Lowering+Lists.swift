/// Lowers where a record has its events, and places in what contains them.
extension Lowering {
    /// The most lists within each other.
    static let mostLists = 8

    /// Makes a tree for what contains the event at each level, and checks that all places which
    /// name a level name one that there is.
    mutating func lowerLists() throws(ProgramError) {
        if catalog.envelope.each != nil, catalog.records.needsSchemas {
            throw ProgramError(
                subject: "envelope",
                message: "'each' is for JSON; a record of \(catalog.records.rawValue) is one event")
        }
        if case .arrays(let arrays)? = catalog.envelope.each {
            guard (1...Self.mostLists).contains(arrays.count) else {
                throw ProgramError(
                    subject: "envelope", message: "'each' must be 1 to \(Self.mostLists) lists")
            }
            for (level, pointer) in arrays.enumerated() {
                guard !arrays[..<level].contains(pointer) else {
                    throw ProgramError(
                        subject: "envelope",
                        message: "'each' has '\(Place.text(pointer))' twice")
                }
                var tree = ScanTree()
                let list = tree.parts(at: pointer)
                outerTrees.append(tree)
                outerRules.append((list: list, isArray: pointer.isEmpty))
            }
        }
        for (subject, place) in catalog.outerPlaces {
            guard case .outer(let list, _) = place else { continue }
            guard let level = level(of: list) else {
                let known = containers.joined(separator: ", ")
                throw ProgramError(
                    subject: subject,
                    message: "'\(place.text)': "
                        + (known.isEmpty
                            ? "nothing contains the event" : "an event can be in \(known)"))
            }
            if outerRules[level].isArray {
                throw ProgramError(
                    subject: subject, message: "the record's value is an array without members")
            }
        }
    }

    /// Index in `outerTrees` of the record's value, or of the entries of a list; nil: they do not
    /// contain the event.
    private func level(of list: JSONPointer?) -> Int? {
        guard case .arrays(let arrays)? = catalog.envelope.each else { return nil }
        guard let list else { return 0 }
        return arrays.dropLast().firstIndex(of: list).map { $0 + 1 }
    }

    /// What a place may name after `in`.
    private var containers: [String] {
        guard case .arrays(let arrays)? = catalog.envelope.each else { return [] }
        let record = arrays.first?.isEmpty == true ? [] : ["record"]
        return record + arrays.dropLast().map { $0.isEmpty ? "array" : Place.text($0) }
    }

    /// Adds the rule of a place in what contains the event.
    mutating func lowerOuter(_ list: JSONPointer?, _ place: Place) {
        guard let level = level(of: list) else { return }
        let slot: Int32
        switch place {
        case .pointer(let pointer): slot = outerTrees[level].slot(at: pointer)
        case .entry(let entry): slot = outerTrees[level].slot(of: entry)
        default: return
        }
        places.append(
            PlaceRule(
                source: .outer, index: slot, level: Int32(level), isOutsideOfValue: false))
    }
}

extension MeterCatalog {
    /// Places in what contains an event, with the name of the event that asks for them.
    fileprivate var outerPlaces: [(subject: String, place: Place)] {
        var found: [(subject: String, place: Place)] = []
        func add(_ places: [Place], _ subject: String) {
            for case .outer(let list, let place) in places {
                found.append((subject: subject, place: .outer(list, place)))
            }
        }
        for source in [envelope.id, envelope.source, envelope.type, envelope.subject] {
            if case .places(let places, _) = source { add(places, "envelope") }
        }
        add(envelope.time, "envelope")
        for event in events {
            for field in event.fields { add(field.places, event.name) }
        }
        return found
    }
}
