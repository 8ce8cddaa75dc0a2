import Catalog
import Ingest
import Metering
import Synchronization

/// 2026-03-09T14:00:00Z in milliseconds.
let now: Int64 = 1_773_064_800_000

/// One event type with a required number and an optional text.
func smallCatalog() throws -> MeterCatalog {
    let text = """
        version: 1
        events:
          api.call:
            fields:
              units: {at: /data/units, is: integer, required: true}
              model: {at: /data/model}
        meters:
          units: {kind: sum, by: [model], windows: [day, all], on: [{event: api.call, amount: units}]}
        """
    return try CatalogReader.read(files: [(name: "small.yaml", text: Array(text.utf8))])
}

/// A log in memory that says what it is told to say.
final class MemoryLog: EventLog {
    private struct State {
        var events: [OutgoingEvent] = []
        var answer = EventLogAnswer.taken
        var fates: [EventFate] = []
    }

    private let state = Mutex(State())

    var events: [OutgoingEvent] { state.withLock { $0.events } }
    func say(_ answer: EventLogAnswer) { state.withLock { $0.answer = answer } }
    /// The fates of the next events; those after them are acknowledged.
    func say(_ fates: [EventFate]) { state.withLock { $0.fates = fates } }

    func send(
        _ events: [OutgoingEvent], timestampMilliseconds: Int64,
        whenDone: @escaping @Sendable ([EventFate]) -> Void
    ) -> EventLogAnswer {
        let (answer, fates) = state.withLock { state -> (EventLogAnswer, [EventFate]) in
            guard state.answer == .taken else { return (state.answer, []) }
            state.events += events
            let fates = events.indices.map { index in
                state.fates.indices.contains(index) ? state.fates[index] : .acknowledged
            }
            return (.taken, fates)
        }
        if answer == .taken { whenDone(fates) }
        return answer
    }
}

/// An event of `api.call` with these members in place of the usual ones.
func event(
    id: String = "1", subject: String = "acme", type: String = "api.call",
    version: String? = "1.0", time: String? = nil, data: String = #"{"units": 3}"#
) -> String {
    var members = [#""id": "\#(id)""#, #""source": "test""#, #""type": "\#(type)""#]
    members.append(#""subject": "\#(subject)""#)
    if let version { members.append(#""specversion": "\#(version)""#) }
    if let time { members.append(#""time": "\#(time)""#) }
    members.append(#""data": \#(data)"#)
    return "{" + members.joined(separator: ", ") + "}"
}
