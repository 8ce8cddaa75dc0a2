internal import CHiredis
internal import Glibc

/// Owner of hiredis' context: the socket, TLS over it where it is wanted, and the protocol reader.
final class Context {
    private let pointer: UnsafeMutablePointer<redisContext>
    /// Where bytes land between socket and reader.
    let input: UnsafeMutableRawBufferPointer
    private let memory: UnsafeMutablePointer<ReplyMemory>
    private var waitLimitMilliseconds: Int32?
    /// What encrypts; nil: bytes go as they are.
    let tls: TLSStream?

    /// Connects; gives up after the configured time.
    init(_ configuration: RedisConfiguration) throws(RedisError) {
        try configuration.validate()
        let milliseconds = Int(configuration.connectTimeoutMilliseconds)
        let limit = timeval(tv_sec: milliseconds / 1_000, tv_usec: milliseconds % 1_000 * 1_000)
        let found: UnsafeMutablePointer<redisContext>?
        // The handshake shares the time of the connect before it.
        var deadline = Deadline(milliseconds: configuration.connectTimeoutMilliseconds)
        switch configuration.address {
        case .tcp(let host, let port):
            found = try Context.connect(host, port, limit, name: configuration.description) {
                deadline = Deadline(milliseconds: configuration.connectTimeoutMilliseconds)
            }
        case .unixSocket(let path): found = redisConnectUnixWithTimeout(path, limit)
        case .sentinels, .cluster: preconditionFailure("who names the server is asked first")
        }
        guard let made = found else { throw RedisError(.connect, "out of memory") }
        guard made.pointee.err == 0 else {
            let text = withUnsafeBytes(of: made.pointee.errstr) { Context.text(ofCharacters: $0) }
            redisFree(made)
            throw RedisError(.connect, "\(configuration): \(text)")
        }
        if case .tcp = configuration.address {
            Context.keepAlive(made, milliseconds: configuration.commandTimeoutMilliseconds)
        }
        do throws(RedisError) {
            tls = try Context.encrypted(made, configuration, deadline)
        } catch {
            redisFree(made)
            throw error
        }
        // Otherwise the reader would free its buffer whenever it is empty, so after every batch.
        made.pointee.reader.pointee.maxbuf = 0
        memory = .allocate(capacity: 1)
        memory.initialize(to: ReplyMemory())
        made.pointee.reader.pointee.fn = ReplyMemory.functions
        made.pointee.reader.pointee.privdata = UnsafeMutableRawPointer(memory)
        pointer = made
        input = .allocate(byteCount: 64 * 1_024, alignment: 16)
    }

    /// Tries every address of a name, in the system's order; returns the first connection that
    /// works, or else the last one with its error.
    ///
    /// The library by itself gives up at the first address that refuses, and tries IPv6 only where
    /// a name has no other.
    private static func connect(
        _ host: String, _ port: Int32, _ limit: timeval, name: String, onAttempt: () -> Void
    ) throws(RedisError) -> UnsafeMutablePointer<redisContext>? {
        var last: UnsafeMutablePointer<redisContext>?
        for address in try addresses(of: host, name: name) {
            if let last { redisFree(last) }
            onAttempt()
            last = redisConnectWithTimeout(address, port, limit)
            if last?.pointee.err == 0 { break }
        }
        return last
    }

    /// Makes the TLS handshake where the configuration wants one.
    private static func encrypted(
        _ made: UnsafeMutablePointer<redisContext>, _ configuration: RedisConfiguration,
        _ deadline: Deadline
    ) throws(RedisError) -> TLSStream? {
        guard let client = configuration.tls, case .tcp(let host, _) = configuration.address
        else { return nil }
        return try TLSStream(
            client, descriptor: made.pointee.fd, name: configuration.description, host: host,
            deadline: deadline,
            limitMilliseconds: configuration.connectTimeoutMilliseconds)
    }

    /// All addresses that a name has now, as numbers; asked at every connect, because they may
    /// change.
    static func addresses(of host: String, name: String) throws(RedisError) -> [String] {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, nil, &hints, &list)
        guard code == 0 else {
            let text = gai_strerror(code).map { String(cString: $0) } ?? "error \(code)"
            throw RedisError(.connect, "\(name): \(text)")
        }
        defer { freeaddrinfo(list) }
        var found: [String] = []
        var next = list
        while let entry = next?.pointee {
            var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            let result = getnameinfo(
                entry.ai_addr, entry.ai_addrlen, &text, socklen_t(text.count), nil, 0,
                NI_NUMERICHOST)
            let address = text.withUnsafeBytes { Context.text(ofCharacters: $0) }
            if result == 0, !found.contains(address) { found.append(address) }
            next = entry.ai_next
        }
        return found
    }

    deinit {
        tls?.close()
        input.deallocate()
        redisFree(pointer)
        memory.deallocate()
    }

    var descriptor: Int32 { pointer.pointee.fd }
    var reader: UnsafeMutablePointer<redisReader> { pointer.pointee.reader }
    var readerErrorText: String {
        withUnsafeBytes(of: reader.pointee.errstr) { Context.text(ofCharacters: $0) }
    }

    /// Sets how long a call of `recv` waits at most; false where the kernel refuses.
    func limitWaits(milliseconds: Int32) -> Bool {
        if waitLimitMilliseconds == milliseconds { return true }
        // The kernel takes 0 for no limit.
        let most = Int(max(1, milliseconds))
        var limit = timeval(tv_sec: most / 1_000, tv_usec: most % 1_000 * 1_000)
        guard
            setsockopt(
                descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit,
                socklen_t(MemoryLayout<timeval>.size)) == 0
        else { return false }
        waitLimitMilliseconds = milliseconds
        return true
    }

    /// Detects half-open connections: probes when idle, and a time limit for bytes that the other
    /// side does not acknowledge.
    private static func keepAlive(_ made: UnsafeMutablePointer<redisContext>, milliseconds: Int32) {
        // Both only help: where a kernel refuses them, the command timeout still holds.
        redisEnableKeepAlive(made)
        var limit = UInt32(milliseconds)
        setsockopt(
            made.pointee.fd, Int32(IPPROTO_TCP), TCP_USER_TIMEOUT, &limit,
            socklen_t(MemoryLayout<UInt32>.size))
    }

    /// Text of a C array of characters up to its zero.
    static func text(ofCharacters characters: UnsafeRawBufferPointer) -> String {
        String(decoding: characters.prefix { $0 != 0 }, as: UTF8.self)
    }

    /// The system's text of an error number.
    static func text(ofError number: Int32) -> String {
        strerror(number).map { String(cString: $0) } ?? "error \(number)"
    }
}
