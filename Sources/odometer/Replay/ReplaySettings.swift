import Kafka
import Laboratory
import Printing
import Replay
import Verify

/// The settings of a replay, by its command line; nothing is opened yet.
struct ReplaySettings {
    let settings: Settings
    let operands: [String]
    let plan: ReplayPlan
    /// What --check compares.
    let verification: VerificationConfiguration
    let answers: AnswerCheck?

    init(_ settings: Settings, operands: [String], log: Log) throws(CommandFailure) {
        self.settings = settings
        self.operands = operands
        let topic = settings.required(ReplayOptions.to)
        var verification = try Commands.verification(
            settings.with(Options.topic, topic), log, timeout: ReplayOptions.timeout)
        verification.topics = [topic]
        answers = try settings.text(ReplayOptions.answers).map { (path) throws(CommandFailure) in
            try AnswersFile.read(try FileText.read(path), name: path)
        }
        guard answers == nil || settings.isOn(ReplayOptions.check) else {
            throw .usage("--answers goes with --check")
        }
        verification.organizations = answers?.readers.map(\.organization) ?? []
        self.verification = verification
        let given = [ReplayOptions.rate, ReplayOptions.spacing, ReplayOptions.ramp].filter {
            settings.setting($0) != nil
        }
        guard given.count < 2 else {
            throw .usage("replay takes one of --rate, --spacing and --ramp")
        }
        let ramp = ReplaySettings.ramp(settings)
        let isWatched =
            settings.isOn(ReplayOptions.freshness) || settings.isOn(ReplayOptions.check)
            || ramp != nil
        plan = ReplayPlan(
            topic: topic, kafka: try settings.kafkaConfiguration(log: log),
            pace: try ReplaySettings.pace(settings), ramp: ramp,
            marks: isWatched
                ? MarkPlace(
                    redis: verification.redis, prefix: verification.prefix,
                    generation: verification.generation) : nil,
            patienceMilliseconds: Int64(settings.milliseconds(ReplayOptions.timeout)),
            requests: try settings.text(ReplayOptions.requests).map {
                (path) throws(CommandFailure) in
                try RequestsFile.read(try FileText.read(path), name: path)
            })
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
        return .spacing(factor: factor, longestGapMilliseconds: gap)
    }

    private static func ramp(_ settings: Settings) -> RampSettings? {
        guard settings.setting(ReplayOptions.ramp) != nil else { return nil }
        var ramp = RampSettings(
            boundMicroseconds: Int64(settings.milliseconds(ReplayOptions.ramp)) * 1_000)
        ramp.start = Double(settings.integer(ReplayOptions.rampStart))
        ramp.stepMicroseconds = Int64(settings.milliseconds(ReplayOptions.rampStep)) * 1_000
        ramp.patienceMilliseconds = Int64(settings.milliseconds(ReplayOptions.timeout))
        return ramp
    }
}
