import Foundation
import HTTPServer
import Ledger
import Query
import TestSupport
import Testing

@testable import API

/// What one client may take: requests, reads, and requests at the same time.
@Suite struct RequestLimitTests {
    private let meters = "/v1/meters"
    private let organization = "0b7c2f4e-6d11-4a52-9a3e-5f0c8d7e6a10"

    private func limits(
        address: Int? = nil, credential: Int? = nil, organization: Int? = nil,
        mostCommands: Int = RequestLimits.mostCommands, patience: Duration = .milliseconds(50)
    ) throws -> RequestLimits {
        // Nothing flows in within a test.
        func limiter(_ burst: Int?) throws -> RateLimiter? {
            try burst.map { try RateLimiter(perSecond: 0.001, burst: $0) }
        }
        return RequestLimits(
            perAddress: try limiter(address), perCredential: try limiter(credential),
            perOrganization: organization.map { OrganizationGate(most: $0, wait: patience) },
            mostCommands: mostCommands)
    }

    private func status(
        _ service: TestService, _ headers: [String: String], _ target: String = "/v1/meters",
        from address: RemoteAddress = RemoteAddress(192, 0, 2, 1)
    ) throws -> Int {
        let request = try Request(
            method: .get, target: Array(target.utf8),
            headers: HeaderFields(headers.map { (name: $0.key, value: $0.value) }),
            remoteAddress: address)
        return service.api.handle(service.worker, request).status
    }

    /// A service with an organization that the shape `privacy` answers for, and its headers.
    private func privacy(
        _ limits: RequestLimits
    ) throws -> (TestService, [String: String], path: String) {
        let service = try TestService(limits: limits)
        try service.directory(organization, "organization", ["name": #""O""#])
        let key = try service.key(organization, ["privacy"])
        return (service, ["x-api-key": key], "/organizations/\(organization)/metrics")
    }

    // MARK: The bucket

    @Test func oneKeyHasOneBucketHoweverItsHeaderIsWritten() throws {
        let service = try TestService(limits: try limits(credential: 3))
        let key = try service.key("o", ["operations", "connections"], role: .read)
        #expect(try status(service, ["Authorization": "Bearer \(key)"]) == 200)
        #expect(try status(service, ["Authorization": "bearer   \(key)"]) == 200)
        #expect(try status(service, ["Authorization": "BEARER \(key)"]) == 200)
        for scheme in ["Bearer ", "beaRer ", "Bearer      "] {
            let refused = try service.send(.get, meters, ["Authorization": scheme + key])
            expect(refused, 429, #"{"error":"Too Many Requests","message":"Too many requests"}"#)
            #expect(refused.headers["Retry-After"] == "1000")
        }
        // The same key in another shape, without a scheme.
        #expect(
            try status(service, ["Authorization": key], "/api/connection-analytics/summary") == 429)
        let other = try service.key("o", ["operations"], role: .read)
        #expect(try status(service, ["Authorization": "Bearer \(other)"]) == 200)
    }

    @Test func tokensOfOneSubjectHaveOneBucket() throws {
        let service = try TestService(limits: try limits(credential: 2))
        func ask(_ subject: String, _ organization: String, expiry: Int) throws -> Int {
            try ask(json: #","sub": "\#(subject)""#, organization, expiry: expiry)
        }
        func ask(json subject: String, _ organization: String, expiry: Int) throws -> Int {
            let claims =
                #"{"organization_id": "\#(organization)", "exp": \#(expiry)\#(subject)}"#
            let token = try signed(claims, key: TestService.secret)
            return try status(
                service, ["Authorization": "Bearer \(token)"], "/api/v1/analytics/agents")
        }
        #expect(try ask("u", "o", expiry: 1_893_456_000) == 200)
        #expect(try ask("u", "o", expiry: 1_893_456_001) == 200)
        #expect(try ask("u", "o", expiry: 1_893_456_002) == 429)
        #expect(try ask("v", "o", expiry: 1_893_456_000) == 200)
        #expect(try ask("u", "p", expiry: 1_893_456_000) == 200)
        // A number is a subject too, another one than the text of its
        // digits; all without one share.
        for subject in [#","sub": 7"#, #","sub": 8"#, #","sub": "7""#, ""] {
            let statuses = try (1...3).map {
                try ask(json: subject, "q", expiry: 1_893_456_000 + $0)
            }
            #expect(statuses == [200, 200, 429], "\(subject)")
        }
    }

    @Test func anAddressPaysForRequestsWithoutAValidCredentialOnly() throws {
        let service = try TestService(limits: try limits(address: 3))
        let key = try service.key("o", ["operations"], role: .read)
        let unknown = try KeyMaker.make(
            organization: "o", role: .read, dialects: ["operations"], createdAtNanoseconds: 0)
        for _ in 0..<10 {
            #expect(try status(service, ["Authorization": "Bearer \(key)"]) == 200)
        }
        #expect(try status(service, [:]) == 401)
        #expect(
            try status(service, ["Authorization": "Bearer x"], "/api/v1/analytics/agents") == 401)
        #expect(try status(service, ["Authorization": "Bearer \(unknown.secret)"]) == 401)
        #expect(try status(service, [:]) == 429)
        #expect(try status(service, ["Authorization": "Bearer \(unknown.secret)"]) == 429)
        #expect(try status(service, ["Authorization": "Bearer \(key)"]) == 200)
        #expect(try status(service, [:], from: RemoteAddress(192, 0, 2, 2)) == 401)
    }

    // MARK: Work

    @Test func theLargestDocumentedRequestIsAnsweredAndCostsWhatItReads() throws {
        let (service, headers, path) = try privacy(try limits(credential: 100))
        let projects = (1...20).map { "&project=p\($0)" }.joined()
        let large = path + "?startDate=2025-03-09T00:00:00Z&endDate=2026-03-09T00:00:00Z" + projects
        var answered = 0
        while answered < 100, try status(service, headers, large) == 200 { answered += 1 }
        // Some 7,000 commands are 3 units and that of the request.
        #expect((20...30).contains(answered), "\(answered)")
        // Another key of the organization pays for itself.
        let other = try service.key(organization, ["privacy"])
        #expect(try status(service, ["x-api-key": other], path) == 200)
    }

    @Test func aLargeTableCostsWhatItHolds() throws {
        let (service, headers, path) = try privacy(try limits(credential: 3))
        let table = TestService.key(organization, "consent_browsers:day:2026-03-09")
        try service.run(["HSET", table] + (0..<9_000).flatMap { ["b\($0)", "1"] })
        // One for the request and two for 9,000 members.
        let statuses = try (0..<2).map { _ in try status(service, headers, path) }
        #expect(statuses == [200, 429])
        #expect(RequestLimits.units(commands: 1_999, members: 2_000) == 0)
        #expect(RequestLimits.units(commands: 2_000, members: 2_000) == 1)
        #expect(RequestLimits.units(commands: 1, members: 12_000) == 3)
    }

    @Test func thePagesOfADashboardCostOneUnitEach() throws {
        let (service, headers, path) = try privacy(try limits(credential: 2))
        try service.directory("o", "organization", ["slug": #""acme""#])
        let analytics = "/api/v1/app/organization/analytics/"
        for target in [
            path + "?startDate=2025-03-09T00:00:00Z&endDate=2026-03-09T00:00:00Z",
            "/api/analytics/overview", analytics + "totals", analytics + "timeseries?type=threads",
            analytics + "ranking/active-users", analytics + "ranking/active-projects",
            "/api/connection-analytics/summary?minutes=1440",
        ] {
            var headers = headers
            let isOverview = target.hasPrefix("/api/analytics")
            if target.hasPrefix(path) {
                headers["x-api-key"] = try service.key(organization, ["privacy"])
            } else {
                let key = try service.key(
                    "o", isOverview ? ["overview"] : ["workspace", "connections"])
                headers = ["X-API-Key": key, "Authorization": "Bearer \(key)", "x-org": "acme"]
            }
            let statuses = try (0..<3).map { _ in try status(service, headers, target) }
            #expect(statuses == [200, 200, 429], "\(target)")
        }
    }

    @Test func aRequestThatNeedsTooManyReadsIsRefused() throws {
        let (service, headers, path) = try privacy(try limits(mostCommands: 20))
        let metrics = try service.send(.get, path, headers)
        #expect(metrics.status == 422)
        #expect(metrics.body.contains("at most 20 are made at once"), "\(metrics.body)")
        let key = try service.key(organization, ["operations"])
        let target = "/v1/meters/consent_users?start=2026-01-01T00:00:00Z&end=2026-02-20T00:00:00Z"
        let meter = try service.send(.get, target, ["Authorization": "Bearer \(key)"])
        #expect(meter.status == 400)
        #expect(meter.body.contains("at most 20 are made at once"), "\(meter.body)")
        #expect(try status(service, ["Authorization": "Bearer \(key)"]) == 200)
    }

    @Test func aPlanThatIsMadeAgainIsNotCountedTwiceAgainstTheBound() throws {
        let limits = RequestLimits(
            perCredential: try RateLimiter(perSecond: 0.001, burst: 200))
        let charge = RequestCharge(limits, badRequestStatus: 400)
        let hash = Array("h".utf8)
        try charge.begin(credential: hash)
        for _ in 0..<5 { try charge.admit(commands: 60_000) }
        try charge.admit(commands: RequestLimits.mostCommands)
        #expect(throws: QueryError.self) {
            try charge.admit(commands: RequestLimits.mostCommands + 1)
        }
        // 1 + 800,000 / 2,000 units were paid: half of it is a debt.
        let next = RequestCharge(limits, badRequestStatus: 400)
        #expect(throws: Problem.self) { try next.begin(credential: hash) }
    }

    // MARK: At the same time

    @Test func oneOrganizationHasSoManyRequestsAtTheSameTime() throws {
        let limits = try limits(organization: 1)
        let gate = try #require(limits.perOrganization)
        let service = try TestService(limits: limits)
        let first = try service.key("o", ["operations"])
        let second = try service.key("o", ["operations"])
        let path = "/v1/meters/buckets"
        // Both keys are known now: the gate is asked before Redis is.
        for key in [first, second] {
            #expect(try status(service, ["Authorization": "Bearer \(key)"], path) == 200)
        }
        #expect(gate.count(of: Array("o".utf8)) == 0)

        // A key that was revoked is nobody's, and takes no place.
        let revoked = try service.key("o", ["operations"])
        #expect(try status(service, ["Authorization": "Bearer \(revoked)"], path) == 200)
        let hash = try #require(APIKey(Array(revoked.utf8))).hash
        try service.run(
            "HSET", "odo:1:{dir}:credential:\(String(decoding: hash, as: UTF8.self))", "revokedAt",
            #""2026-01-01T00:00:00Z""#)
        #expect(try status(service, ["Authorization": "Bearer \(revoked)"], path) == 401)

        service.redis.freeze(true)
        let (api, engine) = (service.api, service.api.engine)
        let redis = service.redis.configuration
        let slow = SettableTime(0)
        let request = try Request(
            method: .get, target: Array(path.utf8),
            headers: HeaderFields([("Authorization", "Bearer \(first)")]))
        Thread.detachNewThread {
            let cells = CellReader(configuration: redis, layout: KeyLayout())
            let worker = APIWorker(query: QueryWorker(engine: engine, cells: cells))
            slow.set(Int64(api.handle(worker, request).status))
        }
        let deadline = Date().addingTimeInterval(10)
        while gate.count(of: Array("o".utf8)) == 0, Date() < deadline { usleep(1_000) }
        let refused = try service.send(.get, path, ["Authorization": "Bearer \(second)"])
        #expect(refused.status == 429)
        #expect(refused.headers["Retry-After"] == "1")
        #expect(refused.body.contains("at the same time"), "\(refused.body)")
        // Not 429: it is looked for in Redis, which is frozen.
        #expect(try status(service, ["Authorization": "Bearer \(revoked)"], path) == 503)
        service.redis.freeze(false)
        while slow.nanoseconds == 0, Date() < deadline { usleep(1_000) }
        #expect(slow.nanoseconds != 0)
        #expect(gate.count(of: Array("o".utf8)) == 0)
        #expect(try status(service, ["Authorization": "Bearer \(second)"], path) == 200)
    }

    @Test func aRequestWaitsForAPlaceAndPaysOneUnit() throws {
        let limits = try limits(credential: 2, organization: 1, patience: .seconds(20))
        let gate = try #require(limits.perOrganization)
        let service = try TestService(limits: limits)
        let header = "Bearer \(try service.key("o", ["operations"]))"
        let organization = Array("o".utf8)
        #expect(gate.enter(organization))
        Thread.detachNewThread {
            // Leaves when the request has come.
            while gate.waitingCount(of: organization) == 0 { usleep(1_000) }
            gate.leave(organization)
        }
        #expect(try status(service, ["Authorization": header]) == 200)
        #expect(gate.count(of: organization) == 0 && gate.waitingCount(of: organization) == 0)
        #expect(try status(service, ["Authorization": header]) == 200)
        #expect(try status(service, ["Authorization": header]) == 429)
    }

    @Test func manyGetInOneAfterTheOtherAndTheWaitHasAnEnd() throws {
        let organization = Array("o".utf8)
        let gate = OrganizationGate(most: 6, wait: .seconds(60))
        let refused = SettableTime(0)
        DispatchQueue.concurrentPerform(iterations: 8) { _ in
            for _ in 0..<500 {
                if gate.enter(organization) { gate.leave(organization) } else { refused.set(1) }
            }
        }
        #expect(refused.nanoseconds == 0 && gate.count(of: organization) == 0)

        // Without a place for the whole time it is refused, and waits no more.
        let short = OrganizationGate(most: 1, wait: .milliseconds(1))
        #expect(short.enter(organization))
        #expect(!short.enter(organization))
        #expect(short.waitingCount(of: organization) == 0)
        #expect(short.enter(Array("p".utf8)))
        short.leave(organization)
        #expect(short.enter(organization))
    }
}
