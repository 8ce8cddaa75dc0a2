/// Why a pattern of a time is refused.
public struct TimePatternError: Error, Sendable {
    /// A clause for people.
    public let message: String
}

/// A pattern of a time like `%d.%m.%Y %H:%M:%S`.
///
/// `%Y` (four digits) `%y` (2000 to 2099) `%m` `%d` `%b` (Jan … Dec) `%H` `%I` `%p` (AM, PM) `%M`
/// `%S` `%f` (decimals of a second) `%z` (`Z`, `+01`, `+0100`, `+01:00`) `%%`. Numbers of two
/// digits may have one. All other characters stand for themselves.
public struct TimePattern: Sendable, Equatable {
    /// One character or directive.
    struct Step: Equatable {
        var byte: UInt8
        var isDirective: Bool
    }

    /// As it was written.
    public let text: String
    let steps: [Step]

    private static let directives = "YymdbHIpMSfz"
    /// What people write who know other patterns.
    private static let hints: [Character: String] = [
        "N": "%f", "L": "%f", "B": "%b", "h": "%b", "e": "%d", "j": "%m and %d", "k": "%H",
        "l": "%I", "P": "%p", "Z": "%z", "T": "%H:%M:%S", "F": "%Y-%m-%d", "D": "%m/%d/%y",
        "R": "%H:%M", "s": "the format unix", "i": "%M", "a": "no weekday",
    ]

    /// Reads a pattern.
    ///
    /// - Throws: for an unknown directive, one that is there twice, and a pattern without a date.
    public init(_ text: String) throws(TimePatternError) {
        self.text = text
        var steps: [Step] = []
        var used: Set<Character> = []
        var rest = text.unicodeScalars[...]
        while let scalar = rest.popFirst() {
            guard scalar == "%" else {
                steps += String(scalar).utf8.map { Step(byte: $0, isDirective: false) }
                continue
            }
            guard let letter = rest.popFirst().map(Character.init) else {
                throw TimePatternError(message: "% at the end; for a percent sign write %%")
            }
            if letter == "%" {
                steps.append(Step(byte: UInt8(ascii: "%"), isDirective: false))
                continue
            }
            guard Self.directives.contains(letter), let byte = letter.asciiValue else {
                throw TimePatternError(message: Self.unknown(letter))
            }
            // A year, a month and an hour have two directives each.
            let kind: Character = ["y": "Y", "b": "m", "I": "H"][letter] ?? letter
            guard used.insert(kind).inserted else {
                throw TimePatternError(message: "%\(kind) is there twice, or in two ways")
            }
            steps.append(Step(byte: byte, isDirective: true))
        }
        self.steps = steps
        for needed: Character in ["Y", "m", "d"] where !used.contains(needed) {
            throw TimePatternError(message: "a date needs %Y or %y, %m or %b, and %d")
        }
        let isTwelve = steps.contains { $0.isDirective && $0.byte == UInt8(ascii: "I") }
        guard isTwelve == used.contains("p") else {
            throw TimePatternError(message: "%I and %p go together")
        }
    }

    private static func unknown(_ letter: Character) -> String {
        let other = Character(letter.isUppercase ? letter.lowercased() : letter.uppercased())
        let near = hints[letter] ?? (directives.contains(other) ? "%\(other)" : nil)
        let known = directives.map { "%\($0)" }.joined(separator: " ")
        return "unknown directive %\(letter)"
            + (near.map { " (did you mean \($0)?)" } ?? "; known are \(known)")
    }

    /// Whether times by it have a zone.
    var hasZone: Bool { steps.contains { $0.isDirective && $0.byte == UInt8(ascii: "z") } }
}

/// Nanoseconds since 1970, and how often clocks show that time where it was read without a zone.
struct FoundTime {
    var nanoseconds: Int64
    var count: LocalZone.Meaning.Count

    init(_ nanoseconds: Int64, _ count: LocalZone.Meaning.Count = .once) {
        self.nanoseconds = nanoseconds
        self.count = count
    }
}

/// A time that was read: the local time as if it were UTC, and its distance from UTC.
struct LocalTime {
    /// Seconds since 1970.
    var seconds: Int64
    var nanoseconds: Int64 = 0
    /// Seconds that it is ahead of UTC; nil: it has no zone.
    var offsetSeconds: Int64?

    /// Nanoseconds since 1970; nil where neither it nor the rule has a zone.
    func inNanoseconds(_ zone: LocalZone?) -> FoundTime? {
        if let offsetSeconds {
            return FoundTime((seconds - offsetSeconds) * 1_000_000_000 + nanoseconds)
        }
        guard let meaning = zone?.meaning(ofLocal: seconds) else { return nil }
        return FoundTime(meaning.second * 1_000_000_000 + nanoseconds, meaning.count)
    }
}

extension LocalTime {
    /// Reads a text by the steps of a pattern; nil where it does not match.
    init?(_ text: UnsafeRawBufferPointer, _ steps: UnsafeBufferPointer<TimePattern.Step>) {
        var digits = TimeDigits(text)
        var clock = Clock()
        for step in steps {
            guard step.isDirective else {
                guard digits.take(step.byte) else { return nil }
                continue
            }
            guard clock.take(step.byte, &digits) else { return nil }
        }
        guard digits.isAtEnd, let seconds = clock.seconds else { return nil }
        self.init(
            seconds: seconds, nanoseconds: clock.nanoseconds, offsetSeconds: clock.offsetSeconds)
    }

    /// What the directives have found so far.
    private struct Clock {
        var year = 0
        var month = 0
        var day = 0
        var hour = 0
        var minute = 0
        var second = 0
        var nanoseconds: Int64 = 0
        var isTwelve = false
        var isAfternoon = false
        var offsetSeconds: Int64?

        mutating func take(_ directive: UInt8, _ digits: inout TimeDigits) -> Bool {
            switch directive {
            case UInt8(ascii: "Y"): return digits.number(4...4, into: &year)
            case UInt8(ascii: "y"):
                guard digits.number(1...2, into: &year) else { return false }
                year += 2_000
                return true
            case UInt8(ascii: "m"): return digits.number(1...2, into: &month)
            case UInt8(ascii: "b"): return digits.month(into: &month)
            case UInt8(ascii: "d"): return digits.number(1...2, into: &day)
            case UInt8(ascii: "I"):
                isTwelve = true
                return digits.number(1...2, into: &hour) && (1...12).contains(hour)
            case UInt8(ascii: "H"): return digits.number(1...2, into: &hour)
            case UInt8(ascii: "p"): return digits.half(isAfternoon: &isAfternoon)
            case UInt8(ascii: "M"): return digits.number(1...2, into: &minute)
            case UInt8(ascii: "S"): return digits.number(1...2, into: &second)
            case UInt8(ascii: "f"): return digits.fraction(into: &nanoseconds)
            default:
                offsetSeconds = digits.zone()
                return offsetSeconds != nil
            }
        }

        /// Seconds since 1970; nil where there is no such time.
        var seconds: Int64? {
            let hour = isTwelve ? hour % 12 + (isAfternoon ? 12 : 0) : hour
            guard let day = Timestamp.startOfDay(year, month, day), hour <= 23, minute <= 59,
                second <= 60
            else { return nil }
            return day + Int64(hour * 3_600 + minute * 60 + second)
        }
    }
}
