internal import CMicroHTTPD
import Glibc

/// One request while it arrives; used only by the worker thread of its connection.
final class Exchange {
    let target: [UInt8]
    var hasHead = false
    /// Whether it was already answered, past the library, because of its target.
    var isRefused = false
    var method = Method.other
    var headers = HeaderFields()
    var body: [UInt8] = []
    /// The answer, where it comes later.
    var later: Later<Response>?
    private var bodyCount = 0
    /// Where its body counts; nil: it is a small one.
    private let memory: BodyMemory?
    private var memoryBytes = 0

    init(target: [UInt8], memory: BodyMemory? = nil) {
        self.target = target
        self.memory = memory
    }

    deinit { dropBody() }

    /// Whether it may have a large body.
    var isLarge: Bool { memory != nil }

    /// Takes a piece of the body; nil when it was taken.
    ///
    /// The body of a GET or HEAD request has no meaning, so it is counted and dropped.
    func take(_ piece: UnsafeRawBufferPointer, limit: Int) -> Framing.Refusal? {
        bodyCount += piece.count
        guard bodyCount <= limit else { return Framing.tooLarge }
        guard method != .get && method != .head else { return nil }
        if let memory {
            guard memory.take(piece.count) else { return Framing.noMemory }
            memoryBytes += piece.count
        }
        body.append(contentsOf: piece)
        return nil
    }

    /// Frees the body of a handled request.
    func dropBody() {
        body = []
        memory?.giveBack(memoryBytes)
        memoryBytes = 0
    }
}

extension HeaderFields {
    /// Copies the head of the request that a connection has just received.
    init(of connection: OpaquePointer) {
        self.init()
        withUnsafeMutablePointer(to: &self) { fields in
            _ = MHD_get_connection_values_n(
                connection, MHD_ValueKind.HEADER_KIND,
                { context, _, name, nameCount, value, valueCount in
                    context?.assumingMemoryBound(to: HeaderFields.self).pointee.append(
                        name: UnsafeRawBufferPointer(start: name, count: nameCount),
                        value: UnsafeRawBufferPointer(start: value, count: valueCount))
                    return MHD_Result.YES
                }, fields)
        }
    }
}

extension Framing.Refusal {
    /// Sends the refusal past the library.
    ///
    /// The library could answer only after reading a body whose end is not certain. Earlier answers
    /// of the connection are complete at this point. What has already arrived is read and dropped,
    /// because closing a socket with unread bytes resets the connection, and the client may then
    /// lose the answer.
    func send(to descriptor: Int32, over tls: TLSConnection? = nil) {
        if let tls {
            tls.sendLast(bytes)
        } else {
            let bytes = bytes
            let flags = Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)
            Glibc.send(descriptor, bytes, bytes.count, flags)
        }
        shutdown(descriptor, Int32(SHUT_WR))
        withUnsafeTemporaryAllocation(byteCount: 16_384, alignment: 1) { buffer in
            for _ in 0..<16 {
                let count = recv(
                    descriptor, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT))
                if count <= 0 { return }
            }
        }
    }

    private var bytes: [UInt8] {
        let body = Response.error(status: status, message: message).body
        let head = """
            HTTP/1.1 \(status) \(Status.phrase(status))\r
            Content-Type: application/json\r
            Cache-Control: private, no-cache\r
            \(status == 429 ? "Retry-After: 1\r\n" : "")Connection: close\r
            Content-Length: \(body.count)\r
            \r

            """
        return Array(head.utf8) + body
    }
}
