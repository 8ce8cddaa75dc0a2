internal import CMicroHTTPD

/// Gives the certificate and key of new connections; may give another pair at any time.
public protocol TLSIdentitySource: Sendable {
    /// The pair for a connection that begins now; called on the worker threads.
    func current() -> TLSIdentity
}

/// Why a certificate and a key cannot be used.
public struct TLSIdentityError: Error, Equatable, Sendable {
    /// Which of the two texts is at fault.
    public enum Part: Equatable, Sendable {
        /// The certificate, or the chain behind it.
        case certificate
        /// The key.
        case key
    }

    /// Which of the two texts is at fault.
    public let part: Part
    /// The end of a sentence that begins with the name of that file.
    public let message: String
}

/// A certificate with its chain and its key, by which a server proves who it is.
///
/// Connections share it and keep it alive, so a pair that was replaced is freed after the last
/// connection that began with it.
public final class TLSIdentity: @unchecked Sendable {
    // Sendable: nothing changes the credentials after the initializer, and GnuTLS only reads them.
    private let credentials: gnutls_certificate_credentials_t

    /// When the certificate becomes valid, in milliseconds since 1970.
    public let validFromMilliseconds: Int64
    /// When the certificate expires, in milliseconds since 1970.
    public let expiresMilliseconds: Int64

    /// Reads a certificate with its chain, its own first, and its key, both in PEM.
    public init(certificate: [UInt8], key: [UInt8]) throws(TLSIdentityError) {
        (validFromMilliseconds, expiresMilliseconds) = try TLSIdentity.validity(of: certificate)
        try TLSIdentity.checkKey(key)
        var made: gnutls_certificate_credentials_t?
        guard gnutls_certificate_allocate_credentials(&made) == GNUTLS_E_SUCCESS, let made else {
            throw TLSIdentityError(part: .certificate, message: "there is no memory for it")
        }
        let result = withDatum(certificate) { certificate in
            withDatum(key) { key in
                gnutls_certificate_set_x509_key_mem2(
                    made, &certificate, &key, GNUTLS_X509_FMT_PEM, nil, 0)
            }
        }
        guard result >= 0 else {
            gnutls_certificate_free_credentials(made)
            throw result == GNUTLS_E_CERTIFICATE_KEY_MISMATCH
                ? TLSIdentityError(part: .key, message: "is not the key of the certificate")
                : TLSIdentityError(part: .certificate, message: "\(reason(result))")
        }
        credentials = made
    }

    deinit { gnutls_certificate_free_credentials(credentials) }

    /// Makes a session use this pair; it must be called before the handshake begins.
    func use(for session: gnutls_session_t) {
        gnutls_credentials_set(
            session, GNUTLS_CRD_CERTIFICATE, UnsafeMutableRawPointer(credentials))
    }

    /// From when to when the first certificate of a chain is valid.
    private static func validity(
        of chain: [UInt8]
    ) throws(TLSIdentityError) -> (from: Int64, to: Int64) {
        var list: UnsafeMutablePointer<gnutls_x509_crt_t?>?
        var count: UInt32 = 0
        let result = withDatum(chain) {
            gnutls_x509_crt_list_import2(&list, &count, &$0, GNUTLS_X509_FMT_PEM, 0)
        }
        guard result >= 0, let list, count > 0, let first = list[0] else {
            throw TLSIdentityError(
                part: .certificate, message: "holds no certificate in PEM: \(reason(result))")
        }
        defer {
            for index in 0..<Int(count) { gnutls_x509_crt_deinit(list[index]) }
            odometer_tls_free(list)
        }
        return (
            Int64(gnutls_x509_crt_get_activation_time(first)) * 1_000,
            Int64(gnutls_x509_crt_get_expiration_time(first)) * 1_000
        )
    }

    private static func checkKey(_ text: [UInt8]) throws(TLSIdentityError) {
        var key: gnutls_x509_privkey_t?
        guard gnutls_x509_privkey_init(&key) == GNUTLS_E_SUCCESS, let key else {
            throw TLSIdentityError(part: .key, message: "there is no memory for it")
        }
        defer { gnutls_x509_privkey_deinit(key) }
        let result = withDatum(text) {
            gnutls_x509_privkey_import2(key, &$0, GNUTLS_X509_FMT_PEM, nil, 0)
        }
        guard result < 0 else { return }
        throw TLSIdentityError(
            part: .key,
            message: result == GNUTLS_E_DECRYPTION_FAILED
                ? "is encrypted: a key without a passphrase is needed"
                : "holds no private key in PEM: \(reason(result))")
    }
}

/// GnuTLS' words for an error.
private func reason(_ code: Int32) -> String {
    gnutls_strerror(code).map { String(cString: $0) } ?? "error \(code)"
}

/// Calls `body` with bytes in the form in which GnuTLS takes them; it does not change them.
private func withDatum(_ bytes: [UInt8], _ body: (inout gnutls_datum_t) -> Int32) -> Int32 {
    bytes.withUnsafeBufferPointer { buffer in
        var datum = gnutls_datum_t(
            data: UnsafeMutablePointer(mutating: buffer.baseAddress),
            size: UInt32(clamping: buffer.count))
        return body(&datum)
    }
}
