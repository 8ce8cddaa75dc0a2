import Kafka
import Ledger
import Pipeline
import Redis

/// From settings to what the rooms take: where Kafka and Redis are.
extension Settings {
    /// How to reach Redis; a password from a file or the environment replaces the URL's.
    ///
    /// The files of TLS are read here, once for all connections.
    func redisConfiguration() throws(CommandFailure) -> RedisConfiguration {
        var configuration = try redisAddress()
        let given = Options.redisTLS.filter { isGiven($0) && text($0) != "off" }
        guard configuration.tls != nil else {
            guard let option = given.first else { return configuration }
            throw .usage(
                "--\(option.name) (\(source(option))) goes with rediss://, not with "
                    + "--redis \(configuration)")
        }
        do throws(RedisError) {
            configuration.tls = try TLSClient(
                TLSSettings(
                    authorityFile: text(Options.redisCA),
                    certificateFile: text(Options.redisCertificate),
                    keyFile: text(Options.redisKey), serverName: text(Options.redisServerName),
                    isUnverified: isOn(Options.redisTLSUnverified)))
        } catch {
            throw .usage(error.message)
        }
        return configuration
    }

    /// Whether Redis is asked over TLS by anybody's certificate.
    var takesAnyCertificate: Bool {
        isOn(Options.redisTLSUnverified) && (try? redisAddress())?.tls != nil
    }

    /// The same without the files of TLS.
    func redisAddress() throws(CommandFailure) -> RedisConfiguration {
        do throws(RedisError) {
            var password = text(Options.redisPassword)
            if let file = text(Options.redisPasswordFile) {
                password = try secret(file, Options.redisPasswordFile)
            }
            var sentinelPassword = text(Options.sentinelPassword)
            if let file = text(Options.sentinelPasswordFile) {
                sentinelPassword = try secret(file, Options.sentinelPasswordFile)
            }
            return try RedisConfiguration(
                url: required(Options.redis), password: password,
                sentinelPassword: sentinelPassword)
        } catch {
            throw .usage("--redis (\(source(Options.redis))): \(error.message)")
        }
    }

    /// A file that cannot be read is a wrong configuration of Redis, too.
    private func secret(_ file: String, _ option: Option) throws(RedisError) -> String {
        do throws(CommandFailure) {
            return try FileText.secret(file)
        } catch {
            throw RedisError(.configuration, "--\(option.name): \(error.message)")
        }
    }

    func keyLayout() throws(CommandFailure) -> KeyLayout {
        let prefix = required(Options.prefix)
        guard KeyLayout.isValidPrefix(prefix) else {
            throw .usage(
                "--prefix (\(source(Options.prefix))) must be \(KeyLayout.prefixRule), "
                    + "not \"\(prefix)\"")
        }
        return KeyLayout(prefix: prefix)
    }

    /// Kafka's address and properties; the client library's log lines go to our log.
    func kafkaConfiguration(log: Log) throws(CommandFailure) -> ClientConfiguration {
        let configuration = ClientConfiguration(
            bootstrap: required(Options.bootstrap), properties: try allKafkaProperties(),
            log: { level, facility, text in
                // The client logs it for every mock cluster and old broker; it changes nothing
                // here.
                let isIrrelevant = text.contains("allow.auto.create.topics=false not supported")
                let level: LogLevel =
                    isIrrelevant || level > 4 ? .debug : level == 4 ? .warning : .error
                // A broker that stays away is reported once a minute, not at each attempt.
                log.seldom(
                    about: "\(facility) \(text.prefix { $0 != "(" })", level,
                    "kafka client: \(text)", [("facility", .text(facility))])
            })
        do throws(KafkaError) {
            try configuration.validate()
        } catch {
            throw .usage("kafka: \(error.message)")
        }
        return configuration
    }

    /// Properties given as values, then those from files: the client takes the last one of a name.
    private func allKafkaProperties() throws(CommandFailure) -> [(name: String, value: String)] {
        var properties = kafkaProperties.map { (name: $0.name, value: $0.value) }
        for (name, file) in kafkaPropertyFiles {
            do throws(CommandFailure) {
                properties.append((name, try FileText.secret(file)))
            } catch {
                throw .usage("--kafka-property-file \(name): \(error.message)")
            }
        }
        return properties
    }

    /// The consumer group; a part of the contract.
    var groupName: String {
        text(Options.group)
            ?? PipelineConfiguration.Defaults.group(prefix: required(Options.prefix))
    }

    private func source(_ option: Option) -> String {
        setting(option)?.source.description ?? "default"
    }
}
