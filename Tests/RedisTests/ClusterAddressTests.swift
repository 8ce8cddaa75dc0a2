import TestSupport
import Testing

@testable import Redis

/// Addresses of a cluster that lead elsewhere, and servers that know less of clusters.
@Suite struct ClusterAddressTests {
    @Test func aServerThatIsNoClusterSaysWhichAddressToUse() throws {
        let server = try FakeServer { _ in "-ERR This instance has cluster support disabled\r\n" }
        let error = #expect(throws: RedisError.self) {
            _ = try Connection(RedisConfiguration(url: "redis+cluster://127.0.0.1:\(server.port)"))
        }
        #expect(error?.message.contains("use redis://127.0.0.1:\(server.port)") ?? false)
        server.stop()
        let gone = #expect(throws: RedisError.self) {
            _ = try Connection(
                RedisConfiguration(url: "redis+cluster://u:secret@127.0.0.1:\(server.port)"))
        }
        #expect(gone?.code == .connect && !(gone?.message.contains("secret") ?? true))
    }

    @Test func anOlderServerIsAskedForSlots() throws {
        let server = try FakeServer { words in
            switch words.prefix(2).joined(separator: " ") {
            case "CLUSTER SHARDS": "-ERR Unknown subcommand or wrong number of arguments\r\n"
            case "CLUSTER INFO": "$16\r\ncluster_state:ok\r\n"
            case "CLUSTER SLOTS":
                "*1\r\n*3\r\n:0\r\n:16383\r\n*3\r\n$0\r\n\r\n:7777\r\n$2\r\nid\r\n"
            default: "+OK\r\n"
            }
        }
        let configuration = try RedisConfiguration(url: "redis+cluster://127.0.0.1:\(server.port)")
        let map = try #require(try configuration.cluster?.refresh())
        #expect(map.owner(ofSlot: 9)?.endpoint == Endpoint(host: "127.0.0.1", port: 7_777))
        #expect(map.owner(ofSlot: 9)?.id == "id" && map.masters.count == 1)
        server.stop()
        // The old map serves while nobody answers.
        #expect(throws: RedisError.self) { try configuration.cluster?.refresh() }
        #expect(configuration.cluster?.map == map)
    }

    @Test func aMasterThatHangsIsLeftInTime() throws {
        let cluster = try TestCluster(commandTimeoutMilliseconds: 300)
        let keys = ClusterTests.keys(cluster)
        var connection = try cluster.connect()
        try connection.command("SET", keys[0], "v")
        cluster.masters[0].freeze(true)
        defer { cluster.masters[0].freeze(false) }
        let error = #expect(throws: RedisError.self) { try connection.command("GET", keys[0]) }
        #expect(error?.code == .timeout)
        // Asking for the map goes on to the next node.
        #expect(try cluster.configuration.cluster?.refresh().masters.count == 3)
    }

    @Test func commandsWithoutAKeyGoToTheMasterOfTheGivenOne() throws {
        let cluster = try TestCluster()
        var connection = try cluster.connect()
        for (key, node) in zip(ClusterTests.keys(cluster), cluster.masters) {
            connection.lead(toKey: Array(key.utf8))
            #expect(try connection.command("CLUSTER", "MYID").text == (try node.id))
        }
    }
}
