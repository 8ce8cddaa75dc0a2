import Kafka
import Ledger
import Pipeline
import Printing
import Redis

/// Writes directory records: to Kafka, then waits for Redis, under one deadline.
struct DirectoryWrite {
    private let settings: Settings
    private let timeoutMilliseconds: Int
    private let log: Log

    /// A write with this timeout.
    init(_ settings: Settings, milliseconds: Int, log: Log) {
        self.settings = settings
        timeoutMilliseconds = milliseconds
        self.log = log
    }

    /// Writes records; calls `onAcknowledged` when Kafka has all of them, before the wait for
    /// Redis.
    func write(
        _ records: [(DirectoryKey, [UInt8]?)], waits: Bool, onAcknowledged: () -> Void = {}
    ) throws(CommandFailure) {
        let topic = settings.required(Options.directoryTopic)
        let redis = try settings.redisConfiguration()
        let layout = try settings.keyLayout()
        let deadlineMilliseconds = ValueText.now() + Int64(timeoutMilliseconds)
        let kafka = try settings.kafkaConfiguration(log: log)
        let acknowledged: [WrittenObject]?
        do throws(KafkaError) {
            let writer = try DirectoryWriter(
                kafka, topic: topic, timeoutMilliseconds: min(10_000, timeoutMilliseconds))
            for (key, value) in records { try writer.put(key, value) }
            acknowledged = try writer.finish(
                timeoutMilliseconds: Int(max(1, deadlineMilliseconds - ValueText.now())))
        } catch {
            throw CommandFailure(error)
        }
        guard let objects = acknowledged else {
            throw CommandFailure(.timeout, "Kafka has not acknowledged the record in time")
        }
        onAcknowledged()
        guard waits else { return }
        let wait = DirectoryMirrorWait(redis: redis, kafka: kafka, layout: layout, topic: topic)
        let written = "Kafka has it (offset \(objects.last?.offset ?? -1)), Redis does not: "
        let isThere: Bool
        do throws(RedisError) {
            isThere = try wait.wait(
                for: objects, milliseconds: Int(max(1, deadlineMilliseconds - ValueText.now())))
        } catch {
            throw CommandFailure(.timeout, written + error.description)
        }
        guard isThere else { throw CommandFailure(.timeout, written + wait.hint(for: objects)) }
    }
}
