import CEventScan

/// Memory for tables that are read at random places: in huge pages where the system gives them.
///
/// With pages of 4 KiB each look-up also misses the processor's table of pages, and not even a prefetch
/// hides that.
enum LargeMemory {
    private static var hugePage: Int { 2 << 20 }

    /// Memory that is not initialized, to be given back by `deallocate()`.
    static func allocate<Element>(_ capacity: Int) -> UnsafeMutablePointer<Element> {
        let byteCount = capacity * MemoryLayout<Element>.stride
        guard byteCount >= hugePage else { return .allocate(capacity: capacity) }
        let memory = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: hugePage)
        es_advise_huge_pages(memory, byteCount)
        return memory.bindMemory(to: Element.self, capacity: capacity)
    }
}
