import API
import Catalog
import Foundation
import HTTPServer
import Ingest
import Ledger
import Metering
import Query
import Redis
import Synchronization
import TestSupport
import Testing

/// The service with the shipped catalog before a private Redis, at 2026-03-09T14:07:31Z (a Monday).
///
/// Cells are seeded by names written out as schemas/redis.md has them; those of families as if each
/// meter had keys of its own (`FamilyNames`).
final class TestService {
    static let now = "2026-03-09T14:07:31Z"
    static let secret = Array("a secret of more than thirty-two bytes".utf8)

    let redis: TestRedis
    let api: APIService
    let worker: APIWorker
    /// Whether an answer is asked for once more, which must not change it.
    var asksAgain: Bool
    private let time: SettableTime
    private var connection: Connection

    init(
        hasLedger: Bool = true, limits: RequestLimits = RequestLimits(),
        catalog: MeterCatalog? = nil, events: (any EventLog)? = nil
    ) throws {
        let redis = try TestRedis(commandTimeoutMilliseconds: 10_000)
        let time = SettableTime(try TestService.nanoseconds(TestService.now))
        let layout = KeyLayout()
        let meters = try catalog ?? TestService.catalog()
        let engine = QueryEngine(
            catalog: meters, layout: layout, clock: WallClock { time.nanoseconds })
        self.redis = redis
        self.time = time
        asksAgain = limits.perCredential == nil
        let intake = try events.map { log in
            try EventIntake(catalog: meters, futureBoundMilliseconds: 300_000, log: log)
        }
        api = try APIService(
            engine: engine,
            dialects: Dialects.all(
                verifier: try TokenVerifier(algorithm: .hs256, key: TestService.secret),
                portal: try PortalTokens(secret: TestService.secret),
                intake: intake),
            documents: [
                Document(path: "/openapi.yaml", contentType: "application/yaml", body: [0x61])
            ], limits: limits)
        worker = TestService.worker(engine, redis, layout)
        connection = try Connection(redis.configuration)
        if hasLedger {
            try run("HSET", "odo:1:{dir}:ledger", "layout", "1", "shards", "256", "hash", "fnv1a32")
            try run("HSET", "odo:1:{dir}:ledger", "directory:usage-directory", "1")
            try run("HSET", "odo:1:{dir}:ledger", "origin:usage-events/0", "0 0")
            for shard in 0..<256 {
                let tag = layout.tag(of: shard)
                try run("HSET", "odo:1:{\(tag)}:marks", "!contract", "1:a")
            }
        }
    }

    static func worker(
        _ engine: QueryEngine, _ redis: TestRedis, _ layout: KeyLayout
    ) -> APIWorker {
        let configuration = redis.configuration
        return APIWorker(
            query: QueryWorker(
                engine: engine, cells: CellReader(configuration: configuration, layout: layout),
                rankings: RankingMemory {
                    QueryWorker(
                        engine: engine,
                        cells: CellReader(configuration: configuration, layout: layout))
                }))
    }

    static func catalog() throws -> MeterCatalog {
        try CatalogReader.read(files: Checkout.shippedMeters())
    }

    static func nanoseconds(_ text: String) throws -> Int64 {
        try #require(TimeText.nanoseconds(rfc3339: text.utf8))
    }

    func setNow(_ text: String) throws { time.set(try TestService.nanoseconds(text)) }

    // MARK: Seeding

    @discardableResult
    func run(_ words: String...) throws -> ReplyValue { try run(words) }

    @discardableResult
    func run(_ words: [String]) throws -> ReplyValue {
        try connection.command(FamilyNames.placed(words).map { Array($0.utf8) })
    }

    /// A key of an organization: `odo:1:{SHARD}:ORG:REST`.
    static func key(_ organization: String, _ rest: String) -> String {
        var hash: UInt32 = 2_166_136_261
        for byte in organization.utf8 { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
        let tag = KeyLayout().tag(of: Int(hash % 256))
        return "odo:1:{\(tag)}:\(organization):\(rest)"
    }

    /// The marks of an organization's shard.
    static func marks(_ organization: String) -> String {
        key(organization, "").prefix { $0 != "}" } + "}:marks"
    }

    func add(_ organization: String, _ rest: String, _ fields: [String: Int]) throws {
        for (field, value) in fields {
            try run("HINCRBY", TestService.key(organization, rest), field, String(value))
        }
    }

    func set(_ organization: String, _ rest: String, _ field: String, _ value: String) throws {
        try run("HSET", TestService.key(organization, rest), field, value)
    }

    func rank(_ organization: String, _ rest: String, _ members: [String: Int]) throws {
        for (member, score) in members {
            try run("ZINCRBY", TestService.key(organization, rest), String(score), member)
        }
    }

    func distinct(_ organization: String, _ rest: String, _ members: [String]) throws {
        for member in members { try run("PFADD", TestService.key(organization, rest), member) }
    }

    /// A profile of JSON members; `@offset` says that it is there.
    func directory(_ organization: String, _ rest: String, _ members: [String: String]) throws {
        let key = TestService.key(organization, "directory:\(rest)")
        try run("HSET", key, "@offset", "7")
        for (name, json) in members { try run("HSET", key, name, json) }
    }

    /// The mark of one partition and its last record, of the clock's time.
    func mark(_ organization: String, milliseconds: Int64) throws {
        try run(
            "HSET", TestService.marks(organization), "usage-events/0", "5", "usage-events/0@",
            "4 \(milliseconds) 00")
    }

    /// 20 digits of a time in nanoseconds + 2^63.
    static func digits(_ text: String) throws -> String {
        let value = UInt64(bitPattern: try nanoseconds(text)) ^ (1 << 63)
        return String(repeating: "0", count: 20 - String(value).count) + String(value)
    }

    /// A live key, with its record in the directory.
    func key(
        _ organization: String, _ dialects: [String], role: Role = .admin,
        expiresAt: Int64? = nil
    ) throws -> String {
        let key = try KeyMaker.make(
            organization: organization, role: role, dialects: dialects, createdAtNanoseconds: 0,
            expiresAtNanoseconds: expiresAt)
        for (name, json) in key.members {
            try run(
                "HSET", "odo:1:{dir}:credential:\(key.hash)", name,
                String(decoding: json, as: UTF8.self))
        }
        return key.secret
    }

    // MARK: Asking

    func get(_ target: String, _ headers: [String: String] = [:]) throws -> Answer {
        let answer = try send(.get, target, headers)
        if asksAgain, answer.status == 200 {
            // What is known of the first request lets the second one read everything at once.
            let again = try send(.get, target, headers)
            #expect(again.status == 200 && again.json == answer.json, "\(target)")
            #expect(again.headers == answer.headers, "\(target)")
        }
        return answer
    }

    func send(
        _ method: HTTPServer.Method, _ target: String, _ headers: [String: String] = [:],
        body: [UInt8] = []
    ) throws -> Answer {
        let request = try Request(
            method: method, target: Array(target.utf8),
            headers: HeaderFields(headers.map { (name: $0.key, value: $0.value) }), body: body)
        let response = api.handle(worker, request)
        let answer = Answer(response.later?.take() ?? response)
        TestService.keep(answer, of: request, target: target)
        return answer
    }

    /// Where TEST_ANSWERS names a file, every answer goes there as one line of JSON, so that it
    /// can be compared with the published description.
    private static func keep(_ answer: Answer, of request: Request, target: String) {
        guard let file = ProcessInfo.processInfo.environment["TEST_ANSWERS"],
            request.method == .get || request.method == .post
        else { return }
        let body = try? JSONSerialization.jsonObject(with: Data(answer.body.utf8))
        let names = Set(answer.headers.keys)
        let line: [String: Any] = [
            "method": request.method.name.lowercased(), "type": answer.contentType ?? "",
            "target": target, "status": answer.status, "body": body ?? NSNull(),
            "headers": names.sorted(),
        ]
        guard let data = try? JSONSerialization.data(withJSONObject: line) else { return }
        let descriptor = open(file, O_WRONLY | O_APPEND | O_CREAT, 0o644)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        // One call for the whole line: tests run side by side.
        let whole = data + Data("\n".utf8)
        _ = whole.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    }
}

/// A clock that tests set.
final class SettableTime: Sendable {
    private let value: Atomic<Int64>
    init(_ nanoseconds: Int64) { value = Atomic(nanoseconds) }
    var nanoseconds: Int64 { value.load(ordering: .relaxed) }
    func set(_ nanoseconds: Int64) { value.store(nanoseconds, ordering: .relaxed) }
}

/// An answer, with its body in a form that compares.
struct Answer {
    let status: Int
    let headers: [String: String]
    let body: String
    let vary: String?
    let contentType: String?

    init(_ response: Response) {
        status = response.status
        contentType = response.contentType
        headers = Dictionary(
            response.headers.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
        vary = response.vary
        body = String(decoding: response.body, as: UTF8.self)
    }

    /// The body with sorted names.
    var json: String { sortedJSON(body) }
}

/// JSON with the names of objects sorted, so that two texts of one value are equal.
func sortedJSON(_ text: String) -> String {
    guard
        let value = try? JSONSerialization.jsonObject(
            with: Data(text.utf8), options: [.fragmentsAllowed]),
        let data = try? JSONSerialization.data(
            withJSONObject: value, options: [.sortedKeys, .fragmentsAllowed])
    else { return "not JSON: \(text)" }
    return String(decoding: data, as: UTF8.self)
}

/// Compares a whole answer.
func expect(
    _ answer: Answer, _ status: Int = 200, _ body: String,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(answer.status == status, sourceLocation: sourceLocation)
    #expect(answer.json == sortedJSON(body), sourceLocation: sourceLocation)
}
