import Foundation

/// What changes when a file is replaced or written to.
struct FileStamp: Equatable {
    private let device: UInt64
    private let inode: UInt64
    private let sizeBytes: Int64
    private let changed: [Int]
    /// Whether the last change was so long ago that another one would have a different time.
    let isSettled: Bool

    /// The stamp of the file at a path, also behind symbolic links; nil where there is none.
    init?(_ path: String) {
        var found = stat()
        guard stat(path, &found) == 0 else { return nil }
        device = UInt64(found.st_dev)
        inode = UInt64(found.st_ino)
        sizeBytes = Int64(found.st_size)
        changed = [
            found.st_mtim.tv_sec, found.st_mtim.tv_nsec, found.st_ctim.tv_sec,
            found.st_ctim.tv_nsec,
        ]
        isSettled = time(nil) - found.st_ctim.tv_sec > 2
    }
}
