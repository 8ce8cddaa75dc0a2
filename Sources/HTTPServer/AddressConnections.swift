import Synchronization

/// Counts the connections of each address, so that one client does not take all there are.
///
/// The library has such a limit, but none that leaves out a proxy, behind which many clients are.
final class AddressConnections: Sendable {
    private let most: Int
    private let unlimited: [AddressRange]
    private let counts = Mutex<[RemoteAddress: Int]>([:])

    /// `most` connections of one address, 0 = no limit; none for addresses in `unlimited`.
    init(most: Int, unlimited: [AddressRange]) {
        self.most = most
        self.unlimited = unlimited
    }

    /// Whether one more may be opened; asked before it is opened.
    ///
    /// Threads that accept at the same moment may let in one more each.
    func admits(_ address: RemoteAddress) -> Bool {
        guard most > 0 else { return true }
        let count = counts.withLock { $0[address.network] ?? 0 }
        return count < most || unlimited.contains { $0.contains(address) }
    }

    func add(_ address: RemoteAddress) {
        guard most > 0 else { return }
        counts.withLock { $0[address.network, default: 0] += 1 }
    }

    func remove(_ address: RemoteAddress) {
        guard most > 0 else { return }
        counts.withLock { counts in
            let count = counts[address.network] ?? 0
            counts[address.network] = count > 1 ? count - 1 : nil
        }
    }
}
