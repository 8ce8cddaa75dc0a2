/// Finds the data of an event: in `data`, in `data_base64`, or in binary mode in the value.
extension EventReader {
    /// Whether the data of an event of a known type can be counted; decodes `data_base64`.
    mutating func readData(_ value: UnsafeRawBufferPointer?, _ kind: JSONKind?) -> Bool {
        let readsData = program.types[type].readsData
        guard let places = program.attributes.data else { return true }
        // A text with JSON inside is judged by what it holds.
        let isInside = program.insideSlot == places.plain
        if isBinary {
            return readsData || kind == nil || kind == .object || kind == .null
                || (isInside && kind == .string)
        }
        guard let value else { return true }
        let plain = json.capture(places.plain)
        guard let encoded = json.capture(places.base64), encoded.kind != .null,
            !program.format.needsSchemas
        else {
            return readsData || plain == nil || plain?.kind == .object || plain?.kind == .null
                || (isInside && plain?.kind == .string)
        }
        guard plain == nil, encoded.kind == .string else { return false }
        let start = scratch.count
        guard append(encoded, value), let data = Self.decoded(scratch[start...]) else {
            return false
        }
        scratch.removeSubrange(start...)
        if data.isEmpty { return true }
        guard
            let kind = data.withUnsafeBytes({ json.read($0, node: -1) }),
            readsData || kind == .object || kind == .null
        else { return false }
        // The event is read once more, as it would be with plain data.
        let members = value.drop { $0 != UInt8(ascii: "{") }.dropFirst()
        let whole = Array(#"{"data":"#.utf8) + data + Array(",".utf8) + members
        decoded = whole
        return whole.withUnsafeBytes { whole in
            guard json.read(whole, node: 0) == .object, !json.hasRepeated,
                !hasRepeatedEntries(whole), !hasRepeatedLists(whole)
            else { return false }
            lookInside(whole)
            return true
        }
    }

    private static let digits = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// Base64 with padding, four digits at a time.
    private static func decoded(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        var bytes: [UInt8] = []
        var rest = text
        while !rest.isEmpty {
            let four = rest.prefix(4)
            rest = rest.dropFirst(4)
            guard four.count == 4 else { return nil }
            let padding = rest.isEmpty ? four.suffix(2).count { $0 == UInt8(ascii: "=") } : 0
            var number = 0
            for digit in four.dropLast(padding) {
                guard let place = digits.firstIndex(of: digit) else { return nil }
                number = number * 64 + place
            }
            number <<= 6 * padding
            bytes += [number >> 16, number >> 8 & 255, number & 255].dropLast(padding)
                .map(UInt8.init)
        }
        return bytes
    }
}
