import Glibc
import Ledger
import Metering
import Printing
import Registry
import Verify
import Workload

/// `odometer verify`: compares the numbers in Redis with a second count of the log.
extension Commands {
    private static let timeout = Option(
        name: "timeout", placeholder: "TIME", value: .duration(1_000...86_400_000),
        help: "How long to wait for the marks, each next record and each schema.",
        standard: "60s",
        source: .call)

    private static let full = Option(
        name: "full", placeholder: "", value: .flag,
        help: "Compute every cell again from the log and compare.", source: .call)
    /// Options that mean nothing to the books alone.
    private static let ofFull =
        [
            Options.topic, Options.meters, Options.dedupeWindow, Options.futureBound,
            Options.commitInterval, timeout,
        ] + Options.schemaPlace

    static let verify = Command(
        path: ["verify"],
        summary: "Check the books in Redis; with --full every cell against the log.",
        details: """
            Without --full: reads marks and audit of every shard, also while it counts, and checks that
            delivered + gaps + lost = mark - origin, and that the outcomes of all shards add up to what was
            delivered. Asks Redis alone; done in a moment.
            With --full: reads catalog, log and Redis with code of its own, by the published rules, and
            compares every cell both ways as soon as every mark is at the end of the log. The meters and
            --dedupe-window, --future-bound and --commit-interval must be those of the running machine.
            Avro and Protobuf are read by code of its own too, with the schemas of --schemas; one that
            cannot be had there ends the check.
            Exit code 0: equal; 1: different; 3: the marks did not reach the end of the log in time.
            """,
        options: Options.kafka + Options.redisServer + [full] + ofFull + [Options.json],
        examples: [
            ("verify", "the books alone"), ("verify --full", "every cell, the shipped meters"),
            (
                "verify --full --meters my-meters/ --timeout 10m --json",
                "other meters, for a program"
            ),
        ],
        run: runVerify)

    private static func runVerify(_ call: borrowing Invocation) throws(CommandFailure) -> ExitCode {
        let settings = call.settings
        let isFull = settings.isOn(full)
        if !isFull {
            for option in ofFull where settings.setting(option)?.source == .flag {
                throw .usage("--\(option.name) goes with --full")
            }
        }
        let isJSON = settings.isOn(Options.json)
        let configuration = try verification(settings, call.log)
        let report: VerificationReport
        do throws(VerifyError) {
            if isFull {
                let show = VerifyProgressLines(isSilent: isJSON)
                defer { show.end() }
                report = try Verification.run(configuration) { show.take($0) }
            } else {
                report = try BookCheck.run(
                    configuration.redis, prefix: configuration.prefix,
                    generation: configuration.generation)
            }
        } catch {
            throw CommandFailure(error.code == .catalog ? .usage : .failed, "verify: \(error)")
        }
        if isJSON { try Output.json(report.object) } else { report.printText() }
        switch report.ending {
        case .equal: return .ok
        case .different: return .failed
        case .timedOut: return .timeout
        }
    }

    /// What `verify --full` and `replay --check` compare.
    static func verification(
        _ settings: Settings, _ log: Log, timeout: Option = Commands.timeout
    ) throws(CommandFailure) -> VerificationConfiguration {
        let files = try MeterFiles.read(settings.text(Options.meters)).files
        let kafka = try settings.kafkaConfiguration(log: log)
        let redis = try settings.redisConfiguration()
        let layout = try settings.keyLayout()
        var made = VerificationConfiguration(
            kafka: kafka, topics: settings.texts(Options.topic), redis: redis,
            prefix: layout.prefix, generation: layout.generation,
            catalogs: files.map { ($0.name, String(decoding: $0.text, as: UTF8.self)) },
            commitIntervalMilliseconds: Int64(settings.milliseconds(Options.commitInterval)),
            dedupeWindow: Int64(settings.integer(Options.dedupeWindow)),
            futureBoundMilliseconds: Int64(settings.milliseconds(Options.futureBound)),
            timeoutMilliseconds: Int64(settings.milliseconds(timeout)))
        if let keeper = try settings.schemaKeeper() {
            let patience = made.timeoutMilliseconds
            made.schemas = { keeper.answer($0, patienceMilliseconds: patience) }
        }
        return made
    }
}

extension SchemaKeeper {
    /// What is known of a schema once it came, or once the time is over.
    fileprivate func answer(
        _ name: OracleSchemaName, patienceMilliseconds: Int64
    ) -> SchemaAnswer {
        let key: SchemaKey =
            switch name {
            case .id(let id): .id(id)
            case .guid(let guid): .guid(guid)
            }
        let deadline = ContinuousClock.now.advanced(by: .milliseconds(patienceMilliseconds))
        while true {
            switch state(of: key) {
            case .ready(let schema):
                return .texts(
                    SchemaTexts(
                        format: schema.format.rawValue,
                        files: schema.files.map { ($0.name, $0.text) }))
            case .absent: return .absent
            case .waiting(let why):
                guard ContinuousClock.now < deadline else {
                    return .failed(why.isEmpty ? "\(place) has not answered" : why)
                }
            }
            usleep(20_000)
        }
    }
}
