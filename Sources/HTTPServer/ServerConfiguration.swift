/// Where a server listens, and its limits for clients.
public struct ServerConfiguration: Equatable, Sendable {
    /// IPv4 or IPv6 address as text, without brackets.
    public var address = "127.0.0.1"
    /// TCP port; 0 lets the system choose one.
    public var port = 0
    /// Worker threads, within `threadRange`; each owns one worker.
    ///
    /// Eight whatever the number of cores, because they wait for Redis most of their time.
    public var threads = 8
    /// Connections open at once, of all clients together.
    public var connectionLimit = 1_000
    /// Connections open at once from one address (IPv6: one /64); 0: only `connectionLimit` counts.
    public var perAddressLimit = 250
    /// Proxies whose `X-Forwarded-For` is believed; `perAddressLimit` does not apply to them.
    public var trustedProxies: [AddressRange] = []
    /// Seconds without a byte in either direction after which a connection is closed.
    public var idleTimeoutSeconds = 15
    /// Seconds that one request may take, whichever side is slow.
    ///
    /// From the end of the previous request (or the start of the connection) to the last byte of
    /// the answer. This limits clients that send or read one byte at a time.
    public var requestTimeoutSeconds = 30
    /// Memory for the request head and the buffers of one connection.
    ///
    /// A larger head is answered with 431. Path and query longer than five eighths of it are
    /// answered with 414; each parameter counts 64 bytes more.
    public var bytesPerConnection = 32_768
    /// Largest accepted request body; a larger one is answered with 413.
    public var maxBodyBytes = 65_536
    /// Paths with larger bodies; nil: none.
    public var largeBodies: LargeBodies?
    /// Whether the handler may give answers that come later (`Response.later`).
    public var allowsLaterAnswers = false
    /// Seconds that `stop()` waits for requests that have begun.
    public var drainSeconds = 5

    /// The permitted values of `threads`.
    public static let threadRange = 1...64

    /// The defaults.
    public init() {}

    /// Throws an error that names the first setting outside its range, with value and range.
    public func validate() throws(HTTPError) {
        try check("port", port, 0...65_535)
        try check("threads", threads, Self.threadRange)
        try check("connectionLimit", connectionLimit, threads...100_000)
        try check("perAddressLimit", perAddressLimit, 0...connectionLimit)
        try check("idleTimeoutSeconds", idleTimeoutSeconds, 1...300)
        try check("requestTimeoutSeconds", requestTimeoutSeconds, idleTimeoutSeconds...600)
        try check("bytesPerConnection", bytesPerConnection, 4_096...1_048_576)
        try check("maxBodyBytes", maxBodyBytes, 0...16_777_216)
        if let largeBodies {
            try check("largeBodies.mostBytes", largeBodies.mostBytes, 0...16_777_216)
            try check(
                "largeBodies.memoryBytes", largeBodies.memoryBytes,
                largeBodies.mostBytes...1 << 32)
        }
        try check("drainSeconds", drainSeconds, 0...60)
        guard SocketAddress(text: address, port: UInt16(port)) != nil else {
            throw HTTPError(
                .configuration, "address: '\(address)' is not an IPv4 or IPv6 address")
        }
    }

    private func check(_ field: String, _ value: Int, _ range: ClosedRange<Int>) throws(HTTPError) {
        guard range.contains(value) else {
            throw HTTPError(
                .configuration,
                "\(field): \(value) is outside \(range.lowerBound)...\(range.upperBound)")
        }
    }
}
