import Foundation

/// JSON texts for log lines and reports, and their reading.
public enum JSONText {
    /// A text in quotes, with the escapes of JSON.
    public static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            default:
                if scalar.value < 0x20 {
                    quoted +=
                        "\\u00"
                        + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
                } else {
                    quoted.unicodeScalars.append(scalar)
                }
            }
        }
        return quoted + "\""
    }

    /// A JSON value; nil for any other text.
    public static func value(_ bytes: [UInt8]) -> Any? {
        try? JSONSerialization.jsonObject(with: Data(bytes))
    }

    /// The members of a JSON object; nil for any other text.
    public static func object(_ bytes: [UInt8]) -> [String: Any]? { value(bytes) as? [String: Any] }

    /// The same JSON text with line breaks and two spaces a level; the order of members stays.
    public static func indented(_ text: String) -> String {
        var result = ""
        var depth = 0
        var isInText = false
        var isEscaped = false
        func newLine() { result += "\n" + String(repeating: "  ", count: depth) }
        for character in text {
            if isInText {
                result.append(character)
                if isEscaped {
                    isEscaped = false
                } else if character == "\\" {
                    isEscaped = true
                } else if character == "\"" {
                    isInText = false
                }
                continue
            }
            switch character {
            case "\"":
                isInText = true
                result.append(character)
            case "{", "[":
                result.append(character)
                depth += 1
                newLine()
            case "}", "]":
                depth -= 1
                if let last = result.lastIndex(where: { !$0.isWhitespace }),
                    "{[".contains(result[last])
                {
                    result.removeSubrange(result.index(after: last)...)
                } else {
                    newLine()
                }
                result.append(character)
            case ",":
                result.append(character)
                newLine()
            case ":": result += ": "
            default: result.append(character)
            }
        }
        return result
    }
}
