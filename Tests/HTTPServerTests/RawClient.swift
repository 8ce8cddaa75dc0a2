import Glibc
import HTTPServer

/// A TCP client that sends exactly the bytes it is told to.
final class RawClient {
    struct Failure: Error {}

    struct Answer {
        var status: Int
        var headers: [(name: String, value: String)]
        var body: String

        func header(_ name: String) -> String? {
            headers.first { $0.name == name.lowercased() }?.value
        }
    }

    private(set) var descriptor: Int32
    private var buffer: [UInt8] = []
    private(set) var isEnded = false

    init(port: Int, isIPv6: Bool = false) throws {
        descriptor = socket(isIPv6 ? AF_INET6 : AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard isIPv6 ? connect6(port) : connect4(port) else { throw Failure() }
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(
            descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    private func connect4(_ port: Int) -> Bool {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return withUnsafePointer(to: address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }

    private func connect6(_ port: Int) -> Bool {
        var address = sockaddr_in6()
        address.sin6_family = sa_family_t(AF_INET6)
        address.sin6_port = UInt16(port).bigEndian
        inet_pton(AF_INET6, "::1", &address.sin6_addr)
        return withUnsafePointer(to: address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in6>.size)) == 0
            }
        }
    }

    /// Sends text; false when the other side has closed.
    @discardableResult
    func send(_ text: String) -> Bool { send(Array(text.utf8)) }

    @discardableResult
    func send(_ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(
                    descriptor, $0.baseAddress?.advanced(by: sent), bytes.count - sent,
                    Int32(MSG_NOSIGNAL))
            }
            if count <= 0 { return false }
            sent += count
        }
        return true
    }

    func finishSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Closes with a reset instead of an orderly end.
    func reset() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(
            descriptor, SOL_SOCKET, SO_LINGER, &linger,
            socklen_t(MemoryLayout.size(ofValue: linger)))
        close(descriptor)
        descriptor = -1
    }

    /// Reads one answer; `isHead` when no body follows whatever Content-Length says.
    func answer(isHead: Bool = false) throws -> Answer {
        let end = Array("\r\n\r\n".utf8)
        var headEnd = find(end)
        while headEnd == nil {
            try fill()
            headEnd = find(end)
        }
        guard let headEnd else { throw Failure() }
        let lines = String(decoding: buffer[..<headEnd], as: UTF8.self)
            .split(separator: "\r\n").map(String.init)
        buffer.removeFirst(headEnd + 4)
        let parts = lines[0].split(separator: " ")
        guard parts.count >= 2, let status = Int(parts[1]) else { throw Failure() }
        var answer = Answer(status: status, headers: [], body: "")
        for line in lines.dropFirst() {
            let colon = line.firstIndex(of: ":") ?? line.endIndex
            let value = line[colon...].dropFirst().drop { $0 == " " }
            answer.headers.append((line[..<colon].lowercased(), String(value)))
        }
        let count = isHead || status == 304 ? 0 : Int(answer.header("content-length") ?? "0") ?? 0
        while buffer.count < count { try fill() }
        answer.body = String(decoding: buffer[..<count], as: UTF8.self)
        buffer.removeFirst(count)
        return answer
    }

    /// True when the other side closes without another byte.
    func endsHere() -> Bool {
        if !buffer.isEmpty { return false }
        var byte: UInt8 = 0
        let count = recv(descriptor, &byte, 1, 0)
        return count == 0 || count < 0 && errno == ECONNRESET
    }

    /// True when the other side closes after nothing but an alert of TLS.
    func endsAfterAnAlert() -> Bool {
        while (try? fill()) != nil {}
        return buffer.isEmpty || buffer.count == 7 && buffer[0] == 21
    }

    private func find(_ pattern: [UInt8]) -> Int? {
        guard buffer.count >= pattern.count else { return nil }
        return (0...buffer.count - pattern.count).first {
            buffer[$0..<$0 + pattern.count].elementsEqual(pattern)
        }
    }

    private func fill() throws {
        var piece = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &piece, piece.count, 0)
        guard count > 0 else {
            isEnded = true
            throw Failure()
        }
        buffer += piece[..<count]
    }
}

/// A worker that only proves which thread it belongs to.
final class ProbeWorker: Sendable {}

/// Starts a server on an ephemeral port, runs the body and stops the server.
func withServer(
    _ change: (inout ServerConfiguration) -> Void = { _ in },
    handle: @escaping @Sendable (Request) -> Response = { echo($0) },
    body: (Server<ProbeWorker>) throws -> Void
) throws {
    var configuration = ServerConfiguration()
    change(&configuration)
    let server = Server(configuration, makeWorker: { ProbeWorker() }, handle: { handle($1) })
    try server.start()
    defer { server.stop() }
    try body(server)
}

/// Answers with what was understood of the request.
func echo(_ request: Request) -> Response {
    var response = Response.json { json in
        json.object {
            $0.member("method", string: request.method.name)
            $0.member("path", string: request.path)
            $0.member("body", string: request.body)
            $0.member("from", string: request.remoteAddress.description)
            $0.array("query") {
                for item in request.query {
                    $0.string(item.name)
                    $0.string(item.value)
                }
            }
        }
    }
    response.vary = "X-API-Key"
    return response
}

/// Waits until a condition holds; false after ten seconds.
func eventually(_ condition: () -> Bool) -> Bool {
    let deadline = MonotonicTime.nanoseconds() + 10_000_000_000
    while !condition() {
        if MonotonicTime.nanoseconds() > deadline { return false }
        usleep(2_000)
    }
    return true
}
