import Foundation
import Glibc
package import Redis

/// A Redis Cluster of one test on ports of the loopback; all its processes end with this object.
package final class TestCluster: Sendable {
    /// One node of it.
    package final class Node: Sendable {
        package let endpoint: Endpoint
        /// The port on which nodes speak to each other.
        let busPort: Int32
        fileprivate let process: ServerProcess
        /// How to connect to this node alone.
        package let configuration: RedisConfiguration

        fileprivate init(_ port: Int32, _ busPort: Int32, directory: String, _ options: [String]) {
            endpoint = Endpoint(host: "127.0.0.1", port: port)
            self.busPort = busPort
            configuration = RedisConfiguration(address: .tcp(host: "127.0.0.1", port: port))
            process = ServerProcess(
                [
                    "--port", String(port), "--cluster-port", String(busPort), "--bind",
                    "127.0.0.1", "--cluster-enabled", "yes", "--cluster-config-file",
                    "nodes-\(port).conf", "--dir", directory, "--save", "", "--daemonize", "no",
                    "--logfile", "\(directory)/log-\(port)", "--dbfilename", "\(port).rdb",
                ] + options)
        }

        package func connect() throws -> Connection { try Connection(configuration) }
        /// One command on a connection of its own.
        @discardableResult
        package func ask(_ arguments: String...) throws -> ReplyValue {
            var connection = try connect()
            return try connection.command(arguments.map { Array($0.utf8) })
        }
        package func kill() { process.stop() }
        package func freeze(_ isFrozen: Bool) { process.freeze(isFrozen) }
        /// Starts it, also after `kill`, and returns when it answers.
        package func start() throws {
            try process.start()
            try TestCluster.wait("node \(endpoint) does not answer") {
                guard process.isRunning() else {
                    throw TestFailure("node \(endpoint) ended at once")
                }
                return (try? ask("PING").text) == "PONG"
            }
        }
        package var id: String { get throws { try ask("CLUSTER", "MYID").text ?? "" } }
    }

    private let directory: String
    /// Masters share the slots out in this order; replicas follow those with the same index.
    package let masters: [Node]
    package let replicas: [Node]
    /// Masters without slots.
    package let idle: [Node]
    private var all: [Node] { masters + replicas + idle }
    /// How to connect to the cluster.
    package let configuration: RedisConfiguration
    /// The same as one of our `redis:` settings.
    package let url: String

    /// Starts masters that have all slots, a replica for each of the first `replicas` ones, and
    /// `idle` masters without slots.
    ///
    /// `options`: more settings of every node. As Odometer wants it, the loss of one master does
    /// not stop the others.
    package init(
        masters count: Int = 3, replicas: Int = 0, idle: Int = 0, _ options: [String] = [],
        commandTimeoutMilliseconds: Int32 = 20_000
    ) throws {
        directory = NSTemporaryDirectory() + "odo-cluster-" + UUID().uuidString.prefix(8)
        let directory = directory
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
        let ports = try Self.freePorts(2 * (count + replicas + idle))
        let nodes = (0..<count + replicas + idle).map {
            Node(
                ports[2 * $0], ports[2 * $0 + 1], directory: directory,
                ["--cluster-node-timeout", "1000", "--cluster-require-full-coverage", "no"]
                    + options)
        }
        masters = Array(nodes.prefix(count))
        self.replicas = Array(nodes.dropFirst(count).prefix(replicas))
        self.idle = Array(nodes.dropFirst(count + replicas))
        url =
            "redis+cluster://" + nodes.prefix(2).map(\.endpoint.description).joined(separator: ",")
        var configuration = try RedisConfiguration(url: url)
        configuration.commandTimeoutMilliseconds = commandTimeoutMilliseconds
        self.configuration = configuration
        for node in nodes { try node.start() }
        try join(nodes)
    }

    deinit {
        for node in all { node.kill() }
        try? FileManager.default.removeItem(atPath: directory)
    }

    package func connect() throws -> Connection { try Connection(configuration) }

    private func join(_ nodes: [Node]) throws {
        for (index, node) in masters.enumerated() {
            try node.ask("CLUSTER", "SET-CONFIG-EPOCH", String(index + 1))
            let first = index * Slot.count / masters.count
            let last = (index + 1) * Slot.count / masters.count - 1
            try node.ask("CLUSTER", "ADDSLOTSRANGE", String(first), String(last))
        }
        for node in nodes.dropFirst() {
            try masters[0].ask(
                "CLUSTER", "MEET", "127.0.0.1", String(node.endpoint.port), String(node.busPort))
        }
        for node in nodes {
            try Self.wait("\(node.endpoint) does not know all nodes") {
                let known = try node.ask("CLUSTER", "NODES").text ?? ""
                return known.split(separator: "\n").count == nodes.count
                    && !known.contains("handshake")
            }
        }
        for (replica, master) in zip(replicas, masters) {
            try replica.ask("CLUSTER", "REPLICATE", try master.id)
            try Self.wait("\(replica.endpoint) does not follow its master") {
                try replica.ask("ROLE").elements.dropFirst(3).first?.text == "connected"
            }
        }
        try waitUntilWorking(nodes)
    }

    /// Returns when all these nodes say that the cluster works and know the same masters.
    package func waitUntilWorking(_ nodes: [Node]? = nil) throws {
        for node in nodes ?? all {
            try Self.wait("\(node.endpoint) does not see a working cluster") {
                let info = try node.ask("CLUSTER", "INFO").text ?? ""
                return info.contains("cluster_state:ok") && info.contains("cluster_slots_ok:16384")
            }
        }
    }

    // MARK: Slots

    /// The master that has a key, as the nodes see it now.
    package func owner(ofKey key: String) throws -> Node {
        try owner(ofSlot: Slot.of(key: Array(key.utf8)))
    }

    package func owner(ofSlot slot: Int) throws -> Node {
        for node in all {
            let slots = (try? node.ask("CLUSTER", "SLOTS").elements) ?? []
            for entry in slots.map(\.elements)
            where (entry[0].integer ?? 0)...(entry[1].integer ?? 0) ~= Int64(slot) {
                let port = entry[2].elements[1].integer
                if let owner = all.first(where: {
                    Int64($0.endpoint.port) == port
                }) {
                    return owner
                }
            }
        }
        throw TestFailure("no master has slot \(slot)")
    }

    /// What each node says of a slot, for the message of a failure.
    package func opinions(onSlot slot: Int) -> String {
        all.map { node in
            let slots = (try? node.ask("CLUSTER", "SLOTS").elements.map(\.elements)) ?? []
            let entry = slots.first {
                (($0[0].integer ?? 0)...($0[1].integer ?? 0)).contains(Int64(slot))
            }
            let owner = entry?[2].elements[1].integer.map { String($0) } ?? "nobody"
            let keys = (try? node.ask("CLUSTER", "COUNTKEYSINSLOT", String(slot)).integer) ?? -1
            return "\(node.endpoint.port): \(owner), \(keys) keys"
        }.joined(separator: "; ")
    }

    /// Opens a slot: its keys may move from now on.
    ///
    /// First the target must have heard that the source is a master, also just after a failover.
    package func beginMove(slot: Int, from source: Node, to target: Node) throws {
        let master = try source.id
        try Self.wait("\(target.endpoint) does not know that \(source.endpoint) is a master") {
            let nodes = try target.ask("CLUSTER", "NODES").text ?? ""
            return nodes.split(separator: "\n").contains {
                $0.hasPrefix(master) && $0.split(separator: " ")[2].contains("master")
            }
        }
        try target.ask("CLUSTER", "SETSLOT", String(slot), "IMPORTING", try source.id)
        try source.ask("CLUSTER", "SETSLOT", String(slot), "MIGRATING", try target.id)
    }

    /// Moves up to `most` keys of an open slot; returns how many.
    @discardableResult
    package func moveKeys(
        slot: Int, from source: Node, to target: Node, most: Int = .max
    ) throws -> Int {
        var moved = 0
        while moved < most {
            let keys = try source.ask(
                "CLUSTER", "GETKEYSINSLOT", String(slot), String(min(100, most - moved))
            ).elements.compactMap(\.text)
            if keys.isEmpty { break }
            for key in keys {
                try source.ask(
                    "MIGRATE", "127.0.0.1", String(target.endpoint.port), key, "0", "5000")
            }
            moved += keys.count
        }
        return moved
    }

    /// Closes a slot: the target has it, and all masters know that soon.
    ///
    /// First the target must have heard of the epoch that the source got by earlier moves. Its own
    /// one would not be the larger one otherwise, and a packet of the source that is on its way
    /// would take the slot back, whereupon the target deletes its keys.
    package func endMove(slot: Int, to target: Node) throws {
        try Self.wait("the nodes do not agree about their epochs") { try haveSameEpochs() }
        let id = try target.id
        try target.ask("CLUSTER", "SETSLOT", String(slot), "NODE", id)
        for node in all where node !== target {
            // Not one that was killed, and a replica learns it from its master.
            guard let role = try? node.ask("ROLE").elements.first?.text, role == "master" else {
                continue
            }
            try node.ask("CLUSTER", "SETSLOT", String(slot), "NODE", id)
        }
    }

    /// Whether all nodes that answer know the same epoch of each master.
    private func haveSameEpochs() throws -> Bool {
        let views = all.compactMap { try? $0.ask("CLUSTER", "NODES").text }
        let epochs = views.map { view in
            Set(
                view.split(separator: "\n").map { $0.split(separator: " ") }.filter {
                    $0.count > 7 && $0[2].contains("master") && !$0[2].contains("fail")
                }.map { "\($0[0]) \($0[6])" })
        }
        return Set(epochs).count == 1
    }

    /// Moves a slot with all its keys.
    package func move(slot: Int, from source: Node, to target: Node) throws {
        try beginMove(slot: slot, from: source, to: target)
        try moveKeys(slot: slot, from: source, to: target)
        try endMove(slot: slot, to: target)
    }

    // MARK: Ports and waits

    /// Ports that nobody listens on now.
    private static func freePorts(_ count: Int) throws -> [Int32] {
        var sockets: [Int32] = []
        defer { for socket in sockets { close(socket) } }
        return try (0..<count).map { _ in
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            sockets.append(descriptor)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let isBound = withUnsafeMutablePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
                }
            }
            guard isBound else { throw TestFailure("no port of the loopback: \(errno)") }
            return Int32(UInt16(bigEndian: address.sin_port))
        }
    }

    /// Asks again and again, up to 30 s, until something is so.
    package static func wait(_ failure: String, until body: () throws -> Bool) throws {
        let deadline = Date().addingTimeInterval(30)
        while Date() < deadline {
            if try body() { return }
            usleep(10_000)
        }
        throw TestFailure(failure)
    }
}
