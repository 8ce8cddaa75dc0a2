internal import CMicroHTTPD
import Glibc
import Synchronization

/// What became of the handshakes of a server.
final class TLSCounters: Sendable {
    /// Handshakes that were completed.
    let completed = Atomic<UInt64>(0)
    /// Connections that ended before their handshake was complete, and had sent something.
    let failed = Atomic<UInt64>(0)
    /// Connections that sent something else than TLS, such as plain HTTP.
    let plain = Atomic<UInt64>(0)
}

/// The encrypted side of one connection: its session, and the pair that it uses.
///
/// GnuTLS calls the functions below on the worker thread of the connection, within calls of the
/// library.
final class TLSConnection: @unchecked Sendable {
    // Sendable: only the worker thread of the connection uses it.

    /// TLS 1.2 and 1.3, with ephemeral keys and authenticated ciphers only.
    static let priorities =
        "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA"
        + ":-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:-MAC-ALL:+AEAD"

    private static let firstByteOfHandshake: UInt8 = 22
    private let session: gnutls_session_t
    private let descriptor: Int32
    // Kept until the connection's end: the session only refers to it.
    private let identity: TLSIdentity
    private let counters: TLSCounters
    private var hasRead = false
    private var isCounted = false

    /// Prepares the session of a connection whose handshake has not begun.
    init(
        _ session: gnutls_session_t, descriptor: Int32, identity: TLSIdentity,
        counters: TLSCounters
    ) {
        self.session = session
        self.descriptor = descriptor
        self.identity = identity
        self.counters = counters
        identity.use(for: session)
        odometer_tls_set_pull(
            session, Unmanaged.passUnretained(self).toOpaque(), tlsPull, descriptor)
        gnutls_handshake_set_hook_function(
            session, GNUTLS_HANDSHAKE_FINISHED.rawValue, GNUTLS_HOOK_POST, tlsOnFinished)
    }

    /// Sends the last bytes of the connection and says that they are the last.
    func sendLast(_ bytes: [UInt8]) {
        _ = gnutls_record_send(session, bytes, bytes.count)
        gnutls_bye(session, GNUTLS_SHUT_WR)
    }

    /// Counts a handshake that was not completed; the session must not be used any more.
    func end() {
        if hasRead { count(counters.failed) }
    }

    /// Receives what the peer sent, and looks at its first byte.
    fileprivate func receive(_ buffer: UnsafeMutableRawPointer, _ size: Int) -> Int {
        let received = recv(descriptor, buffer, size, 0)
        if received > 0, !hasRead {
            hasRead = true
            begin(with: buffer.load(as: UInt8.self))
        }
        return received
    }

    private func begin(with byte: UInt8) {
        guard byte != TLSConnection.firstByteOfHandshake else { return }
        count(counters.plain)
        // A method of HTTP: its sender reads HTTP. GnuTLS refuses the bytes by itself.
        if (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) {
            Framing.plainOnTLS.send(to: descriptor)
        }
    }

    fileprivate func complete() { count(counters.completed) }

    /// Counts the handshake under the first of its ends.
    private func count(_ counter: borrowing Atomic<UInt64>) {
        guard !isCounted else { return }
        isCounted = true
        counter.add(1, ordering: .relaxed)
    }
}

/// Called by GnuTLS for bytes of the peer; the result and `errno` are those of `recv`.
private func tlsPull(
    _ context: gnutls_transport_ptr_t?, _ buffer: UnsafeMutableRawPointer?, _ size: Int
) -> Int {
    guard let context, let buffer else { return -1 }
    return Unmanaged<TLSConnection>.fromOpaque(context).takeUnretainedValue()
        .receive(buffer, size)
}

/// Called by GnuTLS after a Finished message, sent or received: the peer's completes the handshake.
private func tlsOnFinished(
    _ session: gnutls_session_t?, _: UInt32, _: UInt32, _ isIncoming: UInt32,
    _: UnsafePointer<gnutls_datum_t>?
) -> Int32 {
    if isIncoming != 0, let session, let context = odometer_tls_context(session) {
        Unmanaged<TLSConnection>.fromOpaque(context).takeUnretainedValue().complete()
    }
    return 0
}
