import Glibc
import Synchronization
import TestSupport
import Testing

@testable import Redis

/// Sentinels and servers that answer as each test says.
@Suite struct SentinelTests {
    /// What a fake Sentinel says now; nil for the address: it knows no such master.
    private final class Opinion: Sendable {
        private let value: Mutex<(master: Endpoint?, epoch: Int)>

        init(_ master: FakeServer?, epoch: Int = 1) {
            value = Mutex((master.map { Endpoint(host: $0.host, port: $0.port) }, epoch))
        }

        func become(_ master: FakeServer, epoch: Int) {
            value.withLock { $0 = (Endpoint(host: master.host, port: master.port), epoch) }
        }

        var now: (master: Endpoint?, epoch: Int) { value.withLock { $0 } }
    }

    private static func text(_ words: [String]) -> String {
        "*\(words.count)\r\n" + words.map { "$\($0.utf8.count)\r\n\($0)\r\n" }.joined()
    }

    /// A Sentinel that has this opinion about the master `m`.
    private static func sentinel(_ opinion: Opinion, isIPv6: Bool = false) throws -> FakeServer {
        try FakeServer(isIPv6: isIPv6) { words in
            let (master, epoch) = opinion.now
            guard words.first == "SENTINEL" else { return "+OK\r\n" }
            guard let master, words.last == "m" else {
                return words[1] == "MASTER" ? "-ERR No such master with that name\r\n" : "*-1\r\n"
            }
            switch words[1] {
            case "MASTER":
                return text([
                    "name", "m", "config-epoch", String(epoch), "quorum", "2",
                    "num-other-sentinels", "2", "num-slaves", "1",
                ])
            case "CKQUORUM": return "-NOQUORUM 1 usable Sentinels.\r\n"
            default: return text([master.host, String(master.port)])
            }
        }
    }

    /// A server with a role; it does not answer WAITING.
    private static func server(
        _ role: @escaping @Sendable () -> String = { "master" }, isIPv6: Bool = false
    ) throws -> FakeServer {
        try FakeServer(isIPv6: isIPv6) { words in
            switch words.first {
            case "HELLO": text(["server", "redis", "role", role()])
            case "WAITING": nil
            default: "+OK\r\n"
            }
        }
    }

    private static func configuration(
        _ sentinels: [FakeServer], extra: String = "", password: String? = nil
    ) throws -> RedisConfiguration {
        let list = sentinels.map { Endpoint(host: $0.host, port: $0.port).description }
        return try RedisConfiguration(
            url: "redis+sentinel://u:p@\(list.joined(separator: ","))/m\(extra)",
            sentinelPassword: password)
    }

    private static func message(_ configuration: RedisConfiguration) -> String {
        let error = #expect(throws: RedisError.self) { _ = try Connection(configuration) }
        return error?.description ?? ""
    }

    @Test func theFirstThatAnswersLeadsToTheMasterAndIsAskedFirstFromThenOn() throws {
        let master = try Self.server()
        let away = try Self.sentinel(Opinion(master))
        away.stop()
        let unaware = try Self.sentinel(Opinion(nil))
        let good = try Self.sentinel(Opinion(master))
        let configuration = try Self.configuration(
            [away, unaware, good], extra: "?db=3&sentinel_user=s", password: "t")
        for round in 1...2 {
            // A connection without answers to wait for: the thread that watches has not asked yet.
            let before = (unaware.commands.count, good.commands.count)
            var connection = try Connection(configuration)
            #expect(try connection.command("PING") == .bytes(Array("OK".utf8)))
            #expect((unaware.commands.count > before.0) || round == 2)
            #expect(good.commands.count > before.1)
        }
        guard case .sentinels(let sentinels) = configuration.address else {
            Issue.record("no Sentinels in \(configuration)")
            return
        }
        #expect(sentinels.state.withLock { $0.order.first?.port } == good.port)
        #expect(good.commands.first == ["AUTH", "s", "t"])
        #expect(
            Array(master.commands.prefix(4)) == [
                ["AUTH", "u", "p"], ["SELECT", "3"], ["HELLO"], ["PING"],
            ])
    }

    @Test func eachFailureHasItsOwnLine() throws {
        let master = try Self.server()
        let away = try Self.sentinel(Opinion(master))
        away.stop()
        let unreached = Self.message(try Self.configuration([away]))
        #expect(unreached.contains("no Sentinel answers"), "\(unreached)")
        #expect(
            unreached.hasSuffix("(127.0.0.1:\(away.port): Connection refused)"), "\(unreached)")

        let unaware = try Self.sentinel(Opinion(nil))
        let unknown = Self.message(try Self.configuration([away, unaware]))
        #expect(unknown.contains("the Sentinels know no master named m"), "\(unknown)")

        let none = Self.message(try Self.configuration([try FakeServer { _ in "-NOAUTH x\r\n" }]))
        #expect(none.contains("--redis-sentinel-password-file"), "\(none)")

        let plain = Self.message(
            try Self.configuration([
                try FakeServer { _ in "-ERR unknown command 'SENTINEL'\r\n" }
            ]))
        #expect(plain.contains("this is no Sentinel"), "\(plain)")

        let gone = try Self.server()
        gone.stop()
        let refused = Self.message(try Self.configuration([try Self.sentinel(Opinion(gone))]))
        #expect(
            refused.hasSuffix("names 127.0.0.1:\(gone.port): Connection refused"), "\(refused)")
        #expect(refused.hasPrefix("redis connect: "), "\(refused)")
    }

    @Test func aServerThatSaysItIsAReplicaIsNotTaken() throws {
        let old = try Self.server { "replica" }
        let behind = try Self.sentinel(Opinion(old))
        let alone = Self.message(try Self.configuration([behind]))
        #expect(alone.contains("that it is a replica"), "\(alone)")
        let ahead = try Self.sentinel(Opinion(try Self.server(), epoch: 2))
        _ = try Connection(try Self.configuration([behind, ahead]))
    }

    @Test func aSentinelThatIsBehindIsNotBelievedWhileANewerAnswerIsKnown() throws {
        let old = try Self.server()
        let new = try Self.server()
        let behind = try Self.sentinel(Opinion(old, epoch: 1))
        let ahead = try Self.sentinel(Opinion(new, epoch: 2))
        let configuration = try Self.configuration([ahead, behind])
        _ = try Connection(configuration)
        guard case .sentinels(let sentinels) = configuration.address,
            let first = sentinels.endpoints.last
        else { return }
        sentinels.state.withLock { $0.putFirst(first) }
        _ = try Connection(configuration)
        #expect(old.commands.isEmpty)
        // Nobody knows better any more: the Sentinels were set up again.
        ahead.stop()
        _ = try Connection(configuration)
        #expect(!old.commands.isEmpty)
    }

    @Test func aConnectionThatWaitsForAnOldMasterIsEndedByANewerAnswerOnly() throws {
        let old = try Self.server()
        let new = try Self.server()
        let behind = Opinion(old, epoch: 4)
        let ahead = Opinion(old, epoch: 4)
        let configuration = try Self.configuration([
            try Self.sentinel(behind), try Self.sentinel(ahead),
        ])
        var connection = try Connection(configuration)
        // An older answer: it ends nothing.
        behind.become(new, epoch: 3)
        connection.append("WAITING")
        if try connection.tryReceive(waitMilliseconds: 700) != nil {
            Issue.record("an answer to WAITING")
        }
        ahead.become(new, epoch: 5)
        let began = ContinuousClock.now
        let error = #expect(throws: RedisError.self) { _ = try connection.receive() }
        #expect(error?.code == .io && ContinuousClock.now - began < .seconds(5))
        var next = try Connection(configuration)
        #expect(try next.command("PING") == .bytes(Array("OK".utf8)))
        #expect(new.commands.contains(["PING"]))
    }

    @Test func addressesOfTheNewInternetAreTakenEverywhere() throws {
        guard
            let master = try? Self.server(isIPv6: true),
            let sentinel = try? Self.sentinel(Opinion(master), isIPv6: true)
        else { return }
        var connection = try Connection(try Self.configuration([sentinel]))
        #expect(try connection.command("PING") == .bytes(Array("OK".utf8)))
    }

    @Test func aReportSaysWhatEachSentinelKnows() throws {
        let master = try Self.server()
        let away = try Self.sentinel(Opinion(nil))
        away.stop()
        let configuration = try Self.configuration([try Self.sentinel(Opinion(master)), away])
        guard case .sentinels(let sentinels) = configuration.address else { return }
        let reports = sentinels.reports(configuration)
        #expect(reports.count == 2 && reports[1].failure != nil)
        let first = try #require(reports.first)
        #expect(first.master == Endpoint(host: "127.0.0.1", port: master.port))
        #expect(first.quorum == 2 && first.known == 3 && first.replicas == 1)
        #expect(first.obstacle == "NOQUORUM 1 usable Sentinels.")
    }
}
