public import Ledger

/// Those that hold most of the ledger's memory, each with its share, 0 to 1, by falling share; at most ten each.
public struct MemoryShares: Sendable {
    /// Meters.
    public var meters: [MemorySample.Share] = []
    /// Organizations.
    public var organizations: [MemorySample.Share] = []
}
