import Kafka
import Laboratory
import Printing
import Replay
import Workload

/// The source of a replay, as its command line says.
extension ReplayInput {
    /// Opens the source that the options name; where times are shifted, reads it once before.
    init(_ replay: ReplaySettings) throws(CommandFailure) {
        let settings = replay.settings
        let isGenerated =
            settings.isOn(ReplayOptions.generate)
            || settings.setting(ReplayOptions.profile) != nil
        let fromTopic = settings.text(ReplayOptions.fromTopic)
        let ways = [isGenerated, fromTopic != nil, replay.operands.count == 1]
        guard ways.count(where: { $0 }) == 1 else {
            throw .usage("replay takes one of FILE, --generate (or --profile) and --from-topic")
        }
        try ReplayInput.refuse(ReplayOptions.ofTopic, unless: fromTopic != nil, settings)
        try ReplayInput.refuse(
            [ReplayOptions.mapping], unless: replay.operands.count == 1, settings)
        if isGenerated {
            self = try ReplayInput.generated(replay)
            return
        }
        try ReplayInput.refuse(ReplayOptions.ofGenerator, unless: false, settings)
        func open() throws(CommandFailure) -> ReplayInput {
            if let fromTopic { return try .topic(fromTopic, replay) }
            return try .file(replay.operands[0], replay)
        }
        var change = RecordChange()
        switch settings.required(ReplayOptions.mode) {
        case "structured": change.mode = .structured
        case "binary": change.mode = .binary
        default: break
        }
        if settings.required(ReplayOptions.times) == "shift" {
            guard replay.operands.first != "-" else {
                throw .usage("--times shift reads twice, which standard input cannot be")
            }
            change.shiftMilliseconds = try ReplayInput.shift(try open(), replay)
        }
        let input = try open()
        self.init(
            source: ChangedSource(input.source, change), share: input.share,
            description: input.description, notes: input.notes)
    }

    private static func refuse(
        _ options: [Option], unless isFitting: Bool, _ settings: Settings
    ) throws(CommandFailure) {
        guard !isFitting else { return }
        for option in options where settings.setting(option) != nil {
            throw .usage("--\(option.name) does not go with this source")
        }
    }

    // MARK: Generated

    private static func generated(_ replay: ReplaySettings) throws(CommandFailure) -> ReplayInput {
        let settings = replay.settings
        guard settings.required(ReplayOptions.times) == "keep" else {
            throw .usage("--times is for files and topics; generated events end at --end")
        }
        var profile = try ProfileFile.profile(settings)
        switch settings.required(ReplayOptions.mode) {
        case "structured": profile.binaryShare = 0
        case "binary": profile.binaryShare = 1
        default: break
        }
        let isRamp = replay.plan.ramp != nil
        // How many events a ramp needs is not known before.
        let count = isRamp ? Int.max : profile.events
        let seed = settings.integer(ReplayOptions.seed)
        let counted = CountedSource(
            HeldSource(GeneratedSource(seed: UInt64(seed), profile: profile, count: count)))
        return ReplayInput(
            source: counted,
            share: { isRamp ? nil : Double(counted.taken) / Double(profile.events) },
            description: isRamp
                ? "generated events of seed \(seed)"
                : "\(ValueText.grouped(Int64(count))) generated events of seed \(seed) over "
                    + ValueText.duration(Int(profile.spanMilliseconds)))
    }

    // MARK: Files and topics

    private static func file(
        _ path: String, _ replay: ReplaySettings
    ) throws(CommandFailure) -> Self {
        do throws(ReplayError) {
            guard let mappingPath = replay.settings.text(ReplayOptions.mapping) else {
                let source = HeldSource(try JSONLinesSource(path: path))
                return ReplayInput(
                    source: source, share: { source.look { $0.share } }, description: path)
            }
            let mapping: EventMapping
            do throws(CommandFailure) {
                mapping = try MappingFile.read(try FileText.read(mappingPath), name: mappingPath)
            } catch {
                throw ReplayError(.source, error.message)
            }
            let source = try MappedSource(path: path, mapping: mapping)
            return ReplayInput(
                source: source, share: { source.share },
                description: "\(path) by \(mappingPath)",
                notes: {
                    source.skipped == 0 ? [] : ["\(source.skipped) rows could not be mapped"]
                })
        } catch {
            throw .usage(error.message)
        }
    }

    private static func topic(
        _ name: String, _ replay: ReplaySettings
    ) throws(CommandFailure) -> Self {
        let settings = replay.settings
        var kafka = replay.plan.kafka
        if let bootstrap = settings.text(ReplayOptions.fromBootstrap) {
            kafka.bootstrap = bootstrap
        }
        guard name != replay.plan.topic || kafka.bootstrap != replay.plan.kafka.bootstrap else {
            throw .usage("--from-topic and --to are the same topic")
        }
        var range = TopicRange()
        range.firstOffset = settings.text(ReplayOptions.fromOffset).flatMap { Int64($0) }
        range.endOffset = settings.text(ReplayOptions.toOffset).flatMap { Int64($0) }
        range.sinceMilliseconds = settings.text(ReplayOptions.since).flatMap(ValueText.moment)
        range.untilMilliseconds = settings.text(ReplayOptions.until).flatMap(ValueText.moment)
        do throws(ReplayError) {
            let source = try TopicSource(kafka, topic: name, range: range)
            return ReplayInput(
                source: source, share: { source.share },
                description: "\(ValueText.grouped(source.total)) records of \(name)")
        } catch {
            throw CommandFailure(.failed, error.message)
        }
    }

    /// By how many milliseconds times are moved so that the last one is now.
    ///
    /// "Now" is the end of a replay that keeps the original spacing or shortens it, and the start
    /// of every other one.
    private static func shift(
        _ input: ReplayInput, _ replay: ReplaySettings
    ) throws(CommandFailure) -> Int64 {
        var gap = Int64(replay.settings.milliseconds(ReplayOptions.longestGap))
        var factor = 0.0
        if case .spacing(let given, let longest) = replay.plan.pace {
            (factor, gap) = (given, longest)
        }
        var clock = SpacingClock(longestGapMilliseconds: gap)
        var source = input.source
        var elapsed: Int64 = 0
        do throws(ReplayError) {
            while let record = try source.next() {
                elapsed = clock.elapsed(at: record.timeMilliseconds)
            }
        } catch {
            throw .usage(error.message)
        }
        guard let last = clock.last else { return 0 }
        let durationMilliseconds = factor >= 1 ? Int64(Double(elapsed) / factor) : 0
        return ValueText.now() + durationMilliseconds - last
    }
}

/// Counts what was taken out of a source.
private final class CountedSource: RecordSource {
    private var source: any RecordSource
    private(set) var taken = 0

    init(_ source: any RecordSource) { self.source = source }

    func next() throws(ReplayError) -> SourceRecord? {
        taken += 1
        return try source.next()
    }
}
