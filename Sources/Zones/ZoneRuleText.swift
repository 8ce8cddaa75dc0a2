/// Reads the TZ text at the end of a file of the database, such as `CET-1CEST,M3.5.0,M10.5.0/3`.
struct ZoneRuleText {
    private var rest: ArraySlice<UInt8>

    /// The rule and the short names of its times; nil where the text is not a rule.
    static func read(_ text: ArraySlice<UInt8>) -> (rule: ZoneRule, names: [String])? {
        var reader = ZoneRuleText(rest: text)
        return reader.rule()
    }

    private mutating func rule() -> (rule: ZoneRule, names: [String])? {
        guard let name = name(), let west = seconds(mostHours: 24) else { return nil }
        var rule = ZoneRule(standard: -west)
        if rest.isEmpty { return (rule, [name]) }
        guard let daylightName = self.name() else { return nil }
        var offset = rule.standard + 3_600
        if rest.first != UInt8(ascii: ",") {
            guard let west = seconds(mostHours: 24) else { return nil }
            offset = -west
        }
        guard let start = change(), let end = change(), rest.isEmpty else { return nil }
        rule.daylight = ZoneRule.Daylight(offset: offset, start: start, end: end)
        return (rule, [name, daylightName])
    }

    private mutating func take(_ character: UInt8) -> Bool {
        guard rest.first == character else { return false }
        rest.removeFirst()
        return true
    }

    /// A short name: letters, or anything between `<` and `>`.
    private mutating func name() -> String? {
        let isQuoted = take(UInt8(ascii: "<"))
        let taken = rest.prefix { byte in
            isQuoted
                ? byte != UInt8(ascii: ">")
                : (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
        }
        rest = rest.dropFirst(taken.count)
        guard taken.count >= 3, !isQuoted || take(UInt8(ascii: ">")) else { return nil }
        return String(decoding: taken, as: UTF8.self)
    }

    private mutating func number(_ range: ClosedRange<Int>) -> Int? {
        let digits = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard !digits.isEmpty, digits.count <= 3 else { return nil }
        rest = rest.dropFirst(digits.count)
        let value = digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
        return range.contains(value) ? value : nil
    }

    /// `[+-]hh[:mm[:ss]]`.
    private mutating func seconds(mostHours: Int) -> Int64? {
        let isNegative = take(UInt8(ascii: "-"))
        if !isNegative { _ = take(UInt8(ascii: "+")) }
        guard let hours = number(0...mostHours) else { return nil }
        var total = Int64(hours) * 3_600
        for unit: Int64 in [60, 1] {
            guard take(UInt8(ascii: ":")) else { break }
            guard let value = number(0...59) else { return nil }
            total += Int64(value) * unit
        }
        return isNegative ? -total : total
    }

    /// `,DAY[/TIME]`; the time is 2 o'clock where none is given.
    private mutating func change() -> ZoneRule.Change? {
        guard take(UInt8(ascii: ",")), let day = day() else { return nil }
        guard take(UInt8(ascii: "/")) else { return ZoneRule.Change(day: day, seconds: 7_200) }
        guard let seconds = seconds(mostHours: 167) else { return nil }
        return ZoneRule.Change(day: day, seconds: seconds)
    }

    private mutating func day() -> ZoneRule.Day? {
        if take(UInt8(ascii: "J")) { return number(1...365).map { .withoutLeapDay($0) } }
        guard take(UInt8(ascii: "M")) else { return number(0...365).map { .number($0) } }
        guard let month = number(1...12), take(UInt8(ascii: ".")), let week = number(1...5),
            take(UInt8(ascii: ".")), let day = number(0...6)
        else { return nil }
        return .weekday(month: month, week: week, day: day)
    }
}
