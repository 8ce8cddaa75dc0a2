import Foundation
import Metering

/// A place of an event, of what contains it, or of its record.
struct SampledPlace: Hashable {
    enum Origin: Hashable {
        case event
        /// What contains the event: an entry of that list, or the record's value where it is nil.
        case outer(list: [String]?)
        /// A header, whose name is the pointer.
        case header
    }
    var origin = Origin.event
    var pointer: [String]

    /// The place as catalogs have it: the pointer as RFC 6901 writes it, or a mapping.
    var text: String {
        switch origin {
        case .event: return Self.text(pointer)
        case .outer(let list):
            let list = list.map { $0.isEmpty ? "array" : CatalogDraft.quoted(Self.text($0)) }
            return "{in: \(list ?? "record"), at: \(CatalogDraft.quoted(Self.text(pointer)))}"
        case .header: return "{header: \(CatalogDraft.quoted(pointer.joined()))}"
        }
    }

    static func text(_ pointer: [String]) -> String {
        pointer.map {
            "/"
                + $0.replacingOccurrences(of: "~", with: "~0")
                .replacingOccurrences(of: "/", with: "~1")
        }.joined()
    }
}

/// What a sample has at one place.
struct PlaceStatistics {
    /// More different values than this are not kept.
    static let mostDifferent = 20_000
    /// Formats that are tried, in this order.
    static let timeFormats: [TimeFormat] =
        [.rfc3339, .iso8601]
        + [TimeFormat.Unit.milliseconds, .seconds, .microseconds, .nanoseconds].map { .unix($0) }
        + ((try? TimeFormat("common-log")).flatMap(\.self).map { [$0] } ?? [])

    let place: SampledPlace
    private(set) var present = 0
    private(set) var texts = 0
    private(set) var numbers = 0
    private(set) var booleans = 0
    /// Arrays and objects that stand where other records have a single value.
    private(set) var others = 0
    /// Texts that are numbers, as JSON writes them.
    private(set) var numericTexts = 0
    /// Most decimals of a number or numeric text, and whether one has any.
    private(set) var scale = 0
    private(set) var greatest: Decimal = 0
    private(set) var values: [String: Int] = [:]
    private(set) var longest = 0
    /// How often the value is the record's key.
    private(set) var keys = 0
    /// Of each of `timeFormats`: how many values it reads as a time of the years 2001 to 2099.
    private(set) var times = Array(repeating: 0, count: timeFormats.count)
    /// The same, how many of these are within a day of the record's time.
    private(set) var nearTimes = Array(repeating: 0, count: timeFormats.count)

    init(_ place: SampledPlace) { self.place = place }

    var pointer: [String] { place.pointer }
    /// The last name of the pointer that is no index of an array.
    var name: String { pointer.last { Int($0) == nil } ?? "" }
    /// What tells it from other places; the JSON pointer where it is one.
    var text: String { place.text }
    /// The place in YAML.
    var at: String { place.origin == .event ? CatalogDraft.quoted(text) : text }
    var different: Int { values.count }
    var isNumeric: Bool { isMost(numbers + numericTexts) }
    var isSingle: Bool { isMost(present - others) }

    /// Whether so many are all values but those of a bad record in fifty.
    func isMost(_ number: Int) -> Bool { present > 0 && number * 50 >= present * 49 }

    /// The format that most values have; of several the one that is nearest to the records' times.
    var timeFormat: (index: Int, isNear: Bool)? {
        let fit = times.indices.filter { isMost(times[$0]) }
        if let near = fit.first(where: { isMost(nearTimes[$0]) }) { return (near, true) }
        return fit.first.map { ($0, false) }
    }

    mutating func take(_ value: SampledValue, of record: SampledRecord) {
        if case .null = value { return }
        present += 1
        switch value {
        case .number(let number):
            numbers += 1
            note(number)
        case .vastNumber: numbers += 1
        case .boolean: booleans += 1
        case .text(let text):
            texts += 1
            if Self.isJSONNumber(text), let number = Decimal(string: text) {
                numericTexts += 1
                note(number)
            }
        case .list, .object, .null: others += 1
        }
        guard let text = value.scalarText else { return }
        longest = max(longest, text.utf8.count)
        // What is too long for an id or a dimension need not be told from others.
        let known = text.utf8.count <= EventLimits.textBytes ? text : String(text.prefix(32))
        if values.count < Self.mostDifferent || values[known] != nil {
            values[known, default: 0] += 1
        }
        if let key = record.key, key.elementsEqual(text.utf8) { keys += 1 }
        noteTimes(text, value, record)
    }

    private mutating func note(_ number: Decimal) {
        scale = max(scale, max(0, -number.exponent))
        greatest = max(greatest, number.magnitude)
    }

    private mutating func noteTimes(
        _ text: String, _ value: SampledValue, _ record: SampledRecord
    ) {
        if case .boolean = value { return }
        for (index, format) in Self.timeFormats.enumerated() {
            let reader = TimeReader([format], zone: .utc)
            guard let time = reader.nanoseconds(text.utf8) else { continue }
            let seconds = time / 1_000_000_000
            // 2001-09-09 to 2099-12-31: nine digits are no seconds, and hardly a unit is mistaken.
            guard (1_000_000_000..<4_102_444_800).contains(seconds) else { continue }
            times[index] += 1
            let stamp = record.timestampMilliseconds
            if stamp > 0, abs(seconds - stamp / 1_000) <= 86_400 { nearTimes[index] += 1 }
        }
    }

    private static func isJSONNumber(_ text: String) -> Bool {
        guard let first = text.utf8.first, first == 0x2D || (0x30...0x39).contains(first) else {
            return false
        }
        if case .number = SampledValue.read(Array(text.utf8)) { return true }
        return false
    }
}
