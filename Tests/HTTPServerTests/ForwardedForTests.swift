import Testing

@testable import HTTPServer

/// Who sent a request that came through proxies.
@Suite struct ForwardedForTests {
    private let trusted = ["127.0.0.1", "10.0.0.0/8", "fd00::/8"].compactMap { AddressRange($0) }

    private func client(_ lines: [String], peer: String = "127.0.0.1") throws -> String {
        let headers = HeaderFields(lines.map { (name: "x-forwarded-for", value: $0) })
        let peer = try #require(RemoteAddress(text: peer))
        return ForwardedFor.client(peer: peer, headers: headers, trusted: trusted).description
    }

    @Test(arguments: [
        ([], "127.0.0.1"),
        (["192.0.2.1"], "192.0.2.1"),
        // What a client sends itself is to the left of what the proxy appends.
        (["198.51.100.9, 192.0.2.1"], "192.0.2.1"),
        (["not an address, 192.0.2.1"], "192.0.2.1"),
        (["10.1.1.1, 192.0.2.1"], "192.0.2.1"),
        // Proxies behind one another.
        (["198.51.100.9,192.0.2.1 , 10.2.3.4,\t10.0.0.1"], "192.0.2.1"),
        (["10.2.3.4, 10.0.0.1"], "10.2.3.4"),
        // Several lines are one list.
        (["198.51.100.9", "192.0.2.1", "10.0.0.1"], "192.0.2.1"),
        (["192.0.2.1, 10.0.0.1", "10.0.0.2"], "192.0.2.1"),
        // The forms that proxies write.
        (["192.0.2.1:4711"], "192.0.2.1"),
        (["2001:db8::7"], "2001:db8::7"),
        (["[2001:db8::7]"], "2001:db8::7"),
        (["[2001:db8::7]:4711, fd00::1"], "2001:db8::7"),
        (["::ffff:192.0.2.1"], "192.0.2.1"),
        (["2001:DB8::0007, ::ffff:10.1.2.3"], "2001:db8::7"),
    ])
    func clients(lines: [String], expected: String) throws {
        #expect(try client(lines) == expected)
    }

    @Test(arguments: [
        "", ",", "192.0.2.1,", "192.0.2.1, ,10.0.0.1", "unknown", "_hidden", "192.0.2",
        "192.0.2.1:",
        "192.0.2.1:x", "192.0.2.1:123456", "[2001:db8::7", "[192.0.2.1]", "[2001:db8::7]x",
        "2001:db8::7%eth0", "192.0.2.1 192.0.2.2", "localhost", "1", "0x7f.1", "192.0.2.1/24",
        String(repeating: "1", count: 5_000),
        Array(repeating: "10.0.0.1", count: 33).joined(separator: ","),
    ])
    func whatCannotBeReadNamesNobody(line: String) throws {
        #expect(try client([line]) == "127.0.0.1")
        #expect(try client(["192.0.2.1", line]) == "127.0.0.1")
    }

    @Test func aPeerThatIsNotTrustedNamesNobody() throws {
        #expect(try client(["192.0.2.1"], peer: "127.0.0.2") == "127.0.0.2")
        #expect(try client(["192.0.2.1"], peer: "11.0.0.1") == "11.0.0.1")
        #expect(try client(["192.0.2.1"], peer: "fe00::1") == "fe00::1")
        #expect(try client(["192.0.2.1"], peer: "fdff::1") == "192.0.2.1")
        #expect(try client(["192.0.2.1"], peer: "::ffff:10.9.9.9") == "192.0.2.1")
    }

    @Test(arguments: [
        ("10.0.0.0/8", "10.255.0.1", true), ("10.0.0.0/8", "11.0.0.0", false),
        ("10.1.2.3/8", "10.9.9.9", true), ("0.0.0.0/0", "203.0.113.1", true),
        ("0.0.0.0/0", "::1", false), ("192.0.2.128/25", "192.0.2.127", false),
        ("192.0.2.128/25", "192.0.2.128", true), ("192.0.2.1", "192.0.2.1", true),
        ("192.0.2.1/32", "192.0.2.0", false), ("::/0", "2001:db8::1", true),
        ("2001:db8::/32", "2001:db8:ffff::1", true), ("2001:db8::/32", "2001:db9::1", false),
        ("2001:db8::/65", "2001:db8::7fff:0:0:1", true),
        ("2001:db8::/65", "2001:db8::8000:0:0:1", false), ("::1", "::1", true),
        ("::1/128", "::2", false), ("::ffff:10.0.0.0/104", "10.3.2.1", true),
        ("::ffff:10.0.0.0/104", "11.3.2.1", false),
    ])
    func ranges(range: String, address: String, isIn: Bool) throws {
        let range = try #require(AddressRange(range))
        #expect(range.contains(try #require(RemoteAddress(text: address))) == isIn)
    }

    @Test(arguments: [
        "", "/", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/8/8", "10/8",
        "::/129", "fd00::/x", "proxy", "10.0.0.0 /8", "::ffff:10.0.0.0/8", "[::1]",
    ])
    func noRanges(text: String) {
        #expect(AddressRange(text) == nil)
    }

    @Test func aProxyHasAsManyConnectionsAsItNeedsAndNamesItsClients() throws {
        try withServer({
            $0.perAddressLimit = 2
            $0.trustedProxies = trusted
        }) { server in
            let clients = try (0..<5).map { _ in try RawClient(port: server.port) }
            for (number, client) in clients.enumerated() {
                let address = "192.0.2.\(number)"
                client.send("GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: \(address)\r\n\r\n")
                #expect(try client.answer().body.contains(#""from":"\#(address)""#))
            }
        }
    }
}
