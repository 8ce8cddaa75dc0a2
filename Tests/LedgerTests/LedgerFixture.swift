import Foundation
import Ledger
import Redis
import TestSupport
import Testing

/// A private server with an empty ledger, and a look at everything in it.
final class LedgerFixture {
    let server: TestRedis
    let layout = KeyLayout(prefix: "t")
    let shard = 3
    let contract = Array("1:abc".utf8)
    let partition = LogPartition(topic: "usage", partition: 0)
    /// Far enough ahead that no test sees it pass.
    let later: Int64 = 4_000_000_000

    init(_ options: [String] = []) throws { server = try TestRedis(options) }

    var marksKey: [UInt8] { layout.marksKey(shard: shard) }
    var auditKey: [UInt8] { layout.auditKey(shard: shard) }
    var scratchKey: [UInt8] { layout.scratchKey(shard: shard) }

    /// Name of a cell key in the fixture's shard.
    func key(_ name: String) -> [UInt8] { layout.shardPrefix(shard) + Array(name.utf8) }
    func name(_ name: String) -> String { text(key(name)) }
    func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    /// Puts the contract and the mark 100 in the shard.
    func prepare(mark: Int64? = 100) throws {
        var connection = try server.connect()
        try connection.command(["HSET", marksKey, "!contract", contract])
        if let mark {
            try connection.command(["HSET", marksKey, "usage/0", Array(String(mark).utf8)])
        }
    }

    func committer() throws -> Committer { try Committer(server.connect()) }

    /// Arguments of a commit [100, 110) of partition 0, without cells.
    func begun(from: Int64? = 100, to: Int64 = 110) -> CommitArguments {
        var arguments = CommitArguments()
        arguments.begin(
            marksKey: marksKey, auditKey: auditKey, scratchKey: scratchKey, contract: contract)
        arguments.addRange(member: partition.markMember, from: from, to: to)
        return arguments
    }

    /// A ledger with cells of every kind, some of them about to be changed.
    static func filled(_ options: [String] = []) throws -> LedgerFixture {
        let fixture = try LedgerFixture(options)
        try fixture.prepare()
        var committer = try fixture.committer()
        var arguments = fixture.begun(from: 100, to: 100)
        arguments.beginGroup(.add, key: fixture.key("oldh"), expirySecond: fixture.later)
        arguments.addEntry(member: "there", delta: 1)
        arguments.addEntry(member: "ends", delta: 10)
        arguments.beginGroup(.score, key: fixture.key("oldz"), expirySecond: fixture.later)
        arguments.addEntry(member: "there", delta: 1)
        arguments.beginGroup(.score, key: fixture.key("olds"), expirySecond: fixture.later)
        arguments.addEntry(member: "there", delta: 1)
        arguments.addEntry(member: "other", delta: 7)
        // Too many beside two: these are added one by one.
        arguments.addScores(
            key: fixture.key("oldm"), (0..<12).map { ("m\($0)", 1) } + [("there", 4)])
        arguments.beginGroup(.maximum, key: fixture.key("oldx"))
        arguments.addEntry(member: "there", value: "00000000000000000001")
        arguments.beginGroup(.distinct, key: fixture.key("oldp"))
        arguments.addDistinct("same")
        #expect(committer.commit(&arguments) == .applied(zerosLeft: 0))
        return fixture
    }

    /// The fields of the shard's parked hash.
    func parked() throws -> [String: String] {
        var connection = try server.connect()
        return try connection.command(["HGETALL", layout.parkedKey(shard: shard)]).pairs
    }

    /// A field of a key; nil where there is none.
    func field(_ key: String, _ field: String) throws -> String? {
        try everything()[name(key)]?[field]
    }

    /// Every key with its content and, where it has one, its expiry.
    func everything() throws -> [String: [String: String]] {
        var connection = try server.connect()
        var found: [String: [String: String]] = [:]
        for key in try connection.command("KEYS", "*").elements.compactMap(\.bytes) {
            let type = try connection.command(["TYPE", key]).text
            var content: [String: String] = [:]
            switch type {
            case "hash":
                content = try connection.command(["HGETALL", key]).pairs
                // As good as absent: a commit began and took itself back.
                for field in ["!begun", "!done"] where content[field] == "0" {
                    content[field] = nil
                }
            case "zset":
                content = try connection.command(["ZRANGE", key, "0", "-1", "WITHSCORES"]).pairs
            case "string": content = ["value": try connection.command(["GET", key]).text ?? ""]
            default: content = ["type": type ?? ""]
            }
            let expiry = try connection.command(["EXPIRETIME", key]).integer ?? -1
            if expiry >= 0 { content["<expiry>"] = String(expiry) }
            found[text(key)] = content
        }
        return found
    }
}

extension CommitArguments {
    /// Small increments of members that differ, as a tally's are sent.
    mutating func addScores(
        key: [UInt8], expirySecond: Int64? = nil, limits: [UInt8] = [],
        _ scores: [(member: String, delta: Int64)]
    ) {
        var increments = KeyDump()
        for (member, delta) in scores {
            Array(member.utf8).withUnsafeBytes { increments.append($0, number: delta) }
        }
        key.withUnsafeBytes { key in
            limits.withUnsafeBytes {
                addUnion(key: key, expirySecond: expirySecond, limits: $0, &increments)
            }
        }
    }
}

extension Array<UInt8>: @retroactive ExpressibleByUnicodeScalarLiteral {
    /// The bytes of the literal.
    public init(unicodeScalarLiteral value: String) { self = Array(value.utf8) }
}
extension Array<UInt8>: @retroactive ExpressibleByExtendedGraphemeClusterLiteral {
    /// The bytes of the literal.
    public init(extendedGraphemeClusterLiteral value: String) { self = Array(value.utf8) }
}
/// In tests a literal may be bytes.
extension Array<UInt8>: @retroactive ExpressibleByStringLiteral {
    /// The bytes of the literal.
    public init(stringLiteral value: String) { self = Array(value.utf8) }
}
