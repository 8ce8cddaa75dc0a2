import Foundation
import TestSupport
import Testing

@testable import Redis

/// A routed connection while slots move from master to master.
@Suite(.serialized) struct ClusterMoveTests {
    @Test func movedIsFollowedAndRemembered() throws {
        let cluster = try TestCluster()
        var connection = try cluster.connect()
        let keys = ClusterKeys.keys(cluster)
        for key in keys { try connection.command("SET", key, "before") }
        let slot = Slot.of(key: Array(keys[0].utf8))
        try cluster.move(slot: slot, from: cluster.masters[0], to: cluster.masters[1])
        // Commands behind it in the same pipeline, at the old and at the new master.
        connection.append("GET", keys[0])
        connection.append("APPEND", keys[0], "+1")
        connection.append("GET", keys[1])
        connection.append("APPEND", keys[0], "+2")
        connection.append("GET", keys[0])
        connection.append("GET", keys[2])
        for expected: ReplyValue in [
            ClusterKeys.text("before"), .integer(8), ClusterKeys.text("before"), .integer(10),
            ClusterKeys.text("before+1+2"), ClusterKeys.text("before"),
        ] { #expect(try connection.receive().copied() == expected) }
        let map = try #require(cluster.configuration.cluster?.map)
        #expect(map.owner(ofSlot: slot)?.endpoint == cluster.masters[1].endpoint)
        // The next command goes there at once.
        let before = try moved(cluster)
        #expect(try connection.command("GET", keys[0]).text == "before+1+2")
        #expect(try moved(cluster) == before)
    }

    /// How many answers MOVED the masters have given.
    private func moved(_ cluster: TestCluster) throws -> Int {
        try cluster.masters.reduce(0) { sum, node in
            let stats = try node.ask("INFO", "errorstats").text ?? ""
            let line = stats.split(separator: "\r\n").first { $0.hasPrefix("errorstat_MOVED") }
            return sum + (line?.split(separator: "=").last.flatMap { Int($0) } ?? 0)
        }
    }

    @Test func aTransactionThatWasMovedIsRepeatedAsAWhole() throws {
        let cluster = try TestCluster()
        var connection = try cluster.connect()
        let keys = ClusterKeys.keys(cluster)
        try connection.command("SET", keys[0], "1")
        let slot = Slot.of(key: Array(keys[0].utf8))
        for round in 0..<2 {
            try cluster.move(
                slot: slot, from: cluster.masters[round], to: cluster.masters[round + 1])
            connection.append("GET", keys[2])
            connection.append("MULTI")
            connection.append("INCR", keys[0])
            connection.append("INCR", keys[0])
            connection.append("EXEC")
            connection.append("GET", keys[round + 1])
            connection.append("GET", keys[0])
            #expect(try connection.receive().copied() == .null)
            for expected in ["OK", "QUEUED", "QUEUED"] {
                #expect(try connection.receive().copied() == ClusterKeys.text(expected))
            }
            let value = Int64(2 * round + 3)
            #expect(
                try connection.receive().copied()
                    == .array([.integer(value - 1), .integer(value)]))
            #expect(try connection.receive().copied() == .null)
            #expect(try connection.receive().copied() == ClusterKeys.text(String(value)))
        }
    }

    @Test func askIsFollowedByReadsAndNotByWrites() throws {
        let cluster = try TestCluster()
        var connection = try cluster.connect()
        let slot = 7
        let (here, there, absent) = (
            ClusterKeys.key(inSlot: slot, "here"), ClusterKeys.key(inSlot: slot, "there"),
            ClusterKeys.key(inSlot: slot, "absent")
        )
        let (source, target) = (cluster.masters[0], cluster.masters[2])
        try connection.command("SET", there, "2")
        try cluster.beginMove(slot: slot, from: source, to: target)
        try cluster.moveKeys(slot: slot, from: source, to: target)
        // Behind the move, through a transaction with ASKING, as nothing but MIGRATE would.
        connection.append("GET", there)
        connection.append("GET", absent)
        connection.append("SET", there, "3")
        connection.append("GET", there)
        #expect(try connection.receive().copied() == ClusterKeys.text("2"))
        #expect(try connection.receive().copied() == .null)
        let refusal = try connection.receive().errorText
        #expect(refusal?.hasPrefix("ASK \(slot) ") ?? false)
        #expect(try connection.receive().copied() == ClusterKeys.text("2"))
        // A transaction is answered as the server does.
        connection.append("MULTI")
        connection.append("GET", there)
        connection.append("EXEC")
        #expect(try connection.receive().copied() == ClusterKeys.text("OK"))
        let queued = try connection.receive().errorText
        #expect(queued?.hasPrefix("ASK") ?? false)
        let end = try connection.receive().errorText
        #expect(end?.hasPrefix("EXECABORT") ?? false)
        // The map says as before who has the slot.
        let owner = cluster.configuration.cluster?.map?.owner(ofSlot: slot)
        #expect(owner?.endpoint == source.endpoint)
        try cluster.endMove(slot: slot, to: target)
        try connection.command("SET", there, "3")
        try connection.command("SET", here, "1")
        #expect(
            try connection.command("MGET", here, there).elements.compactMap(\.text) == ["1", "3"])
    }

    @Test func tryAgainEndsWithAnErrorOrWithTheMove() throws {
        let cluster = try TestCluster()
        var connection = try cluster.connect()
        let slot = 9
        let (one, two) = (ClusterKeys.key(inSlot: slot, "1"), ClusterKeys.key(inSlot: slot, "2"))
        let (source, target) = (cluster.masters[0], cluster.masters[1])
        try connection.command("MSET", one, "1", two, "2")
        try cluster.beginMove(slot: slot, from: source, to: target)
        try cluster.moveKeys(slot: slot, from: source, to: target, most: 1)
        let began = ContinuousClock.now
        connection.append("MGET", one, two)
        let refusal = try connection.receive(timeoutMilliseconds: 200).errorText
        #expect(refusal?.hasPrefix("TRYAGAIN") ?? false)
        #expect(ContinuousClock.now - began < .seconds(2))
        let isAlive = connection.isAlive
        #expect(isAlive)
        // Once more, and the move ends meanwhile.
        connection.append("MGET", one, two)
        try connection.flush()
        try cluster.moveKeys(slot: slot, from: source, to: target)
        try cluster.endMove(slot: slot, to: target)
        #expect(try connection.receive().copied().elements.compactMap(\.text) == ["1", "2"])
    }

    @Test func aScanIsNotContinuedOnAnotherNode() throws {
        let cluster = try TestCluster(masters: 2)
        var connection = try cluster.connect()
        let key = ClusterKeys.key(inSlot: 5)
        for index in 0..<2_000 {
            connection.append("HSET", key, "field\(index)", String(repeating: "x", count: 80))
        }
        for _ in 0..<2_000 { _ = try connection.receive() }
        func page(_ cursor: String, _ connection: inout Connection) throws -> ReplyValue {
            connection.append("HSCAN", key, cursor, "COUNT", "10")
            return try connection.receive().copied()
        }
        let first = try page("0", &connection)
        let second = try page(first.elements[0].text ?? "", &connection)
        let cursor = second.elements[0].text ?? ""
        #expect(second.elements[1].elements.count >= 20 && cursor != "0")
        try cluster.move(slot: 5, from: cluster.masters[0], to: cluster.masters[1])
        // The old node says where the key is now, and that is not followed.
        let third = try page(cursor, &connection)
        guard case .error(let text) = third, text.hasPrefix("MOVED") else {
            Issue.record("a page of another node: \(third)")
            return
        }
        _ = try cluster.configuration.cluster?.refresh()
        let error = #expect(throws: RedisError.self) { _ = try page(cursor, &connection) }
        #expect(error?.message.contains("moved while the key was scanned") ?? false)
        var other = try cluster.connect()
        let again = try page("0", &other)
        #expect(again.elements.count == 2)
        #expect(try page(again.elements[0].text ?? "", &other).elements.count == 2)
    }
}

/// Keys of slots and masters.
enum ClusterKeys {
    /// A key in this slot.
    static func key(inSlot slot: Int, _ rest: String = "") -> String {
        for number in 0... {
            let tag = String(number)
            if Slot.of(key: Array(tag.utf8)) == slot { return "{\(tag)}\(rest)" }
        }
        return ""
    }

    /// One key of each master, in their order.
    static func keys(_ cluster: TestCluster) -> [String] {
        cluster.masters.indices.map { key(inSlot: $0 * Slot.count / cluster.masters.count + 7) }
    }

    static func text(_ text: String) -> ReplyValue { .bytes(Array(text.utf8)) }
}
