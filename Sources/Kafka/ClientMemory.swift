import CMalloc

/// Memory that the Kafka client frees after one fetch and takes again for the next.
///
/// glibc gives the end of a heap back to the system as soon as it is free, and each page comes back as a page
/// fault: 100,000 of them in a drain of 8,000,000 events. `run` and `up` give back what they do not need once a
/// minute (`FreeMemory`, docs/decisions/0022).
enum ClientMemory {
    /// Half of a heap's greatest size, more glibc does not take; larger blocks are mappings of their own.
    private static let largestBlock: Int32 = 32 << 20
    /// As much as a heap can hold, so that none gives back what the next fetch needs.
    private static let keptAtEnd: Int32 = 64 << 20

    /// Whether it is kept, from the first consumer on; for the whole process.
    static let isKept: Bool =
        mallopt(M_MMAP_THRESHOLD, largestBlock) == 1 && mallopt(M_TRIM_THRESHOLD, keptAtEnd) == 1
}
