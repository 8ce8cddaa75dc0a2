import HTTPServer
import Metering
import Query

/// Connection analytics: connections by service, protocol and data center.
public struct ConnectionsDialect: Dialect {
    /// Its name in credentials and in configuration.
    public let name = "connections"
    /// Request headers that its answers depend on.
    public let credentialHeaders = "Authorization"
    /// A key in `Authorization`, with or without the scheme's name before it.
    public let scheme = CredentialScheme.bearer
    /// All of its paths are below it.
    public let root = "/api/connection-analytics"
    /// Its paths.
    public var routes: [DialectRoute] {
        [
            DialectRoute(
                "summary", root + "/summary", needs: LifetimeMeters.connections.needs,
                answer: summary)
        ]
    }

    /// The dialect.
    public init() {}

    private func summary(_ call: borrowing Call) throws(Problem) -> Reply {
        let credential = try call.requireCredential(
            call.bearerToken(isSchemeOptional: true), for: self,
            message: "Invalid or missing API key")
        guard credential.role != .write else {
            throw Problem(403, "Write keys cannot read connection analytics")
        }
        let parameters = try Parameters(
            call.request,
            known: [
                "serviceName", "protocolName", "dataCenter", "timeStart", "timeEnd", "minutes",
            ], badStatus: 400)
        let question = LifetimeQuestion(
            .connections, range: try period(parameters, nowSeconds: call.nowSeconds),
            wanted: [
                try parameters.text("serviceName"), try parameters.text("protocolName"),
                try parameters.text("dataCenter"),
            ])
        try call.requireMeters()
        if let range = question.range, range.start > call.nowSeconds {
            // Nothing is known of a future period, not even whether open connections stay open.
            return Reply(Array("[]".utf8), asOfMilliseconds: nil, isAtomic: true, range: range)
        }
        let answer: LifetimeAnswer
        do throws(QueryError) {
            answer = try call.worker.lifetimes(question, of: credential.organization)
        } catch {
            throw Call.problem(error)
        }
        var json = JSONWriter()
        json.array { list in
            for row in answer.rows {
                list.object { write(row, credential.organization, &$0) }
            }
        }
        return Reply(
            json.bytes, asOfMilliseconds: answer.asOfMilliseconds, isAtomic: answer.isAtomic,
            parked: answer.parked,
            orphans: answer.orphans, range: answer.range)
    }

    /// `{error, message}`.
    public func body(of problem: Problem) -> [UInt8] { plainErrorBody(problem) }

    private func period(_ parameters: Parameters, nowSeconds: Int64) throws(Problem) -> TimeRange? {
        let minutes = try parameters.integer("minutes", 1...525_600)
        let start = try parameters.time("timeStart")
        let end = try parameters.time("timeEnd", roundingUp: true)
        switch (minutes, start, end) {
        case (nil, nil, nil): return nil
        case (let minutes?, nil, nil):
            return TimeRange(start: nowSeconds - minutes * 60, end: nowSeconds + 1)
        case (nil, let start?, nil):
            return TimeRange(start: start, end: nowSeconds + 1)
        case (nil, nil, let end?):
            // The earliest time that an event may have.
            return TimeRange(start: Timestamp.firstSecond, end: end)
        case (nil, let start?, let end?):
            guard start <= end else { throw parameters.problem("timeStart is after timeEnd") }
            return TimeRange(start: start, end: end)
        default:
            throw parameters.problem("minutes cannot stand together with timeStart or timeEnd")
        }
    }

    private func write(
        _ row: LifetimeRow, _ organization: [UInt8], _ json: inout JSONWriter
    ) {
        json.member("organizationId", string: organization)
        for (name, value) in zip(["serviceName", "protocolName", "dataCenter"], row.group) {
            json.member(name, string: value)
        }
        json.member("totalConnections", integer: row.total)
        json.member("newConnectionsInPeriod", integer: row.opened)
        json.member("uniqueApiKeys", integer: row.distinct)
        json.member(
            "averageConnectionDurationSeconds",
            integer: row.closed > 0 ? Rounded.ratio(row.seconds, times: 1, by: row.closed) : 0)
        json.member("totalConnectionTimeSeconds", integer: row.seconds)
        write("firstConnection", row.firstNanoseconds, &json)
        write("lastConnection", row.lastNanoseconds, &json)
        write("lastActivity", row.lastActivityNanoseconds, &json)
    }

    private func write(_ name: String, _ nanoseconds: Int64?, _ json: inout JSONWriter) {
        guard let nanoseconds else { return json.memberNull(name) }
        json.name(name)
        TimeText.withSevenDecimals(nanoseconds: nanoseconds) { json.string($0) }
    }
}
