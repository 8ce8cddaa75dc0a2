import Ledger

extension DirectoryKey {
    /// A key of typed words; throws a line for people.
    init(kind: Kind, ids: [String]) throws(CommandFailure) {
        guard ids.count == kind.idCount else {
            throw .usage(
                kind.idCount == 2
                    ? "a \(kind.rawValue) is named by ORGANIZATION and ID"
                    : "a \(kind.rawValue) is named by ORGANIZATION alone")
        }
        let lengths = Self.idLengths
        guard let key = DirectoryKey(kind: kind, ids: ids.map { Array($0.utf8) }) else {
            let wrong = ids.map(\.utf8.count).first { !lengths.contains($0) } ?? 0
            throw .usage(
                "an id has \(lengths.lowerBound) to \(lengths.upperBound) bytes, not \(wrong)")
        }
        self = key
    }
}
