import Foundation
import Kafka
import Redis
import TestSupport
import Verify
import Workload

/// A log in a mock cluster and the ledger that belongs to it, written cell by cell by the test.
struct HandWrittenLedger: ~Copyable {
    static let settings = OracleSettings.test()
    static let topic = "usage"
    static let partitions: Int32 = 2

    let cluster: MockCluster
    /// The servers of the ledger, which live as long as this.
    private let servers: AnyObject
    let redis: RedisConfiguration
    var connection: Connection
    /// A key of each shape that holds something.
    var hash: [UInt8] = []
    var sortedSet: [UInt8] = []
    var distinct: [UInt8] = []
    var ends = [Int64](repeating: 0, count: 2)

    static func make(events: Int) throws -> HandWrittenLedger {
        let redis = try TestRedis()
        return try make(events: events, redis, redis.configuration)
    }

    /// The same on servers that are there.
    static func make(
        events: Int, _ servers: AnyObject, _ redis: RedisConfiguration
    ) throws -> HandWrittenLedger {
        var world = try HandWrittenLedger(servers, redis)
        try world.fill(events)
        return world
    }

    // A noncopyable value may not throw away fields that are set
    // already, so all of this is made first.
    private init(_ servers: AnyObject, _ redis: RedisConfiguration) throws {
        let cluster = try MockCluster()
        try cluster.createTopic(Self.topic, partitions: Int(Self.partitions))
        let connection = try Connection(redis)
        self.cluster = cluster
        self.servers = servers
        self.redis = redis
        self.connection = connection
    }

    private mutating func fill(_ events: Int) throws {
        let now = Int64(Date().timeIntervalSince1970 * 1_000)
        var oracle = try Oracle(
            catalog: GeneratorTests.shippedCatalog(), settings: Self.settings)
        for number in 0..<Self.partitions {
            _ = oracle.addPartition(topic: Self.topic, number: number)
        }
        try produce(events, now, &oracle)
        oracle.sortCells()
        try write(oracle)
    }

    var configuration: VerificationConfiguration {
        get throws {
            VerificationConfiguration(
                kafka: ClientConfiguration(bootstrap: cluster.bootstrap), topics: [Self.topic],
                redis: redis, prefix: Self.settings.prefix,
                generation: Self.settings.generation,
                catalogs: try GeneratorTests.shippedTexts(), commitIntervalMilliseconds: 20,
                dedupeWindow: Self.settings.dedupeWindow,
                futureBoundMilliseconds: Self.settings.futureBoundMilliseconds,
                timeoutMilliseconds: 20_000)
        }
    }

    private mutating func produce(
        _ events: Int, _ now: Int64, _ oracle: inout Oracle
    ) throws {
        var profile = EventProfile(endMilliseconds: now)
        profile.events = events
        profile.organizations = 5
        profile.duplicateShare = 0.05
        profile.malformedShare = 0.02
        profile.futureShare = 0.02
        var generator = EventGenerator(seed: 11, profile: profile)
        let producer = try Producer(ClientConfiguration(bootstrap: cluster.bootstrap))
        for _ in 0..<events {
            try generator.withNext { record in
                let partition = Int32(record.key[0] & 1)
                let headers = record.headers.map {
                    (
                        name: String(decoding: $0.name, as: UTF8.self),
                        value: $0.value.map { [UInt8]($0) }
                    )
                }
                let isQueued = try producer.produce(
                    topic: Self.topic, partition: partition, key: [UInt8](record.key),
                    value: record.value.map { [UInt8]($0) }, headers: headers, timestamp: now)
                guard isQueued else { throw CocoaError(.featureUnsupported) }
                oracle.feed(
                    Int(partition), offset: ends[Int(partition)], timestamp: now,
                    value: record.value, headers: record.headers)
                ends[Int(partition)] += 1
            }
        }
        guard producer.flush(timeoutMilliseconds: 20_000) else {
            throw CocoaError(.featureUnsupported)
        }
    }

    private mutating func write(_ oracle: borrowing Oracle) throws {
        for key in 0..<oracle.cells.keyCount { try write(key, oracle.cells) }
        try connection.command(
            "HSET", "odo:1:{dir}:ledger", "layout", "1", "shards", "64", "hash", "fnv1a32",
            "origin:usage/0", "0 -1", "origin:usage/1", "0 -1", "since:api_calls", "1")
        try connection.command("SET", "odo:1:{dir}:credential:0", "not a cell")
        try connection.command("HSET", "odo:1:{3}:org:directory:user:all", "name", "x")
        for shard in 0..<oracle.partitions[0].audit.count {
            for (number, partition) in oracle.partitions.enumerated() {
                let audit = partition.audit[shard]
                let end = String(ends[number])
                let name = "usage/\(number)"
                try connection.command("HSET", "odo:1:{\(shard)}:marks", name, end)
                try connection.command(
                    "HSET", "odo:1:{\(shard)}:audit", "\(name):delivered", end,
                    "\(name):accepted", "\(audit.accepted)", "\(name):duplicate",
                    "\(audit.duplicate)", "\(name):ignored", "\(audit.ignored)",
                    "\(name):rejected", "\(audit.rejected)")
            }
        }
    }

    private mutating func write(_ key: Int, _ cells: borrowing ExpectedCells) throws {
        let name = cells.name(key)
        var command: [[UInt8]] = []
        switch cells.shape(key) {
        case .distinct:
            command = [Array("PFADD".utf8), name] + cells.values(key)
            distinct = name
        case .hash, .sortedSet:
            let isHash = cells.shape(key) == .hash
            command = [Array((isHash ? "HSET" : "ZADD").utf8), name]
            for (field, value) in cells.cells(key) {
                let bytes =
                    switch value {
                    case .integer(let integer): Array("\(integer)".utf8)
                    case .text(let text): text
                    }
                command += isHash ? [field, bytes] : [bytes, field]
            }
            guard command.count > 2 else { return }
            if isHash { hash = name } else { sortedSet = name }
        }
        try connection.command(command)
        if let expiry = cells.expirySeconds(key) {
            try connection.command([
                Array("EXPIREAT".utf8), name, Array("\(expiry)".utf8),
            ])
        }
    }
}
