import HTTPServer
import Laboratory
import Printing

/// `odometer demo`: everything on one machine.
extension Commands {
    private static let events = Option(
        name: "events", placeholder: "N", value: .integer(1_000...10_000_000),
        help: "Events of history, spread over 90 days.", standard: "20000", source: .call)
    private static let rate = Option(
        name: "rate", placeholder: "N", value: .integer(1...1_000),
        help: "Live events a second.", standard: "20", source: .call)
    private static let seconds = Option(
        name: "seconds", placeholder: "N", value: .integer(0...1_000_000),
        help: "End after so many seconds of live events; without it: at Ctrl-C.", source: .call)

    // The options of other commands, but without a default: not given means servers of our own.
    private static let bootstrap = Option(
        name: "bootstrap", placeholder: "HOST:PORT,…", value: .text,
        help: "Your Kafka; without it: a cluster inside this process.",
        path: "kafka.bootstrap.servers")
    private static let redis = Option(
        name: "redis", placeholder: "URL", value: .text,
        help: Options.redis.help + " Your Redis; without it: a private redis-server.",
        path: "redis.url", isSecret: true)

    static let demo = Command(
        path: ["demo"], summary: "Show it all on this machine: events, numbers, answers.",
        details: """
            Starts a Kafka cluster inside this process and a private redis-server, loads three
            organizations, sends 90 days of history and then live events, runs what `odometer up` runs,
            and prints for every route a curl line with a working key and what it answers. Nothing
            remains. With --bootstrap or --redis it uses yours, under names of its own, and takes those
            away again.
            """,
        options: [bootstrap, Options.kafkaProperty, Options.kafkaPropertyFile]
            + [redis] + Options.redisAccess.dropFirst()
            + [Options.listen, Options.adminListen, Options.lanes, events, rate, seconds],
        examples: [
            ("demo", "with servers of its own"),
            ("demo --bootstrap localhost:9092 --redis localhost:6379", "with yours"),
        ],
        run: runDemo)

    private static func runDemo(_ call: borrowing Invocation) throws(CommandFailure) -> ExitCode {
        Signals.blockStops()
        let given = call.settings
        // The demonstration prints its own lines, so the machine logs only warnings and errors.
        let log = given.isGiven(Options.logLevel) ? call.log : Log(isJSON: false, least: .warning)
        let servers = try attempt { () throws(DemoError) in
            try DemoServers(
                givenBootstrap: given.isGiven(Options.bootstrap)
                    ? given.required(Options.bootstrap) : nil,
                isRedisGiven: given.isGiven(Options.redis))
        }
        defer { servers.stop() }
        let topics = DemoStage.Topics(on: servers)
        let settings = settings(given, on: servers, topics)
        let kafka = try settings.kafkaConfiguration(log: log)
        let redis = try settings.redisConfiguration()
        let stage = try attempt { () throws(DemoError) in
            try DemoStage(
                servers, topics, kafka: kafka, redis: redis, group: settings.groupName)
        }
        defer { stage.clear { log.warning($0) } }
        let stop = Latch<Bool>()
        Signals.onStop { stop.set(true) }
        Output.line(servers.description)
        return try show(stage, settings, stop, log: log)
    }

    /// Runs the machine and shows it, until it is over.
    private static func show(
        _ stage: DemoStage, _ settings: Settings, _ stop: Latch<Bool>, log: Log
    ) throws(CommandFailure) -> ExitCode {
        let machine = try Machine(settings, [.counting, .answering], log: log)
        try machine.start()
        defer { machine.stop() }
        let shown = Demonstration.Machine(
            host: settings.address(Options.listen).host,
            port: UInt16(clamping: machine.answering?.port ?? 0), adminPort: machine.adminPort,
            layout: machine.parts.layout,
            commitIntervalMilliseconds: settings.milliseconds(Options.commitInterval)
        ) {
            if case .failed(let failure) = machine.end { failure.message } else { nil }
        }
        let demonstration = try attempt { () throws(DemoError) in
            try Demonstration(stage, shown, events: settings.integer(events)) {
                stop.wait(milliseconds: $0) != nil
            }
        }
        let keys = try DemoDirectory.load(demonstration, settings, log: log)
        let isComplete = try attempt { () throws(DemoError) in
            try demonstration.run(
                keys: keys, rate: settings.integer(rate),
                seconds: settings.isGiven(seconds) ? settings.integer(seconds) : nil)
        }
        if case .failed(let failure) = machine.end { throw failure }
        return isComplete ? .ok : .failed
    }

    /// The given settings, changed to these servers and topics.
    private static func settings(
        _ given: Settings, on servers: DemoServers, _ topics: DemoStage.Topics
    ) -> Settings {
        var settings = given.with(Options.jwtSecretFile, servers.tokenSecretFile)
            .with(Options.jwtAlgorithm, "HS256").with(Options.topic, topics.events)
            .with(Options.directoryTopic, topics.directory)
            .with(Options.deadLetterTopic, topics.deadLetters)
            // It asks itself, and the lines that it prints are for everybody: plain HTTP.
            .with(Options.tlsCert).with(Options.tlsKey)
        if let bootstrap = servers.bootstrap {
            settings = settings.with(Options.bootstrap, bootstrap)
        }
        if let url = servers.redisURL {
            settings = settings.with(Options.redis, url)
        } else {
            settings = settings.with(Options.prefix, servers.name)
        }
        for option in [Options.listen, Options.adminListen] where !given.isGiven(option) {
            let (host, port) = given.address(option)
            // When another server has the usual port, ours takes a free one.
            if HTTPProbe.isTaken(host: host, port: port) {
                settings = settings.with(option, "\(host):0")
            }
        }
        return settings
    }

    private static func attempt<Result>(
        _ body: () throws(DemoError) -> Result
    ) throws(CommandFailure) -> Result {
        do throws(DemoError) {
            return try body()
        } catch {
            throw CommandFailure(.failed, error.message)
        }
    }
}
