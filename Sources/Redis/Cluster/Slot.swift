/// Which of a cluster's 16,384 slots a key is in.
public enum Slot {
    /// How many slots a cluster has.
    public static let count = 16_384

    /// CRC16 (XMODEM: polynomial 0x1021, begins with 0) of the key's tag, modulo 16,384.
    ///
    /// The tag is what is between the first `{` and the first `}` after it; where it is empty or
    /// missing, the whole key counts.
    public static func of(key: [UInt8]) -> Int { key.withUnsafeBytes { of(key: $0) } }

    /// The same of bytes in memory.
    public static func of(key: UnsafeRawBufferPointer) -> Int {
        var hashed = key[...]
        if let open = key.firstIndex(of: UInt8(ascii: "{")),
            let close = key[(open + 1)...].firstIndex(of: UInt8(ascii: "}")), close > open + 1
        {
            hashed = key[(open + 1)..<close]
        }
        var sum: UInt16 = 0
        for byte in hashed { sum = sum << 8 ^ table[Int(UInt8(sum >> 8) ^ byte)] }
        return Int(sum) % count
    }

    private static let table: [UInt16] = (0..<256).map { index in
        var sum = UInt16(index) << 8
        for _ in 0..<8 { sum = sum & 0x8000 == 0 ? sum << 1 : sum << 1 ^ 0x1021 }
        return sum
    }
}
