import Metering
import Printing

/// Values as people write them: durations, addresses, times, on and off.
extension ValueText {
    /// Milliseconds of `500ms`, `5s`, `5m`, `26h`, `92d`; nil for anything else.
    static func milliseconds(_ text: String) -> Int? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let number = Int(digits), number >= 0 else { return nil }
        let units = ["ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000]
        guard let unit = units[String(text.dropFirst(digits.count))] else { return nil }
        let (product, isTooBig) = number.multipliedReportingOverflow(by: unit)
        return isTooBig ? nil : product
    }

    /// on, true, yes, 1 and off, false, no, 0.
    static func boolean(_ text: String) -> Bool? {
        switch text.lowercased() {
        case "on", "true", "yes", "1": true
        case "off", "false", "no", "0": false
        default: nil
        }
    }

    /// The choice that a text means: where the choices are on and off, YAML's other words for them
    /// are accepted too.
    static func switchWord(_ text: String, _ choices: [String]) -> String {
        guard choices.contains("on"), choices.contains("off"), let isOn = boolean(text) else {
            return text
        }
        return isOn ? "on" : "off"
    }

    /// Host and port of `HOST:PORT` or `[IPV6]:PORT`.
    static func address(_ text: String) -> (host: String, port: UInt16)? {
        guard let colon = text.lastIndex(of: ":"),
            let port = UInt16(text[text.index(after: colon)...])
        else { return nil }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        return host.isEmpty ? nil : (host, port)
    }

    /// Milliseconds since 1970 of RFC 3339, ISO 8601 with a zone, or seconds since 1970.
    static func moment(_ text: String) -> Int64? {
        let written = TimeReader([.rfc3339, .iso8601]).nanoseconds(text.utf8)
        let earliest = Int64(EarliestTime.standard.day) * 86_400_000_000_000
        // 2027 is a year and not half an hour after 1970.
        let counted = TimeReader([.unix(.seconds)]).nanoseconds(text.utf8).flatMap {
            $0 >= earliest ? $0 : nil
        }
        return (written ?? counted).map { floorDivide($0, 1_000_000) }
    }

    /// Whether a text is RFC 3339 with a zone.
    static func isRFC3339(_ text: String) -> Bool {
        TimeReader([.rfc3339]).nanoseconds(text.utf8) != nil
    }
}
