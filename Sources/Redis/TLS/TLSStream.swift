internal import CSSL
internal import Glibc

/// TLS over a connected socket that somebody else closes.
///
/// No call waits but `init`. The socket need not be non-blocking: the calls on it are.
final class TLSStream {
    private let client: TLSClient
    private let ssl: OpaquePointer
    private let state: UnsafeMutablePointer<odometer_tls>
    private let fault: TLSFault
    /// What poll must wait for before the next read can bring something.
    private(set) var awaitedEvents = Int16(POLLIN)
    private var isBroken = false
    private var hasAnswered = false

    // Lives as long as the process; made when the first connection is.
    nonisolated(unsafe) private static let method = odometer_bio_method()

    /// Makes the handshake; throws a `connect` error that says what to set.
    ///
    /// - Parameters:
    ///   - name: of the server, for the error's text.
    ///   - host: that was connected to; the server's certificate must be for it unless the settings
    ///     name another.
    ///   - deadline: when it is given up, `limitMilliseconds` after its beginning.
    init(
        _ client: TLSClient, descriptor: Int32, name: String, host: String, deadline: Deadline,
        limitMilliseconds: Int32
    ) throws(RedisError) {
        ERR_clear_error()
        guard let ssl = SSL_new(client.context) else {
            throw RedisError(.connect, "\(name): TLS: \(TLSClient.reason)")
        }
        self.client = client
        self.ssl = ssl
        state = .allocate(capacity: 1)
        state.initialize(to: odometer_tls())
        state.pointee.descriptor = descriptor
        fault = TLSFault(settings: client.settings, host: client.settings.serverName ?? host)
        guard odometer_tls_attach(ssl, state, TLSStream.method) == 1, expect(fault.host) else {
            throw RedisError(.connect, "\(name): TLS: \(TLSClient.reason)")
        }
        try shakeHands(name, deadline, limitMilliseconds)
    }

    deinit {
        SSL_free(ssl)
        state.deallocate()
    }

    /// Says which name the server's certificate must have; a host name is also told to the server.
    private func expect(_ host: String) -> Bool {
        var address = in6_addr()
        let bare = String(host.prefix { $0 != "%" })
        let isNumeric =
            inet_pton(AF_INET, bare, &address) == 1 || inet_pton(AF_INET6, bare, &address) == 1
        guard !isNumeric else {
            return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), bare) == 1
        }
        let name = host.hasSuffix(".") ? String(host.dropLast()) : host
        SSL_set_hostflags(ssl, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS))
        return SSL_set1_host(ssl, name) == 1
            && name.withCString {
                SSL_ctrl(
                    ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, Int(TLSEXT_NAMETYPE_host_name),
                    UnsafeMutableRawPointer(mutating: $0)) == 1
            }
    }

    private func shakeHands(
        _ name: String, _ deadline: Deadline, _ limitMilliseconds: Int32
    ) throws(RedisError) {
        while true {
            ERR_clear_error()
            let result = SSL_connect(ssl)
            if result == 1 {
                if awaitsConsent { waitForVerdict() }
                return
            }
            switch outcome(of: result) {
            case .blocked(let events):
                var entry = pollfd(fd: state.pointee.descriptor, events: events, revents: 0)
                let restMilliseconds = deadline.remainingMilliseconds
                if restMilliseconds == 0 || poll(&entry, 1, restMilliseconds) == 0 {
                    isBroken = true
                    throw RedisError(
                        .connect, "\(name): \(fault.silence(limitMilliseconds, state.pointee))")
                }
            case .failed(let text): throw RedisError(.connect, "\(name): \(text)")
            case .moved: preconditionFailure("a handshake that failed moves nothing")
            }
        }
    }

    /// Gives a server that asked for our certificate the time to refuse it: bytes sent before that
    /// reset the connection, and with it goes what the server says.
    ///
    /// A server that accepts sends tickets at once, unless it is set up not to.
    private func waitForVerdict() {
        var entry = pollfd(fd: state.pointee.descriptor, events: Int16(POLLIN), revents: 0)
        poll(&entry, 1, 200)
    }

    /// What was agreed on.
    var facts: TLSFacts {
        let cipher = SSL_get_current_cipher(ssl)
        let certificate = SSL_get1_peer_certificate(ssl)
        defer { X509_free(certificate) }
        return TLSFacts(
            version: SSL_get_version(ssl).map { String(cString: $0) } ?? "",
            cipher: SSL_CIPHER_get_name(cipher).map { String(cString: $0) } ?? "",
            expirySecond: odometer_end_of(certificate), isVerified: !client.settings.isUnverified)
    }

    /// Whether the server has yet to say that it takes our certificate: in TLS 1.3 its refusal
    /// comes after the handshake.
    var awaitsConsent: Bool { state.pointee.is_asked != 0 }

    /// Encrypts and sends a part of the bytes.
    ///
    /// After `blocked` the next call must be this one, with the same bytes.
    func write(_ bytes: UnsafeRawBufferPointer) -> Transfer {
        ERR_clear_error()
        let result = SSL_write(ssl, bytes.baseAddress, Int32(clamping: bytes.count))
        return result > 0 ? .moved(Int(result)) : outcome(of: result)
    }

    /// Reads what one record holds; `blocked` only when nothing is left inside.
    func read(into buffer: UnsafeMutableRawBufferPointer) -> Transfer {
        ERR_clear_error()
        let result = SSL_read(ssl, buffer.baseAddress, Int32(clamping: buffer.count))
        if result > 0 {
            hasAnswered = true
            return .moved(Int(result))
        }
        let outcome = outcome(of: result)
        if case .blocked(let events) = outcome { awaitedEvents = events }
        return outcome
    }

    private func outcome(of result: Int32) -> Transfer {
        let code = SSL_get_error(ssl, result)
        switch code {
        case SSL_ERROR_WANT_READ: return .blocked(Int16(POLLIN))
        case SSL_ERROR_WANT_WRITE: return .blocked(Int16(POLLOUT))
        default:
            isBroken = code != SSL_ERROR_ZERO_RETURN
            defer { ERR_clear_error() }
            return .failed(fault.text(state.pointee, hasAnswered: hasAnswered))
        }
    }

    /// Tells the other side that nothing more will come, where that is still possible.
    func close() {
        guard !isBroken else { return }
        SSL_shutdown(ssl)
        ERR_clear_error()
    }
}
