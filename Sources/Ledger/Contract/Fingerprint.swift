/// What the last record taken looked like: whoever reads on checks that it is the same log.
///
/// In Redis it stands beside its mark as `OFFSET TIMESTAMP HASH`.
public struct Fingerprint: Sendable, Hashable {
    /// Offset of the record.
    public var offset: Int64
    /// Its Kafka timestamp in milliseconds, −1 = none.
    public var timestamp: Int64
    /// FNV-1a (64 bit) of key length (8 bytes, little endian; 2^64 − 1 for no key), key and value.
    public var hash: UInt64

    /// A fingerprint of these parts.
    public init(offset: Int64, timestamp: Int64, hash: UInt64) {
        self.offset = offset
        self.timestamp = timestamp
        self.hash = hash
    }

    /// The fingerprint of a record; nil stands for no key and for no value.
    public init(
        offset: Int64, timestamp: Int64, key: UnsafeRawBufferPointer?,
        value: UnsafeRawBufferPointer?
    ) {
        var hash = FNV64()
        withUnsafeBytes(of: (key.map { UInt64($0.count) } ?? UInt64.max).littleEndian) {
            hash.add($0)
        }
        if let key { hash.add(key) }
        if let value { hash.add(value) }
        self.init(offset: offset, timestamp: timestamp, hash: hash.value)
    }

    /// The fingerprint in its text from Redis; nil where the text is none.
    public init?(text: some Collection<UInt8>) {
        let parts = text.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        guard parts.count == 3, parts[2].count == 16,
            let offset = Int64(String(decoding: parts[0], as: UTF8.self)),
            let timestamp = Int64(String(decoding: parts[1], as: UTF8.self)),
            let hash = UInt64(String(decoding: parts[2], as: UTF8.self), radix: 16)
        else { return nil }
        self.init(offset: offset, timestamp: timestamp, hash: hash)
    }

    /// Its text in Redis.
    public var text: [UInt8] {
        let digits = String(hash, radix: 16)
        let padding = String(repeating: "0", count: 16 - digits.utf8.count)
        return Array("\(offset) \(timestamp) \(padding)\(digits)".utf8)
    }
}

/// FNV-1a, 64 bit.
struct FNV64 {
    private(set) var value: UInt64

    init(start: UInt64 = 0xCBF2_9CE4_8422_2325) { value = start }

    mutating func add(_ bytes: UnsafeRawBufferPointer) {
        var hash = value
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        value = hash
    }
}
