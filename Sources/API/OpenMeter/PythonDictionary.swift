/// Reads a dictionary of texts as Python prints it: `{'model': 'gpt-4', "it's": 'x'}`.
///
/// OpenMeter's client for Python sends the parameter `filterGroupBy` so.
enum PythonDictionary {
    /// Its entries in their order; nil where it is something else.
    static func pairs(_ text: [UInt8]) -> [(key: [UInt8], value: [UInt8])]? {
        guard let valid = String(validating: text, as: UTF8.self) else { return nil }
        var reader = Reader(rest: valid.unicodeScalars[...])
        guard reader.take("{") else { return nil }
        var pairs: [(key: [UInt8], value: [UInt8])] = []
        if reader.take("}") { return reader.rest.isEmpty ? pairs : nil }
        while true {
            guard let key = reader.string(), reader.take(":"), reader.take(" "),
                let value = reader.string()
            else { return nil }
            pairs.append((Array(key.utf8), Array(value.utf8)))
            if reader.take("}") { return reader.rest.isEmpty ? pairs : nil }
            guard reader.take(","), reader.take(" ") else { return nil }
        }
    }

    private struct Reader {
        var rest: Substring.UnicodeScalarView

        mutating func take(_ scalar: Unicode.Scalar) -> Bool {
            guard rest.first == scalar else { return false }
            rest.removeFirst()
            return true
        }

        /// A text in single quotes, or in double ones where it holds single ones.
        mutating func string() -> String? {
            let quote: Unicode.Scalar
            if take("'") { quote = "'" } else if take("\"") { quote = "\"" } else { return nil }
            var text = String.UnicodeScalarView()
            while let scalar = rest.popFirst() {
                if scalar == quote { return String(text) }
                guard scalar == "\\" else {
                    text.append(scalar)
                    continue
                }
                guard let escaped = escape() else { return nil }
                text.append(escaped)
            }
            return nil
        }

        private mutating func escape() -> Unicode.Scalar? {
            switch rest.popFirst() {
            case "\\": "\\"
            case "'": "'"
            case "\"": "\""
            case "n": "\n"
            case "r": "\r"
            case "t": "\t"
            case "x": hexadecimal(2)
            case "u": hexadecimal(4)
            case "U": hexadecimal(8)
            default: nil
            }
        }

        private mutating func hexadecimal(_ count: Int) -> Unicode.Scalar? {
            let digits = String(rest.prefix(count))
            guard digits.utf8.count == count,
                digits.utf8.allSatisfy({ (48...57).contains($0) || (97...102).contains($0 | 32) }),
                let value = UInt32(digits, radix: 16)
            else { return nil }
            rest.removeFirst(count)
            return Unicode.Scalar(value)
        }
    }
}
