internal import CMicroHTTPD
import Glibc

/// The address that a request came from, IPv4 or IPv6, without the port.
///
/// An IPv4 address mapped into IPv6 becomes IPv4.
public struct RemoteAddress: Hashable, Sendable, CustomStringConvertible {
    /// True for IPv6.
    public let isIPv6: Bool
    // Big-endian halves of an IPv6 address; an IPv4 address is in the low 32 bits of `low`.
    let high: UInt64
    let low: UInt64

    /// An IPv4 address from its four numbers, most significant first.
    public init(_ first: UInt8, _ second: UInt8, _ third: UInt8, _ fourth: UInt8) {
        isIPv6 = false
        high = 0
        low = [first, second, third, fourth].reduce(0) { $0 << 8 | UInt64($1) }
    }

    init(high: UInt64, low: UInt64) {
        let isMapped = high == 0 && low >> 32 == 0xffff
        isIPv6 = !isMapped
        self.high = high
        self.low = isMapped ? low & 0xffff_ffff : low
    }

    /// Reads an address as people write it; nil where the text is not one.
    public init?(text: String) {
        var four = in_addr()
        var six = in6_addr()
        if inet_pton(AF_INET, text, &four) == 1 {
            self.init(high: 0, low: 0xffff_0000_0000 | UInt64(four.s_addr.bigEndian))
        } else if inet_pton(AF_INET6, text, &six) == 1 {
            self = withUnsafeBytes(of: &six) { RemoteAddress(bytes: $0) }
        } else {
            return nil
        }
    }

    /// From the 16 bytes of an IPv6 address.
    private init(bytes: UnsafeRawBufferPointer) {
        self.init(
            high: bytes.loadUnaligned(as: UInt64.self).bigEndian,
            low: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self).bigEndian)
    }

    /// Reads a socket address; one of an unknown family becomes 0.0.0.0.
    init(_ address: UnsafePointer<sockaddr>?) {
        self.init(0, 0, 0, 0)
        guard let address else { return }
        let raw = UnsafeRawPointer(address)
        switch Int32(address.pointee.sa_family) {
        case AF_INET:
            let value = raw.loadUnaligned(as: sockaddr_in.self).sin_addr.s_addr.bigEndian
            self.init(high: 0, low: 0xffff_0000_0000 | UInt64(value))
        case AF_INET6:
            var value = raw.loadUnaligned(as: sockaddr_in6.self).sin6_addr
            self = withUnsafeBytes(of: &value) { RemoteAddress(bytes: $0) }
        default:
            return
        }
    }

    /// What all addresses of one client share: the IPv4 address, or the first 64 bits of IPv6.
    var network: RemoteAddress { isIPv6 ? RemoteAddress(high: high, low: 0) : self }

    /// `network` as the key of a rate limit.
    public var rateLimitKey: [UInt8] {
        let value = isIPv6 ? high : low
        return [isIPv6 ? 6 : 4] + (0..<8).map { UInt8(truncatingIfNeeded: value >> (56 - 8 * $0)) }
    }

    /// The usual text form.
    public var description: String {
        if !isIPv6 {
            return [24, 16, 8, 0].map { String(low >> UInt64($0) & 0xff) }.joined(separator: ".")
        }
        var value = in6_addr()
        withUnsafeMutableBytes(of: &value) {
            $0.storeBytes(of: high.bigEndian, as: UInt64.self)
            $0.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
        }
        var text = [UInt8](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        let isWritten = text.withUnsafeMutableBytes { buffer in
            buffer.withMemoryRebound(to: CChar.self) {
                inet_ntop(AF_INET6, &value, $0.baseAddress, socklen_t($0.count)) != nil
            }
        }
        return isWritten ? String(decoding: text.prefix { $0 != 0 }, as: UTF8.self) : "::"
    }
}

/// An address and port to listen on, in the form the system wants.
struct SocketAddress {
    private(set) var storage = sockaddr_storage()
    let length: socklen_t

    init?(text: String, port: UInt16) {
        var four = sockaddr_in()
        var six = sockaddr_in6()
        if inet_pton(AF_INET, text, &four.sin_addr) == 1 {
            four.sin_family = sa_family_t(AF_INET)
            four.sin_port = port.bigEndian
            length = socklen_t(MemoryLayout<sockaddr_in>.size)
            withUnsafeMutableBytes(of: &storage) { $0.storeBytes(of: four, as: sockaddr_in.self) }
        } else if inet_pton(AF_INET6, text, &six.sin6_addr) == 1 {
            six.sin6_family = sa_family_t(AF_INET6)
            six.sin6_port = port.bigEndian
            length = socklen_t(MemoryLayout<sockaddr_in6>.size)
            withUnsafeMutableBytes(of: &storage) { $0.storeBytes(of: six, as: sockaddr_in6.self) }
        } else {
            return nil
        }
    }

    var family: Int32 { Int32(storage.ss_family) }

    func withPointer<Result>(_ body: (UnsafePointer<sockaddr>) -> Result) -> Result {
        withUnsafePointer(to: storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1, body)
        }
    }
}
