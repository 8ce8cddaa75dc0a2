import Printing
import Spelling

/// Where a value came from.
enum SettingSource: Sendable, Equatable, CustomStringConvertible {
    case standard
    case file(String, line: Int)
    case environment(String)
    case flag

    var description: String {
        switch self {
        case .standard: "default"
        case .file(let name, let line): "\(name):\(line)"
        case .environment(let name): name
        case .flag: "option"
        }
    }
}

/// A value, or several of a repeatable option, with where it came from.
struct Setting: Sendable, Equatable {
    var texts: [String]
    var source: SettingSource
}

/// One librdkafka property that was set.
struct KafkaProperty: Sendable, Equatable {
    let name: String
    let value: String
    let source: SettingSource

    /// Whether the value is secret, by its property's name.
    var isSecret: Bool {
        ["password", "secret", "token", "key.pem", "jaas", "oauthbearer.config"]
            .contains { name.contains($0) }
    }
}

/// The effective values of all options of one call.
struct Settings: Sendable {
    private var settings: [String: Setting] = [:]
    private(set) var kafkaProperties: [KafkaProperty] = []

    /// Lays defaults, file, environment and flags over each other; errors name the source of a
    /// wrong value.
    ///
    /// - Parameter readFile: gives the bytes of the configuration file.
    init(
        options: [Option], flags: [String: [String]], environment: [String: String],
        readFile: (String) throws(CommandFailure) -> [UInt8]
    ) throws(CommandFailure) {
        var known: [Option] = []
        for option in Options.configurable + [Options.config] + options
        where !known.contains(where: { $0.name == option.name }) {
            known.append(option)
        }
        for option in known where option.standard != nil {
            set(option, [option.standard ?? ""], .standard)
        }
        let file = flags[Options.config.name]?.first ?? environment["ODOMETER_CONFIG"]
        if let file {
            for value in try SettingsFile.read(try readFile(file), name: file) {
                try take(value.option, value.texts, .file(file, line: value.line))
            }
        }
        try takeEnvironment(environment, known)
        for option in known {
            if let texts = flags[option.name] { try take(option, texts, .flag) }
        }
    }

    private mutating func takeEnvironment(
        _ environment: [String: String], _ known: [Option]
    ) throws(CommandFailure) {
        let prefix = "ODOMETER_KAFKA_"
        for (name, text) in environment.sorted(by: { $0.key < $1.key })
        where name.hasPrefix("ODOMETER_") {
            if let option = known.first(where: { $0.environmentName == name }) {
                let texts =
                    option.isRepeatable ? text.split(separator: ",").map(String.init) : [text]
                try take(option, texts, .environment(name))
            } else if ServiceLink.matches(name, text) {
                continue
            } else if name.hasPrefix(prefix) {
                let property = name.dropFirst(prefix.count).lowercased()
                    .map { $0 == "_" ? "." : String($0) }.joined()
                try take(Options.kafkaProperty, ["\(property)=\(text)"], .environment(name))
            } else {
                throw .usage(
                    "\(name): unknown environment variable"
                        + Suggestion.text(for: name, among: known.compactMap(\.environmentName))
                        + "; ODOMETER_… is kept for settings, which odometer check lists")
            }
        }
    }

    private mutating func take(
        _ option: Option, _ texts: [String], _ source: SettingSource
    ) throws(CommandFailure) {
        let place =
            source == .flag ? "--\(option.name)" : "\(source): \(option.path ?? option.name)"
        for text in texts {
            if let refusal = option.refusal(of: text) {
                throw .usage(
                    "\(place) must be \(refusal), not \"\(option.isSecret ? "…" : text)\"")
            }
        }
        if option.name == Options.kafkaProperty.name {
            for text in texts { try takeProperty(text, source) }
        }
        if option.name == Options.kafkaPropertyFile.name {
            for text in texts { _ = try Settings.property(text, "FILE", source) }
        }
        set(option, texts, source)
    }

    private mutating func set(_ option: Option, _ texts: [String], _ source: SettingSource) {
        var texts = texts
        if case .choice(let choices) = option.value {
            texts = texts.map { ValueText.switchWord($0, choices) }
        }
        settings[option.name] = Setting(texts: texts, source: source)
    }

    private mutating func takeProperty(
        _ text: String, _ source: SettingSource
    ) throws(CommandFailure) {
        let (name, value) = try Settings.property(text, "VALUE", source)
        kafkaProperties.removeAll { $0.name == name }
        kafkaProperties.append(KafkaProperty(name: name, value: value, source: source))
    }

    /// Name and value of `NAME=VALUE`; throws where exact counting fixes that property.
    private static func property(
        _ text: String, _ form: String, _ source: SettingSource
    ) throws(CommandFailure) -> (name: String, value: String) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else {
            throw .usage("\(source): a Kafka property is NAME=\(form), not \"\(text)\"")
        }
        let name = String(parts[0])
        if let reason = FixedKafkaProperties.reason(against: name) {
            throw .usage("\(source): \(name) cannot be set: \(reason)")
        }
        return (name, String(parts[1]))
    }

    /// The files of `--kafka-property-file`, by property.
    var kafkaPropertyFiles: [(name: String, file: String)] {
        texts(Options.kafkaPropertyFile).map { text in
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (String(parts[0]), parts.dropFirst().first.map { String($0) } ?? "")
        }
    }

    /// The same settings with another value for one option, as if it had been given as a flag.
    func with(_ option: Option, _ texts: String...) -> Settings {
        var settings = self
        settings.settings[option.name] = Setting(texts: texts, source: .flag)
        return settings
    }

    /// Whether a value was given; false when the default applies.
    func isGiven(_ option: Option) -> Bool {
        setting(option).map { $0.source != .standard } ?? false
    }

    // MARK: Reading

    func setting(_ option: Option) -> Setting? { settings[option.name] }

    /// The value as it was written; nil when none was given and there is no default.
    func text(_ option: Option) -> String? { settings[option.name]?.texts.last }

    func texts(_ option: Option) -> [String] { settings[option.name]?.texts ?? [] }

    /// The value of an option that has a default.
    func required(_ option: Option) -> String {
        guard let text = text(option) else {
            preconditionFailure("--\(option.name) has no default")
        }
        return text
    }

    func integer(_ option: Option) -> Int {
        guard let number = Int(required(option)) else {
            preconditionFailure("--\(option.name) was not checked")
        }
        return number
    }

    func milliseconds(_ option: Option) -> Int {
        guard let number = ValueText.milliseconds(required(option)) else {
            preconditionFailure("--\(option.name) was not checked")
        }
        return number
    }

    func isOn(_ option: Option) -> Bool { text(option).flatMap(ValueText.boolean) ?? false }

    func address(_ option: Option) -> (host: String, port: UInt16) {
        guard let address = ValueText.address(required(option)) else {
            preconditionFailure("--\(option.name) was not checked")
        }
        return address
    }
}

/// Variables that Kubernetes sets in every container for the services beside it.
///
/// A service called odometer, or odometer-kafka, makes names that begin like ours. Users do not
/// choose them, so they are no mistake.
enum ServiceLink {
    /// Whether a variable is `…_SERVICE_HOST`, `…_SERVICE_PORT[_NAME]`, `…_PORT=tcp://…` or
    /// `…_PORT_80_TCP[_ADDR|_PORT|_PROTO]`.
    static func matches(_ name: String, _ text: String) -> Bool {
        let words = name.split(separator: "_")
        if name.hasSuffix("_SERVICE_HOST") || name.contains("_SERVICE_PORT") { return true }
        if words.last == "PORT", text.contains("://") { return true }
        guard let port = words.lastIndex(where: { Int($0) != nil }), port > 0,
            words[port - 1] == "PORT", port + 1 < words.count
        else { return false }
        return ["TCP", "UDP", "SCTP"].contains(words[port + 1])
    }
}

/// librdkafka properties that exact counting fixes, or that have an option of their own.
enum FixedKafkaProperties {
    private static let fixed = [
        "enable.auto.commit": "positions belong to Redis",
        "auto.commit.enable": "positions belong to Redis",
        "enable.auto.offset.store": "positions belong to Redis",
        "auto.offset.reset": "a lost position must be seen, not skipped; see --from and --on-loss",
        "isolation.level": "only committed records are counted",
        "partition.assignment.strategy": "partitions are given up one generation at a time",
        "group.protocol":
            "it is always classic; with consumer a killed process is replaced after 47 s, not 12",
        "group.remote.assignor": "it belongs to group.protocol=consumer, which is never used",
        "enable.partition.eof": "the ends of partitions are needed",
        "check.crcs": "broken records must not be counted",
        "enable.idempotence": "our own producers never repeat a record",
        "group.id": "use --group",
        "group.instance.id": "use --instance",
        "bootstrap.servers": "use --bootstrap",
        "metadata.broker.list": "use --bootstrap",
    ]

    static func reason(against name: String) -> String? { fixed[name] }
}
