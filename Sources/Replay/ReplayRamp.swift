import Glibc

/// Which rates a ramp tries, for how long, and what makes a rate good.
public struct RampSettings: Sendable, Equatable {
    /// 99 of 100 records must be visible within this time after they were due.
    public var boundMicroseconds: Int64
    /// The first rate, records a second.
    public var start = 1_000.0
    /// How long each rate is held.
    public var stepMicroseconds: Int64 = 10_000_000
    /// The greatest rate that is tried.
    public var most = 100_000_000.0
    /// The search ends when the least rate that was too much is at most this many times the best
    /// one.
    public var precision = 1.05
    /// How long to wait without progress, after each rate, until all records are visible.
    public var patienceMilliseconds: Int64 = 60_000

    /// Makes settings with this bound.
    public init(boundMicroseconds: Int64) { self.boundMicroseconds = boundMicroseconds }
}

/// One rate that a ramp has tried.
public struct ReplayRampStep: Sendable, Equatable {
    /// Records a second.
    public var rate: Double
    /// Records sent in it.
    public var sent: UInt64
    /// Those of them that were visible within the bound.
    public var within: UInt64
    /// The 99th percentile of freshness of the records that became visible.
    public var freshnessMicroseconds: Int64
    /// Whether the sender itself was late; then its own limit was found.
    public var isSenderLate: Bool
    /// Whether 99 of 100 were visible within the bound.
    public var isWithin: Bool
}

/// The result of a ramp.
public struct ReplayRamp: Sendable, Equatable {
    /// The bound of freshness.
    public var boundMicroseconds: Int64
    /// The rates that were tried, in the order of trying.
    public var steps: [ReplayRampStep] = []
    /// The highest rate within the bound; nil when there was none.
    public var best: Double? { steps.filter(\.isWithin).map(\.rate).max() }
}

/// Chooses the rates of a ramp: doubles until a rate is too much, then halves the distance.
public struct RampSearch: Sendable {
    private let settings: RampSettings
    private var good: Double?
    private var bad: Double?

    /// Makes a search that has tried nothing.
    public init(_ settings: RampSettings) { self.settings = settings }

    /// The next rate to try; nil when the search is over.
    public var next: Double? {
        guard let bad else {
            guard let good else { return min(settings.start, settings.most) }
            return good < settings.most ? min(good * 2, settings.most) : nil
        }
        guard let good else { return bad > 1 ? bad / 2 : nil }
        return bad / good > settings.precision ? (good + bad) / 2 : nil
    }

    /// Notes whether a rate was within the bound.
    public mutating func note(_ rate: Double, isWithin: Bool) {
        if isWithin { good = max(good ?? 0, rate) } else { bad = min(bad ?? .infinity, rate) }
    }
}

extension Replayer {
    /// Finds the highest rate at which freshness stays within the bound; call `watch` before.
    ///
    /// Ends early when the source does: a rate that was not held to its end does not count.
    public func ramp(
        _ source: inout some RecordSource & ~Copyable, _ settings: RampSettings,
        onProgress: (ReplayProgress) -> Bool, onStep: (ReplayRampStep) -> Void
    ) throws(ReplayError) -> ReplayRamp {
        var ramp = ReplayRamp(boundMicroseconds: settings.boundMicroseconds)
        var search = RampSearch(settings)
        while let rate = search.next {
            guard let step = try hold(rate, &source, settings, onProgress) else { break }
            ramp.steps.append(step)
            onStep(step)
            search.note(rate, isWithin: step.isWithin)
            // Records that still wait must not count against the next rate.
            guard
                waitUntilSeen(
                    patienceMilliseconds: settings.patienceMilliseconds, onProgress: onProgress)
            else { break }
        }
        try finish(onProgress)
        return ramp
    }

    /// Holds a rate; nil when the source ended or the replay was stopped.
    private func hold(
        _ rate: Double, _ source: inout some RecordSource & ~Copyable, _ settings: RampSettings,
        _ onProgress: (ReplayProgress) -> Bool
    ) throws(ReplayError) -> ReplayRampStep? {
        measures.beginStep()
        let start = clock.now
        let unwatched = measures.figures.unwatched
        let sum = Int64(rate * Double(settings.stepMicroseconds) / 1_000_000)
        var latest: Int64 = 0
        var sent: Int64 = 0
        while sent < max(1, sum) {
            guard let record = try source.next() else { return nil }
            let due = start + Int64(Double(sent) * 1_000_000 / rate)
            guard wait(until: due, onProgress) else { return nil }
            try send(record, due: due)
            latest = max(latest, clock.now - due)
            sent += 1
            // So far beyond the bound, the rate is known to be too much.
            if sent.isMultiple(of: 1_024),
                measures.waiting.oldestMicroseconds > 4 * settings.boundMicroseconds + 1_000_000
            {
                break
            }
            guard goesOn(onProgress) else { return nil }
        }
        let end = clock.now
        while measures.waiting.count > 0 || current().delivered < current().sent {
            guard clock.now - end <= settings.boundMicroseconds + 1_000_000 else { break }
            guard goesOn(onProgress) else { return nil }
            usleep(10_000)
        }
        let seen = measures.step
        let wanted = UInt64(sent) - min(UInt64(sent), measures.figures.unwatched - unwatched)
        let within = seen.count(upTo: settings.boundMicroseconds)
        let isLate = latest > settings.boundMicroseconds
        return ReplayRampStep(
            rate: rate, sent: wanted, within: within, freshnessMicroseconds: seen.percentile(99),
            isSenderLate: isLate, isWithin: sent >= sum && within * 100 >= wanted * 99)
    }
}
