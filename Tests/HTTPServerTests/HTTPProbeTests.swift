import Glibc
import HTTPServer
import Testing

@Suite(.serialized) struct HTTPProbeTests {
    @Test func aGETGivesStatusAndBody() throws {
        try withServer { server in
            let port = UInt16(server.port)
            #expect(HTTPProbe.isTaken(host: "127.0.0.1", port: port))
            let answer = try #require(
                HTTPProbe.get(host: "127.0.0.1", port: port, path: "/a%20b?x=1"))
            #expect(answer.status == 200)
            #expect(answer.body.contains(#""path":"/a b""#), "\(answer.body)")
        }
    }

    @Test func whereNoServerListensThereIsNoAnswer() throws {
        // Bound and not listening: no other process can take the port meanwhile.
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                #expect(bind(descriptor, $0, length) == 0)
                #expect(getsockname(descriptor, $0, &length) == 0)
            }
        }
        let port = UInt16(bigEndian: address.sin_port)
        #expect(!HTTPProbe.isTaken(host: "127.0.0.1", port: port))
        #expect(HTTPProbe.get(host: "127.0.0.1", port: port, path: "/") == nil)
    }
}
