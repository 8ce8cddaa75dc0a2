import Workload

/// What the name of a key says, by the published layout.
struct LedgerKey {
    enum Role {
        /// Marks, audit, directory: no cells.
        case books
        case cells
    }

    let role: Role
    /// The meter; nil for totals, where the fields are meters.
    var meter: [UInt8]?
    /// Where the oldest window in the key begins, in milliseconds; nil = at the origin of time.
    var start: Int64?

    init(_ name: [UInt8], prefixLength: Int) {
        let rest = name.dropFirst(prefixLength)
        // `{SHARD}` is the first part behind the prefix.
        let parts = rest.split(separator: 0x3A, omittingEmptySubsequences: false)
        guard let tag = parts.first, !tag.elementsEqual("{dir}".utf8), parts.count > 2,
            !parts[2].elementsEqual("directory".utf8),
            // Parked members of a HyperLogLog, which are counted with their key.
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
        if !parts[parts.count - 2].elementsEqual("grid".utf8) { start = oracleLabelStart(last) }
    }
}

extension LedgerKey {
    /// The id or value that stands escaped in a name or field.
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
