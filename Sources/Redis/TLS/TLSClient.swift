internal import CSSL
internal import Glibc

/// Certificates and rules for TLS connections to Redis, read from their files once.
///
/// All connections of a configuration share one; equal means made with equal settings.
public final class TLSClient: @unchecked Sendable, Hashable {
    // @unchecked: OpenSSL counts the references of a context itself, and nothing changes it once it
    // is made.
    let context: OpaquePointer
    /// What it was made with.
    public let settings: TLSSettings

    /// Reads the files; throws a `configuration` error that names the option of a wrong one.
    public init(_ settings: TLSSettings) throws(RedisError) {
        self.settings = settings
        // A process that ends in a hurry must not take OpenSSL away from threads that still use it.
        OPENSSL_init_ssl(UInt64(OPENSSL_INIT_NO_ATEXIT), nil)
        guard let made = SSL_CTX_new(TLS_client_method()) else {
            throw RedisError(.configuration, "TLS cannot be used: \(TLSClient.reason)")
        }
        do throws(RedisError) {
            try TLSClient.setUp(made, settings)
        } catch {
            SSL_CTX_free(made)
            ERR_clear_error()
            throw error
        }
        context = made
    }

    deinit { SSL_CTX_free(context) }

    /// Whether both were made with the same settings.
    public static func == (first: TLSClient, second: TLSClient) -> Bool {
        first.settings == second.settings
    }

    /// Hashes the settings.
    public func hash(into hasher: inout Hasher) { hasher.combine(settings) }

    private static func setUp(
        _ context: OpaquePointer, _ settings: TLSSettings
    ) throws(RedisError) {
        ERR_clear_error()
        SSL_CTX_ctrl(context, SSL_CTRL_SET_MIN_PROTO_VERSION, Int(TLS1_2_VERSION), nil)
        // A write may end after any record, and goes on from wherever the buffer is by then.
        let mode = SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER
        SSL_CTX_ctrl(context, SSL_CTRL_MODE, Int(mode), nil)
        // Without these two each record costs two reads of the socket.
        SSL_CTX_ctrl(context, SSL_CTRL_SET_READ_AHEAD, 1, nil)
        SSL_CTX_set_default_read_buffer_len(context, 64 * 1_024)
        odometer_set_rules(context, settings.isUnverified ? 0 : 1)
        if !settings.isUnverified { try trust(settings.authorityFile, context) }
        try showOurselves(settings, context)
    }

    private static func trust(
        _ file: String?, _ context: OpaquePointer
    ) throws(RedisError) {
        guard let file else {
            SSL_CTX_set_default_verify_paths(context)
            return
        }
        try checkReadable(file, option: "--redis-ca")
        guard SSL_CTX_load_verify_locations(context, file, nil) == 1 else {
            throw RedisError(
                .configuration, "--redis-ca: \(file) has no certificates in PEM (\(reason))")
        }
        // What is in the file is trusted, also where it is not the root of its chain.
        X509_STORE_set_flags(SSL_CTX_get_cert_store(context), UInt(X509_V_FLAG_PARTIAL_CHAIN))
    }

    private static func showOurselves(
        _ settings: TLSSettings, _ context: OpaquePointer
    ) throws(RedisError) {
        guard let certificate = settings.certificateFile, let key = settings.keyFile else {
            guard settings.certificateFile == nil, settings.keyFile == nil else {
                throw RedisError(.configuration, "--redis-cert and --redis-key go together")
            }
            return
        }
        try checkReadable(certificate, option: "--redis-cert")
        guard SSL_CTX_use_certificate_chain_file(context, certificate) == 1 else {
            throw RedisError(
                .configuration, "--redis-cert: \(certificate) has no certificate in PEM (\(reason))"
            )
        }
        try checkReadable(key, option: "--redis-key")
        var isEncrypted: Int32 = 0
        let isUsed = odometer_use_key(context, key, &isEncrypted) == 1
        guard isEncrypted == 0 else {
            throw RedisError(
                .configuration, "--redis-key: \(key) needs a pass phrase; give it without one")
        }
        if ERR_GET_REASON(ERR_peek_error()) == X509_R_KEY_VALUES_MISMATCH
            || isUsed && SSL_CTX_check_private_key(context) != 1
        {
            throw RedisError(
                .configuration,
                "--redis-key: \(key) is not the key of the certificate in \(certificate)")
        }
        guard isUsed else {
            throw RedisError(
                .configuration, "--redis-key: \(key) has no private key in PEM (\(reason))")
        }
    }

    /// Throws the system's reason where a file cannot be read: OpenSSL's is harder to understand.
    private static func checkReadable(_ file: String, option: String) throws(RedisError) {
        let descriptor = open(file, O_RDONLY)
        defer { if descriptor >= 0 { close(descriptor) } }
        var byte: UInt8 = 0
        guard descriptor >= 0, Glibc.read(descriptor, &byte, 1) >= 0 else {
            throw RedisError(
                .configuration, "\(option): \(file): \(Context.text(ofError: errno))")
        }
    }

    /// OpenSSL's text of the first error that is kept.
    static var reason: String {
        let code = ERR_peek_error()
        return ERR_reason_error_string(code).map { String(cString: $0) } ?? "error \(code)"
    }
}
