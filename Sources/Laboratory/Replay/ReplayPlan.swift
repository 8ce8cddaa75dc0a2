public import Kafka
import Printing
public import Replay

/// What a replay is to do; nothing is opened yet.
public struct ReplayPlan {
    /// The topic that is written to.
    public let topic: String
    /// Where that topic is.
    public let kafka: ClientConfiguration
    /// When each record is due, where there is no ramp.
    public let pace: ReplayPace
    /// The ramp; nil: one pace from begin to end.
    public let ramp: RampSettings?
    /// Where Redis has the marks; nil where nobody asks how soon the records are visible.
    public let marks: MarkPlace?
    /// How long it waits until Redis shows everything, in milliseconds without progress.
    public let patience: Int64
    /// What is asked of the HTTP interface meanwhile; nil: nothing.
    public let requests: RequestPlan?

    /// A plan of these parts.
    public init(
        topic: String, kafka: ClientConfiguration, pace: ReplayPace, ramp: RampSettings?,
        marks: MarkPlace?, patience: Int64, requests: RequestPlan?
    ) {
        self.topic = topic
        self.kafka = kafka
        self.pace = pace
        self.ramp = ramp
        self.marks = marks
        self.patience = patience
        self.requests = requests
    }

    /// Whether somebody asks how soon the records are visible.
    var isWatched: Bool { marks != nil }

    /// The pace for people.
    var paceText: String {
        if let ramp { return "ramp up to a freshness of \(ValueText.latency(ramp.bound))" }
        switch pace {
        case .flat: return "as fast as Kafka takes them"
        case .constant(let rate): return "\(ValueText.grouped(Int64(rate))) a second"
        case .spacing(let factor, _): return "original spacing × \(LinePlot.plain(factor))"
        }
    }
}
