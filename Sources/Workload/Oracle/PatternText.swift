/// A pattern of a time, as catalogs have it, read directive by directive.
public struct PatternText: Sendable, Equatable {
    private static let months = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ]
    private let parts: [Part]
    private struct Part: Sendable, Equatable {
        let letter: UInt8
        let isDirective: Bool
    }

    /// Nil when the text has no directive or an unknown one.
    init?(_ text: String) {
        var parts: [Part] = []
        var isDirective = false
        for byte in text.utf8 {
            if isDirective {
                guard "YymdbHIpMSfz%".utf8.contains(byte) else { return nil }
                parts.append(Part(letter: byte, isDirective: byte != 0x25))
                isDirective = false
            } else if byte == 0x25 {
                isDirective = true
            } else {
                parts.append(Part(letter: byte, isDirective: false))
            }
        }
        guard !isDirective, parts.contains(where: \.isDirective) else { return nil }
        self.parts = parts
    }

    /// What the directives of one text say, as characters.
    private struct Fields {
        var numbers: [UInt8: Int] = [:]
        var fraction: [UInt8]?
        var isAfternoon: Bool?
        var zone: [UInt8]?
    }

    /// The time as RFC 3339 has it, without a zone where it has none; nil for a text that does not
    /// match.
    func canonical(_ text: [UInt8]) -> [UInt8]? {
        var fields = Fields()
        var rest = text[...]
        for part in parts {
            if part.isDirective {
                guard Self.read(part.letter, &rest, &fields) else { return nil }
            } else {
                guard rest.first == part.letter else { return nil }
                rest = rest.dropFirst()
            }
        }
        func number(_ letter: Character) -> Int? { fields.numbers[letter.asciiValue ?? 0] }
        guard rest.isEmpty, let year = number("Y"), let month = number("m"), let day = number("d"),
            let fraction = OracleTimeRule.fraction(fields.fraction)
        else { return nil }
        var hour = number("H") ?? 0
        if let isAfternoon = fields.isAfternoon {
            guard 1...12 ~= hour else { return nil }
            hour = (hour == 12 ? 0 : hour) + (isAfternoon ? 12 : 0)
        }
        func padded(_ number: Int, _ width: Int) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        let date = "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
        let clock = [hour, number("M") ?? 0, number("S") ?? 0].map { padded($0, 2) }
        return Array("\(date)T\(clock.joined(separator: ":"))".utf8) + fraction
            + (fields.zone ?? [])
    }

    private static func read(
        _ letter: UInt8, _ rest: inout ArraySlice<UInt8>, _ fields: inout Fields
    ) -> Bool {
        func digits(_ most: Int) -> [UInt8] {
            let found = Array(rest.prefix(most).prefix { 0x30...0x39 ~= $0 })
            rest = rest.dropFirst(found.count)
            return found
        }
        func number(_ least: Int, _ most: Int, as letter: Character, plus: Int = 0) -> Bool {
            let found = digits(most)
            guard found.count >= least, let number = Int(String(decoding: found, as: UTF8.self))
            else { return false }
            fields.numbers[letter.asciiValue ?? 0] = number + plus
            return true
        }
        switch Character(Unicode.Scalar(letter)) {
        case "Y": return number(4, 4, as: "Y")
        case "y": return number(1, 2, as: "Y", plus: 2_000)
        case "I": return number(1, 2, as: "H")
        case "m", "d", "H", "M", "S":
            return number(1, 2, as: Character(Unicode.Scalar(letter)))
        case "b":
            let name = String(decoding: rest.prefix(3), as: UTF8.self).lowercased()
            guard let month = months.firstIndex(of: name) else { return false }
            fields.numbers[UInt8(ascii: "m")] = month + 1
            rest = rest.dropFirst(3)
            return true
        case "p":
            let word = String(decoding: rest.prefix(2), as: UTF8.self).lowercased()
            guard word == "am" || word == "pm" else { return false }
            fields.isAfternoon = word == "pm"
            rest = rest.dropFirst(2)
            return true
        case "f":
            fields.fraction = digits(.max)
            return fields.fraction?.isEmpty == false
        default:
            // The longest zone that is there.
            for count in [6, 5, 3, 1] where rest.count >= count {
                let text = Array(rest.prefix(count))
                guard isZone(text), let zone = OracleTimeRule.offset(text) else { continue }
                fields.zone = zone
                rest = rest.dropFirst(count)
                return true
            }
            return false
        }
    }

    private static func isZone(_ text: [UInt8]) -> Bool {
        if text.count == 1 { return text == [0x5A] || text == [0x7A] }
        let marks = text.enumerated().allSatisfy { place, byte in
            switch place {
            case 0: byte == 0x2B || byte == 0x2D
            case 3 where text.count == 6: byte == 0x3A
            default: 0x30...0x39 ~= byte
            }
        }
        return marks
    }
}
