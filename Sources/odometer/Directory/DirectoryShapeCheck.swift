import Ledger
import Metering
import Synchronization

/// Checks records of the topic, one after the other, with the memory of one scanner; any thread.
final class DirectoryShapeCheck: Sendable {
    private let scanner = Mutex(MemberScanner())

    /// Why a record is refused, as one line; nil when it is right, or no object of a kind that has
    /// a shape.
    func refusal(of value: [UInt8], under key: [UInt8]) -> String? {
        guard let key = DirectoryKey(record: key), DirectoryShape.of(key.kind) != nil else {
            return nil
        }
        return scanner.withLock { scanner in
            DirectoryObject(value, scanner).flatMap {
                DirectoryShape.refusal(of: $0, under: key)
            }
        }
    }
}
