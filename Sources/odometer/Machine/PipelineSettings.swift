import Kafka
import Pipeline
import Printing

extension Settings {
    /// What the counting half runs by.
    func pipelineConfiguration(
        _ parts: MachineParts, log: Log
    ) throws(CommandFailure) -> PipelineConfiguration {
        let from = required(Options.from)
        let origin =
            StartOrigin.words.first { $0.word == from }?.origin
            ?? .time(ValueText.moment(from) ?? 0)
        var configuration = PipelineConfiguration(
            client: try kafkaConfiguration(log: log), topics: texts(Options.topic),
            directoryTopic: required(Options.directoryTopic),
            deadLetterTopic: isOn(Options.deadLetters) ? required(Options.deadLetterTopic) : nil,
            group: groupName, instance: text(Options.instance), redis: parts.redis,
            layout: parts.layout, catalog: parts.catalog, lanes: integer(Options.lanes),
            commitIntervalMilliseconds: Int64(milliseconds(Options.commitInterval)),
            dedupeWindow: Int64(integer(Options.dedupeWindow)),
            futureBoundMilliseconds: Int64(milliseconds(Options.futureBound)), origin: origin,
            onLoss: lossPolicy,
            acceptContract: isOn(Options.acceptContract))
        configuration.schemas = try schemaKeeper(parts.catalog)
        configuration.isEvictionChecked = isOn(Options.redisEvictionChecked)
        let shapes = DirectoryShapeCheck()
        configuration.directoryRefusal = { shapes.refusal(of: $1, under: $0) }
        do throws(PipelineError) {
            try configuration.validate()
        } catch {
            throw CommandFailure(error)
        }
        do throws(KafkaError) {
            try configuration.client.validateClients(
                group: configuration.group, instance: configuration.instance)
        } catch {
            throw .usage("kafka: \(error.message)")
        }
        return configuration
    }
}

extension Settings {
    private var lossPolicy: LossPolicy {
        guard let policy = LossPolicy(rawValue: required(Options.onLoss)) else {
            preconditionFailure("--on-loss was not checked")
        }
        return policy
    }
}

extension CommandFailure {
    /// Why the machine could not start, or ended, as the end of a command.
    init(_ error: PipelineError) {
        let code: ExitCode =
            switch error.code {
            case .configuration: .usage
            case .kafka, .redis: .failed
            case .unfitServer, .contract: .refused
            case .superseded: .superseded
            case .otherShards: .restart
            case .internal: .defect
            }
        self.init(code, error.message)
    }
}

extension PipelineEvent {
    var logLevel: LogLevel {
        switch level {
        case .information: .info
        case .warning: .warning
        case .error: .error
        }
    }
}
