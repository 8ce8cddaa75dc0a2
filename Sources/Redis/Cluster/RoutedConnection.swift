/// What a connection to a cluster does through its router.
///
/// It has the calls of a connection to one server. Commands are sent to the master that has their
/// key, and answers are taken in the order of the commands. `WATCH`, and commands that are about
/// all keys, such as SCAN, are refused: `RedisConfiguration.servers` leads to each master.
extension Connection {
    /// Connects to one master of a cluster, also where the address is the cluster's.
    public init(
        _ configuration: RedisConfiguration, node: ClusterNode
    ) throws(RedisError) {
        try self.init(configuration.leading(to: node.endpoint))
    }

    /// Commands without a key go to the master that has this one from now on, and no longer to any
    /// master; no change where there is one server.
    public func lead(toKey key: [UInt8]) { router?.home = Slot.of(key: key) }

    /// The master of a cluster that has this key, as far as is known; nil where there is one
    /// server.
    public func node(ofKey key: [UInt8]) -> ClusterNode? {
        router?.cluster.map?.owner(ofKey: key)
    }

    /// A command without a key, sent to the master that has this key, or to every one of them.
    ///
    /// Where there is one server, it is sent there. An error answer is thrown.
    mutating func commandOfServers(
        _ arguments: [String], key: [UInt8]?
    ) throws(RedisError) -> ReplyValue {
        let words = arguments.map { Array($0.utf8) }
        guard let router else { return try command(words) }
        guard let key else { return try answersOfMasters(arguments).last?.answer ?? .null }
        let home = router.home
        defer { router.home = home }
        router.home = Slot.of(key: key)
        return try command(words)
    }

    /// The answers of all masters of a cluster to a command without a key; none where there is one
    /// server.
    ///
    /// `idle`: those without slots are asked too, each over a connection of its own.
    ///
    /// An error answer is thrown. No other answer may be pending.
    public mutating func answersOfMasters(
        _ arguments: [String], idle: Bool = false
    ) throws(RedisError) -> [(node: ClusterNode, answer: ReplyValue)] {
        guard let router, let map = router.cluster.map else { return [] }
        let home = router.home
        defer { router.home = home }
        var answers: [(node: ClusterNode, answer: ReplyValue)] = []
        for slot in map.slotOfEachMaster {
            guard let node = map.owner(ofSlot: slot) else { continue }
            router.home = slot
            answers.append((node, try command(arguments.map { Array($0.utf8) })))
        }
        guard idle else { return answers }
        var reach = router.configuration
        reach.connectTimeoutMilliseconds = min(
            Cluster.stepMilliseconds, reach.connectTimeoutMilliseconds)
        for node in map.idle {
            var connection = try Connection(reach, node: node)
            answers.append((node, try connection.command(arguments.map { Array($0.utf8) })))
        }
        return answers
    }

    mutating func route(_ router: Router) throws(RedisError) {
        do throws(RedisError) { try router.send(output.bytes) } catch {
            failure = error
            throw error
        }
        output.removeAll()
    }

    mutating func take(
        _ router: Router, _ limitMilliseconds: Int32
    ) throws(RedisError) -> Reply {
        do throws(RedisError) {
            let reply = try router.take(limitMilliseconds)
            pendingReplies -= 1
            return reply
        } catch {
            failure = error
            throw error
        }
    }

    mutating func takeIfReady(
        _ router: Router, waitMilliseconds: Int32?
    ) throws(RedisError) -> Reply? {
        do throws(RedisError) {
            guard let reply = try router.takeIfReady(waitMilliseconds) else { return nil }
            pendingReplies -= 1
            return reply
        } catch {
            failure = error
            throw error
        }
    }
}
