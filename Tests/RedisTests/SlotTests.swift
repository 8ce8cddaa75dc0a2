import Testing

@testable import Redis

/// Slots of keys, and maps of slots from what nodes answer.
@Suite struct SlotTests {
    private static let asked = Endpoint(host: "10.0.0.9", port: 7000)

    /// The first is the check value of CRC16 XMODEM; all were asked of a server by CLUSTER KEYSLOT.
    @Test(arguments: [
        ("123456789", 12_739), ("", 0), ("foo", 12_182), ("odo:1:{dir}:ledger", 10_444),
        ("{dir}", 10_444), ("dir", 10_444), ("{user1000}.following", 3_443),
        ("foo{}{bar}", 8_363), ("foo{{bar}}zap", 4_015), ("foo{bar}{zap}", 5_061),
        ("{", 4_092), ("{}", 15_257), ("}{", 12_793), ("\u{e9}", 10_180),
    ])
    func aKeyHasItsSlot(key: String, slot: Int) {
        #expect(Slot.of(key: Array(key.utf8)) == slot)
    }

    @Test func everySlotHasAKey() {
        var seen = Set<Int>()
        for number in 0..<200_000 { seen.insert(Slot.of(key: Array("{\(number)}x".utf8))) }
        #expect(seen.count == Slot.count)
    }

    // MARK: CLUSTER SHARDS

    private static func text(_ text: String) -> ReplyValue { .bytes(Array(text.utf8)) }

    private static func list(_ words: ReplyValue...) -> ReplyValue { .array(words) }

    private static func node(
        _ id: String, _ endpoint: ReplyValue, port: Int64? = 7_000, tls: Int64? = nil,
        role: String = "master", health: String = "online"
    ) -> ReplyValue {
        var fields: [ReplyValue] = [text("id"), text(id)]
        if let port { fields += [text("port"), .integer(port)] }
        if let tls { fields += [text("tls-port"), .integer(tls)] }
        fields += [
            text("ip"), text("10.1.1.1"), text("endpoint"), endpoint, text("role"), text(role),
            text("replication-offset"), .integer(7), text("health"), text(health),
            text("of-a-later-version"), .array([.null]),
        ]
        return .array(fields)
    }

    private static func shard(_ slots: [Int64], _ nodes: ReplyValue...) -> ReplyValue {
        list(
            text("slots"), .array(slots.map { .integer($0) }), text("nodes"), .array(nodes),
            text("new"), .integer(1))
    }

    private static func read(_ reply: ReplyValue, usesTLS: Bool = false) -> SlotMap? {
        SlotMap(shards: reply, asked: asked, usesTLS: usesTLS)
    }

    @Test func shardsGiveMastersAndTheirSlots() throws {
        let reply = Self.list(
            Self.shard(
                [0, 99, 200, 200], Self.node("r", Self.text("h1"), role: "replica"),
                Self.node("a", Self.text("h1"))),
            Self.shard([], Self.node("idle", Self.text("h3"))),
            Self.shard([100, 199], Self.node("b", Self.text("::1"), port: 7_001, tls: 7_101)))
        let map = try #require(Self.read(reply))
        #expect(map.masters.map(\.id).sorted() == ["a", "b"])
        #expect(map.idle.map(\.id) == ["idle"] && map.node("idle")?.endpoint.host == "h3")
        #expect(map.node("b")?.endpoint.host == "::1" && map.node("r") == nil)
        #expect(map.owner(ofSlot: 99)?.endpoint == Endpoint(host: "h1", port: 7_000))
        #expect(map.owner(ofSlot: 100)?.id == "b" && map.owner(ofSlot: 200)?.id == "a")
        #expect(map.owner(ofSlot: 201) == nil && map.unownedCount == Slot.count - 201)
        #expect(map.owner(ofKey: Array("{}".utf8)) == nil)
        // A node with one port only is reached by that one.
        let secure = try #require(Self.read(reply, usesTLS: true))
        #expect(secure.owner(ofSlot: 100)?.endpoint == Endpoint(host: "::1", port: 7_101))
        #expect(secure.owner(ofSlot: 99)?.endpoint.port == 7_000)
    }

    @Test(arguments: [ReplyValue.null, .bytes([]), .bytes(Array("?".utf8))])
    func anUnknownHostIsTheOneThatWasAsked(host: ReplyValue) throws {
        let reply = Self.list(Self.shard([0, 1], Self.node("a", host)))
        let map = try #require(Self.read(reply))
        #expect(map.owner(ofSlot: 1)?.endpoint == Endpoint(host: "10.0.0.9", port: 7_000))
    }

    @Test func theMasterThatIsThereCountsWhileALostOneIsStillListed() throws {
        let reply = Self.list(
            Self.shard(
                [0, 1], Self.node("lost", Self.text("h1"), health: "fail"),
                Self.node("new", Self.text("h2"))))
        #expect(Self.read(reply)?.owner(ofSlot: 0)?.id == "new")
        let alone = Self.list(
            Self.shard([0, 1], Self.node("lost", Self.text("h1"), health: "fail")))
        #expect(Self.read(alone)?.owner(ofSlot: 0)?.id == "lost")
        let apart = Self.list(
            Self.shard([0, 1], Self.node("new", Self.text("h2"))),
            Self.shard([], Self.node("lost", Self.text("h1"), health: "fail")))
        #expect(Self.read(apart)?.idle.isEmpty ?? false)
    }

    /// The first slot of a new master is named by MOVED before the map is read again.
    @Test func aMasterWithoutSlotsGetsItsFirstOne() throws {
        let place = Endpoint(host: "h2", port: 7_000)
        var map = SlotMap([
            (ClusterNode(id: "a", endpoint: Endpoint(host: "h1", port: 7_000)), [0...9]),
            (ClusterNode(id: "new", endpoint: place), []),
        ])
        map.assign(3, to: place)
        #expect(map.owner(ofSlot: 3)?.id == "new" && map.idle.isEmpty)
        #expect(map.slotOfEachMaster == [0, 3])
    }

    /// What CLUSTER NODES says is `IP:PORT@BUSPORT[,HOSTNAME]`.
    @Test(arguments: [
        ("10.0.0.1:7000@17000", "10.0.0.1"), ("10.0.0.1:7000@17000,", "10.0.0.1"),
        ("10.0.0.1:7000@17000,one.example", "one.example"),
        ("2001:db8::1:7000@17000", "2001:db8::1"),
        (":7000@17000,one.example", "one.example"), (":7000@17000", nil), (":0@0", nil),
    ])
    func aNodeIsReachedByItsName(address: String, host: String?) {
        let line = "id \(address) master - 0 0 1 connected 0-9"
        let endpoint = NodesView(text: line).nodes.first?.endpoint
        #expect(endpoint?.host == host && endpoint?.port == host.map { _ in 7_000 })
    }

    @Test func shardsWithoutAMasterOrAPortOwnNothing() throws {
        let reply = Self.list(
            Self.shard([0, 1], Self.node("r", Self.text("h1"), role: "replica")),
            Self.shard([2, 3], Self.node("p", Self.text("h1"), port: 0)),
            Self.shard([4, 5], Self.node("", Self.text("h1"))))
        let map = try #require(Self.read(reply))
        #expect(map.masters.isEmpty && map.unownedCount == Slot.count)
    }

    @Test func whatIsNoMapIsRefused() {
        #expect(Self.read(.null) == nil)
        #expect(Self.read(Self.list(.integer(1))) == nil)
        #expect(Self.read(Self.list(Self.list(Self.text("slots"), Self.list()))) == nil)
        for slots: [Int64] in [[0], [5, 4], [-1, 4], [0, 16_384]] {
            let reply = Self.list(Self.shard(slots, Self.node("a", Self.text("h"))))
            #expect(Self.read(reply) == nil)
        }
    }

    // MARK: CLUSTER SLOTS

    private static func entry(_ first: Int64, _ last: Int64, _ nodes: ReplyValue...) -> ReplyValue {
        .array([.integer(first), .integer(last)] + nodes)
    }

    @Test func slotsGiveMastersToo() throws {
        let reply = Self.list(
            Self.entry(
                0, 9, Self.list(Self.text("h1"), .integer(7), Self.text("a"), Self.list()),
                Self.list(Self.text("h2"), .integer(8), Self.text("replica"))),
            Self.entry(10, 11, Self.list(Self.text(""), .integer(9), Self.text("b"))),
            Self.entry(12, 12, Self.list(.null, .integer(6))),
            Self.entry(13, 13))
        let map = try #require(SlotMap(slots: reply, asked: Self.asked))
        #expect(map.owner(ofSlot: 9)?.id == "a" && map.owner(ofSlot: 10)?.id == "b")
        #expect(map.owner(ofSlot: 10)?.endpoint == Endpoint(host: "10.0.0.9", port: 9))
        #expect(map.owner(ofSlot: 12)?.id == "?10.0.0.9:6")
        #expect(map.owner(ofSlot: 13) == nil)
        #expect(SlotMap(slots: .null, asked: Self.asked) == nil)
        #expect(SlotMap(slots: Self.list(Self.entry(4, 3)), asked: Self.asked) == nil)
        #expect(SlotMap(slots: Self.list(Self.list(.integer(1))), asked: Self.asked) == nil)
    }

    @Test func nodesAreComparedById() {
        let one = ClusterNode(id: "a", endpoint: Endpoint(host: "h", port: 1))
        let moved = ClusterNode(id: "a", endpoint: Endpoint(host: "h", port: 2))
        #expect(one == moved && Set([one, moved]).count == 1)
        #expect(one != ClusterNode(id: "b", endpoint: one.endpoint))
    }

    // MARK: Redirects

    @Test func errorsSayWhereACommandBelongs() {
        let here = Endpoint(host: "h", port: 1)
        func read(_ text: String) -> Redirect? { Redirect(errorText: text, from: here) }
        #expect(
            read("MOVED 3999 127.0.0.1:6381")
                == .moved(slot: 3_999, to: Endpoint(host: "127.0.0.1", port: 6_381)))
        #expect(
            read("MOVED 3999 :6381") == .moved(slot: 3_999, to: Endpoint(host: "h", port: 6_381)))
        #expect(read("ASK 1 ?:7") == .ask(slot: 1, at: Endpoint(host: "h", port: 7)))
        #expect(read("ASK 1 fd00::1:7") == .ask(slot: 1, at: Endpoint(host: "fd00::1", port: 7)))
        #expect(read("TRYAGAIN Multiple keys request during rehashing of slot") == .tryAgain)
        #expect(read("CLUSTERDOWN Hash slot not served") == .down)
        for text in [
            "MOVED", "MOVED 1", "MOVED x h:1", "MOVED 16384 h:1", "MOVED 1 h", "MOVED 1 h:0",
            "MOVED 1 h:70000", "ERR MOVED 1 h:1", "", "CROSSSLOT Keys in request",
        ] { #expect(read(text) == nil, "\(text)") }
        #expect(RedisError(serverText: "TRYAGAIN x").isRedirect)
        #expect(!RedisError(serverText: "ERR x").isRedirect)
    }

    // MARK: Commands

    private static func command(_ words: String...) -> RoutedCommand? {
        var buffer = CommandBuffer()
        buffer.appendHeader(count: words.count)
        for word in words { buffer.append(text: word) }
        return RoutedCommand(buffer.bytes)
    }

    @Test func aCommandGoesWhereItsKeyIs() throws {
        let slot = Slot.of(key: Array("k".utf8))
        for words in [
            ["GET", "k"], ["hset", "k", "f", "v"], ["EVALSHA", "d", "1", "k", "a"],
            ["ZUNION", "2", "k", "j"], ["MEMORY", "USAGE", "k"], ["PFCOUNT", "k", "j"],
        ] {
            var buffer = CommandBuffer()
            buffer.appendHeader(count: words.count)
            for word in words { buffer.append(text: word) }
            let byteCount = buffer.byteCount
            buffer.append("of the next one")
            let command = try #require(RoutedCommand(buffer.bytes))
            #expect(command.slot == slot && command.byteCount == byteCount, "\(words)")
        }
        #expect(Self.command("EVAL", "return 1", "0", "k")?.slot == nil)
        #expect(Self.command("INFO")?.slot == nil && Self.command("PING", "k")?.slot == nil)
        #expect(Self.command("GET", "k")?.isRead == true)
        #expect(Self.command("SET", "k", "v")?.isRead == false)
        #expect(Self.command("EVALSHA_RO", "d", "1", "k")?.isRead == true)
        #expect(Self.command("SCAN", "0").map { $0.kind == .refused } == true)
        #expect(RoutedCommand(UnsafeRawBufferPointer(start: nil, count: 0)) == nil)
    }
}
