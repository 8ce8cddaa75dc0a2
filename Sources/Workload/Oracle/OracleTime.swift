/// How a catalog says that times are written.
public struct OracleTimeRule: Sendable, Equatable {
    /// One way to write a time.
    public enum Format: Sendable, Equatable {
        case rfc3339
        case iso8601
        /// A number since 1970, in units of which one has that many digits of nanoseconds: 9 are
        /// seconds.
        case unix(digits: Int)
        /// Directives, as they are written.
        case pattern(PatternText)

        /// The format of a word or pattern; nil for any other text.
        public init?(_ text: String) {
            let units = ["unix": 9, "unix-ms": 6, "unix-us": 3, "unix-ns": 0]
            switch text {
            case "rfc3339": self = .rfc3339
            case "iso8601": self = .iso8601
            case "common-log": self.init("%d/%b/%Y:%H:%M:%S %z")
            default:
                if let digits = units[text] {
                    self = .unix(digits: digits)
                } else {
                    guard let pattern = PatternText(text) else { return nil }
                    self = .pattern(pattern)
                }
            }
        }
    }

    /// Tried one after the other.
    public var formats: [Format]
    /// The zone of times without one; nil: they are no times.
    public var zone: OracleZone?

    /// Makes a rule, by default that of CloudEvents.
    public init(formats: [Format] = [.rfc3339], zone: OracleZone? = nil) {
        self.formats = formats
        self.zone = zone
    }

    /// The time of a value: of the formats that can read it, the first whose time is not before
    /// the earliest; else the first.
    func nanoseconds(
        _ found: FoundValue, _ text: UnsafeRawBufferPointer, earliest: Int64
    ) -> Int64? {
        if found.kind == .moment { return Self.moment(Array(text)) }
        let times = formats.compactMap { read($0, found, text) }
        return times.first { $0 >= earliest } ?? times.first
    }

    private func read(
        _ format: Format, _ found: FoundValue, _ text: UnsafeRawBufferPointer
    ) -> Int64? {
        if case .unix(let digits) = format {
            guard found.kind == .number || found.kind == .string,
                let time = DecimalText(text)?.whole(digits)
            else { return nil }
            let limit = 1_000_000_000
            let bounds = TimeText.firstSecond * Int64(limit)..<TimeText.endSecond * Int64(limit)
            return bounds.contains(time) ? time : nil
        }
        guard found.kind == .string else { return nil }
        switch format {
        case .rfc3339, .unix: return TimeText.nanoseconds(text)
        case .iso8601: return moment(Self.canonical(iso8601: Array(text)))
        case .pattern(let pattern):
            return moment(pattern.canonical(Array(text)))
        }
    }

    /// The time of a moment: a day, or RFC 3339.
    private static func moment(_ text: [UInt8]) -> Int64? {
        let whole = text.count == 10 ? text + Array("T00:00:00Z".utf8) : text
        return whole.withUnsafeBytes { TimeText.nanoseconds($0) }
    }

    /// The time of RFC 3339; a text without a zone is first read as if it were UTC.
    private func moment(_ canonical: [UInt8]?) -> Int64? {
        guard let canonical else { return nil }
        if let time = canonical.withUnsafeBytes({ TimeText.nanoseconds($0) }) { return time }
        guard let zone,
            let local = (canonical + [0x5A]).withUnsafeBytes({
                TimeText.nanoseconds($0)
            })
        else { return nil }
        let second = floorDivided(local, 1_000_000_000)
        return zone.second(ofLocal: second) * 1_000_000_000
            + (local - second * 1_000_000_000)
    }

    /// ISO 8601 written as RFC 3339; nil for a text that is neither basic nor extended.
    private static func canonical(iso8601 text: [UInt8]) -> [UInt8]? {
        guard let mark = text.firstIndex(where: { "Tt ".utf8.contains($0) }) else { return nil }
        var date = Array(text[..<mark])
        let rest = text[(mark + 1)...]
        let end = rest.firstIndex { !"0123456789:.,".utf8.contains($0) } ?? rest.endIndex
        let parts = rest[..<end].split(omittingEmptySubsequences: false) {
            $0 == 0x2E || $0 == 0x2C
        }
        guard parts.count <= 2, var clock = parts.first.map(Array.init) else { return nil }
        if date.count == 8, clock.count == 6 {
            date.insert(0x2D, at: 6)
            date.insert(0x2D, at: 4)
            clock.insert(0x3A, at: 4)
            clock.insert(0x3A, at: 2)
        }
        guard date.count == 10, clock.count == 8,
            let zone = suffix(Array(rest[end...])),
            let fraction = fraction(parts.count == 2 ? Array(parts[1]) : nil)
        else { return nil }
        return date + [0x54] + clock + fraction + zone
    }

    /// A point and at most nine decimals; nothing where there are none.
    static func fraction(_ digits: [UInt8]?) -> [UInt8]? {
        guard let digits else { return [] }
        guard !digits.isEmpty, digits.allSatisfy({ 0x30...0x39 ~= $0 }) else { return nil }
        return [0x2E] + digits.prefix(9)
    }

    /// A zone as RFC 3339 has it; empty where there is none.
    private static func suffix(_ text: [UInt8]) -> [UInt8]? {
        if text.isEmpty { return [] }
        let bare = text.first == 0x20 ? Array(text.dropFirst()) : text
        if bare.elementsEqual("UTC".utf8) { return [0x5A] }
        return offset(bare)
    }

    /// `Z`, or hours and minutes with or without a colon, or hours alone.
    static func offset(_ text: [UInt8]) -> [UInt8]? {
        switch text.count {
        case 1: return text == [0x5A] || text == [0x7A] ? text : nil
        case 3: return text + [0x3A, 0x30, 0x30]
        case 5: return text[..<3] + [0x3A] + text[3...]
        case 6: return text
        default: return nil
        }
    }
}
