import Workload

/// What a key's name means, by the published layout.
struct LedgerKey {
    enum Role {
        /// A key without cells: marks, audit, directory.
        case books
        case cells
    }

    let role: Role
    /// The meter, or the family whose meters share the key; nil for totals, where each member is a
    /// meter.
    var meter: [UInt8]?
    /// When the oldest window in the key begins, in milliseconds since 1970; nil when the key holds
    /// all time.
    var startMilliseconds: Int64?
    /// Whether its members are organizations: the list of those of a meter.
    let isList: Bool

    init(_ name: [UInt8], prefixLength: Int) {
        let rest = name.dropFirst(prefixLength)
        // `{SHARD}` is the first part after the prefix.
        let parts = rest.split(separator: 0x3A, omittingEmptySubsequences: false)
        isList = parts.count > 2 && parts[1].elementsEqual("%subjects".utf8)
        guard let tag = parts.first, !tag.elementsEqual("{dir}".utf8), parts.count > 2,
            !parts[2].elementsEqual("directory".utf8),
            // The parked values of a HyperLogLog are counted with its key.
            parts.count < 5 || !parts[parts.count - 1].elementsEqual("parked".utf8)
        else {
            role = .books
            return
        }
        role = .cells
        let last = parts[parts.count - 1]
        if last.elementsEqual("totals".utf8) { return }
        if last.elementsEqual("all".utf8) {
            meter = Array(parts[parts.count - 2])
            return
        }
        guard parts.count > 3 else { return }
        meter = Array(parts[parts.count - 3])
        if !parts[parts.count - 2].elementsEqual("grid".utf8) {
            startMilliseconds = oracleLabelStartMilliseconds(last)
        }
    }
}

extension LedgerKey {
    /// The id or value that a name or member holds in escaped form.
    static func unescaped(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        var text: [UInt8] = []
        var index = bytes.startIndex
        while index < bytes.endIndex {
            if bytes[index] == 0x25, index + 2 < bytes.endIndex,
                let byte = UInt8(
                    String(decoding: bytes[index + 1...index + 2], as: UTF8.self), radix: 16)
            {
                text.append(byte)
                index += 3
            } else {
                text.append(bytes[index])
                index += 1
            }
        }
        return text
    }
}
