import Foundation
import Ledger
import TestSupport
import Testing

@testable import Kafka
@testable import Redis
@testable import Replay
@testable import odometer

/// Commands against a cluster, as people call them; counting there is in Tests/Clients.
@Suite(.serialized) struct ClusterCommandTests {
    private static let layout = KeyLayout()

    /// The record of a ledger, and marks of one partition at 7 in every shard.
    private func fill(_ cluster: TestCluster) throws {
        var connection = try cluster.connect()
        func text(_ key: [UInt8]) -> String { String(decoding: key, as: UTF8.self) }
        try connection.command(
            "HSET", text(Self.layout.ledgerKey), "layout", "1", "shards", "256", "hash", "fnv1a32",
            "created", "1", "dedupe_key", String(repeating: "a", count: 32), "group", "g",
            "cluster", "c", "contract_number", "1", "contract", "{}", "origin:usage-events/0",
            "0 0")
        for shard in 0..<256 {
            connection.append(
                "HSET", text(Self.layout.marksKey(shard: shard)), "!contract", "1:abc",
                "usage-events/0", "7")
        }
        for _ in 0..<256 {
            let error = try connection.receive().errorText
            #expect(error == nil)
        }
    }

    /// No broker is there: what Redis says is shown all the same.
    private let broker = ["--bootstrap", "127.0.0.1:1"]
    private var nowhere: [String] { broker + ["--admin-listen", "127.0.0.1:1"] }

    @Test func statusNamesTheMastersAndWhatIsHidden() throws {
        let cluster = try TestCluster()
        try fill(cluster)
        let whole = try Executable.run(["status", "--redis", cluster.url] + nowhere)
        #expect(whole.status == 0, "\(whole.errors)")
        let last = whole.output.split(separator: "\n").first { $0.hasPrefix("masters, with") } ?? ""
        for node in cluster.masters { #expect(last.contains("\(node.endpoint) (8"), "\(last)") }
        let home = try cluster.owner(ofKey: "{dir}")
        let away = try #require(cluster.masters.first { $0 !== home })
        away.kill()
        let short = try Executable.run(["status", "--json", "--redis", cluster.url] + nowhere)
        #expect(short.status == 1, "\(short.errors)")
        let json =
            try JSONSerialization.jsonObject(with: Data(short.output.utf8)) as? [String: Any]
        let unread = json?["unread"] as? [[String: Any]]
        #expect((unread?.first?["shards"] as? [Int])?.count ?? 0 > 80)
        #expect((json?["masters"] as? [[String: Any]])?.count == 3)
    }

    @Test func anAddressOfTheWrongKindSaysWhichToUse() throws {
        let cluster = try TestCluster(masters: 1)
        let node = cluster.masters[0].endpoint
        let text = "redis+cluster://\(node)"
        let serve = try Executable.run([
            "serve", "--redis", "redis://\(node)", "--listen", "127.0.0.1:0", "--admin-listen",
            "127.0.0.1:0",
        ])
        #expect(serve.status == 4 && serve.errors.contains("--redis must be \(text)"))
        let doctor = try Executable.run(["doctor", "--redis", "redis://\(node)"] + broker)
        #expect(doctor.status == 1 && doctor.output.contains("--redis must be \(text)"))
        let plain = try TestRedis()
        var port: Int32 = 0
        var connection = try plain.connect()
        // A free port, asked of a cluster's node that is gone.
        cluster.masters[0].kill()
        port = node.port
        try connection.command("CONFIG", "SET", "port", String(port))
        for command in ["status", "parked"] {
            let ended = try Executable.run([command, "--redis", text])
            #expect(ended.status == 1, "\(command): \(ended.status)")
            #expect(ended.errors.contains("use redis://\(node) for it"), "\(ended.errors)")
        }
    }

    @Test func doctorSaysWhatIsSpecialAboutACluster() throws {
        let cluster = try TestCluster(replicas: 1, ["--cluster-require-full-coverage", "yes"])
        try fill(cluster)
        let ended = try Executable.run(["doctor", "--json", "--redis", cluster.url] + broker)
        let json = try JSONSerialization.jsonObject(with: Data(ended.output.utf8))
        let list =
            (json as? [[String: Any]])
            ?? ((json as? [String: Any])?["findings"] as? [[String: Any]])
            ?? []
        var grades: [String: Set<String>] = [:]
        for finding in list {
            grades[finding["check"] as? String ?? "", default: []].insert(
                finding["grade"] as? String ?? "")
        }
        #expect(grades["cluster-state"] == ["ok"], "\(ended.output) \(ended.errors)")
        #expect(grades["cluster-tags"] == ["ok"] && grades["cluster-replicas"] == ["warning"])
        #expect(grades["cluster-coverage"] == ["warning"] && grades["redis-cluster"] == nil)
        #expect(grades["redis-eviction"] == ["ok"] && grades["redis-access"] == ["ok"])
    }

    @Test func theLineOfRightsIsThatOfACluster() throws {
        let ended = try Executable.run(["check", "--acl", "--redis", "redis+cluster://ann:p@h"])
        #expect(ended.output.contains("SETUSER ann ") && ended.output.contains("+cluster|shards"))
        #expect(!ended.output.contains("setslot"))
        let plain = try Executable.run(["check", "--acl", "--redis", "redis://h"])
        #expect(!plain.output.contains("+cluster"))
    }

    /// Freshness of a replay: marks of all masters are seen.
    @Test func marksAreSeenOnEveryMaster() throws {
        let cluster = try TestCluster()
        try fill(cluster)
        let place = MarkPlace(redis: cluster.configuration, prefix: "odo", generation: 1)
        #expect(try place.shards() == 256)
        let measures = ReplayMeasures(clock: ReplayClock())
        measures.watch(partitions: 1, shards: 256)
        for shard in 0..<256 {
            measures.acknowledged(
                DeliveryReport(
                    opaque: ReplayMeasures.token(due: 0, shard: shard), partition: 0,
                    offset: Int64(shard % 20), error: nil))
        }
        let watcher = try MarkWatcher(
            place, topic: "usage-events", partitions: 1, shards: 256, measures: measures)
        defer { watcher.stop() }
        // Offsets below 7 are in the numbers.
        let below = UInt64((0..<256).count { $0 % 20 < 7 })
        try TestCluster.wait("marks were not seen: \(watcher.errorText ?? "")") {
            measures.counts.seen == below
        }
        var connection = try cluster.connect()
        for shard in 0..<256 {
            connection.append(
                "HSET", String(decoding: Self.layout.marksKey(shard: shard), as: UTF8.self),
                "usage-events/0", "20")
        }
        for _ in 0..<256 { _ = try connection.receive() }
        try TestCluster.wait("later marks were not seen: \(watcher.errorText ?? "")") {
            measures.counts.seen == 256
        }
    }
}
