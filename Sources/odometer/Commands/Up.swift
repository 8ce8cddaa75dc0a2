/// `odometer up`: both halves of the machine in one process.
extension Commands {
    static let up = Command(
        path: ["up"], summary: "Count and answer in one process: run and serve.",
        details: stopping,
        options: countingOptions + Options.http + Options.jwt + [Options.adminListen],
        examples: [
            ("up", "with Kafka and Redis on this machine"),
            ("up --config /etc/odometer.yaml", "as a file says"),
        ],
        run: { (call) throws(CommandFailure) in try runMachine(call, [.counting, .answering]) })
}
