import Foundation
import TestSupport
import Testing

@testable import Redis

/// A routed connection and three masters.
@Suite(.serialized) struct ClusterTests {
    // MARK: The map and pipelines

    @Test func slotsAreThoseOfTheServer() throws {
        let cluster = try TestCluster(masters: 1)
        var connection = try cluster.masters[0].connect()
        var dice = SystemRandomNumberGenerator()
        let alphabet = Array("{}ab1".utf8) + [0, 255, 13, 10]
        var keys: [[UInt8]] = [Array("odo:1:{dir}:ledger".utf8), Array("123456789".utf8), []]
        for _ in 0..<3_000 {
            keys.append(
                (0..<Int.random(in: 0...12, using: &dice)).map { _ in
                    alphabet.randomElement(using: &dice) ?? 0
                })
        }
        for key in keys { connection.append([Array("CLUSTER".utf8), Array("KEYSLOT".utf8), key]) }
        for key in keys {
            let slot = try connection.receive().integer
            #expect(slot == Int64(Slot.of(key: key)), "\(key)")
        }
    }

    @Test func pipelinesOverAllMastersKeepTheirOrder() throws {
        let cluster = try TestCluster()
        var connection = try cluster.connect()
        let map = try #require(cluster.configuration.cluster?.map)
        #expect(map.unownedCount == 0)
        #expect(
            Set(map.masters.map(\.id)) == Set(try cluster.masters.map { try $0.id }))
        for index in 0..<3_000 {
            connection.begin(arguments: 3)
            connection.add("SET")
            connection.add(text: "k\(index)")
            connection.add(Int64(index))
            if index % 7 == 0 { connection.append("PING") }
            if index % 5 == 0 { connection.append("HGET", "k\(index)", "f") }
            connection.append("GET", "k\(index)")
        }
        for index in 0..<3_000 {
            let isSet = try connection.receive().view.equals("OK")
            #expect(isSet)
            if index % 7 == 0 {
                let answers = try connection.receive().view.equals("PONG")
                #expect(answers)
            }
            if index % 5 == 0 {
                let error = try connection.receive().errorText
                #expect(error?.hasPrefix("WRONGTYPE") ?? false)
            }
            let value = try connection.receive().copied()
            #expect(value == ClusterKeys.text(String(index)))
        }
        let rest = connection.pendingReplies
        #expect(rest == 0)
        for node in cluster.masters {
            let size = try node.ask("DBSIZE").integer ?? 0
            #expect(size > 500, "each master has some of the keys")
        }
        #expect(try cluster.configuration.servers().count == 3)
    }

    @Test func answersAreTakenWithoutWaitingToo() throws {
        let cluster = try TestCluster(masters: 2)
        var connection = try cluster.connect()
        let keys = ClusterKeys.keys(cluster)
        if let reply = try connection.tryReceive() { Issue.record("answer \(reply.kind)") }
        connection.append("BLPOP", keys[0], "10")
        connection.append("GET", keys[1])
        if let reply = try connection.tryReceive() { Issue.record("answer \(reply.kind)") }
        var other = try cluster.connect()
        try other.command("RPUSH", keys[0], "x")
        let first = try connection.tryReceive(waitMilliseconds: 9_000)?.copied()
        #expect(first?.elements.last == ClusterKeys.text("x"))
        let second = try connection.tryReceive(waitMilliseconds: 9_000)?.copied()
        #expect(second == .null)
        connection.append("GET", keys[1])
        connection.append("GET", keys[1])
        try connection.flush()
        _ = try connection.receive()
        let third = try connection.tryReceive(waitMilliseconds: 9_000)?.copied()
        #expect(third == .null)
    }

    @Test func aTransactionGoesWhereItsFirstKeyIs() throws {
        let cluster = try TestCluster()
        var connection = try cluster.connect()
        let keys = ClusterKeys.keys(cluster)
        for (index, key) in keys.enumerated() {
            connection.append("MULTI")
            connection.append("PING")
            connection.append("INCRBY", key, String(index))
            connection.append("EXEC")
            connection.append("GET", keys[0])
        }
        for index in keys.indices {
            for expected in ["OK", "QUEUED", "QUEUED"] {
                #expect(try connection.receive().copied() == ClusterKeys.text(expected))
            }
            #expect(
                try connection.receive().copied().elements
                    == [ClusterKeys.text("PONG"), .integer(Int64(index))])
            #expect(try connection.receive().copied() == ClusterKeys.text("0"))
        }
        // One that is sent in pieces.
        connection.append("MULTI")
        connection.append("GET", keys[1])
        try connection.flush()
        connection.append("GET", keys[2])
        connection.append("EXEC")
        #expect(try connection.receive().copied() == ClusterKeys.text("OK"))
        #expect(try connection.receive().copied() == ClusterKeys.text("QUEUED"))
        let refusal = try connection.receive().errorText
        #expect(refusal?.hasPrefix("MOVED") ?? false, "a key of another master: \(refusal ?? "")")
        let end = try connection.receive().errorText
        #expect(end?.hasPrefix("EXECABORT") ?? false)
        // One without any key.
        connection.append("MULTI")
        connection.append("PING")
        connection.append("EXEC")
        for _ in 0..<2 { _ = try connection.receive() }
        #expect(try connection.receive().copied().elements == [ClusterKeys.text("PONG")])
    }

    @Test func commandsWithoutAKeyGoToTheMasterOfTheGivenOne() throws {
        let cluster = try TestCluster()
        var connection = try cluster.connect()
        for (key, node) in zip(ClusterKeys.keys(cluster), cluster.masters) {
            connection.lead(toKey: Array(key.utf8))
            #expect(try connection.command("CLUSTER", "MYID").text == (try node.id))
        }
    }

    @Test func scriptsAreLoadedWhereTheirKeysAre() throws {
        let cluster = try TestCluster()
        var connection = try cluster.connect()
        let keys = ClusterKeys.keys(cluster)
        var script = Script("return redis.call('INCRBY', KEYS[1], ARGV[1])")
        for round in 1...2 {
            for key in keys {
                let sum = try script.call(
                    on: &connection, keys: [Array(key.utf8)], arguments: [Array("2".utf8)])
                #expect(sum.integer == Int64(2 * round))
            }
        }
        // In one pipeline to all masters, which have all forgotten it.
        for node in cluster.masters { try node.ask("SCRIPT", "FLUSH") }
        try script.load(on: &connection)
        for key in keys {
            script.append(on: &connection, keys: [Array(key.utf8)], arguments: [Array("3".utf8)])
        }
        for _ in keys { #expect(try connection.receive().copied() == .integer(7)) }
    }

    @Test func whatNoMasterCanAnswerIsRefused() throws {
        let cluster = try TestCluster(masters: 1)
        for words in [["SCAN", "0"], ["DBSIZE"], ["WATCH", "k"], ["FLUSHALL"]] {
            var connection = try cluster.connect()
            connection.append(words.map { Array($0.utf8) })
            let error = #expect(throws: RedisError.self) { try connection.flush() }
            #expect(error?.code == .configuration && error?.message.contains(words[0]) ?? false)
        }
        var connection = try cluster.connect()
        connection.append("MULTI")
        connection.append("PING")
        let error = #expect(throws: RedisError.self) { _ = try connection.receive() }
        #expect(error?.message.contains("needs a key") ?? false)
    }

    // MARK: Masters that are away

    @Test func aKilledMasterBreaksTheConnectionAndItsReplicaServesTheNext() throws {
        let cluster = try TestCluster(replicas: 1)
        let keys = ClusterKeys.keys(cluster)
        var connection = try cluster.connect()
        for key in keys { try connection.command("SET", key, "v") }
        #expect(try cluster.masters[0].ask("WAIT", "1", "5000").integer != nil)
        try TestCluster.wait("the replica has not got the key") {
            try cluster.replicas[0].ask("DBSIZE").integer == 1
        }
        cluster.masters[0].kill()
        let error = #expect(throws: RedisError.self) { try connection.command("GET", keys[0]) }
        #expect(error?.code == .io && error?.message.hasPrefix("127.0.0.1:") ?? false)
        let isAlive = connection.isAlive
        #expect(!isAlive)
        // Keys of other masters are there all the time.
        var other = try cluster.connect()
        #expect(try other.command("GET", keys[1]).text == "v")
        try TestCluster.wait("the replica was not promoted") {
            guard var next = try? cluster.connect() else { return false }
            return (try? next.command("GET", keys[0]).text) == "v"
        }
        let owner = cluster.configuration.cluster?.map?.owner(ofKey: Array(keys[0].utf8))
        #expect(owner?.endpoint == cluster.replicas[0].endpoint)
    }

    /// A node that takes a slot in goes on naming the master that failed meanwhile.
    @Test func aNodeThatNamesALostMasterIsNotBelievedWhereAnotherKnowsBetter() throws {
        let cluster = try TestCluster(replicas: 1)
        let (source, target) = (cluster.masters[0], cluster.masters[1])
        let slot = 7
        let key = ClusterKeys.key(inSlot: slot)
        var connection = try cluster.connect()
        try connection.command("SET", key, "v")
        try TestCluster.wait("the replica has not got the key") {
            try cluster.replicas[0].ask("DBSIZE").integer == 1
        }
        try cluster.beginMove(slot: slot, from: source, to: target)
        source.kill()
        try TestCluster.wait("the replica was not promoted") {
            try cluster.masters[2].ask("CLUSTER", "INFO").text?.contains("cluster_slots_ok:16384")
                ?? false
                && cluster.replicas[0].ask("ROLE").elements.first?.text == "master"
        }
        try TestCluster.wait("the target knows who has the slot that it takes in") {
            try target.ask("CLUSTER", "INFO").text?.contains("cluster_slots_ok:16383") ?? false
        }
        let lost = source.endpoint.port
        // Whichever is asked first.
        let living: [TestCluster.Node] = [target, cluster.masters[2], cluster.replicas[0]]
        for first in living {
            let others = living.filter { $0 !== first }
            let names = ([first] + others).map(\.endpoint.description).joined(separator: ",")
            let configuration = try RedisConfiguration(url: "redis+cluster://\(names)")
            let map = try #require(try configuration.cluster?.refresh())
            #expect(map.owner(ofSlot: slot)?.endpoint == cluster.replicas[0].endpoint)
            #expect(!map.masters.contains { $0.endpoint.port == lost })
            var other = try Connection(configuration)
            #expect(try other.command("GET", key).text == "v")
        }
    }

    @Test func aClusterThatIsDownSaysSo() throws {
        let cluster = try TestCluster(["--cluster-require-full-coverage", "yes"])
        let keys = ClusterKeys.keys(cluster)
        var connection = try cluster.connect()
        try connection.command("SET", keys[1], "v")
        cluster.masters[0].kill()
        try TestCluster.wait("the cluster still works") {
            try cluster.masters[1].ask("CLUSTER", "INFO").text?.contains("cluster_state:fail")
                ?? false
        }
        connection.append("GET", keys[1])
        let refusal = try connection.receive(timeoutMilliseconds: 300).errorText
        #expect(refusal?.hasPrefix("CLUSTERDOWN") ?? false)
        // The old map serves: no other is to be had.
        let isAlive = connection.isAlive
        #expect(isAlive)
        try cluster.masters[0].start()
        try cluster.waitUntilWorking()
        #expect(try connection.command("GET", keys[1]).text == "v")
    }

    @Test func aMasterThatHangsIsLeftInTime() throws {
        let cluster = try TestCluster(commandTimeoutMilliseconds: 300)
        let keys = ClusterKeys.keys(cluster)
        var connection = try cluster.connect()
        try connection.command("SET", keys[0], "v")
        cluster.masters[0].freeze(true)
        defer { cluster.masters[0].freeze(false) }
        let error = #expect(throws: RedisError.self) { try connection.command("GET", keys[0]) }
        #expect(error?.code == .timeout)
        // Asking for the map goes on to the next node.
        #expect(try cluster.configuration.cluster?.refresh().masters.count == 3)
    }

    // MARK: Addresses that lead elsewhere

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
        let nodes = """
            id :7777@17777 myself,master - 0 0 1 connected 0-16383
            new 10.0.0.2:7778@17778 master - 0 0 2 connected
            old 10.0.0.3:7779@17779 master,fail - 0 0 0 disconnected

            """
        let server = try FakeServer { words in
            switch words.prefix(2).joined(separator: " ") {
            case "CLUSTER SHARDS": "-ERR Unknown subcommand or wrong number of arguments\r\n"
            case "CLUSTER INFO": "$16\r\ncluster_state:ok\r\n"
            case "CLUSTER SLOTS":
                "*1\r\n*3\r\n:0\r\n:16383\r\n*3\r\n$0\r\n\r\n:7777\r\n$2\r\nid\r\n"
            case "CLUSTER NODES": "$\(nodes.utf8.count)\r\n\(nodes)\r\n"
            default: "+OK\r\n"
            }
        }
        let configuration = try RedisConfiguration(url: "redis+cluster://127.0.0.1:\(server.port)")
        let map = try #require(try configuration.cluster?.refresh())
        #expect(map.owner(ofSlot: 9)?.endpoint == Endpoint(host: "127.0.0.1", port: 7_777))
        #expect(map.owner(ofSlot: 9)?.id == "id" && map.masters.count == 1)
        #expect(map.idle.map(\.id) == ["new"])
        server.stop()
        // The old map serves while nobody answers.
        #expect(throws: RedisError.self) { try configuration.cluster?.refresh() }
        #expect(configuration.cluster?.map == map)
    }
}
