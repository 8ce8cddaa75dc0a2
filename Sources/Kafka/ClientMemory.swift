import CMalloc

/// Keeps memory that the Kafka client frees after one fetch and needs for the next.
///
/// glibc returns the end of a heap to the system as soon as it is free, and each page that is used
/// again costs a page fault: 100,000 of them while 8,000,000 events are read. `run` and `up` return
/// what they do not need once a minute (`FreeMemory`, docs/decisions/0022).
enum ClientMemory {
    /// Larger blocks are mappings of their own; glibc accepts at most half of a heap's greatest
    /// size.
    private static let largestBlockBytes: Int32 = 32 << 20
    /// How much free memory stays at the end of a heap: as much as a heap can hold.
    private static let keptBytes: Int32 = 64 << 20

    /// Whether glibc keeps it; set by the first consumer, for the whole process.
    static let isKept: Bool =
        mallopt(M_MMAP_THRESHOLD, largestBlockBytes) == 1
        && mallopt(M_TRIM_THRESHOLD, keptBytes) == 1
}
