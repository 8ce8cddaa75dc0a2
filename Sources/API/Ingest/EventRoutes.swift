import HTTPServer
import Ingest
import Metering

/// Events over HTTP: `POST /v1/events`.
extension OperationsDialect {
    var eventRoutes: [DialectRoute] {
        guard let intake else { return [] }
        return [
            DialectRoute("events", root + "/events", method: .post) { call throws(Problem) in
                let credential = try call.requireCredential(
                    call.bearerToken(), for: self, message: "Invalid or missing API key")
                let organization = try EventBody.organization(of: credential)
                try Parameters.refuseAll(of: call.request, badStatus: 400)
                let body = try EventBody(call.request, hasLines: true).judged(
                    call, by: intake, organization: organization, assumesVersion: false)
                return try EventBody.send(body, by: intake) { fates in
                    .success(EventResults(body, fates).reply)
                }
            }
        ]
    }
}

/// What became of each event of a body, as it is answered.
struct EventResults {
    private let body: JudgedBody
    private let fates: [EventFate]
    private var accepted = 0
    private var rejected = 0
    private var unknown = 0

    init(_ body: JudgedBody, _ fates: [EventFate]) {
        self.body = body
        self.fates = fates
        rejected = body.verdicts.count - fates.count
        for fate in fates {
            switch fate {
            case .acknowledged: accepted += 1
            case .refused: rejected += 1
            case .unknown: unknown += 1
            }
        }
    }

    /// 200 where each event's fate is known and at least one was accepted, or there was none; 400
    /// where all were rejected; 503 where some fate is unknown.
    var reply: Reply {
        var json = JSONWriter(capacity: 128 + 64 * body.verdicts.count)
        json.beginObject()
        json.member("accepted", integer: Int64(accepted))
        json.member("rejected", integer: Int64(rejected))
        if unknown > 0 { json.member("unknown", integer: Int64(unknown)) }
        json.name("results")
        json.beginArray()
        var next = 0
        for verdict in body.verdicts {
            json.beginObject()
            switch verdict {
            case .accepted(_, let id, let isIgnored):
                write(id, fates[next], isIgnored: isIgnored, to: &json)
                next += 1
            case .rejected(let reason, let detail, let id):
                EventResults.write(id, reason: reason, detail: detail, to: &json)
            case .foreign(let id):
                EventResults.write(
                    id, reason: "organization", detail: EventResults.foreign, to: &json)
            }
            json.endObject()
        }
        json.endArray()
        json.endObject()
        var reply = Reply(json.bytes, asOfMilliseconds: nil, isAtomic: true)
        if unknown > 0 {
            reply.status = 503
            reply.headers.append(.init(name: "Retry-After", value: "1"))
        } else if accepted == 0, rejected > 0 {
            reply.status = 400
        }
        return reply
    }

    static let foreign = "subject is not the organization of this key: /subject"

    private func write(
        _ id: [UInt8], _ fate: EventFate, isIgnored: Bool, to json: inout JSONWriter
    ) {
        json.member("id", string: id)
        switch fate {
        case .acknowledged:
            json.member("outcome", string: "accepted")
            if isIgnored { json.member("ignored", bool: true) }
        case .refused:
            json.member("outcome", string: "rejected")
            json.member("reason", string: "log")
            json.member("detail", string: "Kafka does not take this event")
        case .unknown: json.member("outcome", string: "unknown")
        }
    }

    private static func write(
        _ id: [UInt8], reason: String, detail: String, to json: inout JSONWriter
    ) {
        if !id.isEmpty { json.member("id", string: id) }
        json.member("outcome", string: "rejected")
        json.member("reason", string: reason)
        json.member("detail", string: detail)
    }
}
