/// A time zone, from the bytes of its file in the tz database.
///
/// Every stretch of time with one offset is listed until 2201, and a local time is looked for in
/// all of them: slow, and simple.
public struct OracleZone: Sendable {
    private struct Span {
        var start: Int64
        var end: Int64
        var offset: Int64
    }

    private let spans: [Span]
    /// Its name.
    public let name: String

    /// UTC.
    public static let utc = OracleZone(
        name: "UTC", spans: [Span(start: .min, end: .max, offset: 0)])

    private init(name: String, spans: [Span]) {
        self.name = name
        self.spans = spans
    }

    /// The zone in a file of version 2 or later; nil for other bytes.
    public init?(name: String, file: [UInt8]) {
        guard let first = Header(file, at: 0), file.count > 4, file[4] >= 0x32,
            let header = Header(file, at: first.end(timeBytes: 4)), header.leaps == 0,
            header.end(timeBytes: 8) <= file.count
        else { return nil }
        let times = header.start
        let kinds = times + header.times * 8
        let offsets = kinds + header.times
        var changes: [(second: Int64, offset: Int64)] = []
        func offset(_ kind: Int) -> Int64 {
            Int64(Int32(truncatingIfNeeded: Header.number(file, offsets + kind * 6, 4)))
        }
        for index in 0..<header.times {
            let second = Int64(
                bitPattern: Header.number(file, times + index * 8, 8))
            changes.append((second, offset(Int(file[kinds + index]))))
        }
        let footer = file[header.end(timeBytes: 8)...].split(separator: 0x0A).first ?? []
        let last = changes.last?.second ?? .min
        if !footer.isEmpty {
            guard let rule = OracleZoneRule(String(decoding: footer, as: UTF8.self)) else {
                return nil
            }
            changes += rule.changes.filter { $0.second > last }
            if changes.isEmpty { changes = [(.min, rule.standard)] }
        }
        var spans = [Span(start: .min, end: .max, offset: offset(0))]
        for change in changes {
            spans[spans.count - 1].end = change.second
            spans.append(Span(start: change.second, end: .max, offset: change.offset))
        }
        self.init(name: name, spans: spans)
    }

    /// Seconds since 1970 of a local time: the first of two, or moved on by the gap.
    func second(ofLocal local: Int64) -> Int64 {
        // Far times in the first and last span cannot overflow: local times are near 1970.
        for span in spans {
            let second = local - span.offset
            if second >= span.start, second < span.end { return second }
        }
        // Left out: what clocks would have shown without the change.
        for (before, after) in zip(spans, spans.dropFirst())
        where local - before.offset >= before.end && local - after.offset < after.start {
            return local - before.offset
        }
        return local - (spans.last?.offset ?? 0)
    }

    /// What is before the data of a version.
    private struct Header {
        let start: Int
        var leaps = 0
        var times = 0
        private var kinds = 0
        private var names = 0
        private var marks = 0

        init?(_ file: [UInt8], at place: Int) {
            guard place + 44 <= file.count, file[place..<place + 4].elementsEqual("TZif".utf8)
            else { return nil }
            func count(_ index: Int) -> Int {
                Int(Header.number(file, place + 20 + index * 4, 4))
            }
            start = place + 44
            (leaps, times, kinds, names) = (count(2), count(3), count(4), count(5))
            marks = count(0) + count(1)
            guard end(timeBytes: 4) <= file.count, kinds > 0 else { return nil }
        }

        func end(timeBytes: Int) -> Int {
            start + times * (timeBytes + 1) + kinds * 6 + names + leaps * (timeBytes + 4) + marks
        }

        static func number(_ file: [UInt8], _ place: Int, _ count: Int) -> UInt64 {
            file.dropFirst(place).prefix(count).reduce(0) { $0 << 8 | UInt64($1) }
        }
    }
}

extension OracleZone: Equatable {
    /// Whether they have one name.
    public static func == (one: OracleZone, other: OracleZone) -> Bool { one.name == other.name }
}

/// The line at the end of a zone's file: what holds after its last change.
struct OracleZoneRule {
    /// Seconds ahead of UTC outside of summer time.
    let standard: Int64
    /// The changes of every year, in their order.
    private(set) var changes: [(second: Int64, offset: Int64)] = []

    /// Reads such as `CET-1CEST,M3.5.0,M10.5.0/3`; nil for other texts.
    init?(_ text: String) {
        let parts = text.split(separator: ",")
        guard let names = parts.first, let zone = Self.names(names),
            parts.count == 1 || parts.count == 3
        else { return nil }
        standard = zone.standard
        guard parts.count == 3, let summer = zone.summer else { return }
        guard let begin = Change(parts[1]), let end = Change(parts[2]) else { return nil }
        for year in 1_899...2_201 {
            changes.append((begin.local(year) - standard, summer))
            changes.append((end.local(year) - summer, standard))
        }
        changes.sort { $0.second < $1.second }
    }

    private static func names(_ text: Substring) -> (standard: Int64, summer: Int64?)? {
        var rest = text
        skipName(&rest)
        guard let west = seconds(&rest) else { return nil }
        if rest.isEmpty { return (-west, nil) }
        skipName(&rest)
        if rest.isEmpty { return (-west, 3_600 - west) }
        guard let summer = seconds(&rest), rest.isEmpty else { return nil }
        return (-west, -summer)
    }

    private static func skipName(_ rest: inout Substring) {
        if rest.first == "<" {
            rest = rest.drop { $0 != ">" }.dropFirst()
        } else {
            rest = rest.drop(while: \.isLetter)
        }
    }

    /// Hours, and minutes and seconds where they are there.
    private static func seconds(_ rest: inout Substring) -> Int64? {
        let isNegative = rest.first == "-"
        if isNegative || rest.first == "+" { rest = rest.dropFirst() }
        let text = rest.prefix { $0.isNumber || $0 == ":" }
        rest = rest.dropFirst(text.count)
        var sum: Int64 = 0
        for (part, unit) in zip(text.split(separator: ":"), [3_600, 60, 1]) {
            guard let number = Int64(part) else { return nil }
            sum += number * Int64(unit)
        }
        return text.isEmpty ? nil : isNegative ? -sum : sum
    }

    /// A day of a month by its weekday, as in `M3.5.0/2`.
    private struct Change {
        private let month: Int
        private let week: Int
        private let weekday: Int64
        private let time: Int64

        init?(_ text: Substring) {
            let halves = text.split(separator: "/")
            let day = halves[0].dropFirst().split(separator: ".").compactMap { Int($0) }
            guard halves[0].first == "M", day.count == 3 else { return nil }
            (month, week, weekday) = (day[0], day[1], Int64(day[2]))
            var clock = halves.count > 1 ? halves[1] : "2"
            guard let time = OracleZoneRule.seconds(&clock) else { return nil }
            self.time = time
        }

        /// The local time of the change, as if it were UTC.
        func local(_ year: Int) -> Int64 {
            let first = CivilDate(year: year, month: month, day: 1).days
            // 1970-01-01 was a Thursday.
            let ahead = (weekday - (first + 4) % 7 + 14) % 7
            var day = Int(ahead) + 1 + (week - 1) * 7
            while day > CivilDate.days(inMonth: month, of: year) { day -= 7 }
            return (first + Int64(day) - 1) * 86_400 + time
        }
    }
}
