/// Where records hold several events in lists, some within the entries of others.
///
/// A list holds the events where its entries look like events (they have a time), and what contains
/// it does not (it has no time with an id of its own). An order with its items stays one event.
struct NestedLists {
    private static let mostLevels = 8
    private static let deepestList = 4
    /// Lists of one level that are tried, the fullest first.
    private static let mostTried = 4
    /// More entries than this are not looked at.
    private static let mostEntries = 20_000
    /// So many of them show whether they look like events.
    private static let mostJudged = 2_000

    /// The pointer of each list from the entry of the one before on; empty: there is none.
    private(set) var lists: [[String]] = []
    /// The events with what contains them.
    private(set) var events: [TopicStatistics.Event]
    /// Entries of outer lists in which the next list is missing.
    private(set) var listless = 0
    private let isArray: Bool

    /// - Parameter isArray: whether the events are the entries of the record's value already.
    init(_ events: [TopicStatistics.Event], isArray: Bool) {
        self.events = events
        self.isArray = isArray
        let outer: SampledPlace.Origin = .outer(list: isArray ? [] : nil)
        guard let found = Self.path(of: events, outer, level: isArray ? 1 : 0) else { return }
        lists = found.lists
        self.events = found.events
        listless = found.listless
    }

    /// As the catalog says it.
    var each: String {
        let texts = lists.map { CatalogDraft.quoted(SampledPlace.text($0)) }
        if isArray { return "[array, \(texts.joined(separator: ", "))]" }
        return texts.count == 1 ? texts[0] : "[\(texts.joined(separator: ", "))]"
    }

    private typealias Path = (lists: [[String]], events: [TopicStatistics.Event], listless: Int)

    private static func path(
        of events: [TopicStatistics.Event], _ outer: SampledPlace.Origin, level: Int
    ) -> Path? {
        guard level < mostLevels, !events.isEmpty, !looks(events, Roles.areEvents)
        else { return nil }
        for list in candidates(in: events, isFirst: level == 0) {
            var entries: [TopicStatistics.Event] = []
            var missing = 0
            for event in events {
                guard case .list(let values)? = event.value.at(list) else {
                    missing += 1
                    continue
                }
                let outers = event.outers + [(outer, event.value.without(list))]
                entries += values.prefix(mostEntries - entries.count).map {
                    TopicStatistics.Event(record: event.record, value: $0, outers: outers)
                }
            }
            if let found = path(of: entries, .outer(list: list), level: level + 1) {
                return ([list] + found.lists, found.events, missing + found.listless)
            }
            if looks(entries, Roles.haveTime) { return ([list], entries, missing) }
        }
        return nil
    }

    /// Whether what events have in themselves looks so.
    private static func looks(
        _ events: [TopicStatistics.Event], _ judge: ([PlaceStatistics], Int) -> Bool
    ) -> Bool {
        let some = Array(events.prefix(mostJudged))
        return judge(
            TopicStatistics.places(of: some).filter { $0.place.origin == .event }, some.count)
    }

    /// Lists of objects, those with the most entries first; the first level's is in each record.
    private static func candidates(
        in events: [TopicStatistics.Event], isFirst: Bool
    ) -> [[String]] {
        var found: [[String]: (events: Int, entries: Int, isBad: Bool)] = [:]
        func walk(_ value: SampledValue, _ pointer: [String]) {
            switch value {
            case .object(let members) where pointer.count < deepestList:
                for (name, member) in members { walk(member, pointer + [name]) }
            case .list(let entries):
                var seen = found[pointer] ?? (0, 0, false)
                seen.events += 1
                seen.entries += entries.count
                seen.isBad = seen.isBad || !entries.allSatisfy(\.isObject)
                found[pointer] = seen
            default: break
            }
        }
        for event in events { walk(event.value, []) }
        let fit = found.filter { entry in
            !entry.value.isBad && entry.value.entries > 0 && !entry.key.isEmpty
                && (!isFirst || entry.value.events == events.count)
        }
        return fit.sorted {
            $0.value.entries != $1.value.entries
                ? $0.value.entries > $1.value.entries
                : $0.key.lexicographicallyPrecedes($1.key)
        }.prefix(mostTried).map(\.key)
    }
}

extension SampledValue {
    /// The value without what is at a pointer.
    fileprivate func without(_ pointer: [String]) -> SampledValue {
        guard case .object(var members) = self, let name = pointer.first else { return self }
        members[name] =
            pointer.count == 1 ? nil : members[name]?.without(Array(pointer.dropFirst()))
        return .object(members)
    }
}
