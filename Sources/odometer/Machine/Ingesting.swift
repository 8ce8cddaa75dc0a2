import API
import HTTPServer
import Ingest
import Kafka
import Metering

/// The taking of events over HTTP: what `--ingest-topic` opens.
final class Ingesting: Sendable {
    let intake: EventIntake
    private let eventLog: KafkaEventLog
    private let topic: String
    private let log: Log

    /// The paths that take bodies of events, and the memory for them.
    static let largeBodies = LargeBodies(
        paths: EventPaths.all, mostBytes: IngestLimits.bodyBytes, memoryBytes: 64 << 20)

    /// Nil where no topic is named; throws where the catalog counts no plain CloudEvents.
    static func make(
        _ settings: Settings, parts: MachineParts, log: Log
    ) throws(CommandFailure) -> Ingesting? {
        guard let topic = settings.text(Options.ingestTopic) else { return nil }
        if let obstacle = parts.catalog.plainEventsObstacle {
            throw .usage(
                "--\(Options.ingestTopic.name) takes CloudEvents, which this catalog does not "
                    + "count as they are: \(obstacle)")
        }
        return try Ingesting(settings, topic: topic, parts: parts, log: log)
    }

    private init(
        _ settings: Settings, topic: String, parts: MachineParts, log: Log
    ) throws(CommandFailure) {
        let event: Log.Field = ("event", "ingest")
        eventLog = KafkaEventLog(try settings.kafkaConfiguration(log: log), topic: topic) {
            change in
            switch change {
            case .lost(let reason):
                log.warning("events are not acknowledged by Kafka: \(reason)", event)
            case .returned: log.info("Kafka acknowledges events again", event)
            }
        }
        do throws(ProgramError) {
            intake = try EventIntake(
                catalog: parts.catalog,
                futureBoundMilliseconds: Int64(settings.milliseconds(Options.futureBound)),
                log: eventLog)
        } catch {
            throw .usage("catalog: \(error.description)")
        }
        self.topic = topic
        self.log = log
    }

    /// Begins to take events; a Kafka that does not answer now may come later.
    func start() throws(CommandFailure) {
        do throws(KafkaError) {
            try eventLog.start()
        } catch {
            throw .usage("kafka: \(error.message)")
        }
        do throws(KafkaError) {
            let partitions = try eventLog.partitionCount(timeoutMilliseconds: 2_000)
            log.info(
                "taking events", ("topic", .text(topic)), ("partitions", LogValue(partitions)))
        } catch {
            guard !error.isRetriable else {
                log.warning(
                    "events are refused until Kafka answers: \(error.message)",
                    ("topic", .text(topic)))
                return
            }
            throw CommandFailure(
                .refused, "--\(Options.ingestTopic.name) \(topic): \(error.message)")
        }
    }

    /// Waits for acknowledgements, but not longer than a request may.
    func stop() { eventLog.stop(milliseconds: KafkaEventLog.patienceMilliseconds) }

    func write(to text: inout PrometheusText) {
        MetricsPage.writeIngest(intake.metrics.numbers, waiting: eventLog.waiting, to: &text)
    }
}

extension MetricsPage {
    static func writeIngest(
        _ numbers: IngestMetrics.Numbers, waiting: (events: Int, bytes: Int),
        to text: inout PrometheusText
    ) {
        text.family(
            "odometer_ingest_events_total", .counter,
            help: "Events sent over HTTP, by what became of them.")
        for (outcome, count) in [
            ("accepted", numbers.accepted), ("rejected", numbers.rejected),
            ("unknown", numbers.unknown),
        ] { text.sample("odometer_ingest_events_total", [("outcome", outcome)], count) }
        text.counter(
            "odometer_ingest_bytes_total", help: "Bytes of bodies of events, after unpacking.",
            numbers.bytes)
        text.counter(
            "odometer_ingest_refused_total",
            help: "Bodies refused because too much waited for acknowledgements.",
            numbers.refusedBodies)
        text.gauge(
            "odometer_ingest_waiting_events", help: "Events that wait for acknowledgements.",
            Double(waiting.events))
        text.gauge(
            "odometer_ingest_waiting_bytes",
            help: "Bytes of events that wait for acknowledgements.",
            Double(waiting.bytes))
        text.family(
            "odometer_ingest_acknowledgement_seconds", .histogram,
            help: "From the end of reading a body to Kafka's acknowledgement of its last event.")
        text.histogram(
            "odometer_ingest_acknowledgement_seconds", bounds: IngestMetrics.bounds,
            counts: numbers.latencies, sum: numbers.latencySum)
    }
}
