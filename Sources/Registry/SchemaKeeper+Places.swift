internal import CCurl
internal import CSSL
internal import Glibc
public import Metering

/// Why a place of schemas cannot be used.
public struct SchemaPlaceError: Error, Sendable {
    /// A clause for people, without credentials.
    public let message: String
}

extension SchemaKeeper {
    /// The schemas of a place: `http://…` or `https://…` of a registry, or a directory.
    ///
    /// - Parameters:
    ///   - credentials: what a registry is asked with; nil: nothing.
    ///   - authorityFile: PEM file of the CA of the registry's certificate; nil: the system's CAs.
    /// - Throws: where the place is neither, or has credentials in it.
    public static func at(
        _ place: String, credentials: RegistryCredentials?, authorityFile: String?
    ) throws(SchemaPlaceError) -> SchemaKeeper {
        guard isURL(place) else {
            guard credentials == nil, authorityFile == nil else {
                throw SchemaPlaceError(message: "credentials and a CA go with a URL")
            }
            return SchemaKeeper(
                SchemaDirectory(path: try directory(place).path), place: place)
        }
        let rest = place.drop { $0 != "/" }.dropFirst(2)
        let host = rest.prefix { $0 != "/" }
        if host.contains("@") {
            throw SchemaPlaceError(
                message: "a URL with credentials is printed and logged; they have a file of "
                    + "their own")
        }
        if host.isEmpty || place.contains("?") || place.contains("#") {
            throw SchemaPlaceError(message: "must be like https://registry.example or with a path")
        }
        if let authorityFile { try check(authorityFile, for: place) }
        _ = once
        let url = String(place.reversed().drop { $0 == "/" }.reversed())
        return SchemaKeeper(
            SchemaServer(url: url, credentials: credentials, authorityFile: authorityFile),
            place: url)
    }

    /// All schemas in the files of a directory, with what is wrong with those that cannot be read;
    /// nil for a registry.
    public static func files(
        _ place: String
    ) throws(SchemaPlaceError) -> [(key: SchemaKey, schema: RecordSchema?, why: String)]? {
        if isURL(place) { return nil }
        let directory = try directory(place)
        return directory.keys.map { key in
            switch directory.fetch(key) {
            case .schema(let schema): (key, schema, "")
            case .failed(let why): (key, nil, why)
            case .absent: (key, nil, "absent")
            }
        }
    }

    private static func check(
        _ authorityFile: String, for place: String
    ) throws(SchemaPlaceError) {
        guard place.hasPrefix("https://") else {
            throw SchemaPlaceError(message: "a CA goes with https://")
        }
        guard let context = SSL_CTX_new(TLS_client_method()) else {
            throw SchemaPlaceError(message: "no memory for OpenSSL")
        }
        defer { SSL_CTX_free(context) }
        if SSL_CTX_load_verify_file(context, authorityFile) != 1 {
            ERR_clear_error()
            throw SchemaPlaceError(
                message: "\(authorityFile) cannot be read or has no certificate in PEM")
        }
    }

    private static func isURL(_ place: String) -> Bool {
        place.hasPrefix("http://") || place.hasPrefix("https://")
    }

    private static func directory(_ place: String) throws(SchemaPlaceError) -> SchemaDirectory {
        guard let opened = opendir(place) else {
            throw SchemaPlaceError(message: "\(place): \(String(cString: strerror(errno)))")
        }
        closedir(opened)
        return SchemaDirectory(path: place)
    }

    /// libcurl is prepared before any thread uses it.
    private static let once: CURLcode = {
        // A process that ends must not take OpenSSL away from the keeper's thread.
        OPENSSL_init_ssl(UInt64(OPENSSL_INIT_NO_ATEXIT), nil)
        return curl_global_init(Int(CURL_GLOBAL_DEFAULT))
    }()
}
