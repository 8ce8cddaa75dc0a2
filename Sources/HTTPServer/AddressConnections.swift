import Synchronization

/// Counts the connections of each address, so that one client cannot take all of them.
///
/// The library's own limit cannot exempt a proxy, which has the connections of many clients.
final class AddressConnections: Sendable {
    private let most: Int
    private let unlimited: [AddressRange]
    private let counts = Mutex<[RemoteAddress: Int]>([:])

    /// At most `most` connections of one address; 0: no limit.
    ///
    /// Addresses in `unlimited` have no limit.
    init(most: Int, unlimited: [AddressRange]) {
        self.most = most
        self.unlimited = unlimited
    }

    /// Whether one more connection may be opened; asked before it is.
    ///
    /// Threads that accept at the same moment may each let in one too many.
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
