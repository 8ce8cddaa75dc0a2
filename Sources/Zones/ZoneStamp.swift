internal import Glibc

/// A zone that was read, and the file as it was then.
struct KnownZone {
    let stamp: ZoneStamp
    let zone: Zone
}

/// What changes when a file is replaced or written: enough to read it again.
struct ZoneStamp: Equatable {
    private let device, node: UInt
    private let size, seconds, nanoseconds: Int

    /// The file at this path, behind its links; nil where there is none.
    init?(path: String) {
        var facts = stat()
        guard stat(path, &facts) == 0 else { return nil }
        device = UInt(facts.st_dev)
        node = UInt(facts.st_ino)
        size = Int(facts.st_size)
        seconds = Int(facts.st_mtim.tv_sec)
        nanoseconds = Int(facts.st_mtim.tv_nsec)
    }
}
