import HTTPServer
import Metering
public import Query
public import Zones

/// One limit, as the member `limits` of an organization or plan has it in the directory.
public struct UsageLimit: Sendable, Equatable {
    /// What a check answers beyond the limit.
    public enum Mode: String, Sendable, CaseIterable {
        /// Not allowed.
        case hard
        /// Allowed, with a note.
        case soft
    }
    /// What a check answers while Redis cannot be read.
    public enum OnUnavailable: String, Sendable, CaseIterable {
        /// Allowed.
        case allow
        /// Not allowed.
        case deny
    }
    /// How the current period is found.
    public enum Period: Sendable, Equatable {
        /// A date.
        case day
        /// A calendar month.
        case month
        /// A month from this day on, 1 to 31; nil: the organization's `billingDay`.
        case billing(anchor: Int32?)
        /// All of time.
        case always
    }

    /// The limits that one list may have.
    public static let most = 256
    static let mostFilters = 8
    static let mostValues = 64

    /// Name of the meter.
    public var meter: String
    /// What may be used, as JSON wrote the number; nil: any amount.
    public var limit: String?
    /// What is counted in; every event where it is empty.
    public var filters: [DimensionFilter] = []
    /// The period.
    public var period = Period.always
    /// Name of the zone whose clocks begin the periods.
    public var zone = "UTC"
    /// What happens beyond it.
    public var mode = Mode.hard
    /// What happens while Redis is away.
    public var onUnavailable = OnUnavailable.allow

    /// The word for its period; nil: all of time.
    var periodName: String? {
        switch period {
        case .day: "day"
        case .month: "month"
        case .billing: "billing"
        case .always: nil
        }
    }
}

/// Why a list of limits is refused; text for people.
public struct UsageLimitError: Error, Sendable, Equatable {
    /// One line that begins with the member, such as `limits[0]: …`.
    public let text: String
}

extension UsageLimit {
    /// Reads the JSON text of a member `limits`; throws where it is no list of limits.
    public static func list(_ json: [UInt8]) throws(UsageLimitError) -> [UsageLimit] {
        guard case .array(let values) = JSONValue(json), values.count <= most else {
            throw UsageLimitError(text: "limits must be a list of at most \(most) limits")
        }
        var limits: [UsageLimit] = []
        for (index, value) in values.enumerated() {
            guard case .object(let members) = value else {
                throw UsageLimitError(text: "limits[\(index)] must be an object")
            }
            var reader = UsageLimitReader()
            guard let problem = reader.read(members) else {
                limits.append(reader.limit)
                continue
            }
            throw UsageLimitError(text: "limits[\(index)]: \(problem)")
        }
        return limits
    }

    /// Why the directory does not take this member; nil where it does.
    ///
    /// Beyond its form, zones must be in the database of `zones`; where that is empty, any name
    /// will do.
    public static func refusal(_ json: [UInt8], zones: ZoneDatabase = .system) -> String? {
        let limits: [UsageLimit]
        do throws(UsageLimitError) { limits = try list(json) } catch { return error.text }
        for (index, limit) in limits.enumerated() {
            do throws(ZoneDatabase.Fault) {
                _ = try zones.zone(named: limit.zone)
            } catch {
                if case .noDatabase = error { continue }
                return "limits[\(index)]: zone must be a time zone like Europe/Berlin; "
                    + error.text
            }
        }
        return nil
    }
}

/// Reads the members of one limit.
private struct UsageLimitReader {
    var limit = UsageLimit(meter: "")
    var anchor: Int32?

    /// What is wrong, as one line; nil where nothing is.
    mutating func read(_ members: [JSONValue.Member]) -> String? {
        var seen: Set<String> = []
        for member in members {
            let name = String(decoding: member.name, as: UTF8.self)
            guard seen.insert(name).inserted else { return "\(name.prefix(64)) is given twice" }
            if let problem = read(name, member.value) { return problem }
        }
        for name in ["meter", "limit"] where !seen.contains(name) { return "\(name) is missing" }
        if let anchor {
            guard case .billing = limit.period else {
                return "anchor is only for the period billing"
            }
            limit.period = .billing(anchor: anchor)
        }
        return nil
    }

    private mutating func read(_ name: String, _ value: JSONValue) -> String? {
        switch name {
        case "meter":
            guard let text = text(value), isMeter(text) else {
                return "meter must be the name of a meter"
            }
            limit.meter = text
        case "limit":
            if value == .null { return nil }
            guard case .number(let digits) = value, isAmount(digits) else {
                return "limit must be null or a number from 0 to 9007199254740991"
            }
            limit.limit = String(decoding: digits, as: UTF8.self)
        case "period":
            guard let period = period(value) else { return "period must be day, month or billing" }
            limit.period = period
        case "anchor":
            guard case .number(let digits) = value, let day = wholeNumber(digits, 1...31) else {
                return "anchor must be an integer from 1 to 31"
            }
            anchor = Int32(day)
        case "zone":
            guard let text = text(value), (1...64).contains(text.utf8.count) else {
                return "zone must be a time zone like Europe/Berlin"
            }
            limit.zone = text
        case "filter": return readFilter(value)
        case "mode":
            guard let mode = text(value).flatMap({ UsageLimit.Mode(rawValue: $0) }) else {
                return "mode must be hard or soft"
            }
            limit.mode = mode
        case "onUnavailable":
            guard let answer = text(value).flatMap({ UsageLimit.OnUnavailable(rawValue: $0) })
            else {
                return "onUnavailable must be allow or deny"
            }
            limit.onUnavailable = answer
        default: return "unknown member \"\(name.prefix(64))\""
        }
        return nil
    }

    private mutating func readFilter(_ value: JSONValue) -> String? {
        guard case .object(let members) = value, members.count <= UsageLimit.mostFilters else {
            return "filter must be an object of at most \(UsageLimit.mostFilters) dimensions"
        }
        for member in members {
            let name = String(decoding: member.name, as: UTF8.self)
            guard let values = values(member.value) else {
                return "filter: \(name.prefix(64)) must be a text, or a list of 1 to "
                    + "\(UsageLimit.mostValues) texts"
            }
            guard !limit.filters.contains(where: { $0.dimension == name }) else {
                return "filter: \(name.prefix(64)) is given twice"
            }
            limit.filters.append(DimensionFilter(name, values))
        }
        return nil
    }

    private func values(_ value: JSONValue) -> [[UInt8]]? {
        if case .string(let text) = value { return [text] }
        guard case .array(let list) = value, (1...UsageLimit.mostValues).contains(list.count) else {
            return nil
        }
        let texts = list.compactMap { value -> [UInt8]? in
            guard case .string(let text) = value else { return nil }
            return text
        }
        return texts.count == list.count ? texts : nil
    }

    private func text(_ value: JSONValue) -> String? {
        guard case .string(let text) = value else { return nil }
        return String(decoding: text, as: UTF8.self)
    }

    private func period(_ value: JSONValue) -> UsageLimit.Period? {
        switch text(value) {
        case "day": .day
        case "month": .month
        case "billing": .billing(anchor: nil)
        default: nil
        }
    }

    private func isMeter(_ name: String) -> Bool {
        guard (1...256).contains(name.utf8.count), let first = name.utf8.first else { return false }
        return (97...122).contains(first)
            && name.utf8.allSatisfy {
                (97...122).contains($0) || (48...57).contains($0) || $0 == 95
            }
    }

    private func isAmount(_ digits: [UInt8]) -> Bool {
        guard let value = Double(String(decoding: digits, as: UTF8.self)) else { return false }
        return (0...9_007_199_254_740_991).contains(value)
    }

    private func wholeNumber(_ digits: [UInt8], _ range: ClosedRange<Int64>) -> Int64? {
        JSONInteger.value(digits).flatMap { range.contains($0) ? $0 : nil }
    }
}
