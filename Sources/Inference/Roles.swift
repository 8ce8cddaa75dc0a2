import Metering

/// Which place of a sample is an event's id, its time, its subject and its type.
///
/// Points for a name and for what the values look like; who reads the draft decides.
struct Roles {
    var id: PlaceStatistics?
    var time: (place: PlaceStatistics, format: TimeFormat)?
    var subject: PlaceStatistics?
    var type: PlaceStatistics?
    /// Other places that were nearly as good, by role.
    var others: [String: [String]] = [:]

    private static let idNames = [
        "id", "event_id", "uuid", "guid", "message_id", "request_id", "transaction_id",
        "idempotency_key", "identifier", "log_id", "ray_id", "trace_id", "document_id", "key",
    ]
    private static let timeNames = [
        "time", "timestamp", "ts", "event_time", "created_at", "occurred_at", "start_time",
        "started_at", "end_time", "date", "created", "at", "ts_ms", "msec", "edge_start_timestamp",
    ]
    private static let subjectNames = [
        "subject", "organization_id", "org_id", "organization", "org", "tenant", "tenant_id",
        "customer_id", "customer", "external_customer_id", "account_id", "account", "team_id",
        "custom_id", "consumer_id", "workspace_id", "project_id", "external_subscription_id",
        "subscription_id", "client_id",
        "user_id", "user", "host", "client_request_host", "stripe_customer_id", "username",
        "tenant_name",
    ]
    private static let typeNames = [
        "type", "event_type", "event_name", "event", "code", "name", "action", "kind", "operation",
    ]

    init() {}

    init(_ sample: TopicStatistics) {
        let count = sample.events.count
        let places = sample.places
        pickTime(places, count)
        let timed = time?.place.text
        let singles = places.filter { $0.isSingle && $0.text != timed }
        id = pick("id", singles.filter { Self.isDistinct($0, count) }) {
            Self.points($0.name, Self.idNames)
                + ($0.pointer.count == 1 && $0.numericTexts + $0.numbers == 0 ? 3 : 0)
        }
        let identity = id?.text
        let rest = singles.filter { $0.text != identity }
        subject = pick("subject", rest.filter { Self.maySubject($0, count) }) {
            Self.points($0.name, Self.subjectNames)
                + ($0.keys * 10 > $0.present * 9 && $0.present > 1 ? 40 : 0)
                - ($0.pointer.contains("headers") ? 20 : 0)
        }
        let owner = subject?.text
        type = pick("type", rest.filter { $0.text != owner && Self.mayType($0, count) }) {
            // A name that only ends so says little where the value never changes.
            let points = Self.points($0.name, Self.typeNames)
            return points < 11 && $0.different < 2 ? 0 : points - 4 * ($0.pointer.count - 1)
        }
    }

    // MARK: What may be what

    /// Whether something has a time and another id each time, as events have.
    static func areEvents(_ places: [PlaceStatistics], _ count: Int) -> Bool {
        var roles = Roles()
        roles.pickTime(places, count)
        guard let time = roles.time?.place.text else { return false }
        return places.contains {
            $0.text != time && $0.isSingle && isDistinct($0, count)
                && points($0.name, idNames) > 0
        }
    }

    /// Whether something has a time.
    static func haveTime(_ places: [PlaceStatistics], _ count: Int) -> Bool {
        var roles = Roles()
        roles.pickTime(places, count)
        return roles.time != nil
    }

    private static func isDistinct(_ place: PlaceStatistics, _ count: Int) -> Bool {
        // A producer's repetitions are in the sample as well.
        place.present * 100 >= count * 95 && place.booleans == 0 && place.longest <= 256
            && place.different * 100 >= place.present * 90
            && (place.scale == 0 || place.numbers + place.numericTexts < place.present)
    }

    private static func maySubject(_ place: PlaceStatistics, _ count: Int) -> Bool {
        // The same value everywhere names no customer, unless the sample is tiny.
        place.present * 2 >= count && place.booleans == 0 && place.longest <= 256
            && (place.different > 1 || count < 5)
            && (place.numbers + place.numericTexts == 0 || place.scale == 0)
            && place.timeFormat == nil
    }

    private static func mayType(_ place: PlaceStatistics, _ count: Int) -> Bool {
        place.present == count && place.texts == count && place.numericTexts == 0
            && place.different <= max(1, min(20, count / 2)) && place.longest <= 256
    }

    // MARK: Points

    private mutating func pick(
        _ role: String, _ places: [PlaceStatistics], _ points: (PlaceStatistics) -> Int
    ) -> PlaceStatistics? {
        let ranked = places.map { ($0, points: points($0)) }.filter { $0.points > 0 }.sorted {
            $0.points != $1.points ? $0.points > $1.points : $0.0.text < $1.0.text
        }
        others[role] = ranked.dropFirst().prefix(4).map(\.0.text)
        return ranked.first?.0
    }

    /// Points of a name: the further in front in a list, the more; fewer where it only ends so.
    private static func points(_ name: String, _ names: [String]) -> Int {
        let plain = snake(name)
        if let index = names.firstIndex(of: plain) { return 30 - index }
        let suffix = names.firstIndex { plain.hasSuffix("_" + $0) }
        return suffix.map { max(1, 10 - $0) } ?? 0
    }

    private mutating func pickTime(_ places: [PlaceStatistics], _ count: Int) {
        let possible = places.filter { $0.isSingle && $0.present * 100 >= count * 90 }
        let best = pick("time", possible) { place in
            guard let (index, isNear) = place.timeFormat else { return 0 }
            var points = Self.points(place.name, Self.timeNames)
            if case .unix = PlaceStatistics.timeFormats[index] {} else { points += 5 }
            // Times of other things, as of a customer's creation, are far from the record's.
            if isNear { points += 40 }
            // A number that only could be a time needs a name that says so.
            return points > 5 ? points - place.pointer.count : 0
        }
        guard let best, let index = best.timeFormat?.index else { return }
        time = (best, PlaceStatistics.timeFormats[index])
    }

    /// `customerId`, `CustomerID` and `customer-id` as `customer_id`; other characters become `_`.
    static func snake(_ name: String) -> String {
        var text = ""
        var before: Character?
        for character in name {
            if character.isASCII, character.isLetter || character.isNumber {
                if character.isUppercase, let before, before.isLowercase || before.isNumber {
                    text += "_"
                }
                text += character.lowercased()
            } else if !text.isEmpty, !text.hasSuffix("_") {
                text += "_"
            }
            before = character
        }
        while text.hasSuffix("_") { text.removeLast() }
        return text
    }
}
