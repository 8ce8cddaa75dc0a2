import Metering
import Workload

/// Times in all formats, most of them right.
extension HostileEvents {
    /// Local times in the middle of a clock change, as if they were UTC, in seconds since 1970.
    private static let changes: [String: [Int64]] = [
        "Europe/Berlin": [1_743_303_600, 1_761_447_600],
        "America/Havana": [1_741_478_400, 1_762_045_200],
        "Australia/Lord_Howe": [1_743_904_800, 1_759_629_600],
    ]

    mutating func time(_ rule: TimeRule) -> [UInt8] {
        var time = moment()
        if let changes = Self.changes[rule.zone?.name ?? ""], happens(30) {
            time = (pick(changes) + Int64(random.below(7_200)) - 3_600) * 1_000_000_000
        }
        switch pick(rule.formats) {
        case .rfc3339: return text(happens(97) ? rfc3339(time) : pick(EdgeValues.times))
        case .iso8601:
            return text(
                happens(97) ? iso8601(time, isLocal: rule.zone != nil) : pick(EdgeValues.times))
        case .unix(let unit):
            let number = happens(96) ? unix(time, unit) : pick(EdgeValues.numbers)
            return happens(30) ? text(number) : Array(number.utf8)
        case .pattern(let pattern): return text(written(time, pattern.text))
        }
    }

    private mutating func unix(_ nanoseconds: Int64, _ unit: TimeFormat.Unit) -> String {
        var power: Int64 = 1
        for _ in 0..<unit.rawValue { power *= 10 }
        let whole = nanoseconds / power
        guard happens(40) else { return "\(whole)" }
        if happens(10) { return "\(whole)e\(random.below(3))" }
        let digits = "\(power + nanoseconds.magnitudeOfRest(power))".dropFirst()
        return "\(whole).\(digits.isEmpty ? "0" : digits)\(pick(["", "0", "123456", "9"]))"
    }

    private mutating func iso8601(_ nanoseconds: Int64, isLocal: Bool) -> String {
        var text = rfc3339(nanoseconds)
        guard text.count >= 20, text.utf8.count == text.count else { return text }
        if happens(30) { text = String(text.prefix(10) + " " + text.dropFirst(11)) }
        if happens(25) {
            let clock = text.dropFirst(11).prefix(8).replacing(":", with: "")
            let date = text.prefix(10).replacing("-", with: "")
            text = "\(date)T\(clock)\(text.dropFirst(19))"
        }
        if isLocal, happens(60), text.hasSuffix("Z") { text.removeLast() }
        if happens(15) {
            text = text.replacing("Z", with: pick(["+00", "+0000", " UTC", "", " Z", "-00"]))
        }
        if happens(15), text.dropLast(2).hasSuffix(":") {
            text = String(text.dropLast(3) + pick(["", String(text.suffix(2)), ":", ":5"]))
        }
        if happens(10) { text = text.replacing(".", with: pick([",", "", "..", ".1234567890"])) }
        return text
    }

    /// A time by the directives of a pattern.
    private mutating func written(_ nanoseconds: Int64, _ pattern: String) -> String {
        let zone = happens(60) ? 0 : random.below(2 * 1_439) - 1_439
        let hasZone = pattern.contains("%z")
        let local = nanoseconds + (hasZone ? Int64(zone) * 60_000_000_000 : 0)
        let second = floorDivide(local, 1_000_000_000)
        let date = CivilDate(day: Int32(floorDivide(second, 86_400)))
        let rest = Int(second - floorDivide(second, 86_400) * 86_400)
        let months = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ]
        var text = ""
        var isDirective = false
        for character in pattern {
            guard isDirective else {
                isDirective = character == "%"
                if !isDirective { text.append(happens(99) ? character : "_") }
                continue
            }
            isDirective = false
            func two(_ number: Int) -> String {
                number < 10 && !happens(10) ? "0\(number)" : "\(number)"
            }
            switch character {
            case "Y": text += "\(date.year)"
            case "y": text += two(Int(date.year) % 100)
            case "m": text += two(Int(date.monthOfYear))
            case "b":
                let name = months[Int(date.monthOfYear) - 1]
                text +=
                    happens(90) ? name : pick([name.uppercased(), name.lowercased(), "Foo", "Ma"])
            case "d": text += two(happens(98) ? Int(date.dayOfMonth) : random.below(40))
            case "H": text += two(happens(98) ? rest / 3_600 : random.below(30))
            case "I": text += two((rest / 3_600 + 11) % 12 + 1)
            case "p": text += pick(rest >= 43_200 ? ["PM", "pm", "Pm"] : ["AM", "am", "aM"])
            case "M": text += two(rest / 60 % 60)
            case "S": text += two(happens(98) ? rest % 60 : 58 + random.below(4))
            case "f":
                let digits = "\(1_000_000_000 + local - second * 1_000_000_000)".dropFirst()
                text += digits.prefix(1 + random.below(9)) + pick(["", "", "0000000001"])
            case "z":
                let sign = zone < 0 ? "-" : "+"
                let (hours, minutes) = (abs(zone) / 60, abs(zone) % 60)
                let digits = "\(hours < 10 ? "0" : "")\(hours)"
                let behind = "\(minutes < 10 ? "0" : "")\(minutes)"
                text +=
                    zone == 0
                    ? pick(["Z", "z", "+00", "+0000", "-00:00", "+00:"])
                    : "\(sign)\(digits)\(pick([":", ""]))\(behind)"
            default: text.append(character)
            }
        }
        return text
    }

    mutating func rfc3339(_ nanoseconds: Int64) -> String {
        if happens(3) { return pick(EdgeValues.times) }
        let zone = happens(70) ? 0 : random.below(2 * 1_439) - 1_439
        let local = nanoseconds + Int64(zone) * 60_000_000_000
        let second = floorDivide(local, 1_000_000_000)
        let day = floorDivide(second, 86_400)
        let date = CivilDate(day: Int32(day))
        let rest = Int(second - day * 86_400)
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let fraction = local - second * 1_000_000_000
        let decimals =
            fraction == 0
            ? pick(["", ".0", ".000000000"]) : ".\("\(1_000_000_000 + fraction)".dropFirst())"
        let sign = zone < 0 ? "-" : "+"
        let suffix =
            zone == 0
            ? pick(["Z", "Z", "z", "+00:00", "-00:00"])
            : "\(sign)\(two(abs(zone) / 60)):\(two(abs(zone) % 60))"
        return "\(date.year)-\(two(Int(date.monthOfYear)))-\(two(Int(date.dayOfMonth)))"
            + pick(["T", "T", "t"])
            + "\(two(rest / 3_600)):\(two(rest / 60 % 60)):\(two(rest % 60))\(decimals)\(suffix)"
    }
}

extension Int64 {
    fileprivate func magnitudeOfRest(_ divisor: Int64) -> Int64 {
        Int64((self % divisor).magnitude)
    }
}
