import Pipeline

/// `odometer run`: the counting half, and what `up` and `serve` share with it.
extension Commands {
    /// How the machine is stopped, in the help of `run`, `serve` and `up`.
    static let stopping =
        "Runs until SIGTERM or SIGINT; a second one ends it at once, which is safe as well. SIGHUP reads the"
        + "\ncatalog again (odometer reload); of a terminal that closes it ends the process (not under nohup)."

    /// The options of the counting half.
    static let countingOptions =
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

    /// Runs the machine until it is stopped.
    static func runMachine(
        _ call: borrowing Invocation, _ halves: Machine.Halves
    ) throws(CommandFailure) -> ExitCode {
        // Before any thread starts, because threads inherit it.
        Signals.blockStops()
        // Counting yields to other processes, but not where this process itself answers requests.
        if halves == .counting { Niceness.adopt(call.settings.integer(Options.nice)) }
        let machine = try Machine(call.settings, halves, log: call.log)
        let current = CurrentMachine(machine)
        Signals.onStop(current.askToEnd, reload: current.askToReload)
        try machine.start()
        return try Reload.serve(machine, current, call)
    }
}
