/// Reads the JSON texts of the directory's members: strings and arrays of strings.
public enum RecordText {
    /// Bytes of a JSON string; nil for anything else.
    public static func string(_ piece: [UInt8]) -> [UInt8]? {
        var reader = Reader(piece)
        reader.skipBlanks()
        guard let text = reader.string() else { return nil }
        reader.skipBlanks()
        return reader.isAtEnd ? text : nil
    }

    /// A JSON array of strings; nil for anything else.
    public static func strings(_ piece: [UInt8]) -> [[UInt8]]? {
        var reader = Reader(piece)
        reader.skipBlanks()
        guard reader.take("[") else { return nil }
        var texts: [[UInt8]] = []
        reader.skipBlanks()
        if !reader.take("]") {
            repeat {
                reader.skipBlanks()
                guard let text = reader.string() else { return nil }
                texts.append(text)
                reader.skipBlanks()
            } while reader.take(",")
            guard reader.take("]") else { return nil }
        }
        reader.skipBlanks()
        return reader.isAtEnd ? texts : nil
    }

    private struct Reader {
        private let bytes: [UInt8]
        private var position = 0

        init(_ bytes: [UInt8]) { self.bytes = bytes }

        var isAtEnd: Bool { position == bytes.count }

        mutating func next() -> UInt8? {
            guard position < bytes.count else { return nil }
            position += 1
            return bytes[position - 1]
        }

        mutating func take(_ character: Unicode.Scalar) -> Bool {
            guard position < bytes.count, UInt32(bytes[position]) == character.value else {
                return false
            }
            position += 1
            return true
        }

        mutating func skipBlanks() {
            while position < bytes.count {
                switch bytes[position] {
                case 0x20, 0x09, 0x0A, 0x0D: position += 1
                default: return
                }
            }
        }

        mutating func string() -> [UInt8]? {
            guard take("\"") else { return nil }
            var text: [UInt8] = []
            text.reserveCapacity(bytes.count - position)
            while let byte = next() {
                switch byte {
                case UInt8(ascii: "\""): return text
                case UInt8(ascii: "\\"):
                    guard let escaped = escape() else { return nil }
                    text += escaped
                case 0..<0x20: return nil
                default: text.append(byte)
                }
            }
            return nil
        }

        private mutating func escape() -> [UInt8]? {
            switch next() {
            case UInt8(ascii: "\""): return [0x22]
            case UInt8(ascii: "\\"): return [0x5C]
            case UInt8(ascii: "/"): return [0x2F]
            case UInt8(ascii: "b"): return [0x08]
            case UInt8(ascii: "f"): return [0x0C]
            case UInt8(ascii: "n"): return [0x0A]
            case UInt8(ascii: "r"): return [0x0D]
            case UInt8(ascii: "t"): return [0x09]
            case UInt8(ascii: "u"):
                guard var code = unit() else { return nil }
                if (0xD800..<0xDC00).contains(code) {
                    guard take("\\"), take("u"), let low = unit(), (0xDC00..<0xE000).contains(low)
                    else { return nil }
                    code = 0x1_0000 + (code - 0xD800) << 10 + (low - 0xDC00)
                }
                guard let scalar = Unicode.Scalar(code) else { return nil }
                return Array(String(Character(scalar)).utf8)
            default: return nil
            }
        }

        private mutating func unit() -> UInt32? {
            var value: UInt32 = 0
            for _ in 0..<4 {
                guard let byte = next(), let digit = Character(Unicode.Scalar(byte)).hexDigitValue
                else { return nil }
                value = value << 4 | UInt32(digit)
            }
            return value
        }
    }
}
