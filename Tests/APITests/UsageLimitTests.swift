import Query
import TestSupport
import Testing
import Zones

@testable import API

/// Limits as the directory has them, and what is remembered of them.
@Suite struct UsageLimitTests {
    private func refusal(_ limit: String) -> String? {
        UsageLimit.refusal(Array("[\(limit)]".utf8))
    }

    @Test func everyMemberIsRead() throws {
        let text = """
            [{"meter": "calls", "limit": 10.50, "period": "billing", "anchor": 3e1,
              "zone": "Europe/Berlin", "filter": {"model": ["a", "b"], "site": "ü"},
              "mode": "soft", "onUnavailable": "deny"},
             {"meter": "calls", "limit": null, "period": "day"}]
            """
        let limits = try UsageLimit.list(Array(text.utf8))
        var first = UsageLimit(meter: "calls", limit: "10.50")
        first.period = .billing(anchor: 30)
        first.zone = "Europe/Berlin"
        first.filters = [
            DimensionFilter("model", [[97], [98]]), DimensionFilter("site", [Array("ü".utf8)]),
        ]
        first.mode = .soft
        first.onUnavailable = .deny
        #expect(limits[0] == first)
        var second = UsageLimit(meter: "calls")
        second.period = .day
        #expect(limits[1] == second)
        #expect(second.mode == .hard && second.onUnavailable == .allow && second.zone == "UTC")
    }

    @Test func everythingElseIsRefusedWithItsMember() {
        let good = #""meter": "calls", "limit": 1"#
        #expect(refusal("{\(good)}") == nil)
        #expect(refusal("{\(good), \"period\": \"billing\"}") == nil)
        let wrong = [
            (#"1"#, "limits[0] must be an object"), (#"{"meter": "calls"}"#, "limit is missing"),
            (#"{"limit": 1}"#, "meter is missing"),
            (#"{"meter": "A b", "limit": 1}"#, "meter must"),
            (#"{"meter": "calls", "limit": -1}"#, "limit must"),
            (#"{"meter": "calls", "limit": "1"}"#, "limit must"),
            (#"{"meter": "calls", "limit": 1e400}"#, "limit must"),
            (#"{"meter": "calls", "limit": 9007199254740993}"#, "limit must"),
            (#"{"meter": "calls", "limit": 1, "limit": 2}"#, "limit is given twice"),
            ("{\(good), \"period\": \"week\"}", "period must be day, month or billing"),
            ("{\(good), \"period\": null}", "period must"),
            ("{\(good), \"anchor\": 5}", "anchor is only for"),
            ("{\(good), \"period\": \"month\", \"anchor\": 5}", "anchor is only for"),
            ("{\(good), \"period\": \"billing\", \"anchor\": 32}", "from 1 to 31"),
            ("{\(good), \"period\": \"billing\", \"anchor\": 1.5}", "from 1 to 31"),
            ("{\(good), \"zone\": \"Berlin\"}", "Europe/Berlin"),
            ("{\(good), \"zone\": 1}", "zone must"), ("{\(good), \"mode\": \"firm\"}", "mode must"),
            ("{\(good), \"onUnavailable\": true}", "onUnavailable must"),
            ("{\(good), \"filter\": [\"a\"]}", "filter must"),
            ("{\(good), \"filter\": {\"a\": []}}", "filter: a must"),
            ("{\(good), \"filter\": {\"a\": [1]}}", "filter: a must"),
            ("{\(good), \"filter\": {\"a\": \"b\", \"a\": \"c\"}}", "filter: a is given twice"),
            ("{\(good), \"unit\": \"GB\"}", "unknown member \"unit\""),
        ]
        for (limit, word) in wrong {
            let said = refusal(limit)
            #expect(said?.contains(word) ?? false, "\(limit): \(said ?? "taken")")
        }
        #expect(UsageLimit.refusal(Array("{}".utf8)) != nil)
        let many = [String](repeating: "{\(good)}", count: 257).joined(separator: ",")
        #expect(refusal(many)?.contains("at most 256") ?? false)
        // Without a database of zones nobody knows a name from a typing error.
        let nowhere = ZoneDatabase(directory: "/nowhere")
        let berlin = Array("[{\(good), \"zone\": \"Berlin\"}]".utf8)
        #expect(UsageLimit.refusal(berlin, zones: nowhere) == nil)
    }

    @Test func ownLimitsReplaceThoseOfThePlan() throws {
        func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
        let known = try KnownLimits(
            .init(
                own: bytes(#"[{"meter": "a", "limit": null}]"#), billingDay: bytes("17"),
                plan: bytes(#"[{"meter": "a", "limit": 1}, {"meter": "b", "limit": 2}]"#)))
        #expect(known.limits(of: "a").map(\.limit) == [nil])
        #expect(known.limits(of: "b").map(\.limit) == ["2"])
        #expect(known.limits(of: "c").isEmpty && known.billingDay == 17)
        #expect(throws: UsageLimitError.self) { try KnownLimits(.init(own: bytes("[1]"))) }
    }

    /// What cannot be read again is forgotten after five minutes, and a pause is over after one
    /// second or the next answer of Redis.
    @Test func memoryIsShort() throws {
        let time = SettableTime(0)
        let begin = ContinuousClock.now
        let memory = LimitMemory { begin + .nanoseconds(time.nanoseconds) }
        let limits = try KnownLimits(.init())
        let organization = Array("o".utf8)
        memory.noteAway(organization)
        #expect(!memory.isAway(organization) && memory.recentLimits(of: organization) == nil)
        memory.learn(limits, of: organization)
        memory.noteAway(organization)
        #expect(memory.isAway(organization))
        time.set(999_999_999)
        #expect(memory.isAway(organization))
        time.set(1_000_000_000)
        #expect(!memory.isAway(organization))
        memory.noteAway(organization)
        memory.learn(limits, of: organization)
        #expect(!memory.isAway(organization))
        time.set(300_999_999_999)
        #expect(memory.recentLimits(of: organization) === limits)
        time.set(301_000_000_000)
        #expect(memory.recentLimits(of: organization) == nil)
        #expect(memory.limits(of: organization) === limits)
    }

    @Test func memoryIsBounded() throws {
        let memory = LimitMemory()
        let large = [UInt8](repeating: 0x20, count: LimitMemory.mostBytes / 4)
        let limits = try (0..<5).map { _ in
            try KnownLimits(.init(own: large + Array("[]".utf8)))
        }
        for (number, limits) in limits.enumerated() {
            memory.learn(limits, of: [UInt8(number)])
            memory.learn(limits, of: [UInt8(number)])
        }
        #expect((0..<5).map { memory.limits(of: [UInt8($0)]) != nil }.count { $0 } <= 3)
        #expect(memory.limits(of: [4]) === limits[4])
    }
}
