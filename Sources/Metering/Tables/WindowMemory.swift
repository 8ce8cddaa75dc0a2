import CTables

/// The memory of one `SeenWindow`: address space for all that it may hold, touched as it grows.
///
/// So a table never moves, except that the index moves once: its beginnings are in small pages, as
/// a huge page for each of many small windows would cost far more than their ids. From 2 MiB on
/// ring and index are in huge pages (see `LargeMemory`). Its owner must call `deallocate`.
struct WindowMemory {
    private let base: UnsafeMutableRawPointer
    private let smallBytes: Int
    private let largeBytes: Int
    private let indexStart: Int
    private let ringStart: Int
    private let largeIndexStart: Int
    /// The most bytes of the index that its first place holds.
    let smallIndexBytes: Int

    /// The index is moved before it is larger than half a huge page.
    private static var mostSmallIndexBytes: Int { LargeMemory.hugePageBytes / 2 }
    private static var lineBytes: Int { 64 }
    private static var pageBytes: Int { 4 << 10 }
    /// Entries beyond the ring's end are read ahead (`SeenWindow.prefetch`).
    private static var readAheadBytes: Int { 512 }

    /// Zeroed memory for these tables at their greatest sizes, all powers of two.
    init(linkBytes: Int, indexBytes: Int, ringBytes: Int) {
        let huge = LargeMemory.hugePageBytes
        indexStart = max(linkBytes, Self.lineBytes)
        smallIndexBytes = min(indexBytes, Self.mostSmallIndexBytes)
        if smallIndexBytes < indexBytes {
            // Links and the small index share the first 2 MiB; the ring begins with the next.
            ringStart = huge
            smallBytes = 2 * huge
            largeBytes = ringBytes - huge + indexBytes
            largeIndexStart = ringStart + ringBytes
        } else {
            ringStart = indexStart + indexBytes
            let end = ringStart + ringBytes + Self.readAheadBytes
            smallBytes = (end + Self.pageBytes - 1) / Self.pageBytes * Self.pageBytes
            largeBytes = 0
            largeIndexStart = indexStart
        }
        base = ct_reserve(smallBytes, largeBytes)
    }

    /// Bytes of address space, whether touched or not.
    var byteCount: Int { smallBytes + largeBytes }

    /// Where links, index and ring begin.
    var links: UnsafeMutableRawPointer { base }
    var index: UnsafeMutableRawPointer { base + indexStart }
    var ring: UnsafeMutableRawPointer { base + ringStart }

    /// The index's second place, with a copy of what its first one holds.
    func enlargedIndex() -> UnsafeMutableRawPointer {
        let large = base + largeIndexStart
        large.copyMemory(from: index, byteCount: smallIndexBytes)
        let start = (indexStart + Self.pageBytes - 1) / Self.pageBytes * Self.pageBytes
        ct_empty(base + start, ringStart - start)
        return large
    }

    /// Gives the memory back to the system, but not its addresses; all is zero again.
    func removeAll() { ct_empty(base, byteCount) }

    /// Gives everything back; nothing may be used afterwards.
    func deallocate() { ct_release(base, smallBytes, largeBytes) }
}
