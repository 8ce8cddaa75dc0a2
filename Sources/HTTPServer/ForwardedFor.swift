/// Finds the client of a request that came through proxies, by `X-Forwarded-For`.
///
/// Each proxy appends the address of its own client. Only what trusted proxies have appended is
/// believed: the addresses from the right up to the first one that is not a trusted proxy's. What
/// is before that may be forged by the client and is not read.
enum ForwardedFor {
    /// More proxies than a request ever passes; the header's length is bounded by that of the head.
    private static let mostHops = 32
    /// An IPv6 address in brackets with a port has at most 53 characters.
    private static let longestHop = 64

    /// The client's address.
    ///
    /// It is the peer's where the peer is no trusted proxy or the header cannot be read. Where all
    /// addresses are trusted proxies, it is the first of them.
    static func client(
        peer: RemoteAddress, headers: HeaderFields, trusted: [AddressRange]
    ) -> RemoteAddress {
        func isTrusted(_ address: RemoteAddress) -> Bool {
            trusted.contains { $0.contains(address) }
        }
        guard isTrusted(peer) else { return peer }
        var client = peer
        var hops = 0
        // Several header lines are one list, in their order.
        for line in headers.values(of: "X-Forwarded-For").reversed() {
            var rest = line[...]
            var isDone = false
            while !isDone {
                let comma = rest.lastIndex(of: UInt8(ascii: ","))
                let hop = comma.map { rest[($0 + 1)...] } ?? rest
                hops += 1
                guard hops <= mostHops, let address = address(hop) else { return peer }
                if !isTrusted(address) { return address }
                client = address
                if let comma { rest = rest[..<comma] } else { isDone = true }
            }
        }
        return client
    }

    /// Reads an address; some proxies write it with a port or in brackets.
    private static func address(_ text: ArraySlice<UInt8>) -> RemoteAddress? {
        var text = text.drop { ASCII.isBlank($0) }
        while let last = text.last, ASCII.isBlank(last) { text.removeLast() }
        guard text.count <= longestHop else { return nil }
        let colon = UInt8(ascii: ":")
        if text.first == UInt8(ascii: "[") {
            guard let end = text.firstIndex(of: UInt8(ascii: "]")) else { return nil }
            let port = text[(end + 1)...]
            guard port.isEmpty || isPort(port) else { return nil }
            text = text[text.startIndex + 1..<end]
            guard text.contains(colon) else { return nil }
        } else if let index = text.firstIndex(of: colon), index == text.lastIndex(of: colon) {
            guard isPort(text[index...]) else { return nil }
            text = text[..<index]
        }
        return RemoteAddress(text: String(decoding: text, as: UTF8.self))
    }

    private static func isPort(_ text: ArraySlice<UInt8>) -> Bool {
        text.first == UInt8(ascii: ":") && (2...6).contains(text.count)
            && text.dropFirst().allSatisfy(ASCII.isDigit)
    }
}
