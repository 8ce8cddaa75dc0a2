import Catalog
import Inference
import Kafka
import Metering
import Printing

/// `odometer catalog infer`: a first catalog for a topic.
extension Commands {
    private static let sample = Option(
        name: "sample", placeholder: "N", value: .integer(1...100_000),
        help: "How many of the newest records are read, of all partitions together.",
        standard: "1000", source: .call)

    static let catalogInfer = Command(
        path: ["catalog", "infer"],
        summary: "Read a topic and write a first catalog for its events.",
        details: """
            Reads the newest records of one topic, without a group, and prints a catalog file: where id, type,
            subject and time are, the fields that may be added up or counted by, and a meter for each. What a
            sample cannot decide has a comment with a question mark. It has names of members, event types and how
            many different values there are, and no other value of the records. 64 MB of values are read at most.
            Records that the catalog does not accept are told on standard error, with how many there are.
            Exit code 0: a catalog was written; 1: no record is an event in JSON; 3: not read in time.
            """,
        options: Options.kafka + [Options.topic, sample, Options.timeout],
        examples: [
            ("catalog infer --topic access-log", "a catalog to begin with, on standard output"),
            ("check --meters meters.yaml", "what it counts, and what its cells may hold"),
        ],
        run: runCatalogInfer)

    private static func runCatalogInfer(
        _ call: borrowing Invocation
    ) throws(CommandFailure) -> ExitCode {
        let settings = call.settings
        let topics = settings.texts(Options.topic)
        guard topics.count == 1, let topic = topics.first else {
            throw .usage("catalog infer reads one topic: --topic")
        }
        let kafka = try settings.kafkaConfiguration(log: call.log)
        let records: [SampledRecord]
        do throws(KafkaError) {
            let log = try LogReader(
                kafka, timeoutMilliseconds: settings.milliseconds(Options.timeout))
            records = try log.newest(settings.integer(sample), of: topic)
        } catch {
            throw CommandFailure(inTime: error)
        }
        guard !records.isEmpty else { throw CommandFailure(.failed, "\(topic) has no records") }
        let draft = CatalogDraft(records, topic: topic)
        for note in draft.notes { call.log.warning("\(topic): \(note)") }
        guard let text = draft.text else {
            throw CommandFailure(.failed, "no record of \(topic) is one event in JSON")
        }
        let refused = try refused(records, by: text)
        if refused > 0 {
            call.log.warning(
                "\(refused) of \(records.count) sampled records would not count with this catalog: "
                    + "dead letters tell why once it runs")
        }
        Output.line(text.hasSuffix("\n") ? String(text.dropLast()) : text)
        return .ok
    }

    /// How many of the records a catalog does not accept.
    private static func refused(
        _ records: [SampledRecord], by text: String
    ) throws(CommandFailure) -> Int {
        let catalog: MeterCatalog
        var program: Program
        do {
            catalog = try CatalogReader.check(files: [("draft", Array(text.utf8))])
            program = try Program(
                catalog: catalog, shardCount: 1, dedupeKey: (0, 0),
                futureBoundMilliseconds: .max / 2_000_000)
        } catch {
            throw CommandFailure(.failed, "the draft cannot be read: \(error)\n\(text)")
        }
        let names = HeaderNames(catalog)
        return records.filter { !accepts($0, names, &program) }.count
    }

    private static func accepts(
        _ record: SampledRecord, _ names: HeaderNames, _ program: inout Program
    ) -> Bool {
        guard let value = record.value else { return true }
        // Attributes point to the bytes of headers, so these must not move until they are read.
        var copies: [UnsafeMutableRawBufferPointer] = []
        defer { for copy in copies { copy.deallocate() } }
        func copy(_ bytes: [UInt8]) -> UnsafeRawBufferPointer {
            let copy = UnsafeMutableRawBufferPointer.allocate(
                byteCount: max(1, bytes.count), alignment: 1)
            copy.copyBytes(from: bytes)
            copies.append(copy)
            return UnsafeRawBufferPointer(rebasing: copy.prefix(bytes.count))
        }
        var binary = BinaryAttributes()
        let values = UnsafeMutablePointer<UnsafeRawBufferPointer?>.allocate(
            capacity: max(1, names.count))
        values.initialize(repeating: nil, count: names.count)
        defer { values.deallocate() }
        for header in record.headers {
            let (name, value) = (copy(Array(header.name.utf8)), copy(header.value))
            binary.take(name: name, value: value)
            names.take(name: name, value: value, into: values)
        }
        var isAccepted = true
        program.read(
            FoldRecord(
                offset: 0, timestampMilliseconds: record.timestampMilliseconds,
                value: copy(value), key: nil, partitionSlot: 0, headers: values), binary
        ) { isAccepted = isAccepted && $0 != nil }
        return isAccepted
    }
}

extension LogReader {
    /// More bytes of values are not kept.
    private static var mostSampleBytes: Int { 64 << 20 }

    /// The newest records of a topic, as many of each partition; those of one partition in order.
    func newest(_ count: Int, of topic: String) throws(KafkaError) -> [SampledRecord] {
        var found: [SampledRecord] = []
        var bytes = 0
        let partitions = try partitionCount(of: topic)
        for number in 0..<partitions {
            let name = TopicPartition(topic: topic, partition: Int32(number))
            let ends = try ends(of: name)
            guard bytes < Self.mostSampleBytes else { break }
            // What one partition lacks the next ones make up for.
            let share = (count - found.count) / (partitions - number)
            let start = max(ends.low, ends.high - Int64(share))
            guard start < ends.high else { continue }
            try read(name, start..<ends.high) { record in
                guard bytes < Self.mostSampleBytes else { return }
                bytes += record.value?.count ?? 0
                found.append(SampledRecord(record))
            }
        }
        return found
    }
}

extension SampledRecord {
    /// A copy of a record.
    init(_ record: Record) {
        self.init(
            value: record.value.map { Array($0) }, key: record.key.map { Array($0) },
            headers: record.headers.compactMap { header in
                header.value.map {
                    (name: String(decoding: header.name, as: UTF8.self), value: Array($0))
                }
            }, timestampMilliseconds: record.timestamp)
    }
}
