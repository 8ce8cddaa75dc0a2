import HTTPServer
import Ingest
import Query

/// Where bodies of events are taken.
public enum EventPaths {
    /// All of them, for the server's limits.
    public static let all = [
        OperationsDialect().root + "/events", "/api/v1/events", "/api/v3/openmeter/events",
    ]
}

/// A request's body of events, whatever dialect takes it.
struct EventBody {
    let form: BodyForm
    let coding: BodyCoding

    /// The form and coding that the headers of a request say.
    ///
    /// Throws 415 where they are none that is read.
    init(_ request: Request, hasLines: Bool) throws(Problem) {
        let type = request.headers.single("Content-Type").value ?? []
        guard let form = BodyForm(mediaType: type, hasLines: hasLines) else {
            throw Problem(415, "Content-Type must be \(BodyForm.mediaTypes)")
        }
        guard request.headers.count(of: "ce-specversion") == 0 else {
            throw Problem(
                415,
                "events with their attributes in headers are not taken: send the whole event "
                    + "as application/cloudevents+json")
        }
        let codings = request.headers.values(of: "Content-Encoding")
        guard codings.count <= 1, let coding = BodyCoding(contentEncoding: codings.first) else {
            throw Problem(415, "Content-Encoding must be gzip or identity")
        }
        self.form = form
        self.coding = coding
    }

    /// The organization whose events a key may send; nil: those of all.
    ///
    /// Throws 403 for a key that may not send.
    static func organization(of credential: Credential) throws(Problem) -> [UInt8]? {
        switch credential.role {
        case .write, .admin: return credential.organization
        case .operator: return nil
        case .read: throw Problem(403, "Read keys cannot send events")
        }
    }

    /// The judged events of a call's body; a refused one is a 400, 413 or 415.
    func judged(
        _ call: borrowing Call, by intake: EventIntake, organization: [UInt8]?,
        assumesVersion: Bool
    ) throws(Problem) -> JudgedBody {
        do throws(IngestRefusal) {
            let judged = try intake.judge(
                call.request.body, form, coding, organization: organization,
                assumesVersion: assumesVersion,
                nowMilliseconds: call.worker.engine.clock.nanoseconds / 1_000_000)
            call.charge.took(events: judged.verdicts.count)
            return judged
        } catch {
            let status =
                switch error.code {
                case .malformed: 400
                case .tooLarge: 413
                case .unsupported: 415
                }
            throw Problem(status, error.message)
        }
    }

    /// Sends what was accepted and answers with `reply`, which gets the fates of these events.
    static func send(
        _ body: JudgedBody, by intake: EventIntake,
        reply: @escaping @Sendable ([EventFate]) -> Result<Reply, Problem>
    ) throws(Problem) -> Reply {
        let later = Later<Result<Reply, Problem>>()
        let answer = intake.send(body) { fates in later.complete { reply(fates) } }
        switch answer {
        case .taken: break
        case .full:
            throw Problem(
                429, "Too many events wait for Kafka's acknowledgement", retryAfterSeconds: 1)
        case .closed:
            throw Problem(503, "No events are taken at the moment", retryAfterSeconds: 1)
        }
        var reply = Reply([], asOfMilliseconds: nil, isAtomic: true)
        reply.later = later
        return reply
    }
}
