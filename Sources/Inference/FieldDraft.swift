import Foundation
import Metering

/// What the draft makes of one place of an event type.
enum FieldDraft {
    /// A number that may be added up; `attributes` as the catalog has them.
    case amount(attributes: String)
    /// A text, number or boolean by which may be counted.
    case dimension(attributes: String)
    /// Left out, for this reason.
    case left(reason: String)

    /// A dimension has at most so many different values in a sample.
    static let mostValues = 100

    /// Members of requests whose own members are whatever clients send.
    private static let noise: Set<String> = ["headers", "querystring", "query_params", "cookies"]
    private static let labels: Set<String> = [
        "status", "status_code", "code", "response_code", "port", "version", "level", "priority",
        "severity", "year", "month", "day", "line", "http_status",
    ]

    /// - Parameter count: events of the type in the sample.
    init(_ place: PlaceStatistics, count: Int) {
        if let part = place.pointer.first(where: Self.noise.contains) {
            self = .left(reason: "in \(part)")
            return
        }
        guard place.isSingle else {
            self = .left(
                reason: "an array or object in \(place.others) of \(place.present) records")
            return
        }
        let name = Roles.snake(place.name)
        if place.booleans == place.present {
            self = .dimension(attributes: "is: boolean")
        } else if let format = Self.time(place, name) {
            self = .left(reason: "a time (\(format.text))")
        } else if name == "id" || name.hasSuffix("_id") {
            self =
                place.different <= Self.mostValues / 4 && place.different * 4 <= place.present
                ? .dimension(attributes: place.numbers > 0 ? "from: any" : "")
                : .left(reason: "an id: \(place.different) different values")
        } else if place.isNumeric, !Self.isLabel(name, place) {
            self = .amount(attributes: Self.number(place, count))
        } else {
            self = Self.text(place, name)
        }
    }

    private static func isLabel(_ name: String, _ place: PlaceStatistics) -> Bool {
        place.scale == 0 && place.different <= 50
            && (labels.contains(name) || labels.contains { name.hasSuffix("_" + $0) })
    }

    private static func time(_ place: PlaceStatistics, _ name: String) -> TimeFormat? {
        guard let (index, isNear) = place.timeFormat else { return nil }
        let format = PlaceStatistics.timeFormats[index]
        // A number that could be a time is one where its name or the record's time says so.
        guard case .unix = format else { return format }
        let says = ["time", "date", "at", "ts", "timestamp", "msec"].contains {
            name == $0 || name.hasSuffix("_" + $0) || name.hasPrefix($0 + "_")
        }
        return says || isNear ? format : nil
    }

    private static func number(_ place: PlaceStatistics, _ count: Int) -> String {
        var parts: [String] = []
        if place.scale == 0 {
            parts.append("is: integer")
            if place.greatest > Decimal(1 << 39) { parts.append("max: 9007199254740991") }
        } else {
            let scale = [2, 3, 6, 9, 12].first { $0 >= place.scale } ?? 12
            parts.append("is: decimal, scale: \(scale)")
            if place.scale > 3 { parts.append("round: half_even") }
        }
        if place.numericTexts > 0 { parts.append("from: text") }
        if place.present == count { parts.append("required: true") }
        return parts.joined(separator: ", ")
    }

    private static func text(_ place: PlaceStatistics, _ name: String) -> FieldDraft {
        guard place.longest <= EventLimits.textBytes else {
            return .left(reason: "texts of up to \(place.longest) bytes")
        }
        guard place.different <= mostValues,
            place.different * 2 <= place.present || place.different < 4
        else {
            return .left(reason: "\(place.different) different values in \(place.present) records")
        }
        return .dimension(attributes: place.texts < place.present ? "from: any" : "")
    }
}
