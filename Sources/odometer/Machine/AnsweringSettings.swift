import API
import HTTPServer

/// From settings to what the answering half takes.
extension Settings {
    /// The listener for clients.
    func publicConfiguration() throws(CommandFailure) -> ServerConfiguration {
        var configuration = ServerConfiguration()
        configuration.perAddressLimit = integer(Options.addressConnections)
        configuration.trustedProxies = texts(Options.trustedProxy).compactMap { AddressRange($0) }
        if text(Options.ingestTopic) != nil {
            configuration.largeBodies = Ingesting.largeBodies
            configuration.allowsLaterAnswers = true
            // A little more than acknowledgements may take.
            configuration.drainSeconds = 6
        }
        return try serverConfiguration(
            Options.listen, threads: integer(Options.httpThreads), configuration)
    }

    /// The same with the address, port and threads of a listener.
    func serverConfiguration(
        _ option: Option, threads: Int,
        _ configuration: ServerConfiguration = ServerConfiguration()
    ) throws(CommandFailure) -> ServerConfiguration {
        var configuration = configuration
        let (host, port) = address(option)
        configuration.address = host == "localhost" ? "127.0.0.1" : host
        configuration.port = Int(port)
        configuration.threads = threads
        do throws(HTTPError) {
            try configuration.validate()
        } catch {
            throw .usage("--\(option.name): \(error.message)")
        }
        return configuration
    }

    /// What clients may take from the answering half.
    func requestLimits() throws(HTTPError) -> RequestLimits {
        func limiter(_ option: Option) throws(HTTPError) -> RateLimiter? {
            let rate = integer(option)
            return rate > 0 ? try RateLimiter(perSecond: Double(rate), burst: rate) : nil
        }
        let most = organizationRequests
        return RequestLimits(
            perAddress: try limiter(Options.addressRateLimit),
            perCredential: try limiter(Options.rateLimit),
            perOrganization: most > 0 ? OrganizationGate(most: most) : nil)
    }

    /// Requests of one organization at the same time; 0: no limit.
    ///
    /// The default is three quarters of the threads: 6 of 8, as many connections as a browser opens
    /// to one server. The other threads are not reserved: a connection stays with the thread that
    /// accepted it, and waits when that thread is busy. The limit only keeps one organization's
    /// slow requests from holding all threads for longer than the gate's wait. With fewer than 4
    /// threads there is no limit, or the requests of one page would wait for each other.
    var organizationRequests: Int {
        if text(Options.organizationRequests) != nil {
            return integer(Options.organizationRequests)
        }
        let threads = integer(Options.httpThreads)
        return threads < 4 ? 0 : threads * 3 / 4
    }

    /// How tokens are verified; nil where no key is configured.
    func tokenVerifier(log: Log) throws(CommandFailure) -> TokenVerifier? {
        guard let keys = try tokenKeys(log: log) else { return nil }
        return TokenVerifier(
            keys: keys, issuer: text(Options.jwtIssuer), audience: text(Options.jwtAudience)
        ) { log.warning($0) }
    }

    /// The tokens of OpenMeter's portals; nil where no secret is configured.
    func portalTokens() throws(CommandFailure) -> PortalTokens? {
        guard let file = text(Options.portalSecretFile) else { return nil }
        let secret = Array(try FileText.secret(file).utf8)
        do throws(TokenConfigurationError) {
            return try PortalTokens(secret: secret)
        } catch {
            throw .usage("--\(Options.portalSecretFile.name): \(error.message)")
        }
    }

    private func tokenKeys(log: Log) throws(CommandFailure) -> (any TokenKeySource)? {
        let algorithm = TokenVerifier.Algorithm(rawValue: required(Options.jwtAlgorithm))
        guard let algorithm else { preconditionFailure("--jwt-algorithm was not checked") }
        if let file = text(Options.jwksFile) {
            for other in [Options.jwtSecretFile, Options.jwtSecret, Options.jwtPublicKey]
            where isGiven(other) {
                throw .usage("--jwks-file cannot be used together with --\(other.name)")
            }
            let only = isGiven(Options.jwtAlgorithm) ? algorithm : nil
            return try KeySetFile(file, only: only, log: log)
        }
        let key: [UInt8]
        switch algorithm {
        case .hs256:
            if isGiven(Options.jwtPublicKey) {
                throw .usage("--jwt-public-key needs --jwt-algorithm RS256 or ES256")
            }
            if let file = text(Options.jwtSecretFile) {
                key = Array(try FileText.secret(file).utf8)
            } else if let secret = text(Options.jwtSecret) {
                key = Array(secret.utf8)
            } else {
                return nil
            }
        case .rs256, .es256:
            for other in [Options.jwtSecretFile, Options.jwtSecret] where isGiven(other) {
                throw .usage(
                    "--\(other.name) is for HS256, and the algorithm is \(algorithm.rawValue)")
            }
            guard let file = text(Options.jwtPublicKey) else { return nil }
            key = try FileText.read(file)
        }
        do throws(TokenConfigurationError) {
            return try TokenKeys(algorithm: algorithm, key: key)
        } catch {
            throw .usage("jwt: \(error.message)")
        }
    }

    /// Refuses two listeners at one address: the second could never start.
    func checkListeners() throws(CommandFailure) {
        let (requests, pages) = (address(Options.listen), address(Options.adminListen))
        guard requests.port == pages.port, requests.port != 0 else { return }
        let everywhere = ["0.0.0.0", "::"]
        guard
            requests.host == pages.host || everywhere.contains(requests.host)
                || everywhere.contains(pages.host)
        else { return }
        throw .usage(
            "--\(Options.listen.name) and --\(Options.adminListen.name) both have port \(pages.port)"
        )
    }
}
