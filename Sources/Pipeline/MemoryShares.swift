public import Ledger

/// The meters and organizations that hold most of the ledger's memory.
///
/// At most ten of each, with their shares from 0 to 1, the greatest first.
public struct MemoryShares: Sendable {
    /// Meters.
    public var meters: [MemorySample.Share] = []
    /// Organizations.
    public var organizations: [MemorySample.Share] = []
}
