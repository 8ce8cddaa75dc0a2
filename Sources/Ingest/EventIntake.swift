public import Metering
internal import Synchronization

/// A body's events, read and judged; nothing of it was sent yet.
public struct JudgedBody: Sendable {
    /// What is said of each event, in order.
    public let verdicts: [IngestVerdict]
    /// Its bytes after unpacking.
    public let byteCount: Int
    let nowMilliseconds: Int64

    /// Events that go to the log.
    public var outgoing: [OutgoingEvent] {
        verdicts.compactMap { verdict in
            guard case .accepted(let event, _, _) = verdict else { return nil }
            return event
        }
    }
}

/// Takes events for a log: reads bodies, judges their events, sends those that counting would take.
///
/// Safe to use from several threads.
public final class EventIntake: Sendable {
    /// Its numbers, for `/metrics`.
    public let metrics = IngestMetrics()
    private let catalog: MeterCatalog
    private let futureBoundMilliseconds: Int64
    private let log: any EventLog
    // A judge is used by one thread at a time; those that nobody uses are here.
    private struct Idle: @unchecked Sendable { var judges: [EventJudge] = [] }
    private let idle: Mutex<Idle>

    /// An intake for a catalog that has no `plainEventsObstacle`; throws where it cannot be
    /// lowered.
    public init(
        catalog: MeterCatalog, futureBoundMilliseconds: Int64, log: any EventLog
    ) throws(ProgramError) {
        self.catalog = catalog
        self.futureBoundMilliseconds = futureBoundMilliseconds
        self.log = log
        let first = try EventJudge(catalog, futureBoundMilliseconds: futureBoundMilliseconds)
        var idle = Idle()
        idle.judges.append(first)
        self.idle = Mutex(idle)
    }

    /// Unpacks a body and judges its events.
    ///
    /// - Parameters:
    ///   - organization: whose events are taken; nil: those of all.
    ///   - assumesVersion: whether an event without `specversion` is one of version 1.0.
    ///   - nowMilliseconds: milliseconds since 1970; the timestamp that the records get.
    public func judge(
        _ body: [UInt8], _ form: BodyForm, _ coding: BodyCoding, organization: [UInt8]?,
        assumesVersion: Bool, nowMilliseconds: Int64
    ) throws(IngestRefusal) -> JudgedBody {
        let text = try coding.unpacked(body)
        let events = try form.events(of: text)
        let judge = try borrowed()
        defer { idle.withLock { $0.judges.append(judge) } }
        let verdicts = events.map { range in
            judge.read(
                text[range], organization: organization, assumesVersion: assumesVersion,
                nowMilliseconds: nowMilliseconds)
        }
        return JudgedBody(
            verdicts: verdicts, byteCount: text.count, nowMilliseconds: nowMilliseconds)
    }

    private func borrowed() throws(IngestRefusal) -> EventJudge {
        if let judge = idle.withLock({ $0.judges.popLast() }) { return judge }
        do throws(ProgramError) {
            return try EventJudge(catalog, futureBoundMilliseconds: futureBoundMilliseconds)
        } catch {
            // The same catalog could be lowered before.
            throw IngestRefusal(.malformed, error.description)
        }
    }

    /// Sends what was accepted of a body; where that is nothing, `whenDone` is called at once.
    ///
    /// `whenDone` gets a fate for each event of `outgoing`; see `EventLog.send`.
    public func send(
        _ body: JudgedBody, whenDone: @escaping @Sendable ([EventFate]) -> Void
    ) -> EventLogAnswer {
        let outgoing = body.outgoing
        let begin = ContinuousClock.now
        let rejected = body.verdicts.count - outgoing.count
        guard !outgoing.isEmpty else {
            metrics.note(rejected: rejected, bytes: body.byteCount)
            whenDone([])
            return .taken
        }
        let answer = log.send(outgoing, timestampMilliseconds: body.nowMilliseconds) {
            [metrics] fates in
            metrics.note(fates, after: begin.duration(to: .now))
            whenDone(fates)
        }
        if answer == .taken {
            metrics.note(rejected: rejected, bytes: body.byteCount)
        } else {
            metrics.noteRefusal()
        }
        return answer
    }
}
