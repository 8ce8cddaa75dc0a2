import Metering

/// A first catalog for a topic, made of a sample of its records.
///
/// The text is YAML as `schemas/catalog.md` has it, with comments on what is doubtful. It names
/// places and event types, and no other value of the sample.
public struct CatalogDraft {
    /// More event types than this are left out, the rarest first.
    static let mostTypes = 12
    private static let mostDimensions = 12

    /// The catalog; nil: none of the records is an event in JSON.
    public private(set) var text: String?
    /// What the sample is and what could not be read of it, for people.
    public private(set) var notes: [String] = []

    private let sample: TopicStatistics
    private let roles: Roles
    private let topic: String
    private let isCloudEvents: Bool

    /// A draft of these records; `topic` is their topic's name.
    public init(_ records: [SampledRecord], topic: String) {
        sample = TopicStatistics(records)
        self.topic = topic
        let count = sample.events.count
        isCloudEvents = sample.places.contains {
            $0.text == "/specversion" && $0.present == count
        }
        roles = isCloudEvents ? Roles(cloudEvents: sample) : Roles(sample)
        note(records.count)
        guard !sample.events.isEmpty else { return }
        let lines = head(records.count) + envelope() + eventsAndMeters()
        text = lines.joined(separator: "\n") + "\n"
    }

    private mutating func note(_ count: Int) {
        func add(_ number: Int, _ text: String) {
            if number > 0 { notes.append("\(number) of \(count) records: \(text)") }
        }
        add(
            sample.nullValues,
            "null values, as deletions have: see tombstones in schemas/catalog.md")
        add(sample.binaryEvents, "CloudEvents in binary mode")
        add(sample.batches, "several events each")
        add(
            sample.framed,
            "a zero byte first, as serializers of a schema registry write: see records in "
                + "schemas/catalog.md"
        )
        add(sample.unreadable, "no JSON object")
    }

    // MARK: Lines

    private func head(_ count: Int) -> [String] {
        var lines = [
            "# A first catalog for the topic \(Self.quoted(topic)), made of "
                + "\(sample.events.count) events in its newest \(count) records.",
            "# What a sample cannot know has a comment with a question mark. "
                + "Correct it, then",
            "# odometer check --meters FILE; odometer run --topic \(Self.quoted(topic)) --meters FILE",
        ]
        lines += notes.map { "# \($0)." }
        return lines + ["version: 1"]
    }

    private func envelope() -> [String] {
        var each = sample.each.map { ["  each: \($0)"] } ?? []
        if sample.listless > 0 {
            each.append(
                "  # ? \(sample.listless) entries have no such list inside: their events are not seen."
            )
        }
        if isCloudEvents { return cloudEventsEnvelope(each) }
        var lines = ["envelope:"] + each
        if let id = roles.id {
            lines.append(
                "  id: \(source(id))"
                    + doubt("id", id.different < id.present ? "has repetitions" : nil)
            )
        } else {
            lines += [
                "  # ? No place has another value in each record. So only a record that is read again is a",
                "  # duplicate; what a producer sends twice counts twice.", "  id: {record: true}",
            ]
        }
        lines.append("  source: {const: \(Self.quoted(Self.plain(topic)))}")
        if let type = roles.type {
            lines.append("  type: \(source(type))\(doubt("type", nil))")
        } else {
            lines.append("  type: {const: \(Self.quoted(eventName))}")
        }
        if let subject = roles.subject {
            lines.append(
                "  subject: \(source(subject, orElse: "unknown"))"
                    + doubt("subject", "\(subject.different) different values")
            )
        } else {
            lines += [
                "  # ? No place looks like a customer, an account or a tenant: all events belong to one",
                "  # organization.",
                "  subject: {const: all}",
            ]
        }
        lines += time()
        if let inside = sample.inside {
            lines.append("  data: {at: \(Self.quoted(SampledPlace.text(inside))), inside: json}")
        }
        if sample.nullValues > 0 {
            lines.append("  tombstones: ignore  # ? Else each is a dead letter.")
        }
        return lines
    }

    private func cloudEventsEnvelope(_ each: [String]) -> [String] {
        let subjects = sample.places.first { $0.text == "/subject" }?.present ?? 0
        let count = sample.events.count
        if subjects == count {
            return each.isEmpty
                ? ["# The events are CloudEvents: no envelope is needed."] : ["envelope:"] + each
        }
        return [
            "# ? \(count - subjects) of \(count) events have no subject, which names the "
                + "organization.", "envelope:",
        ] + each + [
            "  id: /id", "  source: /source", "  type: /type",
            "  subject: [/subject, {const: unknown}]", "  time: /time",
        ]
    }

    private func time() -> [String] {
        guard let time = roles.time else {
            return ["  # ? No place is a time: an event has the time of its record."]
        }
        let at = time.place.at
        switch time.format {
        case .rfc3339: return ["  time: \(at)\(doubt("time", nil))"]
        case .iso8601:
            return [
                "  # ? Times without a zone are taken as UTC.",
                "  time: {at: \(at), format: iso8601, zone: UTC}\(doubt("time", nil))",
            ]
        default: return ["  time: {at: \(at), format: \(time.format.text)}\(doubt("time", nil))"]
        }
    }

    /// A place of the envelope; a number needs `from: any`, and what is not always there a way out.
    private func source(_ place: PlaceStatistics, orElse other: String? = nil) -> String {
        let at = place.at
        let isWhole = place.present == sample.events.count
        let list = isWhole || other == nil ? at : "[\(at), {const: \(other ?? "")}]"
        return place.texts == place.present ? list : "{at: \(list), from: any}"
    }

    private func doubt(_ role: String, _ more: String?) -> String {
        let others = roles.others[role] ?? []
        let parts =
            [more].compactMap(\.self)
            + (others.isEmpty
                ? []
                : [
                    "? or "
                        + others.map { $0.hasPrefix("{") ? $0 : Self.quoted($0) }.joined(
                            separator: ", ")
                ])
        return parts.isEmpty ? "" : "  # " + parts.joined(separator: "; ")
    }

    // MARK: Event types

    private var eventName: String {
        let name = Roles.snake(topic)
        return Self.name(name.isEmpty ? "event" : name)
    }

    /// The events of each type, the most frequent first.
    private func types() -> [(type: String?, events: [TopicStatistics.Event])] {
        guard let type = roles.type else { return [(nil, sample.events)] }
        var found: [String: [TopicStatistics.Event]] = [:]
        for event in sample.events {
            guard let text = event.at(type.place)?.scalarText else { continue }
            found[text, default: []].append(event)
        }
        return found.sorted {
            $0.value.count != $1.value.count ? $0.value.count > $1.value.count : $0.key < $1.key
        }.map { ($0.key, $0.value) }
    }

    private func eventsAndMeters() -> [String] {
        let types = types()
        var events = ["events:"]
        var meters = ["meters:"]
        var names: Set<String> = []
        for (type, found) in types.prefix(Self.mostTypes) {
            let name = Self.unique(Self.name(type.map { Roles.snake($0) } ?? eventName), &names)
            let fields = fields(of: found)
            events.append("  \(name):  # \(found.count) in the sample")
            if let type, type != name { events.append("    type: \(Self.quoted(type))") }
            if type == nil, name != eventName {
                events.append("    type: \(Self.quoted(eventName))")
            }
            events.append(fields.taken.isEmpty ? "    fields: {}" : "    fields:")
            events += fields.taken.map { "      \($0.name): {\($0.attributes)}" }
            events += fields.left.map { "      # \($0)" }
            meters += Self.meters(of: name, fields.taken, &names)
        }
        if types.count > Self.mostTypes {
            events.append("  # \(types.count - Self.mostTypes) rarer types are left out.")
        }
        return events + meters
    }

    private struct Field {
        var name: String
        var attributes: String
        var isAmount: Bool
    }

    private func fields(
        of events: [TopicStatistics.Event]
    ) -> (taken: [Field], left: [String]) {
        var names: Set<String> = []
        var taken: [Field] = []
        var left: [String] = []
        let roleTexts = Set(
            [roles.id, roles.time?.place, roles.subject, roles.type].compactMap { $0?.text })
        for place in TopicStatistics.places(of: events) where !roleTexts.contains(place.text) {
            if isCloudEvents, place.pointer.first != "data" || place.place.origin != .event {
                continue
            }
            let at = place.at
            let attributes: String
            let isAmount: Bool
            switch FieldDraft(place, count: events.count) {
            case .left(let reason):
                left.append("\(at): \(reason)")
                continue
            case .amount(let found): (attributes, isAmount) = (found, true)
            case .dimension(let found): (attributes, isAmount) = (found, false)
            }
            guard taken.count < 40 else { continue }
            let parts = place.pointer.filter { Int($0) == nil && $0 != "data" }
            let plain = Roles.snake(parts.suffix(2).joined(separator: "_"))
            let name = Self.unique(Self.name(plain), &names)
            let all = ["at: \(at)", attributes].filter { !$0.isEmpty }.joined(separator: ", ")
            taken.append(Field(name: name, attributes: all, isAmount: isAmount))
        }
        return (taken, left)
    }

    private static func meters(
        of event: String, _ fields: [Field], _ names: inout Set<String>
    ) -> [String] {
        func line(_ name: String, _ text: String, _ clause: String) -> String {
            "  \(unique(Self.name(name), &names)): {\(text), on: [{event: \(event)\(clause)}]}"
        }
        var lines = [line("\(event)_count", "kind: count, windows: [day, all]", "")]
        for field in fields where field.isAmount {
            lines.append(
                line(
                    "\(event)_\(field.name)", "kind: sum, windows: [day, month, all]",
                    ", amount: \(field.name)"))
        }
        for field in fields.filter({ !$0.isAmount }).prefix(mostDimensions) {
            lines.append(
                line(
                    "\(event)_by_\(field.name)",
                    "kind: count, by: [\(field.name)], windows: [day, month, all]",
                    ""))
        }
        return lines
    }

    // MARK: Names and texts

    /// A name as catalogs take it: a letter first, at most 64 bytes.
    static func name(_ text: String) -> String {
        let plain = text.first?.isLetter == true ? text : "n_" + text
        return String(plain.prefix(48))
    }

    private static func unique(_ name: String, _ names: inout Set<String>) -> String {
        var found = name
        var number = 2
        while !names.insert(found).inserted {
            found = "\(name)_\(number)"
            number += 1
        }
        return found
    }

    /// Without what the text of a source should not have.
    private static func plain(_ text: String) -> String {
        String(text.prefix(200))
    }

    /// A text as YAML: plain where that is safe, else in quotes.
    static func quoted(_ text: String) -> String {
        let words: Set<String> = ["true", "false", "null", "yes", "no", "on", "off"]
        let isPlain =
            !text.isEmpty && !words.contains(text.lowercased())
            && text.first.map { $0.isLetter || $0 == "/" } == true
            && text.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x5A).contains($0)
                    || (0x61...0x7A).contains($0) || "/_-.~".utf8.contains($0)
            }
        if isPlain { return text }
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": quoted += "\\\(scalar)"
            case "\u{20}"..."\u{7E}": quoted.unicodeScalars.append(scalar)
            default:
                let digits = String(scalar.value, radix: 16)
                quoted += "\\U" + String(repeating: "0", count: 8 - digits.count) + digits
            }
        }
        return quoted + "\""
    }
}

extension TopicStatistics.Event {
    /// The value at a place; nil when there is none.
    func at(_ place: SampledPlace) -> SampledValue? {
        switch place.origin {
        case .event: value.at(place.pointer)
        case .outer: outers.first { $0.origin == place.origin }?.value.at(place.pointer)
        case .header: record.texts.last { [$0.name] == place.pointer }?.value
        }
    }
}

extension SampledValue {
    /// The value at a pointer; nil when there is none.
    func at(_ pointer: [String]) -> SampledValue? {
        var value = self
        for name in pointer {
            guard case .object(let members) = value, let next = members[name] else { return nil }
            value = next
        }
        return value
    }
}

extension Roles {
    /// The roles that the specification of CloudEvents gives.
    init(cloudEvents sample: TopicStatistics) {
        self.init()
        func place(_ name: String) -> PlaceStatistics? {
            sample.places.first { $0.text == "/" + name }
        }
        id = place("id")
        subject = place("subject")
        type = place("type")
        time = place("time").map { ($0, .rfc3339) }
    }
}
