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
