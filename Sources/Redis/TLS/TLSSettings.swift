/// How a TLS connection to Redis checks the server, and how it shows who we are.
public struct TLSSettings: Sendable, Hashable {
    /// PEM file with the CAs that are trusted; nil: those of the system.
    public var authorityFile: String?
    /// PEM file with our certificate and those between it and its CA; nil: we have none.
    public var certificateFile: String?
    /// PEM file with the private key of our certificate.
    public var keyFile: String?
    /// The name that the server's certificate must have, also told to the server; nil: the host.
    public var serverName: String?
    /// Whether the server's certificate is taken without a check.
    public var isUnverified: Bool

    /// Settings of these parts.
    public init(
        authorityFile: String? = nil, certificateFile: String? = nil, keyFile: String? = nil,
        serverName: String? = nil, isUnverified: Bool = false
    ) {
        self.authorityFile = authorityFile
        self.certificateFile = certificateFile
        self.keyFile = keyFile
        self.serverName = serverName
        self.isUnverified = isUnverified
    }
}

/// What a TLS connection has agreed on.
public struct TLSFacts: Sendable, Hashable {
    /// Version of the protocol, like `TLSv1.3`.
    public let version: String
    /// Name of the cipher.
    public let cipher: String
    /// When the server's certificate ends, in seconds since 1970.
    public let expirySecond: Int64
    /// Whether the server's certificate was checked.
    public let isVerified: Bool

    /// When the server's certificate ends, for people.
    public var expiry: String { TLSFault.time(expirySecond) }
}
