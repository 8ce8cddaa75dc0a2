import CMalloc

/// Memory that the process was given and no longer uses.
///
/// glibc cannot shrink an arena while a block near its end is in use, and each thread of a Kafka
/// client has an arena: a process that had read its log again several times held 196 MB and used
/// 56 MB.
enum FreeMemory {
    /// How often it is given back; a client that reads at full speed needs most of it again at
    /// once.
    static let kept: Duration = .seconds(60)

    /// Gives whole free pages of all arenas back to the system.
    ///
    /// Takes milliseconds, in which other threads may wait for memory; any thread.
    static func giveBack() { malloc_trim(0) }
}
