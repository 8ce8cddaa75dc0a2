internal import CZlib

/// How a body was packed for its way.
public enum BodyCoding: Sendable, Hashable {
    /// It was not.
    case identity
    /// gzip, perhaps of several parts one after the other.
    case gzip

    /// The coding of a `Content-Encoding`; nil: one that is not read.
    public init?(contentEncoding: [UInt8]?) {
        let name = (contentEncoding ?? []).filter { $0 != 0x20 && $0 != 0x09 }
            .map { (65...90).contains($0) ? $0 | 0x20 : $0 }
        switch String(decoding: name, as: UTF8.self) {
        case "", "identity": self = .identity
        case "gzip", "x-gzip": self = .gzip
        default: return nil
        }
    }

    /// The body unpacked; throws where it is broken, or as soon as it becomes longer than `limit`
    /// bytes.
    ///
    /// Needs memory for `limit` bytes at most, however much the body would expand to.
    public func unpacked(
        _ body: [UInt8], limit: Int = IngestLimits.bodyBytes
    ) throws(IngestRefusal) -> [UInt8] {
        switch self {
        case .identity:
            guard body.count <= limit else { throw BodyCoding.tooLong(limit) }
            return body
        case .gzip: return try BodyCoding.inflated(body, limit: limit)
        }
    }

    private static func tooLong(_ limit: Int) -> IngestRefusal {
        IngestRefusal(.tooLarge, "the body has more than \(limit) bytes after unpacking")
    }

    private static func inflated(_ body: [UInt8], limit: Int) throws(IngestRefusal) -> [UInt8] {
        var stream = z_stream()
        // + 16: the data must have a gzip header.
        guard
            inflateInit2_(&stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
                == Z_OK
        else { throw IngestRefusal(.malformed, "no memory to unpack the body") }
        defer { inflateEnd(&stream) }
        var text: [UInt8] = []
        text.reserveCapacity(min(limit, body.count * 4))
        var piece = [UInt8](repeating: 0, count: 65_536)
        var input = body
        let broken = IngestRefusal(.malformed, "the body is not valid gzip")
        let failure = input.withUnsafeMutableBufferPointer { input -> IngestRefusal? in
            stream.next_in = input.baseAddress
            stream.avail_in = uInt(input.count)
            var isComplete = false
            while true {
                let pieceCount = piece.count
                let result = piece.withUnsafeMutableBufferPointer { piece in
                    stream.next_out = piece.baseAddress
                    stream.avail_out = uInt(pieceCount)
                    return inflate(&stream, Z_NO_FLUSH)
                }
                let count = pieceCount - Int(stream.avail_out)
                guard text.count + count <= limit else { return tooLong(limit) }
                text.append(contentsOf: piece[..<count])
                isComplete = result == Z_STREAM_END
                if isComplete {
                    if stream.avail_in == 0 { return nil }
                    guard inflateReset(&stream) == Z_OK else { return broken }
                } else if result != Z_OK || (stream.avail_in == 0 && stream.avail_out > 0) {
                    return broken
                }
            }
        }
        if let failure { throw failure }
        return text
    }
}
