import Foundation
import Printing

/// Sends one request to our own server over a plain connection.
public enum HTTPProbe {
    /// What the server answered.
    public struct Answer {
        /// The status code.
        public let status: Int
        /// The body as text.
        public let body: String
    }

    /// The answer to a GET; nil when the server cannot be reached or does not answer within 5 s.
    public static func get(
        host: String, port: UInt16, path: String, headers: [(name: String, value: String)] = []
    ) -> Answer? {
        guard let socket = connect(host, port) else { return nil }
        defer { close(socket) }
        var request = "GET \(path) HTTP/1.1\r\nHost: \(host):\(port)\r\nConnection: close\r\n"
        for header in headers { request += "\(header.name): \(header.value)\r\n" }
        Output.write(request + "\r\n", to: socket)
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = read(socket, &chunk, chunk.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { break }
            bytes += chunk[..<count]
        }
        let text = String(decoding: bytes, as: UTF8.self)
        guard let end = text.range(of: "\r\n\r\n"),
            let status = text.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
        else { return nil }
        return Answer(status: status, body: String(text[end.upperBound...]))
    }

    /// Whether a server listens there.
    public static func isTaken(host: String, port: UInt16) -> Bool {
        guard let socket = connect(host, port) else { return false }
        close(socket)
        return true
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
        guard
            Foundation.connect(descriptor, address.pointee.ai_addr, address.pointee.ai_addrlen) == 0
        else {
            close(descriptor)
            return nil
        }
        return descriptor
    }
}
