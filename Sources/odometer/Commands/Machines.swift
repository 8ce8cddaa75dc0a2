import Pipeline

/// `odometer run`, `serve` and `up`: the machine in halves or whole.
extension Commands {
    private static let stopping =
        "Runs until SIGTERM, SIGINT or SIGHUP (not under nohup); a second SIGTERM or SIGINT ends it at once,"
        + "\nwhich is safe as well."

    private static let countingOptions =
        Options.kafka + Options.topics + Options.redisServer + Options.counting
        + [Options.acceptContract]

    static let run = Command(
        path: ["run"], summary: "Count: usage events from Kafka into Redis, exactly once.",
        details: stopping
            + "\nAny number may run with the same --group, --prefix and meters; Kafka divides the work."
            + "\nWhere it may not count it says why and exits with 4; with 5 when a newer contract took over.",
        options: countingOptions + [Options.nice, Options.adminListen],
        examples: [
            ("run --bootstrap kafka:9092 --redis redis://redis:6379", "count"),
            ("run --meters my-meters/ --accept-contract", "go on with other meters"),
        ],
        run: { (call) throws(CommandFailure) in try runMachine(call, .counting) })

    static let up = Command(
        path: ["up"], summary: "Count and answer in one process: run and serve.",
        details: stopping,
        options: countingOptions + Options.http + Options.jwt + [Options.adminListen],
        examples: [
            ("up", "with Kafka and Redis on this machine"),
            ("up --config /etc/odometer.yaml", "as a file says"),
        ],
        run: { (call) throws(CommandFailure) in try runMachine(call, [.counting, .answering]) })

    static let serve = Command(
        path: ["serve"], summary: "Answer analytics requests from Redis.",
        details: stopping
            + "\nIt only reads: any number may run beside one `odometer run` or many.",
        options: Options.redisServer + [Options.meters] + Options.http + Options.jwt
            + [Options.adminListen],
        examples: [
            ("serve --listen 0.0.0.0:8080 --redis redis://redis:6379", "answer everybody"),
            ("serve --jwt-secret-file /run/secrets/jwt", "with tokens for the identity API"),
        ],
        run: { (call) throws(CommandFailure) in try runMachine(call, .answering) })

    private static func runMachine(
        _ call: borrowing Invocation, _ halves: Machine.Halves
    ) throws(CommandFailure) -> ExitCode {
        // Before any thread: all that start later inherit it.
        Signals.blockStops()
        // A process that answers requests itself does not stand back from itself.
        if halves == .counting { Niceness.adopt(call.settings.integer(Options.nice)) }
        let machine = try Machine(call.settings, halves, log: call.log)
        Signals.onStop { machine.askToEnd() }
        try machine.start()
        let end = machine.wait()
        machine.stop()
        if case .failed(let failure) = end { throw failure }
        return .ok
    }
}
