import CTables

/// Memory for tables that are read at random places: in huge pages where the system gives them.
///
/// With pages of 4 KiB each look-up also misses the processor's table of pages, and not even a prefetch
/// hides that. What is given back goes back to the system at once: the allocator may keep blocks of this size.
enum LargeMemory {
    /// Bytes of a huge page.
    static var hugePage: Int { 2 << 20 }

    /// Bytes of a cache line, at which even a small block begins.
    private static var line: Int { 64 }

    /// Memory that is not initialized, to be given back by `deallocate`.
    static func allocate<Element>(_ capacity: Int) -> UnsafeMutablePointer<Element> {
        let byteCount = capacity * MemoryLayout<Element>.stride
        let memory: UnsafeMutableRawPointer =
            byteCount < hugePage
            ? .allocate(byteCount: byteCount, alignment: line) : ct_map(byteCount)
        return memory.bindMemory(to: Element.self, capacity: capacity)
    }

    /// Takes back what `allocate` gave for the same capacity.
    static func deallocate<Element>(_ memory: UnsafeMutablePointer<Element>, _ capacity: Int) {
        let byteCount = capacity * MemoryLayout<Element>.stride
        guard byteCount >= hugePage else { return memory.deallocate() }
        ct_unmap(memory, byteCount)
    }
}

/// Memory for the many middling tables of one thread's tallies, cut out of huge pages.
///
/// Each of them is smaller than a huge page, together they are larger than a cache. Blocks are powers of two; one
/// that is given back serves the next who asks for its size or less. Everything goes at the end, so whoever holds a
/// block holds this too. One thread.
public final class TableMemory {
    /// Smaller blocks come from the allocator: they share their pages anyway.
    private static let smallest = 4 << 10
    private var pages: [UnsafeMutablePointer<UInt8>] = []
    /// Free blocks of each power of two; a free block's first word leads to the next.
    private var free: [UnsafeMutableRawPointer?]

    /// Memory that holds nothing yet.
    public init() {
        free = Array(repeating: nil, count: Self.sizeClass(LargeMemory.hugePage) + 1)
    }

    deinit { for page in pages { LargeMemory.deallocate(page, LargeMemory.hugePage) } }

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
        byteCount >= smallest && byteCount < LargeMemory.hugePage
    }

    /// 0 for blocks of `smallest` bytes, one more for each doubling.
    private static func sizeClass(_ byteCount: Int) -> Int {
        Int.bitWidth - (byteCount - 1).leadingZeroBitCount - smallest.trailingZeroBitCount
    }

    /// A block; a larger one is halved where there is none.
    private func take(_ sizeClass: Int) -> UnsafeMutableRawPointer {
        if let block = free[sizeClass] {
            free[sizeClass] = block.load(as: UnsafeMutableRawPointer?.self)
            return block
        }
        guard sizeClass < free.count - 1 else {
            pages.append(LargeMemory.allocate(LargeMemory.hugePage))
            return UnsafeMutableRawPointer(pages[pages.count - 1])
        }
        let block = take(sizeClass + 1)
        give(block + (Self.smallest << sizeClass), sizeClass)
        return block
    }

    private func give(_ block: UnsafeMutableRawPointer, _ sizeClass: Int) {
        block.storeBytes(of: free[sizeClass], as: UnsafeMutableRawPointer?.self)
        free[sizeClass] = block
    }
}
