internal import Glibc
internal import Synchronization

/// A Redis Cluster: which master has which slots, as far as this process knows.
///
/// All connections made of copies of one configuration share it. One thread at a time asks for the
/// map; until another one has been read, the last one serves. Thread-safe.
public final class Cluster: Sendable, Hashable, CustomStringConvertible {
    /// The map is read again after this time.
    static let lifetimeMilliseconds: Int32 = 30_000
    /// The pause after one look at the cluster before the next one.
    static let pauseMilliseconds: Int32 = 250

    /// Nodes of the URL, in its order.
    public let seeds: [Endpoint]
    let state: Mutex<State>
    /// Held by the thread that asks.
    private let asking = Mutex(())

    /// What this process has learned.
    struct State {
        var map: SlotMap?
        /// How to reach a node, but for its address.
        var reach = RedisConfiguration()
        /// The node that answered last.
        var lastAnswered: Endpoint?
        /// The largest epoch that a node has named: its view is the newest one.
        var epoch: Int64 = 0
        /// When the map is to be read again, and before when it is not.
        var dueAt = Deadline(milliseconds: 0)
        var notBefore = Deadline(milliseconds: 0)
        /// Looks that have ended, and how the last one did.
        var looks = 0
        var failure: RedisError?
        /// Whether a thread asks now.
        var isAsking = false
        /// Whether a thread was started to ask.
        var isStarted = false
    }

    /// A cluster that has these nodes; any of its nodes will do, more of them are safer.
    public init(seeds: [Endpoint]) {
        self.seeds = seeds
        state = Mutex(State())
    }

    func validate() throws(RedisError) {
        guard !seeds.isEmpty else {
            throw RedisError(.configuration, "a cluster needs the address of a node")
        }
        for endpoint in seeds { try endpoint.validate() }
    }

    /// The nodes of the URL.
    public var description: String { seeds.map(\.description).joined(separator: ",") }
    /// Whether both begin with the same nodes.
    public static func == (left: Cluster, right: Cluster) -> Bool { left.seeds == right.seeds }
    /// The part that is compared.
    public func hash(into hasher: inout Hasher) { hasher.combine(seeds) }

    /// Reaches nodes as this configuration does from now on.
    func use(_ configuration: RedisConfiguration) {
        // Leads elsewhere, because a cluster that holds itself would never be freed.
        let reach = configuration.leading(to: seeds.first ?? Endpoint(host: "", port: 0))
        state.withLock { $0.reach = reach }
    }

    // MARK: The map

    /// The map that was read last, with what MOVED said since; nil before the first.
    public var map: SlotMap? { state.withLock { $0.map } }

    /// The map; reads it where none is known.
    public func knownMap() throws(RedisError) -> SlotMap {
        if let map { return map }
        return try refresh()
    }

    /// Reads the map from a node now, or waits for the thread that does.
    ///
    /// Waits up to 0.5 s for each node that does not answer. Where none gives a map, the old one
    /// stays and the error says what each one did.
    @discardableResult
    public func refresh() throws(RedisError) -> SlotMap {
        // A look that is under way may have begun before what the caller knows.
        let enough = state.withLock { $0.looks + ($0.isAsking ? 2 : 1) }
        return try asking.withLock { _ throws(RedisError) -> SlotMap in
            let found = state.withLock { state -> Result<SlotMap, RedisError>? in
                if state.looks >= enough {
                    if let failure = state.failure { return .failure(failure) }
                    if let map = state.map { return .success(map) }
                }
                state.isAsking = true
                return nil
            }
            if let found { return try found.get() }
            do throws(RedisError) {
                let map = try ask()
                ended(nil)
                return map
            } catch {
                ended(error)
                throw error
            }
        }
    }

    private func ended(_ failure: RedisError?) {
        state.withLock { state in
            state.isAsking = false
            state.looks += 1
            state.failure = failure
            state.notBefore = Deadline(milliseconds: Self.pauseMilliseconds)
            state.dueAt =
                failure == nil
                ? Deadline(milliseconds: Self.lifetimeMilliseconds) : state.notBefore
        }
    }

    /// Lets a thread of its own read the map where it is due, and returns at once.
    ///
    /// It is due after 30 s, and after MOVED or the loss of a node, but not more often than four
    /// times a second.
    public func refreshIfDue() {
        let isDue = state.withLock { state in
            guard !state.isAsking, !state.isStarted, state.dueAt.remainingMilliseconds == 0,
                state.notBefore.remainingMilliseconds == 0
            else { return false }
            state.isStarted = true
            return true
        }
        if isDue, !start() { state.withLock { $0.isStarted = false } }
    }

    /// Another master has this slot: changes it at once, and the map is due.
    ///
    /// A node that the map does not name has the id `?HOST:PORT` until the map is read.
    public func moved(slot: Int, to endpoint: Endpoint) {
        guard (0..<Slot.count).contains(slot) else { return }
        state.withLock { state in
            state.map?.assign(slot, to: endpoint)
            state.dueAt = Deadline(milliseconds: 0)
        }
    }

    /// A node does not answer or does not serve its slots: the map is due.
    public func lostNode() { state.withLock { $0.dueAt = Deadline(milliseconds: 0) } }

    private func start() -> Bool {
        DetachedThread.start { [self] in
            _ = try? refresh()
            state.withLock { $0.isStarted = false }
        }
    }
}
