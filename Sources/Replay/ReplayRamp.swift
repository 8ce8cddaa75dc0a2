import Glibc

/// What a ramp asks of each rate that it tries.
public struct RampSettings: Sendable, Equatable {
    /// 99 of 100 records must be visible within so many microseconds after they were due.
    public var bound: Int64
    /// The first rate, records a second.
    public var start = 1_000.0
    /// How long each rate is held, in microseconds.
    public var step: Int64 = 10_000_000
    /// The greatest rate that is tried.
    public var most = 100_000_000.0
    /// It ends when the least rate that is too much is so little above the best one.
    public var precision = 1.05
    /// How long to wait after a rate that was too much until all is visible, in milliseconds.
    public var patience: Int64 = 60_000

    /// A ramp with this bound.
    public init(bound: Int64) { self.bound = bound }
}

/// One rate that a ramp has tried; latencies in microseconds.
public struct ReplayRampStep: Sendable, Equatable {
    /// Records a second.
    public var rate: Double
    /// Records sent in it.
    public var sent: UInt64
    /// Those of them that were visible within the bound.
    public var within: UInt64
    /// The 99th percentile of freshness, of those that became visible.
    public var freshness: Int64
    /// Whether the sender itself was late: then it is its limit that was found.
    public var isSenderLate: Bool
    /// Whether 99 of 100 were visible within the bound.
    public var isWithin: Bool
}

/// What a ramp has found.
public struct ReplayRamp: Sendable, Equatable {
    /// The bound of freshness, in microseconds.
    public var bound: Int64
    /// The rates that were tried, in their order.
    public var steps: [ReplayRampStep] = []
    /// The highest rate that kept to the bound; nil = none did.
    public var best: Double? { steps.filter(\.isWithin).map(\.rate).max() }
}

/// Which rate a ramp tries next: doubles until one is too much, then halves the distance.
public struct RampSearch: Sendable {
    private let settings: RampSettings
    private var good: Double?
    private var bad: Double?

    /// A search that has tried nothing.
    public init(_ settings: RampSettings) { self.settings = settings }

    /// The next rate to try; nil = the search is over.
    public var next: Double? {
        guard let bad else {
            guard let good else { return min(settings.start, settings.most) }
            return good < settings.most ? min(good * 2, settings.most) : nil
        }
        guard let good else { return bad > 1 ? bad / 2 : nil }
        return bad / good > settings.precision ? (good + bad) / 2 : nil
    }

    /// Notes what became of a rate.
    public mutating func note(_ rate: Double, isWithin: Bool) {
        if isWithin { good = max(good ?? 0, rate) } else { bad = min(bad ?? .infinity, rate) }
    }
}

extension Replayer {
    /// Sends at rising rates and finds the highest one at which freshness keeps to the bound; `watch` comes before.
    ///
    /// Ends early where the source does: a rate that was not held to its end does not count.
    public func ramp(
        _ source: inout some RecordSource & ~Copyable, _ settings: RampSettings,
        onProgress: (ReplayProgress) -> Bool, onStep: (ReplayRampStep) -> Void
    ) throws(ReplayError) -> ReplayRamp {
        var ramp = ReplayRamp(bound: settings.bound)
        var search = RampSearch(settings)
        while let rate = search.next {
            guard let step = try hold(rate, &source, settings, onProgress) else { break }
            ramp.steps.append(step)
            onStep(step)
            search.note(rate, isWithin: step.isWithin)
            // What one rate has left behind must not count against the next.
            guard waitUntilSeen(patience: settings.patience, onProgress: onProgress) else { break }
        }
        try finish(onProgress)
        return ramp
    }

    /// Holds a rate; nil where the source ended or somebody ended the replay.
    private func hold(
        _ rate: Double, _ source: inout some RecordSource & ~Copyable, _ settings: RampSettings,
        _ onProgress: (ReplayProgress) -> Bool
    ) throws(ReplayError) -> ReplayRampStep? {
        measures.beginStep()
        let start = clock.now
        let unwatched = measures.figures.unwatched
        let sum = Int64(rate * Double(settings.step) / 1_000_000)
        var latest: Int64 = 0
        var sent: Int64 = 0
        while sent < max(1, sum) {
            guard let record = try source.next() else { return nil }
            let due = start + Int64(Double(sent) * 1_000_000 / rate)
            guard wait(until: due, onProgress) else { return nil }
            try send(record, due: due)
            latest = max(latest, clock.now - due)
            sent += 1
            // Far beyond the bound nothing is left to find out.
            if sent.isMultiple(of: 1_024), measures.waiting.oldest > 4 * settings.bound + 1_000_000
            {
                break
            }
            guard goesOn(onProgress) else { return nil }
        }
        let end = clock.now
        while measures.waiting.count > 0 || current().delivered < current().sent {
            guard clock.now - end <= settings.bound + 1_000_000 else { break }
            guard goesOn(onProgress) else { return nil }
            usleep(10_000)
        }
        let seen = measures.step
        let wanted = UInt64(sent) - min(UInt64(sent), measures.figures.unwatched - unwatched)
        let within = seen.count(upTo: settings.bound)
        let isLate = latest > settings.bound
        return ReplayRampStep(
            rate: rate, sent: wanted, within: within, freshness: seen.percentile(99),
            isSenderLate: isLate, isWithin: sent >= sum && within * 100 >= wanted * 99)
    }
}
