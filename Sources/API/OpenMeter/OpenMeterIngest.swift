import HTTPServer
import Ingest
import Query

/// OpenMeter's ingest of both versions: all events of a body are sent, or none.
///
/// An event without `specversion` is one of version 1.0, one without a time gets the time at which
/// it came.
struct OpenMeterIngest: Sendable {
    private let intake: EventIntake
    /// The status of a body whose events were all acknowledged.
    private let status: Int

    /// Version 1, which answers 204.
    static func version1(_ intake: EventIntake) -> OpenMeterIngest {
        OpenMeterIngest(intake: intake, status: 204)
    }

    /// Version 3, which answers 202.
    static func version3(_ intake: EventIntake) -> OpenMeterIngest {
        OpenMeterIngest(intake: intake, status: 202)
    }

    private init(intake: EventIntake, status: Int) {
        self.intake = intake
        self.status = status
    }

    /// The route below a dialect's root; its keys are those of `dialect`.
    func route(_ root: String, keys dialect: some Dialect) -> DialectRoute {
        DialectRoute("events_post", root + "/events", method: .post) { call throws(Problem) in
            let credential = try call.requireCredential(
                call.bearerToken(), for: dialect, message: "Invalid or missing API key")
            return try self.answer(call, try EventBody.organization(of: credential))
        }
    }

    private func answer(
        _ call: borrowing Call, _ organization: [UInt8]?
    ) throws(Problem) -> Reply {
        try Parameters.refuseAll(of: call.request, badStatus: 400)
        let body: JudgedBody
        do throws(Problem) {
            body = try EventBody(call.request, hasLines: false).judged(
                call, by: intake, organization: organization, assumesVersion: true)
        } catch {
            // OpenMeter has no 415.
            throw error.status == 415 ? Problem(400, error.message) : error
        }
        try OpenMeterIngest.requireAll(body)
        return try EventBody.send(body, by: intake) { [status] fates in
            let missing = fates.count { $0 != .acknowledged }
            guard missing == 0 else {
                return .failure(
                    Problem(
                        503,
                        "Kafka has not acknowledged \(missing) of \(fates.count) events in time: "
                            + "send all of them again, with the same id and source",
                        retryAfterSeconds: 1))
            }
            var reply = Reply([], asOfMilliseconds: nil, isAtomic: true)
            reply.status = status
            return .success(reply)
        }
    }

    /// Throws 400 or 403 for the first event that is not accepted; 400 where there is none at all.
    private static func requireAll(_ body: JudgedBody) throws(Problem) {
        guard !body.verdicts.isEmpty else { throw Problem(400, "invalid event: no events") }
        for (index, verdict) in body.verdicts.enumerated() {
            let place = body.verdicts.count == 1 ? "" : "event \(index): "
            switch verdict {
            case .accepted: continue
            case .rejected(_, let detail, _):
                throw Problem(400, "invalid event: \(place)\(detail)")
            case .foreign: throw Problem(403, place + EventResults.foreign)
            }
        }
    }
}
