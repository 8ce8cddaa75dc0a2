import Foundation
import Kafka
import Replay
import Verify

/// What a replay is to do, as its command line says; nothing is opened yet.
struct ReplayPlan {
    let settings: Settings
    let topic: String
    let kafka: ClientConfiguration
    let verification: VerificationConfiguration
    let operands: [String]
    let pace: ReplayPace
    let ramp: RampSettings?
    let marks: MarkPlace
    let requests: RequestsFile?
    let answers: AnswerCheck?

    var isWatched: Bool {
        settings.isOn(ReplayOptions.freshness) || settings.isOn(ReplayOptions.check) || ramp != nil
    }

    init(_ settings: Settings, operands: [String], log: Log) throws(CommandFailure) {
        self.settings = settings
        self.operands = operands
        topic = settings.required(ReplayOptions.to)
        kafka = try settings.kafkaConfiguration(log: log)
        var verification = try Commands.verification(
            settings.with(Options.topic, topic), log, timeout: ReplayOptions.timeout)
        verification.topics = [topic]
        answers = try settings.text(ReplayOptions.answers).map { (path) throws(CommandFailure) in
            try AnswerCheck.read(try FileText.read(path), name: path)
        }
        guard answers == nil || settings.isOn(ReplayOptions.check) else {
            throw .usage("--answers goes with --check")
        }
        verification.organizations = answers?.readers.map(\.organization) ?? []
        self.verification = verification
        marks = MarkPlace(
            redis: verification.redis, prefix: verification.prefix,
            generation: verification.generation)
        let given = [ReplayOptions.rate, ReplayOptions.spacing, ReplayOptions.ramp].filter {
            settings.setting($0) != nil
        }
        guard given.count < 2 else {
            throw .usage("replay takes one of --rate, --spacing and --ramp")
        }
        pace = try ReplayPlan.pace(settings)
        ramp = ReplayPlan.ramp(settings)
        requests = try settings.text(ReplayOptions.requests).map { (path) throws(CommandFailure) in
            try RequestsFile.read(try FileText.read(path), name: path)
        }
    }

    private static func pace(_ settings: Settings) throws(CommandFailure) -> ReplayPace {
        if settings.setting(ReplayOptions.rate) != nil {
            return .constant(Double(settings.integer(ReplayOptions.rate)))
        }
        guard let text = settings.text(ReplayOptions.spacing) else { return .flat }
        guard let factor = Double(text), (0.000_1...1_000_000).contains(factor) else {
            throw .usage("--spacing must be a number from 0.0001 to 1000000, not \"\(text)\"")
        }
        let gap = Int64(settings.milliseconds(ReplayOptions.longestGap))
        return .spacing(factor: factor, longestGap: gap)
    }

    private static func ramp(_ settings: Settings) -> RampSettings? {
        guard settings.setting(ReplayOptions.ramp) != nil else { return nil }
        var ramp = RampSettings(bound: Int64(settings.milliseconds(ReplayOptions.ramp)) * 1_000)
        ramp.start = Double(settings.integer(ReplayOptions.rampStart))
        ramp.step = Int64(settings.milliseconds(ReplayOptions.rampStep)) * 1_000
        ramp.patience = Int64(settings.milliseconds(ReplayOptions.timeout))
        return ramp
    }

    /// The pace for people.
    var paceText: String {
        if let ramp { return "ramp up to a freshness of \(ReplayOutcome.latency(ramp.bound))" }
        switch pace {
        case .flat: return "as fast as Kafka takes them"
        case .constant(let rate): return "\(ValueText.grouped(Int64(rate))) a second"
        case .spacing(let factor, _): return "original spacing × \(ReplayPlot.plain(factor))"
        }
    }
}
