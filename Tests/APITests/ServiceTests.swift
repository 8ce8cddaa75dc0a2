import API
import Catalog
import Foundation
import Glibc
import HTTPServer
import Ledger
import Metering
import Query
import TestSupport
import Testing

@Suite struct ServiceTests {
    @Test func shippedCatalogHasEverything() throws {
        #expect(try TestService().api.missing.isEmpty)
        let engine = QueryEngine(
            catalog: .init(), layout: KeyLayout(), clock: WallClock { 0 })
        let bare = try APIService(
            engine: engine, dialects: Dialects.all(verifier: nil))
        // One entry for each API, which is one line of the log, and in it each meter once.
        #expect(
            bare.missing.map(\.dialect)
                == ["overview", "workspace", "connections", "privacy", "identity"])
        #expect(bare.missing.last?.list == "tokens, agent_activity, agent_tokens")
        #expect(
            bare.missing.first?.lines.first == "overview: meter buckets is not in the catalog")
        for api in bare.missing { #expect(Set(api.lines).count == api.lines.count) }
    }

    @Test func pathsAndMethods() throws {
        let service = try TestService()
        let plain = #"{"error":"Not Found","message":"There is nothing at this path"}"#
        let coded =
            #"{"statusCode":404,"error":"Not Found","message":"There is nothing at this path"}"#
        let openMeter =
            #"{"type":"about:blank","title":"Not Found","status":404,"detail":"There is nothing at this path"}"#
        let identity = #"{"code":"NOT_FOUND","message":"There is nothing at this path"}"#
        for (path, body) in [
            ("/nothing", plain), ("/api/analytics/overviews", plain), ("/v1", plain),
            ("/organizations", coded), ("/organizations/x", coded),
            ("/organizations/x/metrics/y", coded), ("/organizationsx", plain),
            ("/api/v1/analytics/", identity), ("/api/v1/analytics/token", identity),
            ("/api/v1/analytic", openMeter),
        ] {
            expect(try service.get(path), 404, body)
        }
        #expect(try service.get("/api/analytics/overview/").status == 404)
        for method in [HTTPServer.Method.post, .put, .delete, .options] {
            let answer = try service.send(method, "/api/v1/analytics/tokens")
            expect(
                answer, 405,
                #"{"code":"METHOD_NOT_ALLOWED","message":"The method must be one of: GET, HEAD"}"#)
            #expect(answer.headers["Allow"] == "GET, HEAD")
        }
        #expect(try service.send(.head, "/api/v1/analytics/tokens").status == 401)
        #expect(try service.get("/openapi.yaml").body == "a")
    }

    /// RFC 9110 asks for a challenge with every 401, RFC 6750 for an
    /// error code where there was a token.
    @Test func challenges() throws {
        let service = try TestService()
        let bearer = #"Bearer realm="odometer""#
        let invalid = bearer + #", error="invalid_token""#
        for (path, header, value, challenge) in [
            ("/api/analytics/overview", "X-API-Key", nil, #"ApiKey realm="odometer""#),
            ("/api/analytics/overview", "X-API-Key", "x", #"ApiKey realm="odometer""#),
            ("/organizations/x/metrics", "x-api-key", "x", #"ApiKey realm="odometer""#),
            ("/api/v1/app/organization/analytics/totals", "Authorization", nil, bearer),
            ("/api/v1/app/organization/analytics/totals", "Authorization", "Basic eDp5", bearer),
            ("/api/v1/app/organization/analytics/totals", "Authorization", "Bearer x", invalid),
            ("/api/connection-analytics/summary", "Authorization", nil, bearer),
            ("/api/connection-analytics/summary", "Authorization", "x", invalid),
            ("/api/v1/analytics/tokens", "Authorization", nil, bearer),
            ("/api/v1/analytics/tokens", "Authorization", "bearer x", invalid),
            ("/v1/meters", "Authorization", nil, bearer),
            ("/v1/meters/tokens", "Authorization", "Bearer x", invalid),
        ] as [(String, String, String?, String)] {
            let answer = try service.get(path, value.map { [header: $0] } ?? [:])
            #expect(answer.status == 401, "\(path)")
            #expect(answer.headers["WWW-Authenticate"] == challenge, "\(path) \(value ?? "")")
        }
        let key = ["Authorization": "Bearer \(try service.key("o", ["operations"]))"]
        #expect(try service.get("/v1/meters", key).headers["WWW-Authenticate"] == nil)
    }

    /// Without its meters a route says 501 and which they are, to those who may read it.
    @Test func metersThatTheCatalogDoesNotHave() throws {
        let service = try TestService(catalog: .init())
        let organization = "497f6eca-6276-4993-bfeb-53cbbbba6f08"
        try service.directory(organization, "organization", ["name": #""N""#, "slug": #""s""#])
        let key = try service.key(
            organization, ["workspace", "connections", "privacy", "operations"])
        let overview = try service.key(organization, ["overview"])
        let token = try signed(
            #"{"organization_id": "\#(organization)", "exp": 1893456000}"#, key: TestService.secret)
        let workspace = "/api/v1/app/organization/analytics"
        let bearer = ["Authorization": "Bearer \(key)", "x-org": "s"]
        let identity = ["Authorization": "Bearer \(token)"]
        let message = "The catalog does not have what this needs: "
        for (path, headers, meters) in [
            ("/api/analytics/overview", ["X-API-Key": overview], "buckets, data_sources"),
            (workspace + "/totals", bearer, "projects, threads, artifacts, projects_created"),
            (
                workspace + "/ranking/active-users", bearer,
                "user_interactions, user_agent_flows\""
            ),
            (
                workspace + "/ranking/active-projects", bearer,
                "project_interactions, project_agent_flows\""
            ),
            (workspace + "/timeseries?type=agent_flows", bearer, "agent_flows\""),
            ("/api/connection-analytics/summary", bearer, "connections_open, connections_opened"),
            ("/organizations/\(organization)/metrics", ["x-api-key": key], "sessions, consents"),
            ("/api/v1/analytics/tokens", identity, "tokens\""),
            ("/api/v1/analytics/agents", identity, "agent_tokens\""),
            ("/api/v1/analytics/agents/activity", identity, "agent_activity\""),
        ] {
            let answer = try service.get(path, headers)
            #expect(answer.status == 501, "\(path): \(answer.body)")
            #expect(answer.body.contains("\(message)\(meters)"), "\(path): \(answer.body)")
            #expect(try service.get(path).status == 401, "\(path)")
        }
        expect(
            try service.get("/api/v1/analytics/tokens", identity), 501,
            #"{"code":"NOT_IMPLEMENTED","message":"\#(message)tokens"}"#)
        expect(
            try service.get(workspace + "/timeseries?type=threads", bearer), 501,
            #"{"error":"Not Implemented","message":"\#(message)threads_created"}"#)
        #expect(
            try service.get("/organizations/\(organization)/metrics", ["x-api-key": key]).body
                .hasPrefix(#"{"statusCode":501,"error":"Not Implemented","message":""#))
        #expect(try service.get("/v1/meters", bearer).status == 200)
    }

    /// A meter of the right name but of another kind, or without a window, would show zeros.
    @Test func metersThatAreOtherwise() throws {
        let catalog = """
            version: 1
            events:
              token.issued:
                fields:
                  agent: {at: /data/agent, required: true}
            meters:
              tokens:
                kind: count
                windows: [month]
                on: [{event: token.issued}]
              agent_tokens:
                kind: ranking
                windows: [month]
                by: [agent]
                on: [{event: token.issued}]
            """
        let service = try TestService(
            catalog: try CatalogReader.read(files: [("own.yaml", Array(catalog.utf8))]))
        let token = try signed(
            #"{"organization_id": "o", "exp": 1893456000}"#, key: TestService.secret)
        let headers = ["Authorization": "Bearer \(token)"]
        expect(
            try service.get("/api/v1/analytics/tokens", headers), 501,
            #"{"code":"NOT_IMPLEMENTED","message":"The catalog does not have what this needs: tokens (does not keep the window day)"}"#
        )
        #expect(try service.get("/api/v1/analytics/agents", headers).status == 200)
    }

    /// Never zeros: without a ledger, a directory or Redis the answer is 503.
    @Test func unavailable() throws {
        let service = try TestService()
        let key = try service.key("o", ["overview"])
        let headers = ["X-API-Key": key]
        let path = "/api/analytics/overview"
        let body =
            #"{"error":"Service Unavailable","message":"The numbers cannot be read at the moment"}"#
        #expect(try service.get(path, headers).status == 200)
        let ledger = "odo:1:{dir}:ledger"

        try service.run("HSET", TestService.marks("o"), "!torn", "why")
        expect(try service.get(path, headers), 503, body)
        try service.run("HDEL", TestService.marks("o"), "!torn")

        // Redis was emptied a moment ago: the shard is gone, whatever was seen of the ledger.
        try service.run("RENAME", TestService.marks("o"), "marks")
        expect(try service.get(path, headers), 503, body)
        try service.run("RENAME", "marks", TestService.marks("o"))
        #expect(try service.get(path, headers).status == 200)

        try service.run("RENAME", ledger, "kept")
        try eventually { try service.send(.get, path, headers).status == 503 }
        let absent = try service.get(path, headers)
        expect(absent, 503, body)
        #expect(absent.headers["Retry-After"] == "1")
        try service.run("RENAME", "kept", ledger)
        #expect(try service.get(path, headers).status == 200)

        // Before the directory was read nobody can say that a key is unknown.
        try service.run("HDEL", ledger, "directory:usage-directory")
        let unknown = try KeyMaker.make(
            organization: "o", role: .admin, dialects: ["overview"], createdAtNanoseconds: 0)
        try eventually { try service.send(.get, path, ["X-API-Key": unknown.secret]).status == 503 }
        try service.run("HSET", ledger, "directory:usage-directory", "1")
        #expect(try service.get(path, ["X-API-Key": unknown.secret]).status == 401)

        try service.run("SET", TestService.key("o", "totals"), "not a hash")
        expect(try service.get(path, headers), 503, body)
        try service.run("DEL", TestService.key("o", "totals"))
        #expect(try service.get(path, headers).status == 200)
    }

    @Test func redisAway() throws {
        let service = try TestService()
        let token = try signed(
            #"{"organization_id": "o", "exp": 1893456000}"#, key: TestService.secret)
        let headers = ["Authorization": "Bearer \(token)"]
        let path = "/api/v1/analytics/agents"
        #expect(try service.get(path, headers).status == 200)
        service.redis.freeze(true)
        let begin = Date()
        let slow = try service.get(path, headers)
        expect(
            slow, 503,
            #"{"code":"UNAVAILABLE","message":"The numbers cannot be read at the moment"}"#)
        #expect(slow.headers["Retry-After"] == "1")
        #expect(Date().timeIntervalSince(begin) < 3)
        service.redis.freeze(false)
        #expect(try service.get(path, headers).status == 200)
        service.redis.stop()
        #expect(try service.get(path, headers).status == 503)
        try service.redis.start()
        // A new Redis is empty: there is no ledger in it.
        #expect(try service.get(path, headers).status == 503)
    }

    /// The same answers through a real socket, with what only the server adds.
    @Test func throughASocket() throws {
        let service = try TestService()
        try service.add("o", "tokens:day:2026-03", ["09": 3])
        let token = try signed(
            #"{"organization_id": "o", "exp": 1893456000}"#, key: TestService.secret)
        let (api, redis) = (service.api, service.redis.configuration)
        let engine = api.engine
        var configuration = ServerConfiguration()
        configuration.threads = 2
        let server = Server<APIWorker>(
            configuration,
            makeWorker: {
                APIWorker(
                    query: QueryWorker(
                        engine: engine,
                        cells: CellReader(configuration: redis, layout: KeyLayout())))
            }, handle: { api.handle($0, $1) })
        try server.start()
        defer { server.stop() }
        let head = "Host: x\r\nConnection: close\r\nAuthorization: Bearer \(token)\r\n"
        let path = "/api/v1/analytics/tokens?days=1"
        let first = try fetch(server.port, "GET \(path) HTTP/1.1\r\n\(head)\r\n")
        #expect(first.hasPrefix("HTTP/1.1 200 OK\r\n"))
        #expect(
            first.hasSuffix(
                #"{"tenantId":"o","days":1,"data":[{"date":"2026-03-09","count":3}]}"#))
        #expect(first.contains("Content-Type: application/json\r\n"))
        #expect(first.contains("Cache-Control: private, no-cache\r\n"))
        #expect(first.contains("Vary: Authorization\r\n"))
        let tag = try #require(
            first.components(separatedBy: "ETag: ").last?.components(separatedBy: "\r\n").first)
        let second = try fetch(
            server.port, "GET \(path) HTTP/1.1\r\n\(head)If-None-Match: \(tag)\r\n\r\n")
        #expect(second.hasPrefix("HTTP/1.1 304 "))
        #expect(second.hasSuffix("\r\n\r\n"))
        let bodiless = try fetch(server.port, "HEAD \(path) HTTP/1.1\r\n\(head)\r\n")
        #expect(bodiless.hasPrefix("HTTP/1.1 200 OK\r\n") && bodiless.hasSuffix("\r\n\r\n"))
        let refused = try fetch(
            server.port, "GET \(path) HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        #expect(refused.hasPrefix("HTTP/1.1 401 "))
        var text = PrometheusText()
        api.metrics.write(to: &text)
    }

    private func fetch(_ port: Int, _ request: String) throws -> String {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(
            descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else { throw TestFailure("cannot connect") }
        let bytes = Array(request.utf8)
        guard Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count
        else { throw TestFailure("cannot send") }
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { break }
            answer += buffer[..<count]
        }
        return String(decoding: answer, as: UTF8.self)
    }

    private func eventually(_ condition: () throws -> Bool) throws {
        let deadline = Date().addingTimeInterval(10)
        while try !condition() {
            guard Date() < deadline else { throw TestFailure("not in 10 s") }
            usleep(50_000)
        }
    }
}
