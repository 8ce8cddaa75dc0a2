import Printing
import Workload

/// A profile of generated events as a YAML file; docs/REPLAY.md describes it.
enum ProfileFile {
    /// The profile of generated events: the file's values, replaced by those of given options.
    static func profile(_ settings: Settings) throws(CommandFailure) -> EventProfile {
        let end = settings.text(ReplayOptions.end).flatMap(ValueText.moment) ?? ValueText.now()
        var profile = EventProfile(endMilliseconds: end)
        if let path = settings.text(ReplayOptions.profile) {
            profile = try read(try FileText.read(path), name: path, end: end)
        }
        if settings.setting(ReplayOptions.events) != nil {
            profile.events = settings.integer(ReplayOptions.events)
        }
        if settings.setting(ReplayOptions.span) != nil {
            profile.spanMilliseconds = Int64(settings.milliseconds(ReplayOptions.span))
        }
        if settings.setting(ReplayOptions.organizations) != nil {
            profile.organizations = settings.integer(ReplayOptions.organizations)
        }
        if settings.setting(ReplayOptions.binaryShare) != nil {
            profile.binaryShare = Double(settings.integer(ReplayOptions.binaryShare)) / 100
        }
        return profile
    }

    /// The profile that a file describes, over the defaults; it ends at `end`.
    static func read(
        _ text: [UInt8], name: String, end: Int64
    ) throws(CommandFailure) -> EventProfile {
        let form = try YAMLForm.read(text, name: name)
        var profile = EventProfile(endMilliseconds: end)
        let many = EventProfile.populationRange
        if let number = try form.integer("events", EventProfile.eventRange) {
            profile.events = number
        }
        if let span = try form.milliseconds("span") { profile.spanMilliseconds = span }
        if let number = try form.integer("organizations", many) { profile.organizations = number }
        if let number = try form.integer("users", many) { profile.users = number }
        if let number = try form.integer("projects", many) { profile.projects = number }
        if let number = try form.integer("agents", many) { profile.agents = number }
        if let number = try form.integer("api_keys", many) { profile.apiKeys = number }
        if let number = try form.integer("open_connections", many) {
            profile.openConnections = number
        }
        if let number = try form.integer("open_requests", many) { profile.openRequests = number }
        if let skew = try form.number("skew", 0...3) {
            guard (skew * 4).rounded() == skew * 4 else {
                throw form.failure("skew", "must be a multiple of 0.25")
            }
            profile.skewQuarters = Int(skew * 4)
        }
        try readRhythm(form, &profile)
        try readLateness(form, &profile)
        try readShares(form, &profile)
        try form.end()
        return profile
    }

    private static func readRhythm(
        _ form: YAMLForm, _ profile: inout EventProfile
    ) throws(CommandFailure) {
        profile.hourWeights = try form.weights("hours", count: 24) ?? []
        profile.weekdayWeights = try form.weights("weekdays", count: 7) ?? []
        guard let bursts = try form.form("bursts") else { return }
        guard let everyMilliseconds = try bursts.milliseconds("every") else {
            throw bursts.failure("every", "is needed")
        }
        guard let lengthMilliseconds = try bursts.milliseconds("length"),
            lengthMilliseconds < everyMilliseconds
        else {
            throw bursts.failure("length", "is needed, and must be shorter than every")
        }
        profile.burst = EventBurst(
            everyMilliseconds: everyMilliseconds, lengthMilliseconds: lengthMilliseconds,
            factor: try bursts.number("factor", 0...1_000_000) ?? 10)
        try bursts.end()
    }

    private static func readLateness(
        _ form: YAMLForm, _ profile: inout EventProfile
    ) throws(CommandFailure) {
        guard let late = try form.form("late") else { return }
        if let share = try late.number("share", 0...1) { profile.lateArrivalShare = share }
        if let most = try late.milliseconds("at_most") { profile.latestArrivalMilliseconds = most }
        if let jitter = try late.milliseconds("jitter") { profile.jitterMilliseconds = jitter }
        try late.end()
    }

    private static func readShares(
        _ form: YAMLForm, _ profile: inout EventProfile
    ) throws(CommandFailure) {
        guard let shares = try form.form("shares") else { return }
        let paths: [(String, WritableKeyPath<EventProfile, Double>)] = [
            ("binary", \.binaryShare), ("duplicate", \.duplicateShare),
            ("malformed", \.malformedShare), ("bad_field", \.badFieldShare),
            ("future", \.futureShare), ("unknown_type", \.unknownTypeShare),
            ("timeless", \.timelessShare), ("zoned", \.zonedShare),
        ]
        for (name, path) in paths {
            if let share = try shares.number(name, 0...1) { profile[keyPath: path] = share }
        }
        try shares.end()
    }
}
