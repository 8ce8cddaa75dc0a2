/// `odometer serve`: the answering half of the machine.
extension Commands {
    static let serve = Command(
        path: ["serve"], summary: "Answer analytics requests from Redis.",
        details: stopping
            + "\nIt only reads Redis: any number may run beside one `odometer run` or many. With"
            + "\n--ingest-topic it also writes events to Kafka, for which it needs Kafka's settings.",
        options: Options.redisServer + [Options.meters] + Options.http + Options.jwt
            + [Options.adminListen] + Options.kafka + [Options.futureBound],
        examples: [
            ("serve --listen 0.0.0.0:8080 --redis redis://redis:6379", "answer everybody"),
            ("serve --jwt-secret-file /run/secrets/jwt", "with tokens for the identity API"),
        ],
        run: { (call) throws(CommandFailure) in try runMachine(call, .answering) })
}
