import Ledger
import Redis
import TestSupport
import Testing

/// Which meter holds the memory, also for a user who may not ask for bytes.
@Suite struct MemorySampleTests {
    @Test func theMeterThatGrowsIsNamed() throws {
        let server = try TestRedis(["--maxmemory", "20mb"])
        var connection = try server.connect()
        let layout = KeyLayout(prefix: "t")
        func fill(_ meter: String, keys: Int, bytes: Int) throws {
            for number in 0..<keys {
                let name = layout.shardPrefix(3) + Array("org\(number):\(meter):all".utf8)
                try connection.command([
                    Array("HSET".utf8), name, Array("f".utf8), [UInt8](repeating: 97, count: bytes),
                ])
            }
        }
        try fill("large", keys: 300, bytes: 50_000)
        try fill("small", keys: 900, bytes: 10)
        var sample = MemorySample(layout: layout)
        try sample.look(&connection, milliseconds: 20_000)
        #expect(sample.isBytes && sample.meters(most: 1).first?.name == "large")
        #expect(sample.meters(most: 9).map(\.share).reduce(0, +) > 0.999)
        var check = try ServerCheck(&connection, layout: layout)
        #expect(check.memoryShare ?? 0 >= 70)
        check.heaviest = sample.text
        let finding = try #require(
            check.findings(refill: .complete).first { $0.check == "redis-memory" })
        #expect(finding.message.contains("large (9"), "\(finding.message)")

        try connection.command("ACL", "SETUSER", "odo", "on", ">p", "~*", "+@all", "-memory")
        var configuration = server.configuration
        configuration.user = "odo"
        configuration.password = "p"
        var limited = try Connection(configuration)
        var counted = MemorySample(layout: layout)
        try counted.look(&limited, milliseconds: 20_000)
        #expect(!counted.isBytes && counted.meters(most: 1).first?.name == "small")
    }

    /// Looks go on from one another, so those that are small see all;
    /// what was seen before counts less.
    @Test func theOrganizationThatGrowsIsNamed() throws {
        let server = try TestRedis()
        var connection = try server.connect()
        let layout = KeyLayout(prefix: "t")
        func fill(_ organization: String, keys: Int) throws {
            for number in 0..<keys {
                let name =
                    layout.shardPrefix(3) + Array("\(organization):use:day:\(number)".utf8)
                try connection.command([Array("HSET".utf8), name, Array("f".utf8), [97]])
            }
        }
        try fill("plain", keys: 700)
        try fill("two%3Awords", keys: 1_500)
        // Not an organization's.
        try connection.command("HSET", "t:1:{3}:marks", "f", "1")
        var sample = MemorySample(layout: layout)
        for _ in 0..<20 {
            sample.fade()
            try sample.look(&connection, milliseconds: 20_000, most: 200)
        }
        #expect(sample.organizations(most: 9).map(\.name) == ["two:words", "plain"])
        #expect(sample.organizations(most: 1).map(\.name) == ["two:words"])
    }
}
