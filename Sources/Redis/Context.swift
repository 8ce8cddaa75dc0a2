internal import CHiredis
internal import Glibc

/// Owner of hiredis' context: the socket and the protocol reader.
final class Context {
    private let pointer: UnsafeMutablePointer<redisContext>
    /// Where bytes land between socket and reader.
    let input: UnsafeMutableRawBufferPointer
    private let memory: UnsafeMutablePointer<ReplyMemory>
    private var waitLimit: Int32?

    /// Connects; gives up after the configured time.
    init(_ configuration: RedisConfiguration) throws(RedisError) {
        try configuration.validate()
        let milliseconds = Int(configuration.connectTimeoutMilliseconds)
        let limit = timeval(tv_sec: milliseconds / 1_000, tv_usec: milliseconds % 1_000 * 1_000)
        let made: UnsafeMutablePointer<redisContext>? =
            switch configuration.address {
            case .tcp(let host, let port): redisConnectWithTimeout(host, port, limit)
            case .unixSocket(let path): redisConnectUnixWithTimeout(path, limit)
            }
        guard let made else { throw RedisError(.connect, "out of memory") }
        guard made.pointee.err == 0 else {
            let text = withUnsafeBytes(of: made.pointee.errstr) { Context.text(ofField: $0) }
            redisFree(made)
            throw RedisError(.connect, "\(configuration): \(text)")
        }
        if case .tcp = configuration.address {
            Context.keepAlive(made, milliseconds: configuration.commandTimeoutMilliseconds)
        }
        // The reader would give its buffer back whenever it is empty, that is after every batch.
        made.pointee.reader.pointee.maxbuf = 0
        memory = .allocate(capacity: 1)
        memory.initialize(to: ReplyMemory())
        made.pointee.reader.pointee.fn = ReplyMemory.functions
        made.pointee.reader.pointee.privdata = UnsafeMutableRawPointer(memory)
        pointer = made
        input = .allocate(byteCount: 64 * 1_024, alignment: 16)
    }

    deinit {
        input.deallocate()
        redisFree(pointer)
        memory.deallocate()
    }

    var descriptor: Int32 { pointer.pointee.fd }
    var reader: UnsafeMutablePointer<redisReader> { pointer.pointee.reader }
    var readerErrorText: String {
        withUnsafeBytes(of: reader.pointee.errstr) { Context.text(ofField: $0) }
    }

    /// How long a call of `recv` that waits does so; false where the kernel does not take it.
    func limitWaits(milliseconds: Int32) -> Bool {
        if waitLimit == milliseconds { return true }
        // A limit of zero would be none.
        let most = Int(max(1, milliseconds))
        var limit = timeval(tv_sec: most / 1_000, tv_usec: most % 1_000 * 1_000)
        guard
            setsockopt(
                descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit,
                socklen_t(MemoryLayout<timeval>.size)) == 0
        else { return false }
        waitLimit = milliseconds
        return true
    }

    /// Finds half-open links: probes when idle, and a limit for bytes that nobody acknowledges.
    private static func keepAlive(_ made: UnsafeMutablePointer<redisContext>, milliseconds: Int32) {
        // Both are improvements only; a kernel that refuses them still leaves the command timeout.
        redisEnableKeepAlive(made)
        var limit = UInt32(milliseconds)
        setsockopt(
            made.pointee.fd, Int32(IPPROTO_TCP), TCP_USER_TIMEOUT, &limit,
            socklen_t(MemoryLayout<UInt32>.size))
    }

    /// Text of a C array of characters up to its zero.
    static func text(ofField field: UnsafeRawBufferPointer) -> String {
        String(decoding: field.prefix { $0 != 0 }, as: UTF8.self)
    }

    /// The system's text of an error number.
    static func text(ofError number: Int32) -> String {
        strerror(number).map { String(cString: $0) } ?? "error \(number)"
    }
}
