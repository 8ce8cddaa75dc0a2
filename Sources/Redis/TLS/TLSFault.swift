internal import CSSL
internal import Glibc

/// Says in one line what is wrong with a TLS connection, and what to set.
struct TLSFault {
    let settings: TLSSettings
    /// The name that the server's certificate must have.
    let host: String

    /// Alerts by which a server refuses our certificate.
    private static let refusals = [
        SSL_R_SSLV3_ALERT_BAD_CERTIFICATE, SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE,
        SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED, SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED,
        SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN, SSL_R_TLSV1_ALERT_UNKNOWN_CA,
        SSL_R_TLSV1_ALERT_ACCESS_DENIED, SSL_R_TLSV1_ALERT_DECRYPT_ERROR,
    ]

    /// The text of OpenSSL's last failure.
    ///
    /// - Parameter hasAnswered: whether an answer of Redis has come.
    func text(_ state: odometer_tls, hasAnswered: Bool) -> String {
        if state.verify_error != X509_V_OK { return certificate(state) }
        let reason = ERR_GET_REASON(ERR_peek_error())
        if TLSFault.refusals.contains(reason) {
            return "the server does not accept our certificate (\(TLSClient.reason)): "
                + "set --redis-cert and --redis-key to one that it accepts"
        }
        let isLost = state.is_closed != 0 || state.socket_error != 0
        let isRefusal =
            reason == SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED
            || reason == SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE || isLost
        if !hasAnswered, isRefusal, state.is_asked != 0 {
            return settings.certificateFile == nil
                ? "the server asks for a client certificate: set --redis-cert and --redis-key"
                : "closed by the server, which may not accept our certificate: "
                    + "set --redis-cert and --redis-key to one that it accepts"
        }
        switch reason {
        case SSL_R_WRONG_VERSION_NUMBER, SSL_R_PACKET_LENGTH_TOO_LONG:
            return "what answers there is not TLS: use redis:// for a port without TLS"
        case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, SSL_R_UNSUPPORTED_PROTOCOL:
            return "the server offers neither TLS 1.2 nor 1.3: set its tls-protocols"
        case SSL_R_TLSV1_UNRECOGNIZED_NAME:
            return "the server has no certificate for \(host): set --redis-server-name"
        default: break
        }
        if state.socket_error != 0 { return Context.text(ofError: state.socket_error) }
        if isLost || reason == 0 { return "closed by Redis" }
        return "TLS failed: \(TLSClient.reason)"
    }

    /// The text of a handshake that took too long.
    func silence(_ milliseconds: Int32, _ state: odometer_tls) -> String {
        state.received > 0
            ? "the TLS handshake did not end within \(milliseconds) ms"
            : "no answer to the TLS handshake within \(milliseconds) ms; "
                + "a port without TLS is as silent: use redis:// for it"
    }

    private func certificate(_ state: odometer_tls) -> String {
        let names = withUnsafeBytes(of: state.names) { Context.text(ofCharacters: $0) }
        let subject =
            state.verify_depth == 0
            ? "the server's certificate" : "the CA certificate \(names) of the server"
        switch state.verify_error {
        case X509_V_ERR_CERT_HAS_EXPIRED:
            return "\(subject) ended at \(TLSFault.time(state.not_after)): renew it"
        case X509_V_ERR_CERT_NOT_YET_VALID:
            return "\(subject) begins at \(TLSFault.time(state.not_before)): "
                + "correct the clock of this machine, or renew it"
        case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH:
            return "\(subject) is not for \(host) but for \(names.isEmpty ? "no name" : names): "
                + "set --redis-server-name to its name"
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
            X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
            X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, X509_V_ERR_CERT_SIGNATURE_FAILURE:
            let trusted = settings.authorityFile.map { "in \($0)" } ?? "that this system trusts"
            return "the server's certificate is not signed by a CA \(trusted): "
                + "set --redis-ca to the file with its CA"
        default:
            let text = X509_verify_cert_error_string(Int(state.verify_error))
            return "\(subject) is refused: \(text.map { String(cString: $0) } ?? "invalid")"
        }
    }

    /// A time in UTC, for people.
    static func time(_ second: Int64) -> String {
        var second = time_t(second)
        var parts = tm()
        guard gmtime_r(&second, &parts) != nil else { return "an unknown time" }
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(parts.tm_year + 1_900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))T"
            + "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))Z"
    }
}
