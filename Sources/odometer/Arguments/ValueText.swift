import Foundation
import Metering

/// How values are written by people: durations, times, addresses, on and off.
enum ValueText {
    /// Milliseconds of `500ms`, `5s`, `5m`, `26h`, `92d`; nil for anything else.
    static func milliseconds(_ text: String) -> Int? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let number = Int(digits), number >= 0 else { return nil }
        let units = ["ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000]
        guard let unit = units[String(text.dropFirst(digits.count))] else { return nil }
        let (product, isTooBig) = number.multipliedReportingOverflow(by: unit)
        return isTooBig ? nil : product
    }

    /// The shortest way to write a duration.
    static func duration(_ milliseconds: Int) -> String {
        let units = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)]
        for (unit, size) in units where milliseconds >= size && milliseconds % size == 0 {
            return "\(milliseconds / size)\(unit)"
        }
        return "\(milliseconds)ms"
    }

    /// on, true, yes, 1 and off, false, no, 0.
    static func boolean(_ text: String) -> Bool? {
        switch text.lowercased() {
        case "on", "true", "yes", "1": true
        case "off", "false", "no", "0": false
        default: nil
        }
    }

    /// Where the choices are on and off, YAML's other words for them are taken too.
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

    /// Milliseconds since 1970 of an RFC 3339 time with a zone.
    static func moment(_ text: String) -> Int64? {
        Array(text.utf8).withUnsafeBytes { Timestamp.nanoseconds($0) }
            .map { floorDivide($0, 1_000_000) }
    }

    /// `2026-03-09T14:15:00Z` of milliseconds since 1970.
    static func time(_ milliseconds: Int64) -> String {
        var seconds = time_t(floorDivide(milliseconds, 1_000))
        var parts = tm()
        gmtime_r(&seconds, &parts)
        return padded(Int(parts.tm_year) + 1_900, 4) + "-" + padded(Int(parts.tm_mon) + 1, 2) + "-"
            + padded(Int(parts.tm_mday), 2) + "T" + padded(Int(parts.tm_hour), 2) + ":"
            + padded(Int(parts.tm_min), 2) + ":" + padded(Int(parts.tm_sec), 2) + "Z"
    }

    /// Milliseconds since 1970, now.
    static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
    }

    /// Words as a person lists them: `a, b or c`.
    static func alternatives(_ words: [String]) -> String {
        guard let last = words.last, words.count > 1 else { return words.first ?? "" }
        return words.dropLast().joined(separator: ", ") + " or " + last
    }

    /// A number as a person writes it: `1,234,567`.
    static func grouped(_ number: Int64) -> String {
        let digits = String(number.magnitude)
        var text = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index).isMultiple(of: 3) { text.append(",") }
            text.append(digit)
        }
        return number < 0 ? "-" + text : text
    }

    static func padded(_ value: Int, _ width: Int) -> String {
        let text = String(value)
        return String(repeating: "0", count: max(0, width - text.count)) + text
    }
}
