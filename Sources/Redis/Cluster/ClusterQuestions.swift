internal import Synchronization

/// Asking nodes which master has which slots.
extension Cluster {
    /// How long a connection to a node, and each of its answers, is waited for at most.
    static let stepMilliseconds: Int32 = 500

    /// What one node says.
    private struct View {
        var map: SlotMap
        /// Raised with each failover and each move of a slot: of two views the larger one is newer.
        var epoch: Int64
        /// Whether the node sees a cluster that works.
        var isWorking: Bool
        /// How many slots have a master that it does not take for lost.
        var served: Int

        /// Whether nothing is missing in what it sees.
        var isWhole: Bool { isWorking && served == Slot.count }

        static func < (left: View, right: View) -> Bool {
            (left.isWorking ? 1 : 0, left.epoch, left.served)
                < (right.isWorking ? 1 : 0, right.epoch, right.served)
        }
    }

    /// Asks nodes in turn until one has a whole map that is not older than what is known.
    ///
    /// A node that was cut off has an old map, and sees a cluster that does not work. A node that
    /// was taking a slot in when its master failed goes on naming that one, also after another took
    /// its place. Such views count only where nobody has a better one.
    func ask() throws(RedisError) -> SlotMap {
        let (reach, known, map, last) = state.withLock {
            ($0.reach, $0.epoch, $0.map, $0.lastAnswered)
        }
        var second: (endpoint: Endpoint, view: View)?
        var failures: [(endpoint: Endpoint, error: RedisError)] = []
        for endpoint in order(map, last) {
            do throws(RedisError) {
                let view = try view(of: endpoint, reach)
                if view.isWhole, view.epoch >= known { return take(view, endpoint) }
                if second.map({ $0.view < view }) ?? true { second = (endpoint, view) }
            } catch { failures.append((endpoint, error)) }
        }
        if let second { return take(second.view, second.endpoint) }
        // One that does not change by itself, such as a wrong password, is the error of all.
        let final = failures.first { if case .server = $0.error.code { true } else { false } }
        let isFinal = failures.allSatisfy {
            if case .server = $0.error.code { true } else { false }
        }
        let texts = failures.map { "\($0.endpoint): \(Sentinels.reason($0.error))" }
        throw RedisError(
            isFinal ? final?.error.code ?? .connect : .connect,
            "\(name(reach)): no node of the cluster has a map (\(texts.joined(separator: "; ")))")
    }

    /// The node that answered last, other masters, then those of the URL.
    private func order(_ map: SlotMap?, _ last: Endpoint?) -> [Endpoint] {
        var order = last.map { [$0] } ?? []
        for endpoint in (map?.masters.map(\.endpoint) ?? []) + seeds
        where !order.contains(endpoint) { order.append(endpoint) }
        return order
    }

    private func take(_ view: View, _ endpoint: Endpoint) -> SlotMap {
        state.withLock { state in
            state.map = view.map
            state.epoch = view.epoch
            state.lastAnswered = endpoint
        }
        return view.map
    }

    private func name(_ reach: RedisConfiguration) -> String {
        var named = reach
        named.address = .cluster(self)
        return named.description
    }

    private func view(
        of endpoint: Endpoint, _ reach: RedisConfiguration
    ) throws(RedisError) -> View {
        var direct = reach.leading(to: endpoint)
        direct.connectTimeoutMilliseconds = min(
            Self.stepMilliseconds, direct.connectTimeoutMilliseconds)
        direct.commandTimeoutMilliseconds = min(
            Self.stepMilliseconds, direct.commandTimeoutMilliseconds)
        var link = try Connection(direct)
        link.append("CLUSTER", "SHARDS")
        link.append("CLUSTER", "INFO")
        let shards = try link.receive().copied()
        let info = try link.receive().copied().text ?? ""
        var map: SlotMap?
        if case .error(let text) = shards {
            let error = RedisError(serverText: text)
            guard error.isForbidden || Self.isUnknown(text) else {
                throw explained(error, endpoint, reach)
            }
        } else {
            map = SlotMap(shards: shards, asked: endpoint, usesTLS: reach.tls != nil)
        }
        if map == nil {
            let reply: ReplyValue
            do throws(RedisError) { reply = try link.command("CLUSTER", "SLOTS") } catch {
                throw explained(error, endpoint, reach)
            }
            map = SlotMap(slots: reply, asked: endpoint)
            // It names no master that has no slots; without the right to ask for them they stay
            // unknown.
            if let nodes = try? link.command("CLUSTER", "NODES").text {
                let masters = NodesView(text: nodes).nodes.filter(\.isMasterInUse)
                map?.addIdle(masters.filter(\.slots.isEmpty).compactMap(\.clusterNode))
            }
        }
        guard let map else {
            throw RedisError(.protocolViolation, "it says nothing that is a map of slots")
        }
        guard !map.masters.isEmpty else {
            throw RedisError(.connect, "it knows no master that has slots")
        }
        let facts = Self.facts(info)
        return View(
            map: map, epoch: facts["cluster_current_epoch"].flatMap { Int64($0) } ?? 0,
            isWorking: facts["cluster_state"] ?? "ok" == "ok",
            served: facts["cluster_slots_ok"].flatMap { Int($0) } ?? Slot.count)
    }

    /// Redis 6 knows CLUSTER, but not SHARDS.
    private static func isUnknown(_ text: String) -> Bool {
        let text = text.lowercased()
        return text.contains("unknown") || text.contains("syntax error")
    }

    private static func facts(_ info: String) -> [Substring: Substring] {
        var facts: [Substring: Substring] = [:]
        for line in info.split(whereSeparator: \.isNewline) {
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2 { facts[parts[0]] = parts[1] }
        }
        return facts
    }

    /// The error with what to do about it.
    private func explained(
        _ error: RedisError, _ endpoint: Endpoint, _ reach: RedisConfiguration
    ) -> RedisError {
        guard error.message.contains("cluster support disabled") else { return error }
        let scheme = reach.tls == nil ? "redis" : "rediss"
        return RedisError(
            error.code, "this server is not in cluster mode: use \(scheme)://\(endpoint) for it")
    }
}
