import Metering

/// An event that counting would take, as it is sent to the log.
public struct OutgoingEvent: Sendable {
    /// The record's key: the organization.
    public var key: [UInt8]
    /// One structured CloudEvent.
    public var value: ArraySlice<UInt8>

    /// An event of these parts.
    public init(key: [UInt8], value: ArraySlice<UInt8>) {
        self.key = key
        self.value = value
    }
}

/// What is said of one event of a body.
public enum IngestVerdict: Sendable {
    /// It goes to the log; `isIgnored`: no meter takes its type.
    case accepted(OutgoingEvent, id: [UInt8], isIgnored: Bool)
    /// It does not: a word for programs, and what is wrong and where; the id, where it is known.
    case rejected(reason: String, detail: String, id: [UInt8])
    /// It is of another organization than the sender's.
    case foreign(id: [UInt8])
}

/// Says of events what counting would say of them, by the same code; one thread at a time.
final class EventJudge {
    private var program: Program

    init(
        _ catalog: MeterCatalog, futureBoundMilliseconds: Int64
    ) throws(ProgramError) {
        // Shards and the key of duplicates change no verdict.
        program = try Program(
            catalog: catalog, shardCount: 1, dedupeKey: (0, 0),
            futureBoundMilliseconds: futureBoundMilliseconds)
    }

    /// Reads one event of a body.
    ///
    /// - Parameters:
    ///   - organization: whose events are taken; nil: those of all.
    ///   - assumesVersion: whether an event without `specversion` is one of version 1.0.
    func read(
        _ event: ArraySlice<UInt8>, organization: [UInt8]?, assumesVersion: Bool,
        nowMilliseconds: Int64
    ) -> IngestVerdict {
        guard event.count <= IngestLimits.eventBytes else {
            return .rejected(
                reason: Outcome.malformed.name,
                detail: "event larger than \(IngestLimits.eventBytes) bytes", id: [])
        }
        var event = event
        var verdict = verdict(event, nowMilliseconds)
        if assumesVersion, verdict.rejection == .specversion,
            let versioned = EventJudge.versioned(event)
        {
            let second = self.verdict(versioned, nowMilliseconds)
            // Twice there means that the event has one of its own, which is not 1.0.
            if second.rejection != .duplicateMember {
                (event, verdict) = (versioned, second)
            }
        }
        if verdict.outcome != .malformed, let organization, verdict.subject != organization {
            return .foreign(id: verdict.id)
        }
        if let detail = verdict.detail {
            return .rejected(reason: verdict.outcome.name, detail: detail, id: verdict.id)
        }
        return .accepted(
            OutgoingEvent(key: verdict.subject, value: event), id: verdict.id,
            isIgnored: verdict.outcome == .ignored)
    }

    private func verdict(_ event: ArraySlice<UInt8>, _ now: Int64) -> EventVerdict {
        event.withUnsafeBytes { program.verdict(on: $0, timestampMilliseconds: now) }
    }

    /// The event with the member `specversion` in front; nil where it is no object with members.
    private static func versioned(_ event: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard event.first == UInt8(ascii: "{") else { return nil }
        let rest = event.dropFirst()
        guard let next = rest.first(where: { $0 > 0x20 }), next != UInt8(ascii: "}") else {
            return nil
        }
        return ArraySlice(Array("{\"specversion\":\"1.0\",".utf8) + rest)
    }
}
