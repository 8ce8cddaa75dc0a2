import Ledger
import Metering
import Synchronization

/// Judges one record of the topic after the other with the memory of one scanner; for any thread.
final class DirectoryShapeCheck: Sendable {
    private let scanner = Mutex(MemberScanner())

    /// What is wrong with a record, as one line; nil where nothing is, and for what is no object of a
    /// kind that has a shape.
    func complaint(about value: [UInt8], under key: [UInt8]) -> String? {
        guard let key = DirectoryKey(record: key), DirectoryShape.of(key.kind) != nil else {
            return nil
        }
        return scanner.withLock { scanner in
            DirectoryObject(value, scanner).flatMap {
                DirectoryShape.complaint(about: $0, under: key)
            }
        }
    }
}
