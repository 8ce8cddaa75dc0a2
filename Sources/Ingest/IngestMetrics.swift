internal import Synchronization

/// What an intake has taken since its start; safe to use from several threads.
public final class IngestMetrics: Sendable {
    /// A copy of all numbers.
    public struct Numbers: Sendable {
        /// Events that Kafka has acknowledged.
        public var accepted: UInt64 = 0
        /// Events that were rejected, by us or by Kafka.
        public var rejected: UInt64 = 0
        /// Events that may or may not be in the log.
        public var unknown: UInt64 = 0
        /// Bytes of bodies after unpacking.
        public var bytes: UInt64 = 0
        /// Bodies refused because too much waited for acknowledgements.
        public var refusedBodies: UInt64 = 0
        /// Bodies with acknowledgements, by the time that these took: one number for each of
        /// `bounds` and one above.
        public var latencies = [UInt64](repeating: 0, count: IngestMetrics.bounds.count + 1)
        /// Seconds of all of them.
        public var latencySum: Double = 0

        /// All zero.
        public init() {}
    }

    /// The upper bounds of `latencies`, in seconds.
    public static let bounds: [Double] = [
        0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5,
    ]

    private let state = Mutex(Numbers())

    init() {}

    /// What has happened so far.
    public var numbers: Numbers { state.withLock { $0 } }

    func note(rejected: Int, bytes: Int) {
        state.withLock {
            $0.rejected += UInt64(rejected)
            $0.bytes += UInt64(bytes)
        }
    }

    func noteRefusal() { state.withLock { $0.refusedBodies += 1 } }

    func note(_ fates: [EventFate], after duration: Duration) {
        let seconds = duration / .seconds(1)
        let bucket = IngestMetrics.bounds.firstIndex { seconds <= $0 }
        state.withLock { numbers in
            for fate in fates {
                switch fate {
                case .acknowledged: numbers.accepted += 1
                case .refused: numbers.rejected += 1
                case .unknown: numbers.unknown += 1
                }
            }
            numbers.latencies[bucket ?? IngestMetrics.bounds.count] += 1
            numbers.latencySum += seconds
        }
    }
}
