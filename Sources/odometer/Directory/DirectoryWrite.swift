import Ledger

/// The way of directory records: Kafka, then Redis, under one deadline.
struct DirectoryWrite {
    private let settings: Settings
    private let log: Log

    init(_ settings: Settings, log: Log) {
        self.settings = settings
        self.log = log
    }

    /// Writes them; `onAcknowledged` is called when Kafka has all of them, before the wait for Redis.
    func write(
        _ records: [(DirectoryKey, [UInt8]?)], waits: Bool, onAcknowledged: () -> Void = {}
    ) throws(CommandFailure) {
        let topic = settings.required(Options.directoryTopic)
        let redis = try settings.redisConfiguration()
        let layout = try settings.keyLayout()
        let deadline = ValueText.now() + Int64(settings.milliseconds(Options.timeout))
        let kafka = try settings.kafkaConfiguration(log: log)
        let writer = try DirectoryWriter(
            kafka, topic: topic,
            timeoutMilliseconds: min(10_000, settings.milliseconds(Options.timeout)))
        for (key, value) in records { try writer.put(key, value) }
        let objects = try writer.finish(
            timeoutMilliseconds: Int(max(1, deadline - ValueText.now())))
        onAcknowledged()
        guard waits else { return }
        let wait = DirectoryMirrorWait(redis: redis, kafka: kafka, layout: layout, topic: topic)
        let written = "Kafka has it (offset \(objects.last?.offset ?? -1)), Redis does not: "
        do throws(CommandFailure) {
            let isThere = try wait.wait(
                for: objects, milliseconds: Int(max(1, deadline - ValueText.now())))
            guard isThere else { throw CommandFailure(.timeout, wait.hint(for: objects)) }
        } catch {
            throw CommandFailure(error.code, written + error.message)
        }
    }
}
