import Foundation
import Glibc
import Synchronization
import TestSupport

/// A server on a port of the loopback that answers as a test says; in Redis' protocol, in the shape
/// of what is asked.
final class FakeServer: Sendable {
    /// What it answers to a command: bytes of the protocol, or nil for silence.
    typealias Answer = @Sendable ([String]) -> String?

    let host: String
    let port: Int32
    private let descriptor: Int32
    private let answer: Answer
    private let log = Mutex<[[String]]>([])
    private let connections = Mutex<[Int32]>([])

    /// Every command that came, in order.
    var commands: [[String]] { log.withLock { $0 } }

    init(isIPv6: Bool = false, port wanted: UInt16 = 0, _ answer: @escaping Answer) throws {
        self.answer = answer
        host = isIPv6 ? "::1" : "127.0.0.1"
        descriptor = socket(isIPv6 ? AF_INET6 : AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var yes: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        if isIPv6 {
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_addr = in6addr_loopback
            port = try FakeServer.listen(descriptor, &address, portOffset: 2, wanted)
        } else {
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            port = try FakeServer.listen(descriptor, &address, portOffset: 2, wanted)
        }
        start { server in
            while case let accepted = accept(server.descriptor, nil, nil), accepted >= 0 {
                server.connections.withLock { $0.append(accepted) }
                server.start { $0.serve(accepted) }
            }
        }
    }

    /// Ends it and all its connections.
    func stop() {
        shutdown(descriptor, Int32(SHUT_RDWR))
        connections.withLock { all in
            for socket in all { shutdown(socket, Int32(SHUT_RDWR)) }
            all = []
        }
    }

    private static func listen<Address>(
        _ descriptor: Int32, _ address: inout Address, portOffset: Int, _ wanted: UInt16
    ) throws -> Int32 {
        var length = socklen_t(MemoryLayout<Address>.size)
        let port = withUnsafeMutableBytes(of: &address) { bytes -> UInt16? in
            bytes.storeBytes(of: wanted.bigEndian, toByteOffset: portOffset, as: UInt16.self)
            guard let base = bytes.baseAddress else { return nil }
            let pointer = base.assumingMemoryBound(to: sockaddr.self)
            guard bind(descriptor, pointer, length) == 0, Glibc.listen(descriptor, 16) == 0,
                getsockname(descriptor, pointer, &length) == 0
            else { return nil }
            return UInt16(bigEndian: bytes.load(fromByteOffset: portOffset, as: UInt16.self))
        }
        guard let port else { throw TestFailure("no port of the loopback: \(errno)") }
        return Int32(port)
    }

    private func start(_ body: @escaping @Sendable (FakeServer) -> Void) {
        let work = Unmanaged.passRetained(Work { body(self) })
        var handle = pthread_t()
        pthread_create(
            &handle, nil,
            { context in
                guard let context else { return nil }
                Unmanaged<Work>.fromOpaque(context).takeRetainedValue().body()
                return nil
            }, work.toOpaque())
        pthread_detach(handle)
    }

    private final class Work: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    private func serve(_ accepted: Int32) {
        var input: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 4_096)
        while case let count = recv(accepted, &block, block.count, 0), count > 0 {
            input += block[..<count]
            while let command = FakeServer.takeCommand(&input) {
                log.withLock { $0.append(command) }
                guard let text = answer(command) else { continue }
                _ = send(accepted, text, text.utf8.count, Int32(MSG_NOSIGNAL))
            }
        }
        close(accepted)
    }

    /// The first whole command of what has come.
    private static func takeCommand(_ input: inout [UInt8]) -> [String]? {
        let text = String(decoding: input, as: UTF8.self)
        let lines = text.components(separatedBy: "\r\n")
        guard let count = Int(lines[0].dropFirst()), lines.count > 2 * count + 1 else { return nil }
        let words = (0..<count).map { lines[2 + 2 * $0] }
        input.removeFirst(lines[0...2 * count].reduce(0) { $0 + $1.utf8.count + 2 })
        return words
    }
}
