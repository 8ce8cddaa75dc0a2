import Ledger
import Redis
import Testing

/// Which meter holds the memory, also for a user who may not ask for bytes.
@Suite struct MemorySampleTests {
    @Test func `the meter that grows is named`() throws {
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
        let sample = try MemorySample(&connection, layout: layout, milliseconds: 20_000)
        #expect(sample.isBytes && sample.meters.first?.name == "large")
        var check = try ServerCheck(&connection, layout: layout)
        #expect(check.memoryShare ?? 0 >= 70)
        check.heaviest = sample.text
        let finding = try #require(
            check.findings(now: 0, isRefillable: true).first { $0.check == "redis-memory" })
        #expect(finding.message.contains("large (9"), "\(finding.message)")

        try connection.command("ACL", "SETUSER", "odo", "on", ">p", "~*", "+@all", "-memory")
        var configuration = server.configuration
        configuration.user = "odo"
        configuration.password = "p"
        var limited = try Connection(configuration)
        let counted = try MemorySample(&limited, layout: layout, milliseconds: 20_000)
        #expect(!counted.isBytes && counted.meters.first?.name == "small")
    }
}
