import CMalloc

/// Memory that the process was given and no longer uses.
///
/// glibc keeps it where one piece near the end of an arena is in use, and an arena for each of a Kafka client's
/// threads adds up: a process that had read its log again several times held 196 MB with 56 in use.
enum FreeMemory {
    /// How long it is kept; a client that reads at full speed needs most of it again at once.
    static let kept: Duration = .seconds(60)

    /// Gives whole free pages of all arenas back to the system.
    ///
    /// Takes milliseconds, in which other threads may wait for memory; any thread.
    static func giveBack() { malloc_trim(0) }
}
