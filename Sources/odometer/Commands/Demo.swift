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

    // The same settings, under which nothing means servers of its own.
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
            + [redis, Options.redisPasswordFile, Options.redisPassword]
            + [Options.listen, Options.adminListen, Options.lanes, events, rate, seconds],
        examples: [
            ("demo", "with servers of its own"),
            ("demo --bootstrap localhost:9092 --redis localhost:6379", "with yours"),
        ],
        run: runDemo)

    private static func runDemo(_ call: borrowing Invocation) throws(CommandFailure) -> ExitCode {
        Signals.blockStops()
        let settings = call.settings
        // Its own lines are the show; the machine speaks up when something is wrong.
        let log =
            settings.isGiven(Options.logLevel) ? call.log : Log(isJSON: false, least: .warning)
        let stage = try DemoStage(settings, log: log)
        defer { stage.clear() }
        let stop = Latch<Bool>()
        Signals.onStop { stop.set(true) }
        Output.line(stage.description)
        return try Demonstration(stage, log: log, stop: stop).run(
            events: settings.integer(events), rate: settings.integer(rate),
            seconds: settings.isGiven(seconds) ? settings.integer(seconds) : nil)
    }
}
