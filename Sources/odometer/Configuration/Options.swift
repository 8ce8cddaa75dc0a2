import API
import Foundation
import HTTPServer
import Ledger
import Pipeline
import Printing
import Redis

/// Every option that several commands share or that the configuration file may have.
///
/// Defaults and ranges are those of the rooms that the options are for. Names and help texts are
/// here, with the defaults of the process itself.
enum Options {
    private typealias Defaults = PipelineConfiguration.Defaults
    private typealias Ranges = PipelineConfiguration.Ranges
    private static let server = ServerConfiguration()

    // MARK: Kafka
    static let bootstrap = Option(
        name: "bootstrap", placeholder: "HOST:PORT,…", value: .text, help: "Kafka's first contact.",
        standard: Defaults.bootstrap, path: "kafka.bootstrap.servers")
    static let kafkaProperty = Option(
        name: "kafka-property", placeholder: "NAME=VALUE", value: .text,
        help:
            "Any librdkafka property, as for SASL and TLS, except those that exact counting fixes.",
        path: "kafka.NAME", isRepeatable: true)
    static let kafkaPropertyFile = Option(
        name: "kafka-property-file", placeholder: "NAME=FILE", value: .text,
        help:
            "A librdkafka property whose value is the first line of a file, as sasl.password; goes "
            + "before the same one of --kafka-property.",
        path: "kafka_property_files", isRepeatable: true)
    static let topic = Option(
        name: "topic", placeholder: "TOPIC", value: .text, help: "Topic with usage events.",
        standard: Defaults.topic, path: "topics", isRepeatable: true)
    static let directoryTopic = Option(
        name: "directory-topic", placeholder: "TOPIC", value: .text,
        help: "Compacted topic of one partition with profiles, plans and credentials.",
        standard: Defaults.directoryTopic, path: "directory_topic")
    static let deadLetterTopic = Option(
        name: "dead-letter-topic", placeholder: "TOPIC", value: .text,
        help: "Topic for events that cannot be counted.", standard: Defaults.deadLetterTopic,
        path: "dead_letter_topic")
    static let deadLetters = Option(
        name: "dead-letters", placeholder: "on|off", value: .choice(["on", "off"]),
        help: "off: events that cannot be counted are only counted as such.", standard: "on",
        path: "dead_letters")
    static let group = Option(
        name: "group", placeholder: "GROUP", value: .text,
        help: "Consumer group; a part of the contract. Without it: "
            + "\(Defaults.group(prefix: "PREFIX")).", path: "group")
    static let instance = Option(
        name: "instance", placeholder: "NAME", value: .text,
        help: "Static membership (group.instance.id): a restart causes no rebalance. "
            + "No two processes may have the same.", path: "instance")

    // MARK: Redis
    static let redis = Option(
        name: "redis", placeholder: "URL", value: .text,
        help: "redis://[USER[:PASSWORD]@]HOST:PORT[/DATABASE], unix:///PATH[?db=DATABASE], "
            + "redis+sentinel://HOST:PORT,…/NAME[?db=DATABASE] (also with &sentinel_user=USER) or "
            + "redis+cluster://HOST:PORT,… (some nodes of a cluster), the last two also with "
            + "USER:PASSWORD@; with TLS rediss://…, rediss+sentinel://… or rediss+cluster://….",
        standard: "redis://localhost:\(RedisConfiguration.defaultPort)", path: "redis.url",
        isSecret: true)
    static let redisPasswordFile = Option(
        name: "redis-password-file", placeholder: "FILE", value: .text,
        help: "File whose first line is Redis' password.", path: "redis.password_file")
    static let redisPassword = Option(
        name: "redis-password", placeholder: "", value: .text, help: "Redis' password.",
        source: .environment, isSecret: true)
    static let redisEvictionChecked = Option(
        name: "redis-eviction-checked", placeholder: "", value: .flag,
        help: "You have seen that maxmemory-policy is noeviction, where Redis does not say it.",
        path: "redis.eviction_checked")
    static let redisCA = Option(
        name: "redis-ca", placeholder: "FILE", value: .text,
        help: "PEM file with the CA of Redis' certificate. Without it: the CAs of this system.",
        path: "redis.ca")
    static let redisCertificate = Option(
        name: "redis-cert", placeholder: "FILE", value: .text,
        help: "PEM file with the certificate that Redis asks us for.", path: "redis.cert")
    static let redisKey = Option(
        name: "redis-key", placeholder: "FILE", value: .text,
        help: "PEM file with the key of --redis-cert.", path: "redis.key")
    static let redisServerName = Option(
        name: "redis-server-name", placeholder: "NAME", value: .text,
        help: "Name or address that Redis' certificate must have. Without it: the URL's host.",
        path: "redis.server_name")
    static let redisTLSUnverified = Option(
        name: "redis-tls-unverified", placeholder: "on|off", value: .choice(["on", "off"]),
        help: "on: any certificate of Redis is taken, also that of an attacker.", standard: "off",
        path: "redis.tls_unverified")
    static let sentinelPasswordFile = Option(
        name: "redis-sentinel-password-file", placeholder: "FILE", value: .text,
        help: "File whose first line is the Sentinels' own password.",
        path: "redis.sentinel_password_file")
    static let sentinelPassword = Option(
        name: "redis-sentinel-password", placeholder: "", value: .text,
        help: "The Sentinels' own password.", source: .environment, isSecret: true)
    static let prefix = Option(
        name: "prefix", placeholder: "NAME", value: .text,
        help: "First part of every key: several Odometers share one Redis by it.",
        standard: KeyLayout.defaultPrefix, path: "prefix")

    // MARK: Schemas
    static let schemas = Option(
        name: "schemas", placeholder: "URL|DIRECTORY", value: .text,
        help: "Where the schemas of Avro and Protobuf are: a registry, or a directory with "
            + "ID.avsc or ID.proto.", path: "schemas.at")
    static let schemasCredentialsFile = Option(
        name: "schemas-credentials-file", placeholder: "FILE", value: .text,
        help: "File whose first line is USER:PASSWORD, or Bearer TOKEN, for the registry.",
        path: "schemas.credentials_file")
    static let schemasCredentials = Option(
        name: "schemas-credentials", placeholder: "", value: .text,
        help: "The same text itself.", source: .environment, isSecret: true)
    static let schemasCA = Option(
        name: "schemas-ca", placeholder: "FILE", value: .text,
        help: "PEM file with the CA of the registry's certificate. Without it: the CAs of this "
            + "system.", path: "schemas.ca")

    // MARK: Counting
    static let lanes = Option(
        name: "lanes", placeholder: "N", value: .integer(Ranges.lanes),
        help: "Threads that consume and fold; partitions are shared among them.",
        standard: String(Defaults.lanes(cores: ProcessInfo.processInfo.activeProcessorCount)),
        standardHelp: "number of cores",
        path: "lanes")
    static let meters = Option(
        name: "meters", placeholder: "PATH", value: .text,
        help: "Catalog: a YAML file or a directory of *.yaml. Without it: the shipped meters.",
        path: "meters")
    static let commitInterval = Option(
        name: "commit-interval", placeholder: "TIME",
        value: .duration(Ranges.commitIntervalMilliseconds),
        help: "How often the numbers go to Redis.",
        standard: ValueText.duration(Defaults.commitIntervalMilliseconds), path: "commit_interval")
    static let dedupeWindow = Option(
        name: "dedupe-window", placeholder: "N", value: .integer(Ranges.dedupeWindow),
        help: "How many offsets of a partition a repeated event id is looked for.",
        standard: String(Defaults.dedupeWindow), path: "dedupe_window")
    static let futureBound = Option(
        name: "future-bound", placeholder: "TIME",
        value: .duration(Ranges.futureBoundMilliseconds),
        help: "How far an event's time may be ahead of its record's.",
        standard: ValueText.duration(Defaults.futureBoundMilliseconds), path: "future_bound")
    static let from = Option(
        name: "from", placeholder: "WHERE", value: .moment(StartOrigin.words.map(\.word)),
        help:
            "\(StartOrigin.words.map(\.word).joined(separator: ", ")) or a time: "
            + "where a topic begins that was never counted. Asked once.",
        standard: Defaults.origin.word, path: "from")
    static let onLoss = Option(
        name: "on-loss", placeholder: "stop|continue",
        value: .choice(LossPolicy.allCases.map(\.rawValue)),
        help: "What to do where Kafka no longer holds records that are not counted.",
        standard: Defaults.onLoss.rawValue, path: "on_loss")
    static let nice = Option(
        name: "nice", placeholder: "N", value: .integer(Niceness.range),
        help: "How far run yields to other programs on the same cores; 0 = not at all.",
        standard: String(Niceness.standard), path: "nice")
    static let acceptContract = Option(
        name: "accept-contract", placeholder: "", value: .flag,
        help: "Count on under a changed contract (other meters, bounds or dedupe window).",
        source: .call)

    // MARK: Answering
    static let listen = Option(
        name: "listen", placeholder: "HOST:PORT", value: .address,
        help: "Where requests are answered.",
        standard: "127.0.0.1:8080", path: "http.listen")
    static let tlsCert = Option(
        name: "tls-cert", placeholder: "FILE", value: .text,
        help: "PEM file with the certificate of --listen and the chain behind it: requests are "
            + "then answered over HTTPS. Read again when it changes.", path: "http.tls_cert")
    static let tlsKey = Option(
        name: "tls-key", placeholder: "FILE", value: .text,
        help: "PEM file with the key of --tls-cert, without a passphrase.", path: "http.tls_key")
    static let adminListen = Option(
        name: "admin-listen", placeholder: "HOST:PORT", value: .address,
        help: "Where /metrics, /healthz and /readyz are answered.", standard: "127.0.0.1:8084",
        path: "http.admin_listen")
    static let httpThreads = Option(
        name: "http-threads", placeholder: "N",
        value: .integer(ServerConfiguration.threadRange),
        help: "Threads that answer requests.", standard: String(server.threads),
        path: "http.threads")
    static let rateLimit = Option(
        name: "rate-limit", placeholder: "N", value: .integer(0...RateLimiter.largestBurst),
        help: "Requests a second of one key or token; large ones count more. 0 = no limit.",
        standard: String(RequestLimits.unitsPerSecond), path: "http.rate_limit")
    static let addressRateLimit = Option(
        name: "address-rate-limit", placeholder: "N", value: .integer(0...RateLimiter.largestBurst),
        help: "Requests a second of one address without a valid key or token; 0 = no limit.",
        standard: String(RequestLimits.addressRequestsPerSecond), path: "http.address_rate_limit")
    static let addressConnections = Option(
        name: "address-connections", placeholder: "N", value: .integer(0...server.connectionLimit),
        help: "Open connections of one address that is no trusted proxy; 0 = no limit.",
        standard: String(server.perAddressLimit), path: "http.address_connections")
    static let trustedProxy = Option(
        name: "trusted-proxy", placeholder: "CIDR", value: .network,
        help: "Proxy whose X-Forwarded-For names the client: an address or a block of them.",
        path: "http.trusted_proxies", isRepeatable: true)
    static let organizationRequests = Option(
        name: "organization-requests", placeholder: "N",
        value: .integer(0...ServerConfiguration.threadRange.upperBound),
        help: "Requests of one organization at the same time; 0 = no limit. "
            + "Without it: three quarters of the threads, from 4 threads on.",
        path: "http.organization_requests")
    static let ingestTopic = Option(
        name: "ingest-topic", placeholder: "TOPIC", value: .text,
        help: "Topic that events sent over HTTP are written to. Without it none are taken.",
        path: "http.ingest_topic")
    static let jwtAlgorithm = Option(
        name: "jwt-algorithm", placeholder: "NAME",
        value: .choice(TokenVerifier.Algorithm.allCases.map(\.rawValue)),
        help: "The only algorithm that tokens may be signed with; with --jwks-file, where it is "
            + "not given, each key says its own.",
        standard: TokenVerifier.Algorithm.hs256.rawValue,
        path: "jwt.algorithm")
    static let jwtSecretFile = Option(
        name: "jwt-secret-file", placeholder: "FILE", value: .text,
        help: "File with the secret of HS256, at least \(TokenKeys.leastSecretBytes) bytes.",
        path: "jwt.secret_file")
    static let jwtSecret = Option(
        name: "jwt-secret", placeholder: "", value: .text, help: "The secret of HS256.",
        source: .environment, isSecret: true)
    static let jwtPublicKey = Option(
        name: "jwt-public-key", placeholder: "FILE", value: .text,
        help: "PEM file with the public key of RS256 or ES256.", path: "jwt.public_key")
    static let jwksFile = Option(
        name: "jwks-file", placeholder: "FILE", value: .text,
        help: "JSON Web Key Set (RSA, EC P-256, oct), read again when it changes; "
            + "a token's kid chooses the key.", path: "jwt.jwks_file")
    static let jwtIssuer = Option(
        name: "jwt-issuer", placeholder: "TEXT", value: .text, help: "What iss must be.",
        path: "jwt.issuer")
    static let jwtAudience = Option(
        name: "jwt-audience", placeholder: "TEXT", value: .text, help: "What aud must hold.",
        path: "jwt.audience")
    static let portalSecretFile = Option(
        name: "openmeter-portal-secret-file", placeholder: "FILE", value: .text,
        help: "File with the secret that signs OpenMeter's portal tokens, at least "
            + "\(TokenKeys.leastSecretBytes) bytes.", path: "openmeter.portal_secret_file")

    // MARK: The process
    static let config = Option(
        name: "config", placeholder: "FILE", value: .text, help: "YAML file with settings.")
    static let logFormat = Option(
        name: "log-format", placeholder: "json|plain", value: .choice(["json", "plain"]),
        help: "How log lines on stderr look.", standard: "plain", path: "log.format")
    static let logLevel = Option(
        name: "log-level", placeholder: "LEVEL", value: .choice(LogLevel.allCases.map(\.name)),
        help: "The least level that is written: "
            + "\(ValueText.alternatives(LogLevel.allCases.map(\.name))).", standard: "info",
        path: "log.level")

    // MARK: Of single calls
    static let json = Option(
        name: "json", placeholder: "", value: .flag, help: "Write one JSON document.", source: .call
    )
    static let timeout = Option(
        name: "timeout", placeholder: "TIME", value: .duration(100...86_400_000),
        help: "How long to wait before giving up (exit 3).", standard: "30s", source: .call)

    /// What every command takes.
    static let common = [config, logFormat, logLevel]
    static let kafka = [bootstrap, kafkaProperty, kafkaPropertyFile]
    static let redisTLS = [
        redisCA, redisCertificate, redisKey, redisServerName, redisTLSUnverified,
    ]
    static let redisAccess =
        [
            redis, redisPasswordFile, redisPassword, sentinelPasswordFile, sentinelPassword,
        ] + redisTLS
    static let redisServer = redisAccess + [prefix]
    static let topics = [topic, directoryTopic, deadLetterTopic, deadLetters, group, instance]
    static let counting =
        [
            redisEvictionChecked, lanes, meters, commitInterval, dedupeWindow, futureBound, from,
            onLoss,
        ] + schemaPlace
    static let schemaPlace = [schemas, schemasCredentialsFile, schemasCredentials, schemasCA]
    static let http = [
        listen, tlsCert, tlsKey, httpThreads, rateLimit, addressRateLimit, addressConnections,
        organizationRequests, trustedProxy, ingestTopic,
    ]
    static let jwt = [
        jwtAlgorithm, jwtSecretFile, jwtSecret, jwtPublicKey, jwksFile, jwtIssuer, jwtAudience,
        portalSecretFile,
    ]

    /// What a configuration file may hold, in the order in which `check` prints it.
    static let configurable =
        kafka + topics + redisServer + counting + [nice] + http + [adminListen] + jwt
        + [logFormat, logLevel]
}
