internal import CHiredis

/// What a routed connection has of a cluster: a connection to each master that it has needed, and
/// the commands whose answers have not been taken yet.
///
/// All commands of one pipeline are led by one map, so that commands about one slot keep their
/// order. For one thread at a time.
final class Router {
    /// A connection to one master.
    final class Link {
        let node: ClusterNode
        var connection: Connection
        /// Whether commands of a transaction that has no end yet have gone there.
        var isInTransaction = false

        init(_ node: ClusterNode, _ connection: consuming Connection) {
            self.node = node
            self.connection = connection
        }
    }

    /// A command that was sent, and its answer where that came before its turn.
    struct Sent {
        /// Its bytes in `kept`.
        var bytes: Range<Int>
        var link: Link
        var slot: Int?
        var isRead: Bool
        /// The key and the cursor, where it is a step of a scan through one key.
        var scan: (key: [UInt8], isFirst: Bool)?
        /// Index in `sent` of the MULTI that it belongs to.
        var transaction: Int?
        /// Whether it ends that transaction.
        var isEnd = false
        var answer: UnsafeMutablePointer<redisReply>?
        /// Whether the answer is what the caller gets, even where it is a redirect.
        var isFinal = false
    }

    let configuration: RedisConfiguration
    let cluster: Cluster
    private var links: [ClusterNode: Link] = [:]
    /// The slot whose master gets the commands without a key; nil: any master does.
    var home: Int?
    /// The map of the pipeline that is under way.
    private var map: SlotMap
    /// Commands that were sent and are not forgotten; those before `next` have been answered.
    var sent: [Sent] = []
    var next = 0
    /// Bytes of the commands in `sent`, and of what waits for the first key of its transaction.
    var kept: [UInt8] = []
    /// Where in `kept` the commands begin that were not sent yet.
    private var unsent = 0
    /// Which node gave the first page of a scan through a key.
    ///
    /// A cursor means nothing to another node: pages of two nodes would leave members out.
    var scans: [[UInt8]: ClusterNode] = [:]
    /// The transaction that was sent without its end.
    private var open: (start: Int, link: Link)?

    var tlsFacts: TLSFacts? { links.values.lazy.compactMap { $0.connection.tlsFacts }.first }

    /// Takes the known map, or asks for it.
    init(_ configuration: RedisConfiguration) throws(RedisError) {
        guard let cluster = configuration.cluster else {
            preconditionFailure("the address is no cluster's")
        }
        try configuration.validate()
        self.configuration = configuration
        self.cluster = cluster
        map = try cluster.knownMap()
        cluster.refreshIfDue()
    }

    deinit { forget(sent.count) }

    // MARK: Sending

    /// Sends these commands, each to its master.
    ///
    /// After an error the router must not be used.
    func send(_ bytes: UnsafeRawBufferPointer) throws(RedisError) {
        forgetAnswered()
        if sent.isEmpty {
            cluster.refreshIfDue()
            map = try cluster.knownMap()
            if links.count > map.masters.count {
                links = links.filter { map.masters.contains($0.key) }
            }
        }
        kept.append(contentsOf: bytes)
        var waiting: [(command: RoutedCommand, bytes: Range<Int>)] = []
        var offset = unsent
        while offset < kept.count {
            let found = kept.withUnsafeBytes {
                RoutedCommand(UnsafeRawBufferPointer(rebasing: $0[offset...]))
            }
            guard let command = found else {
                preconditionFailure("a command that was begun has fewer arguments than it said")
            }
            guard command.kind != .refused else {
                throw RedisError(
                    .configuration, "\(command.name) must ask each master of a cluster by itself")
            }
            waiting.append((command, offset..<offset + command.byteCount))
            offset += command.byteCount
            // A transaction goes where its first key is.
            let isOpening = waiting[0].command.kind == .multi && open == nil
            if isOpening, command.slot == nil, command.kind != .end { continue }
            try lead(waiting)
            waiting = []
        }
        unsent = waiting.first?.bytes.lowerBound ?? kept.count
        for link in links.values {
            try speak(link) { (connection: inout Connection) throws(RedisError) in
                try connection.flush()
            }
        }
    }

    /// Buffers commands for the master of the last one's slot.
    private func lead(_ commands: [(command: RoutedCommand, bytes: Range<Int>)]) throws(RedisError)
    {
        let slot = commands.last?.command.slot
        let link: Link
        if let open { link = open.link } else { link = try self.link(slot: slot) }
        for (command, bytes) in commands {
            var entry = Sent(
                bytes: bytes, link: link, slot: command.slot, isRead: command.isRead,
                scan: command.scan)
            if let scan = command.scan, !scan.isFirst, scans[scan.key] != link.node {
                throw RedisError(.io, Self.scanText)
            }
            if command.kind == .multi, open == nil { open = (sent.count, link) }
            if let open {
                entry.transaction = open.start
                // After a refusal of one of its commands, which is not repeated.
                if open.start < sent.count { entry.isFinal = sent[open.start].isFinal }
                entry.isEnd = command.kind == .end
            }
            if entry.isEnd { open = nil }
            link.isInTransaction = open != nil
            sent.append(entry)
            append(bytes, to: link)
        }
    }

    private static let scanText = "the slot of a key moved while the key was scanned"
    private static let mostScans = 4_096

    /// Notes which node has answered a scan's first page.
    func note(_ scan: (key: [UInt8], isFirst: Bool)?, _ link: Link) {
        guard let scan, scan.isFirst else { return }
        // Scans that go on are lost then, which is an error and no wrong answer.
        if scans.count >= Self.mostScans { scans = [:] }
        scans[scan.key] = link.node
    }

    /// Buffers one command of `kept`.
    func append(_ bytes: Range<Int>, to link: Link) {
        kept.withUnsafeBytes {
            link.connection.append(
                encodedBytes: UnsafeRawBufferPointer(rebasing: $0[bytes]), count: 1)
        }
    }

    // MARK: Links

    /// A connection to the master of this slot, or to any.
    func link(slot: Int?) throws(RedisError) -> Link {
        guard let wanted = slot ?? home else { return try anyLink() }
        guard let owner = map.owner(ofSlot: wanted) else { return try anyLink() }
        do throws(RedisError) { return try link(to: owner) } catch {
            // Nothing was sent there, so another master may get it.
            guard error.code == .connect || error.code == .timeout,
                let newer = try? cluster.refresh(), let other = newer.owner(ofSlot: wanted),
                other.id != owner.id || other.endpoint != owner.endpoint
            else { throw error }
            map = newer
            return try link(to: other)
        }
    }

    /// A connection to the master at this address.
    func link(at endpoint: Endpoint) throws(RedisError) -> Link {
        let known = map.masters.first { $0.endpoint == endpoint }
        return try link(to: known ?? ClusterNode(id: "?\(endpoint)", endpoint: endpoint))
    }

    private func link(to node: ClusterNode) throws(RedisError) -> Link {
        if let link = links[node], link.node.endpoint == node.endpoint, link.connection.isAlive {
            return link
        }
        do throws(RedisError) {
            let link = Link(node, try Connection(configuration, node: node))
            links[node] = link
            return link
        } catch {
            cluster.lostNode()
            throw error
        }
    }

    /// A connection to the first master that can be reached.
    private func anyLink() throws(RedisError) -> Link {
        var failure: RedisError?
        for node in map.masters {
            if let link = links[node], link.connection.isAlive { return link }
        }
        for node in map.masters {
            do throws(RedisError) { return try link(to: node) } catch {
                failure = failure ?? error
            }
        }
        throw failure ?? RedisError(.connect, "\(configuration): no master is known")
    }

    /// Does something on a connection; where it breaks, the map is due.
    func speak<Result: ~Copyable>(
        _ link: Link, _ body: (inout Connection) throws(RedisError) -> Result
    ) throws(RedisError) -> Result {
        do throws(RedisError) { return try body(&link.connection) } catch {
            cluster.lostNode()
            throw RedisError(error.code, "\(link.node): \(error.message)")
        }
    }

    // MARK: Forgetting

    /// Frees what was answered, once that is at least half of it.
    private func forgetAnswered() {
        guard next > 0, 2 * next >= sent.count else { return }
        // A transaction is kept until its end was answered.
        let count = next < sent.count ? sent[next].transaction ?? next : open?.start ?? next
        guard count > 0 else { return }
        let byteCount = count < sent.count ? sent[count].bytes.lowerBound : unsent
        forget(count)
        kept.removeFirst(byteCount)
        sent.removeFirst(count)
        unsent -= byteCount
        next -= count
        if let open { self.open = (open.start - count, open.link) }
        for index in sent.indices {
            sent[index].bytes =
                sent[index].bytes.lowerBound - byteCount..<sent[index].bytes.upperBound - byteCount
            sent[index].transaction = sent[index].transaction.map { $0 - count }
        }
    }

    private func forget(_ count: Int) {
        for entry in sent.prefix(count) { entry.answer.map { ReplyMemory.free($0) } }
    }
}
