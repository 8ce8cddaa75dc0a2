import API
import Foundation
import HTTPServer
import Redis
import Synchronization
import TestSupport
import Testing

@testable import Query

/// Rankings of 200,000 members over 30 days, compared with sums that
/// Redis makes of whole sorted sets.
@Suite struct LargeRankingTests {
    private let path = "/api/v1/app/organization/analytics/ranking/active-users"
    private let organization = "org-large"
    /// The last of them is the day of `TestService.now`.
    private static let days =
        (8...28).map { "2026-02-" + ($0 < 10 ? "0\($0)" : "\($0)") }
        + (1...9).map { "2026-03-0\($0)" }

    private struct Row: Equatable {
        let id: String
        let interactions: Int
        let flows: Int
    }

    /// One script a day, so that none takes long; `body` adds by `add(meter, member, amount)`.
    private func seed(_ service: TestService, _ body: String) throws {
        for (number, day) in LargeRankingTests.days.enumerated() {
            let script = """
                math.randomseed(\(number) + 7)
                local prefix, day, sums = ARGV[1], ARGV[2], {}
                local function add(meter, member, amount)
                  redis.call('ZINCRBY', prefix .. 'user_' .. meter .. ':day:' .. day, amount, member)
                  sums[meter] = (sums[meter] or 0) + amount
                end
                local number = \(number)
                \(body)
                for meter, sum in pairs(sums) do
                  local counts = prefix .. 'workspace:day:' .. day:sub(1, 7)
                  redis.call('HINCRBY', counts, meter .. ':' .. day:sub(9), sum)
                  local month = prefix .. 'user_' .. meter .. ':month:' .. day:sub(1, 7)
                  redis.call('ZUNIONSTORE', month, 2, month, prefix .. 'user_' .. meter .. ':day:' .. day)
                end
                """
            try service.run("EVAL", script, "0", TestService.key(organization, ""), day)
        }
    }

    /// An event of some day, as the commit script would write it.
    private func add(
        _ service: TestService, _ meter: String, _ member: String, day: String, _ amount: Int
    ) throws {
        for window in ["day:\(day)", "month:\(day.prefix(7))"] {
            try service.rank(organization, "user_\(meter):\(window)", [member: amount])
        }
        try service.add(
            organization, "\(meter):day:\(day.prefix(7))", [String(day.suffix(2)): amount])
    }

    /// The first rows, from the whole sorted sets of all days; made by a script, so that 200,000
    /// members need not travel.
    private func expected(_ service: TestService, _ limit: Int) throws -> [Row] {
        let keys = ["interactions", "agent_flows"].flatMap { meter in
            LargeRankingTests.days.map { TestService.key(organization, "user_\(meter):day:\($0)") }
        }
        let script = """
            redis.call('ZUNIONSTORE', 'sum', #KEYS, unpack(KEYS))
            redis.call('ZUNIONSTORE', 'first', #KEYS / 2, unpack(KEYS, 1, #KEYS / 2))
            local last = tonumber(ARGV[1]) - 1
            local least = redis.call('ZRANGE', 'sum', last, last, 'REV', 'WITHSCORES')[2]
            local found, rows = redis.call('ZRANGE', 'sum', least, '+inf', 'BYSCORE', 'WITHSCORES'), {}
            for i = 1, #found, 2 do
              local first = tonumber(redis.call('ZSCORE', 'first', found[i]) or 0)
              rows[#rows + 1] = {found[i], tonumber(found[i + 1]), first}
            end
            table.sort(rows, function(a, b)
              if a[2] ~= b[2] then return a[2] > b[2] end
              if a[3] ~= b[3] then return a[3] > b[3] end
              return a[1] < b[1]
            end)
            local answer = {}
            for i = 1, last + 1 do
              answer[3 * i - 2], answer[3 * i - 1], answer[3 * i] = rows[i][1], rows[i][3], rows[i][2] - rows[i][3]
            end
            return answer
            """
        let found = try service.run(["EVAL", script, String(keys.count)] + keys + [String(limit)])
            .elements
        return stride(from: 0, to: found.count, by: 3).map {
            Row(
                id: found[$0].text ?? "", interactions: Int(found[$0 + 1].integer ?? -1),
                flows: Int(found[$0 + 2].integer ?? -1))
        }
    }

    private func rows(_ answer: Answer) throws -> [Row] {
        let value = try JSONSerialization.jsonObject(with: Data(answer.body.utf8))
        return try #require(value as? [[String: Any]]).map { row in
            Row(
                id: (row["user"] as? [String: Any])?["id"] as? String ?? "",
                interactions: row["interactions_created"] as? Int ?? -1,
                flows: row["agent_flows_created"] as? Int ?? -1)
        }
    }

    private func open() throws -> (TestService, [String: String]) {
        let service = try TestService()
        service.asksAgain = false
        let key = try service.key(organization, ["workspace"], role: .read)
        try service.directory(organization, "organization", ["slug": #""large""#])
        return (service, ["Authorization": "Bearer \(key)", "x-org": "large"])
    }

    /// Asks until the answer is there: 503 says that it is being prepared.
    private func prepared(
        _ service: TestService, _ headers: [String: String], _ limit: Int
    ) throws -> Answer {
        let deadline = Date().addingTimeInterval(120)
        while Date() < deadline {
            let answer = try service.get("\(path)?limit=\(limit)", headers)
            guard answer.status == 503 else { return answer }
            #expect(answer.headers["Retry-After"] != nil)
            usleep(100_000)
        }
        throw TestFailure("the ranking was never prepared")
    }

    /// A few do most: found at once, without reading all of it.
    @Test func fewDoMost() throws {
        let (service, headers) = try open()
        try seed(
            service,
            """
            for i = 1, 14000 do
              local member = 'u' .. math.floor(math.exp(math.random() * math.log(200000)))
              add(i % 3 == 0 and 'agent_flows' or 'interactions', member, 1)
            end
            """)
        for limit in [1, 10, 100] {
            let answer = try service.get("\(path)?limit=\(limit)", headers)
            #expect(answer.status == 200)
            #expect(answer.headers["X-Odometer-Snapshot"] == nil)
            #expect(try rows(answer) == expected(service, limit))
        }
        // A month that did not keep all members apart is no bound: the late one is in days only.
        for day in LargeRankingTests.days.prefix(9) {
            try service.rank(organization, "user_interactions:day:\(day)", ["zz": 900])
            try service.rank(organization, "user_interactions:month:2026-02", ["__other__": 900])
        }
        let answer = try service.get("\(path)?limit=10", headers)
        #expect(try rows(answer) == expected(service, 10))
        #expect(try rows(answer).contains { $0.id == "zz" })
    }

    /// Events come all the time: the leader, who gets one in each round, is always there.
    @Test func changesAllTheTime() throws {
        let (service, headers) = try open()
        try seed(
            service,
            """
            for i = 1, 14000 do
              local member = 'u' .. math.floor(math.exp(math.random() * math.log(200000)))
              add(i % 3 == 0 and 'agent_flows' or 'interactions', member, 1)
            end
            """)
        let isOver = Atomic(false)
        let configuration = service.redis.configuration
        let organization = organization
        let writer = Thread {
            guard var connection = try? Connection(configuration) else { return }
            while !isOver.load(ordering: .relaxed) {
                for (meter, field) in [("interactions", "09"), ("agent_flows", "09")] {
                    let words = [
                        ["MULTI"],
                        [
                            "ZINCRBY",
                            TestService.key(organization, "user_\(meter):day:2026-03-09"), "1",
                            "u1",
                        ],
                        [
                            "ZINCRBY", TestService.key(organization, "user_\(meter):month:2026-03"),
                            "1",
                            "u1",
                        ],
                        [
                            "HINCRBY", TestService.key(organization, "workspace:day:2026-03"),
                            "\(meter):\(field)", "1",
                        ],
                        ["EXEC"],
                    ]
                    for command in words {
                        _ = try? connection.command(command.map { Array($0.utf8) })
                    }
                }
            }
        }
        writer.start()
        defer {
            isOver.store(true, ordering: .relaxed)
            while !writer.isFinished { usleep(1_000) }
        }
        var isOfSeveralMoments = false
        for _ in 0..<20 {
            let answer = try service.get("\(path)?limit=10", headers)
            #expect(answer.status == 200)
            #expect(try rows(answer).first?.id == "u1")
            isOfSeveralMoments = isOfSeveralMoments || answer.headers["X-Odometer-Snapshot"] == "no"
        }
        #expect(isOfSeveralMoments)
    }

    // Everybody once or twice: today's set is read whole. At random: only who can still get in.
    private static let shapes = [
        """
        for i = number + 1, 200000, 30 do add('interactions', 'u' .. i, 1) end
        for i = number + 1, 200000, 60 do
          add(i % 2 == 0 and 'agent_flows' or 'interactions', 'u' .. (i * 7 % 200000), 1)
        end
        """,
        """
        for i = 1, 20000 do
          add(i % 3 == 0 and 'agent_flows' or 'interactions', 'u' .. math.random(200000), 1)
        end
        """,
    ]

    /// All do about the same: prepared once, then exact for whatever is counted afterwards.
    @Test(arguments: LargeRankingTests.shapes)
    func allDoTheSame(shape: String) throws {
        let (service, headers) = try open()
        try seed(service, shape)
        let first = try service.get("\(path)?limit=10", headers)
        #expect(first.status == 503)
        #expect(first.headers["Retry-After"] != nil)
        for limit in [10, 100] {
            let answer = try prepared(service, headers, limit)
            #expect(answer.status == 200)
            #expect(answer.headers["X-Odometer-Snapshot"] == nil)
            #expect(try rows(answer) == expected(service, limit))
        }
        // Today changes all the time, and is read for each answer.
        for (member, meter) in [
            ("u9", "agent_flows"), ("new", "interactions"), ("u17", "interactions"),
        ] {
            try add(service, meter, member, day: "2026-03-09", 3)
            let answer = try service.get("\(path)?limit=10", headers)
            #expect(answer.status == 200)
            #expect(try rows(answer) == expected(service, 10))
        }
        // An event of a day that is over is seen, too: first by having it prepared again.
        try add(service, "interactions", "late", day: "2026-02-20", 50)
        #expect(try service.get("\(path)?limit=10", headers).status == 503)
        let late = try prepared(service, headers, 10)
        #expect(try rows(late) == expected(service, 10))
        #expect(try rows(late).first?.id == "late")
        // From now on that day counts as one that changes.
        try add(service, "interactions", "later", day: "2026-02-20", 60)
        let later = try service.get("\(path)?limit=10", headers)
        #expect(later.status == 200)
        #expect(try rows(later) == expected(service, 10))
    }

    /// Large rankings keep two threads at most; everything else is answered meanwhile.
    @Test func twoAtATime() throws {
        let (service, _) = try open()
        let key = try service.key(organization, ["operations"], role: .read)
        let headers = ["Authorization": "Bearer \(key)"]
        for (day, count) in [("08", 12_000), ("09", 5)] {
            try service.run(
                "EVAL", "for i = 1, ARGV[1] do redis.call('ZADD', KEYS[1], i, 'u' .. i) end", "1",
                TestService.key(organization, "user_interactions:day:2026-03-\(day)"), String(count)
            )
        }
        func status(_ day: String) throws -> Int {
            let range = "start=2026-03-\(day)T00:00:00Z&end=2026-03-\(day)T23:00:00Z"
            return try service.get("/v1/meters/user_interactions?\(range)", headers).status
        }
        #expect(try [status("08"), status("09")] == [200, 200])
        let rankings = try #require(service.worker.query.rankings)
        #expect(rankings.enter() && rankings.enter() && !rankings.enter())
        #expect(try [status("08"), status("09")] == [503, 200])
        rankings.leave()
        #expect(try [status("08"), status("09")] == [200, 200])
    }
}
