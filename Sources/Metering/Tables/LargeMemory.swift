import CTables

/// Memory for tables with random access: in huge pages where the system has them.
///
/// With pages of 4 KiB each look-up also misses the processor's cache of page addresses (TLB), and
/// not even a prefetch hides that. Freed memory returns to the system at once; the usual allocator
/// might keep blocks of this size.
enum LargeMemory {
    static var hugePageBytes: Int { 2 << 20 }

    /// A cache line; even a small block is aligned to it.
    private static var lineBytes: Int { 64 }

    /// Memory that is not initialized, to be given back to `deallocate`.
    static func allocate<Element>(_ capacity: Int) -> UnsafeMutablePointer<Element> {
        let byteCount = capacity * MemoryLayout<Element>.stride
        let memory: UnsafeMutableRawPointer =
            byteCount < hugePageBytes
            ? .allocate(byteCount: byteCount, alignment: lineBytes) : ct_map(byteCount)
        return memory.bindMemory(to: Element.self, capacity: capacity)
    }

    /// Takes back what `allocate` gave for the same capacity.
    static func deallocate<Element>(_ memory: UnsafeMutablePointer<Element>, _ capacity: Int) {
        let byteCount = capacity * MemoryLayout<Element>.stride
        guard byteCount >= hugePageBytes else { return memory.deallocate() }
        ct_unmap(memory, byteCount)
    }
}
