/// A block of IPv4 or IPv6 addresses, written `10.0.0.0/8`, `fd00::/8` or as a single address.
public struct AddressRange: Equatable, Sendable {
    private let address: RemoteAddress
    /// How many first bits all addresses of the block share.
    private let bits: Int

    /// Reads a block; nil where the text is not one.
    ///
    /// Bits after the prefix are ignored.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= 2, let address = RemoteAddress(text: String(parts[0])) else {
            return nil
        }
        let most = address.isIPv6 ? 128 : 32
        var bits = most
        if parts.count == 2 {
            guard parts[1].utf8.allSatisfy({ (48...57).contains($0) }), let given = Int(parts[1])
            else { return nil }
            // An IPv4 block may be written as IPv6: ::ffff:10.0.0.0/104.
            let isMapped = !address.isIPv6 && parts[0].contains(":")
            bits = isMapped ? given - 96 : given
        }
        guard (0...most).contains(bits) else { return nil }
        self.address = address
        self.bits = bits
    }

    /// Whether the address is in the block.
    public func contains(_ other: RemoteAddress) -> Bool {
        guard other.isIPv6 == address.isIPv6 else { return false }
        guard address.isIPv6 else {
            return AddressRange.isSame(address.low << 32, other.low << 32, firstBits: bits)
        }
        return AddressRange.isSame(address.high, other.high, firstBits: min(bits, 64))
            && AddressRange.isSame(address.low, other.low, firstBits: max(0, bits - 64))
    }

    /// Whether the first bits, at most 64, are the same.
    private static func isSame(_ left: UInt64, _ right: UInt64, firstBits bits: Int) -> Bool {
        bits == 0 || (left ^ right) >> UInt64(64 - bits) == 0
    }
}
