import Kafka
import Redis

/// The end of a command that did not do what was asked: one line for people and an exit code.
struct CommandFailure: Error, Sendable {
    let code: ExitCode
    let message: String

    init(_ code: ExitCode, _ message: String) {
        self.code = code
        self.message = message
    }

    /// A wrong command line or configuration.
    static func usage(_ message: String) -> CommandFailure { CommandFailure(.usage, message) }
}

extension CommandFailure {
    /// An error of Redis, as the end of a command.
    init(_ error: RedisError) {
        self.init(error.code == .configuration ? .usage : .failed, error.description)
    }

    /// An error of Kafka, as the end of a command.
    init(_ error: KafkaError) { self.init(.failed, "kafka: \(error.message)") }

    /// An error of Kafka in a command with a timeout, which has an exit code of its own.
    init(inTime error: KafkaError) {
        if error.code == .timedOut {
            self.init(.timeout, "kafka: \(error.message)")
        } else {
            self.init(error)
        }
    }
}
