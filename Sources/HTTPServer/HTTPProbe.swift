internal import CMicroHTTPD
internal import Glibc

/// Sends single requests to a server of ours, over a plain connection each.
public enum HTTPProbe {
    /// What the server answered.
    public struct Answer: Sendable {
        /// The status code.
        public let status: Int
        /// The body as text.
        public let body: String
    }

    /// The answer to a GET; nil when the server cannot be reached or does not answer in time.
    ///
    /// Waits at most 5 seconds for each piece of the answer.
    public static func get(
        host: String, port: UInt16, path: String, headers: [(name: String, value: String)] = []
    ) -> Answer? {
        guard let socket = connect(host, port) else { return nil }
        defer { close(socket) }
        var request = "GET \(path) HTTP/1.1\r\nHost: \(host):\(port)\r\nConnection: close\r\n"
        for header in headers { request += "\(header.name): \(header.value)\r\n" }
        send(Array("\(request)\r\n".utf8), on: socket)
        return answer(in: receiveAll(on: socket))
    }

    /// Whether a server listens at this address.
    public static func isTaken(host: String, port: UInt16) -> Bool {
        guard let socket = connect(host, port) else { return false }
        close(socket)
        return true
    }

    private static func answer(in bytes: [UInt8]) -> Answer? {
        guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
        let head = String(decoding: bytes[..<end.lowerBound], as: UTF8.self)
        guard let status = head.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else {
            return nil
        }
        return Answer(
            status: status, body: String(decoding: bytes[end.upperBound...], as: UTF8.self))
    }

    /// Sends as much as the server takes; one that refuses may still have answered.
    private static func send(_ bytes: [UInt8], on socket: Int32) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return }
            sent += count
        }
    }

    /// Everything until the server closes the connection, an error or the end of the wait.
    private static func receiveAll(on socket: Int32) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = recv(socket, &chunk, chunk.count, 0)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return bytes }
            bytes += chunk[..<count]
        }
    }

    private static func connect(_ host: String, _ port: UInt16) -> Int32? {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, String(port), &hints, &list) == 0, let address = list else {
            return nil
        }
        defer { freeaddrinfo(list) }
        let descriptor = socket(
            address.pointee.ai_family, address.pointee.ai_socktype, address.pointee.ai_protocol)
        guard descriptor >= 0 else { return nil }
        var limit = timeval(tv_sec: 5, tv_usec: 0)
        setsockopt(
            descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        guard Glibc.connect(descriptor, address.pointee.ai_addr, address.pointee.ai_addrlen) == 0
        else {
            close(descriptor)
            return nil
        }
        return descriptor
    }
}
