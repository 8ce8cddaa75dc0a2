internal import CMicroHTTPD
import Glibc

/// A listening socket; the code that takes its descriptor must close it.
struct Listener: ~Copyable {
    let descriptor: Int32
    let port: Int

    /// Binds and listens; throws an error with the system's reason.
    init(_ configuration: ServerConfiguration) throws(HTTPError) {
        let port = UInt16(clamping: configuration.port)
        guard let address = SocketAddress(text: configuration.address, port: port) else {
            throw HTTPError(.configuration, "address: '\(configuration.address)' is not one")
        }
        let descriptor = socket(address.family, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
        guard descriptor >= 0 else { throw Listener.error("socket", configuration) }
        var yes: Int32 = 1
        let size = socklen_t(MemoryLayout<Int32>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, size)
        let isBound = address.withPointer { bind(descriptor, $0, address.length) } == 0
        // Workers share the socket: one that loses the race for a connection must not block in
        // accept.
        guard isBound, listen(descriptor, 1_024) == 0,
            fcntl(descriptor, F_SETFL, O_NONBLOCK) == 0
        else {
            let error = Listener.error(isBound ? "listen" : "bind", configuration)
            close(descriptor)
            throw error
        }
        self.descriptor = descriptor
        self.port = Listener.boundPort(descriptor)
    }

    /// A socket that listens already.
    init(adopting descriptor: Int32) {
        self.descriptor = descriptor
        port = Listener.boundPort(descriptor)
    }

    private static func error(_ call: String, _ configuration: ServerConfiguration) -> HTTPError {
        let reason = String(cString: strerror(errno))
        return HTTPError(
            .listen, "\(call) \(configuration.address) port \(configuration.port): \(reason)")
    }

    private static func boundPort(_ descriptor: Int32) -> Int {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        // Cannot fail: the socket is bound and the buffer fits every family.
        _ = withUnsafeMutablePointer(to: &storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                getsockname(descriptor, $0, &length)
            }
        }
        return withUnsafeBytes(of: storage) {
            // The port has the same offset in both families.
            Int(UInt16(bigEndian: $0.loadUnaligned(fromByteOffset: 2, as: UInt16.self)))
        }
    }
}
