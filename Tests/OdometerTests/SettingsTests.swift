import API
import HTTPServer
import Kafka
import Testing

@testable import odometer

/// Defaults, file, environment and flags, laid over each other.
struct SettingsTests {
    private func settings(
        file: String? = nil, environment: [String: String] = [:], flags: [String: [String]] = [:]
    ) throws(CommandFailure) -> Settings {
        var environment = environment
        if file != nil { environment["ODOMETER_CONFIG"] = "odometer.yaml" }
        return try Settings(options: Options.configurable, flags: flags, environment: environment) {
            _ in Array((file ?? "").utf8)
        }
    }

    @Test func laterLayersWinAndAreRemembered() throws {
        let file = """
            prefix: file
            lanes: 3
            kafka:
              bootstrap.servers: kafka:9092
              security.protocol: SASL_SSL
              sasl.password: hush, hush
            topics: [a, b]
            dead_letters: false
            http: {listen: "0.0.0.0:80"}
            jwt:
            """
        let settings = try settings(
            file: file,
            environment: [
                "ODOMETER_LANES": "4", "ODOMETER_PREFIX": "env",
                "ODOMETER_KAFKA_SASL_USERNAME": "me,you",
            ],
            flags: ["prefix": ["flag"]])
        #expect(settings.setting(Options.prefix) == Setting(texts: ["flag"], source: .flag))
        #expect(
            settings.setting(Options.lanes)
                == Setting(texts: ["4"], source: .environment("ODOMETER_LANES")))
        #expect(settings.setting(Options.bootstrap)?.source == .file("odometer.yaml", line: 4))
        #expect(settings.setting(Options.from) == Setting(texts: ["earliest"], source: .standard))
        #expect(settings.texts(Options.topic) == ["a", "b"])
        #expect(settings.text(Options.deadLetters) == "off")
        #expect(settings.address(Options.listen) == ("0.0.0.0", 80))
        #expect(
            settings.kafkaProperties.map { "\($0.name)=\($0.value)" } == [
                "security.protocol=SASL_SSL", "sasl.password=hush, hush", "sasl.username=me,you",
            ])
        #expect(settings.kafkaProperties.map(\.isSecret) == [false, true, false])
        #expect(settings.milliseconds(Options.commitInterval) == 500)
        #expect(settings.text(Options.group) == nil)
    }

    @Test(arguments: [
        ("ODOMETER_LNAES", "4"), ("ODOMETER_PORT", "8080"), ("ODOMETER_SERVICE", "a"),
        ("ODOMETER_", "a"), ("ODOMETER_TCP_80", "a"), ("ODOMETER_PORT_TCP", "a"),
    ])
    func aVariableThatIsNoSettingIsRefused(_ name: String, _ text: String) throws {
        let failure = #expect(throws: CommandFailure.self) {
            try settings(environment: [name: text])
        }
        #expect(failure?.code == .usage)
        #expect(try #require(failure).message.hasPrefix("\(name): unknown environment variable"))
    }

    /// What Kubernetes sets for services called odometer and odometer-kafka.
    @Test func linksToServicesAreNoSettings() throws {
        let settings = try settings(environment: [
            "ODOMETER_SERVICE_HOST": "10.0.0.1", "ODOMETER_SERVICE_PORT": "8080",
            "ODOMETER_SERVICE_PORT_HTTP": "8080", "ODOMETER_PORT": "tcp://10.0.0.1:8080",
            "ODOMETER_PORT_8080_TCP": "tcp://10.0.0.1:8080", "ODOMETER_PORT_8080_TCP_PROTO": "tcp",
            "ODOMETER_PORT_8080_TCP_PORT": "8080", "ODOMETER_PORT_8080_TCP_ADDR": "10.0.0.1",
            "ODOMETER_KAFKA_SERVICE_HOST": "10.0.0.2", "ODOMETER_KAFKA_PORT": "tcp://10.0.0.2:9092",
            "ODOMETER_KAFKA_PORT_9092_TCP_ADDR": "10.0.0.2",
        ])
        #expect(settings.kafkaProperties.isEmpty)
    }

    @Test func aPropertyFromAFileGoesBeforeItsValue() throws {
        let settings = try settings(
            file: "kafka: {client.id: given, sasl.username: me}",
            environment: ["ODOMETER_KAFKA_PROPERTY_FILE": "client.id=/proc/self/comm"])
        let name = try FileText.secret("/proc/self/comm")
        let kafka = try settings.kafkaConfiguration(log: Log(isJSON: false, least: .error))
        #expect(
            kafka.properties.map { "\($0.name)=\($0.value)" } == [
                "client.id=given", "sasl.username=me", "client.id=\(name)",
            ])
        // Its content is in no setting that check prints.
        #expect(settings.kafkaProperties.count == 2)
    }

    /// A shell that is made ready for one command holds no mistake for another.
    @Test func everyCommandKnowsTheVariablesOfAll() throws {
        let names = Commands.all.flatMap(\.options).filter { $0.name != Options.kafkaProperty.name }
            .compactMap(\.environmentName)
        let known = (Options.configurable + [Options.config]).compactMap(\.environmentName)
        #expect(Set(names).subtracting(known).isEmpty)
    }

    @Test(arguments: [
        ("lane: 3", "odometer.yaml:1: unknown setting lane (did you mean lanes?)"),
        ("\nlanes: many", "odometer.yaml:2: lanes must be an integer from 1 to 64, not \"many\""),
        ("prefix: a\nprefix: b", "odometer.yaml:2: prefix: stands twice"),
        ("kafka:\n  enable.auto.commit: true", "enable.auto.commit cannot be set"),
        ("kafka:\n  group.id: mine", "use --group"),
        ("kafka:\n  group.protocol: consumer", "after 47 s, not 12"),
        ("kafka:\n  group.remote.assignor: range", "belongs to group.protocol=consumer"),
        ("topics: {a: b}", "odometer.yaml:1: topics must be a text or a list"),
        ("prefix: [a]", "odometer.yaml:1: prefix must be one value"),
        ("redis: redis://localhost", "odometer.yaml:1: unknown setting redis (it is a section)"),
        ("- lanes", "odometer.yaml:1: a configuration file is a mapping"),
        ("a: [", "odometer.yaml:"),
        ("x: &a {y: *a}", "too deep"),
    ])
    func aWrongFileIsNamedWithItsLine(_ file: String, _ part: String) throws {
        let failure = #expect(throws: CommandFailure.self) { try settings(file: file) }
        let message = try #require(failure).message
        #expect(message.contains(part), "\(message)")
        #expect(failure?.code == .usage)
    }

    @Test func secretsAreNotRepeated() throws {
        let failure = #expect(throws: CommandFailure.self) {
            try settings(environment: ["ODOMETER_REDIS_PASSWORD": ""])
        }
        #expect(try #require(failure).message.contains("ODOMETER_REDIS_PASSWORD"))
    }

    @Test func proxies() throws {
        let standard = try settings().publicConfiguration()
        #expect(standard.perAddressLimit == 250 && standard.trustedProxies == [])
        let wanted = ["127.0.0.1", "fd00::/8"].compactMap { AddressRange($0) }
        for given in [
            try settings(
                file: "http: {trusted_proxies: [127.0.0.1, 'fd00::/8'], address_connections: 7}"),
            try settings(environment: [
                "ODOMETER_TRUSTED_PROXY": "127.0.0.1,fd00::/8", "ODOMETER_ADDRESS_CONNECTIONS": "7",
            ]),
            try settings(flags: [
                "trusted-proxy": ["127.0.0.1", "fd00::/8"], "address-connections": ["7"],
            ]),
        ] {
            let configuration = try given.publicConfiguration()
            #expect(configuration.trustedProxies == wanted)
            #expect(configuration.perAddressLimit == 7)
        }
        #expect(throws: CommandFailure.self) {
            try settings(flags: ["trusted-proxy": ["10.0.0.0/33"]])
        }
    }

    @Test func limitsOfRequests() throws {
        let standard = try settings()
        #expect(standard.integer(Options.rateLimit) == 100)
        #expect(standard.integer(Options.addressRateLimit) == 100)
        #expect(standard.organizationRequests == 6)
        let limits = try standard.requestLimits()
        #expect(limits.perAddress != nil && limits.perCredential != nil)
        #expect(limits.perOrganization != nil)
        for (threads, most) in [("1", 0), ("3", 0), ("4", 3), ("64", 48)] {
            #expect(
                try settings(flags: ["http-threads": [threads]]).organizationRequests == most)
        }
        let none = try settings(
            file: "http: {rate_limit: 0, address_rate_limit: 0, organization_requests: 0}"
        ).requestLimits()
        #expect(none.perAddress == nil && none.perCredential == nil)
        #expect(none.perOrganization == nil)
        #expect(
            try settings(environment: ["ODOMETER_ORGANIZATION_REQUESTS": "2"])
                .organizationRequests == 2)
    }
}
