public import Kafka
import Printing
public import Replay

/// What a replay is to do; makes no connection.
public struct ReplayPlan {
    /// The topic that is written to.
    public let topic: String
    /// Where that topic is.
    public let kafka: ClientConfiguration
    /// When each record is due; unused with a ramp.
    public let pace: ReplayPace
    /// The ramp; nil: one pace from beginning to end.
    public let ramp: RampSettings?
    /// Where Redis has the marks; nil when freshness is not measured.
    public let marks: MarkPlace?
    /// How long to wait without progress until Redis shows everything.
    public let patienceMilliseconds: Int64
    /// The requests that are sent to the HTTP interface meanwhile; nil: none.
    public let requests: RequestPlan?

    /// Makes a plan of these parts.
    public init(
        topic: String, kafka: ClientConfiguration, pace: ReplayPace, ramp: RampSettings?,
        marks: MarkPlace?, patienceMilliseconds: Int64, requests: RequestPlan?
    ) {
        self.topic = topic
        self.kafka = kafka
        self.pace = pace
        self.ramp = ramp
        self.marks = marks
        self.patienceMilliseconds = patienceMilliseconds
        self.requests = requests
    }

    /// Whether freshness is measured.
    var isWatched: Bool { marks != nil }

    /// The pace for people.
    var paceText: String {
        if let ramp {
            return "ramp up to a freshness of \(ValueText.latency(ramp.boundMicroseconds))"
        }
        switch pace {
        case .flat: return "as fast as Kafka takes them"
        case .constant(let rate): return "\(ValueText.grouped(Int64(rate))) a second"
        case .spacing(let factor, _): return "original spacing × \(LinePlot.plain(factor))"
        }
    }
}
