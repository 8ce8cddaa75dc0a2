internal import Synchronization

/// Tells when Redis stops answering the readers of a process, and when it answers again.
///
/// Thread-safe. Many readers share one, so that an outage is told once and not for each request.
public final class ReaderReach: Sendable {
    /// What has changed.
    public enum Change: Sendable, Hashable {
        /// Redis does not answer; why, in words for people.
        case lost(String)
        /// It answers again.
        case returned
    }

    private let tell: @Sendable (Change) -> Void
    private let settling: Duration
    private let isLost = Atomic<Bool>(false)
    private let lastLoss = Mutex<ContinuousClock.Instant?>(nil)

    /// Tells each change by `tell`, on the thread of the reader that noticed it.
    ///
    /// `settling`: how long no reader may have failed before Redis counts as answering again. At
    /// least the longest answer, so that a read from before the outage does not count.
    public init(settling: Duration = .seconds(1), tell: @escaping @Sendable (Change) -> Void) {
        self.settling = settling
        self.tell = tell
    }

    /// A reader could not reach Redis, or had no answer.
    func failed(_ message: String) {
        lastLoss.withLock { last in
            last = .now
            guard !isLost.exchange(true, ordering: .relaxed) else { return }
            tell(.lost(message))
        }
    }

    /// A reader had an answer.
    func answered() {
        // This is all that a request costs while Redis answers.
        guard isLost.load(ordering: .relaxed) else { return }
        lastLoss.withLock { last in
            guard let time = last, .now - time >= settling,
                isLost.exchange(false, ordering: .relaxed)
            else { return }
            tell(.returned)
        }
    }
}
