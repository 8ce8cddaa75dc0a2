/// Memory for the many medium-sized tables of one thread's tallies, cut out of huge pages.
///
/// Each table is smaller than a huge page; together they are larger than a cache. Block sizes are
/// powers of two; a block that is given back is used for the next table of its size or smaller. All
/// memory is freed with this object, so every owner of a block must hold it. One thread.
public final class TableMemory {
    /// Smaller blocks come from the system's allocator: they share their pages anyway.
    private static let smallestBlockBytes = 4 << 10
    private var pages: [UnsafeMutablePointer<UInt8>] = []
    /// The first free block of each size; a free block's first word points to the next one.
    private var free: [UnsafeMutableRawPointer?]

    /// Memory that holds nothing yet.
    public init() {
        free = Array(repeating: nil, count: Self.sizeClass(LargeMemory.hugePageBytes) + 1)
    }

    deinit { for page in pages { LargeMemory.deallocate(page, LargeMemory.hugePageBytes) } }

    /// Memory that is not initialized, to be given back by `deallocate`.
    func allocate<Element>(_ capacity: Int) -> UnsafeMutablePointer<Element> {
        let byteCount = capacity * MemoryLayout<Element>.stride
        guard Self.isPooled(byteCount) else { return LargeMemory.allocate(capacity) }
        return take(Self.sizeClass(byteCount)).bindMemory(to: Element.self, capacity: capacity)
    }

    /// Takes back what `allocate` gave for the same capacity.
    func deallocate<Element>(_ memory: UnsafeMutablePointer<Element>, _ capacity: Int) {
        let byteCount = capacity * MemoryLayout<Element>.stride
        guard Self.isPooled(byteCount) else { return LargeMemory.deallocate(memory, capacity) }
        give(UnsafeMutableRawPointer(memory), Self.sizeClass(byteCount))
    }

    private static func isPooled(_ byteCount: Int) -> Bool {
        byteCount >= smallestBlockBytes && byteCount < LargeMemory.hugePageBytes
    }

    /// 0 for blocks of `smallestBlockBytes`, one more for each doubling.
    private static func sizeClass(_ byteCount: Int) -> Int {
        Int.bitWidth - (byteCount - 1).leadingZeroBitCount - smallestBlockBytes.trailingZeroBitCount
    }

    /// A block of that size; a larger one is halved if none is free.
    private func take(_ sizeClass: Int) -> UnsafeMutableRawPointer {
        if let block = free[sizeClass] {
            free[sizeClass] = block.load(as: UnsafeMutableRawPointer?.self)
            return block
        }
        guard sizeClass < free.count - 1 else {
            pages.append(LargeMemory.allocate(LargeMemory.hugePageBytes))
            return UnsafeMutableRawPointer(pages[pages.count - 1])
        }
        let block = take(sizeClass + 1)
        give(block + (Self.smallestBlockBytes << sizeClass), sizeClass)
        return block
    }

    private func give(_ block: UnsafeMutableRawPointer, _ sizeClass: Int) {
        block.storeBytes(of: free[sizeClass], as: UnsafeMutableRawPointer?.self)
        free[sizeClass] = block
    }
}
