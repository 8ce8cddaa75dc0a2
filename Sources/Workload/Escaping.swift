/// The escaping of ids and values in key names, by the published layout.
public enum Escaping {
    /// Whether a byte is written as `%XX`: all up to 0x20, 0x7F, and `%` `:` `{` `}`.
    @inline(__always)
    static func isEscaped(_ byte: UInt8) -> Bool {
        byte <= 0x20 || byte == 0x7F || byte == 0x25 || byte == 0x3A || byte == 0x7B || byte == 0x7D
    }

    @inline(__always)
    static func append(_ byte: UInt8, to writer: inout ByteWriter) {
        guard isEscaped(byte) else { return writer.put(byte: byte) }
        writer.put(byte: 0x25)
        writer.put(byte: digit(byte >> 4))
        writer.put(byte: digit(byte & 15))
    }

    /// An id or value as the names of keys and members have it.
    public static func escaped(_ bytes: [UInt8]) -> [UInt8] {
        var writer = ByteWriter(capacity: bytes.count * 3 + 1)
        for byte in bytes { append(byte, to: &writer) }
        return [UInt8](writer.bytes)
    }

    private static func digit(_ nibble: UInt8) -> UInt8 {
        nibble < 10 ? 48 + nibble : 55 + nibble
    }
}
