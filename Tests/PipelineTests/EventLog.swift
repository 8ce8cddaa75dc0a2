import Pipeline
import Synchronization

/// What a machine said, for tests that count its lines.
final class EventLog: Sendable {
    /// Whether the machine may end by itself.
    let mayFail: Bool
    private let events = Mutex<[PipelineEvent]>([])

    init(mayFail: Bool = false) { self.mayFail = mayFail }

    func take(_ event: PipelineEvent) { events.withLock { $0.append(event) } }

    /// Messages of the events of that name.
    func messages(_ name: String) -> [String] {
        events.withLock { $0.filter { $0.name == name }.map(\.message) }
    }
}
