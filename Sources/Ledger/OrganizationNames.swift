public import Metering

/// Writes the names of one organization's keys; their common beginning is made once.
public struct OrganizationNames: Sendable {
    /// The organization.
    public let organization: [UInt8]
    private let start: [UInt8]

    /// Names in this layout.
    public init(_ layout: KeyLayout, _ organization: [UInt8]) {
        self.organization = organization
        var start = layout.shardPrefix(layout.shard(of: organization))
        KeyLayout.escape(organization, into: &start)
        self.start = start
    }

    /// Names of a shard's cells that belong to one of the owners of `Across`.
    public init(_ layout: KeyLayout, shard: Int, owner: [UInt8]) {
        organization = []
        start = layout.shardPrefix(shard) + owner
    }

    /// A scope's part of its keys: `:DIM=VALUE` for each dimension, in the catalog's order.
    public static func scopeText(_ dimensions: [(name: String, value: [UInt8])]) -> [UInt8] {
        var text: [UInt8] = []
        for (name, value) in dimensions {
            text.append(UInt8(ascii: ":"))
            text.append(contentsOf: name.utf8)
            text.append(UInt8(ascii: "="))
            KeyLayout.escape(value, into: &text)
        }
        return text
    }

    /// The key of a meter's cells in one window; see `KeyLayout.cellKey`.
    ///
    /// - Parameters:
    ///   - scope: by `scopeText`; empty for the whole organization.
    ///   - meter: name of the meter; of its family where it has one.
    ///   - isFamily: whether the key is a family's.
    ///   - number: the window's number; for a grid the weekday, 0 for Sunday.
    public func cellKey(
        scope: [UInt8], meter: [UInt8], isFamily: Bool = false, shape: CellShape, window: Window,
        number: Int32
    ) -> [UInt8] {
        var key: [UInt8] = []
        key.reserveCapacity(start.count + scope.count + meter.count + 32)
        key.append(contentsOf: start)
        key.append(contentsOf: scope)
        KeyLayout.appendCellKeySuffix(
            meter: meter, isFamily: isFamily, shape: shape, window: window, number: number,
            to: &key)
        return key
    }

    /// The key of a profile or plan; see `KeyLayout.profileKey`.
    public func profileKey(kind: String, id: [UInt8]?) -> [UInt8] {
        var key: [UInt8] = []
        key.reserveCapacity(start.count + kind.utf8.count + (id?.count ?? 0) + 16)
        key.append(contentsOf: start)
        key.append(contentsOf: ":directory:".utf8)
        key.append(contentsOf: kind.utf8)
        if let id {
            key.append(UInt8(ascii: ":"))
            KeyLayout.escape(id, into: &key)
        }
        return key
    }
}

/// Names read back from their bytes.
extension KeyLayout {
    /// Number of the window that a series' member is about, in a key that holds `bucket`; nil where
    /// `bucket` has no such member.
    public static func seriesNumber(
        _ member: UnsafeRawBufferPointer, _ window: Window, in bucket: ClosedRange<Int32>
    ) -> Int32? {
        func twoDigits(_ index: Int) -> Int32? {
            guard (48...57).contains(member[index]), (48...57).contains(member[index + 1]) else {
                return nil
            }
            return Int32(member[index] - 48) * 10 + Int32(member[index + 1] - 48)
        }
        // A family's key begins within the hour or day that its members name.
        func start(every count: Int64) -> Int32 {
            Int32(floorDivide(Int64(bucket.lowerBound), count) * count)
        }
        guard member.count == (window == .quarter ? 4 : 2), let first = twoDigits(0) else {
            return nil
        }
        let number: Int32
        switch window {
        case .month, .day: number = bucket.lowerBound + first - 1
        case .minute: number = start(every: 60) + first
        case .quarter:
            guard let minute = twoDigits(2), minute % 15 == 0, minute < 60 else { return nil }
            number = start(every: 96) + first * 4 + minute / 15
        case .all: return nil
        }
        return bucket.contains(number) ? number : nil
    }

    /// The values of a `by` tuple from its member; nil where an escape is broken.
    public static func tupleValues(_ member: UnsafeRawBufferPointer) -> [Bytes]? {
        var values: [Bytes] = []
        var start = 0
        for end in 0...member.count
        where end == member.count || member[end] == UInt8(ascii: ":") {
            let part = UnsafeRawBufferPointer(rebasing: member[start..<end])
            if part.contains(UInt8(ascii: "%")) {
                guard let value = unescape(part) else { return nil }
                values.append(value)
            } else {
                values.append(Bytes(part))
            }
            start = end + 1
        }
        return values
    }
}
