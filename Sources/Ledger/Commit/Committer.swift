public import Redis

/// Sends commits over one connection, many on their way at once, and gives their outcomes.
///
/// The arguments of a commit are kept until its outcome is known. A script that Redis forgot is
/// loaded again and its commits are sent again; only then may outcomes come in another order than
/// the commits went, so go by the tag. Nothing here throws: once the connection breaks, `isAlive`
/// is false and every commit ends as `unknown`.
public struct Committer: ~Copyable {
    private var connection: Connection
    private var script: Script
    private var waiting: [Slot] = []
    private var firstWaiting = 0
    private var spare: [Slot] = []
    private var toRepeat: [Slot] = []
    private var failure: RedisError?
    /// The latest second since 1970 that Redis' clock may show when a commit runs; 0: no limit.
    ///
    /// A later one refuses the commit with the code `CommitOutcome.clockAhead`.
    public var latestSecond: Int64 = 0

    /// A committer on a connection of its own; loads the script.
    ///
    /// `readsClock`: whether the script may ask Redis for the time; without it `latestSecond` has
    /// no effect.
    public init(
        _ connection: consuming Connection, readsClock: Bool = true
    ) throws(RedisError) {
        var script = Script(
            readsClock ? CommitScript.source : CommitScript.sourceWithoutClock)
        try script.load(on: &connection)
        self.connection = connection
        self.script = script
    }

    /// Whether the connection still works as far as is known.
    public var isAlive: Bool { failure == nil && connection.isAlive }
    /// Commits without an outcome yet.
    public var inFlight: Int { waiting.count - firstWaiting + toRepeat.count }

    /// Takes the arguments and sends them; they come back empty, with memory to be used again.
    public mutating func submit(_ arguments: inout CommitArguments, tag: Int) {
        let slot = spare.popLast() ?? Slot()
        swap(&arguments, &slot.arguments)
        slot.tag = tag
        guard isAlive else {
            waiting.append(slot)
            return
        }
        send(slot)
        do throws(RedisError) { try connection.flush() } catch { failure = failure ?? error }
    }

    /// The next outcome; nil when none comes within this time, or at once when none is in flight.
    public mutating func tryReceive(waitMilliseconds: Int32 = 0) -> CommitResult? {
        if firstWaiting == waiting.count && !toRepeat.isEmpty { repeatAfterLoad() }
        while firstWaiting < waiting.count {
            guard isAlive else { return finishBroken() }
            var outcome: CommitOutcome?
            var details = AppliedDetails()
            do throws(RedisError) {
                if let reply = try connection.tryReceive(waitMilliseconds: waitMilliseconds) {
                    outcome = CommitOutcome(reply.view)
                    if case .applied = outcome, reply.view.count > 3 {
                        details.singles = reply.view[2].integer ?? 0
                        details.microseconds = max(0, reply.view[3].integer ?? 0)
                        details.parked = ParkedNews(reply.view)
                        details.take(overflowsOf: reply.view)
                    }
                }
            } catch {
                failure = failure ?? error
                continue
            }
            guard let outcome else { return nil }
            let slot = takeFirst()
            if case .refused("NOSCRIPT", _) = outcome {
                toRepeat.append(slot)
                repeatAfterLoad()
                continue
            }
            return finish(slot, outcome, details)
        }
        return nil
    }

    /// The next outcome, waiting for it up to the connection's command timeout; nil when none is in
    /// flight.
    public mutating func receive() -> CommitResult? {
        while inFlight > 0 {
            if let result = tryReceive(waitMilliseconds: 1_000) { return result }
        }
        return nil
    }

    /// One commit and its outcome; none may be in flight.
    public mutating func commit(_ arguments: inout CommitArguments) -> CommitOutcome {
        precondition(inFlight == 0, "commits are in flight")
        submit(&arguments, tag: 0)
        return receive()?.outcome
            ?? .unknown(RedisError(.protocolViolation, "a commit without an outcome"))
    }

    /// Uses the connection for something else, for example to read the marks; no commit may be in
    /// flight.
    public mutating func withConnection<Result, Failure: Error>(
        _ body: (inout Connection) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        precondition(inFlight == 0, "commits are in flight")
        return try body(&connection)
    }

    // MARK: In flight

    /// A commit on its way.
    private final class Slot {
        var arguments = CommitArguments()
        var tag = 0
    }

    /// What an answer says beyond the outcome of an applied commit.
    private struct AppliedDetails {
        var singles: Int64 = 0
        var microseconds: Int64 = 0
        var parked: ParkedNews?
        var overflows: [String: Int64] = [:]

        /// The last element lists keys, each with the number of its entries that went to
        /// `__other__`.
        mutating func take(overflowsOf reply: ReplyView) {
            guard reply.count > 4, case let list = reply[reply.count - 1], list.count > 1 else {
                return
            }
            for index in stride(from: 0, to: list.count - 1, by: 2) {
                guard let key = list[index].bytes, let count = list[index + 1].integer,
                    let meter = KeyLayout.meter(ofKey: Array(key), member: [])
                else { continue }
                overflows[meter, default: 0] += count
            }
        }
    }

    private mutating func send(_ slot: Slot, bringsText: Bool = false) {
        waiting.append(slot)
        slot.arguments.send(
            on: &connection, script: script, bringsText: bringsText, latestSecond: latestSecond)
    }

    private mutating func takeFirst() -> Slot {
        let slot = waiting[firstWaiting]
        firstWaiting += 1
        if firstWaiting == waiting.count {
            waiting.removeAll(keepingCapacity: true)
            firstWaiting = 0
        }
        return slot
    }

    private mutating func finish(
        _ slot: Slot, _ outcome: CommitOutcome, _ details: AppliedDetails = AppliedDetails()
    ) -> CommitResult {
        spare.append(slot)
        return CommitResult(
            tag: slot.tag, outcome: outcome, singleScores: details.singles,
            scriptMicroseconds: details.microseconds, parked: details.parked,
            overflows: details.overflows)
    }

    private mutating func finishBroken() -> CommitResult? {
        let error = failure ?? RedisError(.io, "the connection is closed")
        return finish(takeFirst(), .unknown(error))
    }

    /// Loads the script and sends the commits of `toRepeat` again, once every older answer has
    /// come.
    ///
    /// Most likely all of them were answered with NOSCRIPT; waiting keeps the load out of the
    /// pipeline.
    private mutating func repeatAfterLoad() {
        guard firstWaiting == waiting.count else { return }
        do throws(RedisError) {
            try script.load(on: &connection)
            let slots = toRepeat
            toRepeat.removeAll(keepingCapacity: true)
            // Where the script cannot be loaded, the first call brings it for those behind it.
            for (index, slot) in slots.enumerated() {
                send(slot, bringsText: index == 0 && script.bringsText)
            }
            try connection.flush()
        } catch {
            waiting += toRepeat
            toRepeat.removeAll(keepingCapacity: true)
            // The connection may still work, but these commits would never get an answer: so it is
            // given up as a whole.
            failure = failure ?? error
        }
    }
}
