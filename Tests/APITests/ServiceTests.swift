import API
import Foundation
import Glibc
import HTTPServer
import Ledger
import Metering
import Query
import Testing

@Suite struct ServiceTests {
    @Test func shippedCatalogHasEverything() throws {
        #expect(try House().service.missing == [])
        let engine = QueryEngine(
            catalog: .init(), layout: KeyLayout(), clock: WallClock { 0 })
        let bare = try APIService(engine: engine, dialects: [OverviewDialect()])
        #expect(bare.missing.contains("overview: meter buckets is not in the catalog"))
    }

    @Test func pathsAndMethods() throws {
        let house = try House()
        expect(
            try house.get("/nothing"), 404,
            #"{"error":"Not Found","message":"There is nothing at this path"}"#)
        #expect(try house.get("/api/analytics/overview/").status == 404)
        for method in [HTTPServer.Method.post, .put, .delete, .options] {
            let answer = try house.send(method, "/api/v1/analytics/tokens")
            expect(
                answer, 405,
                #"{"code":"METHOD_NOT_ALLOWED","message":"The method must be one of: GET, HEAD"}"#)
            #expect(answer.headers["Allow"] == "GET, HEAD")
        }
        #expect(try house.send(.head, "/api/v1/analytics/tokens").status == 401)
        #expect(try house.get("/openapi.yaml").body == "a")
    }

    /// Never zeros: without a ledger, a directory or Redis the answer is 503.
    @Test func unavailable() throws {
        let house = try House()
        let key = try house.key("o", ["overview"])
        let headers = ["X-API-Key": key]
        let path = "/api/analytics/overview"
        let body =
            #"{"error":"Service Unavailable","message":"The numbers cannot be read at the moment"}"#
        #expect(try house.get(path, headers).status == 200)
        let ledger = "odo:1:{dir}:ledger"

        try house.run("HSET", House.marks("o"), "!torn", "why")
        expect(try house.get(path, headers), 503, body)
        try house.run("HDEL", House.marks("o"), "!torn")

        // Redis was emptied a moment ago: the shard is gone, whatever was seen of the ledger.
        try house.run("RENAME", House.marks("o"), "marks")
        expect(try house.get(path, headers), 503, body)
        try house.run("RENAME", "marks", House.marks("o"))
        #expect(try house.get(path, headers).status == 200)

        try house.run("RENAME", ledger, "kept")
        try eventually { try house.send(.get, path, headers).status == 503 }
        let absent = try house.get(path, headers)
        expect(absent, 503, body)
        #expect(absent.headers["Retry-After"] == "1")
        try house.run("RENAME", "kept", ledger)
        #expect(try house.get(path, headers).status == 200)

        // Before the directory was read nobody can say that a key is unknown.
        try house.run("HDEL", ledger, "directory:usage-directory")
        let unknown = try KeyMaker.make(
            organization: "o", role: .admin, dialects: ["overview"], createdAt: 0)
        try eventually { try house.send(.get, path, ["X-API-Key": unknown.secret]).status == 503 }
        try house.run("HSET", ledger, "directory:usage-directory", "1")
        #expect(try house.get(path, ["X-API-Key": unknown.secret]).status == 401)

        try house.run("SET", House.key("o", "totals"), "not a hash")
        expect(try house.get(path, headers), 503, body)
        try house.run("DEL", House.key("o", "totals"))
        #expect(try house.get(path, headers).status == 200)
    }

    @Test func redisAway() throws {
        let house = try House()
        let token = try signed(
            #"{"organization_id": "o", "exp": 1893456000}"#, key: House.secret)
        let headers = ["Authorization": "Bearer \(token)"]
        let path = "/api/v1/analytics/agents"
        #expect(try house.get(path, headers).status == 200)
        house.redis.freeze(true)
        let begin = Date()
        let slow = try house.get(path, headers)
        expect(
            slow, 503,
            #"{"code":"UNAVAILABLE","message":"The numbers cannot be read at the moment"}"#)
        #expect(slow.headers["Retry-After"] == "1")
        #expect(Date().timeIntervalSince(begin) < 3)
        house.redis.freeze(false)
        #expect(try house.get(path, headers).status == 200)
        house.redis.stop()
        #expect(try house.get(path, headers).status == 503)
        try house.redis.start()
        // A new Redis is empty: there is no ledger in it.
        #expect(try house.get(path, headers).status == 503)
    }

    /// The same answers through a real socket, with what only the server adds.
    @Test func throughASocket() throws {
        let house = try House()
        try house.add("o", "tokens:day:2026-03", ["09": 3])
        let token = try signed(
            #"{"organization_id": "o", "exp": 1893456000}"#, key: House.secret)
        let (service, redis) = (house.service, house.redis.configuration)
        let engine = service.engine
        var configuration = ServerConfiguration()
        configuration.threads = 2
        let server = Server<APIWorker>(
            configuration,
            makeWorker: {
                APIWorker(
                    query: QueryWorker(
                        engine: engine,
                        cells: CellReader(configuration: redis, layout: KeyLayout())))
            }, handle: { service.handle($0, $1) })
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
        service.metrics.write(to: &text)
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
