import CZlib
import CZstd
import Glibc

/// The lines of a file, plain or compressed with gzip or zstd, as its first bytes tell.
///
/// One thread; memory is bounded by the longest line, which may have `lineLimitBytes`.
public struct LineSource: ~Copyable {
    /// The greatest length of a line.
    public static let lineLimitBytes = 4 << 20

    private let unpacker: Unpacker
    private let name: String
    private var text: [UInt8] = []
    private var start = 0
    private var isAtEnd = false
    private var number = 0
    private let keepsEmptyLines: Bool

    /// Opens a file; `-` is standard input.
    ///
    /// - Parameter keepsEmptyLines: whether `next` gives empty lines as well.
    public init(path: String, keepsEmptyLines: Bool = false) throws(ReplayError) {
        self.keepsEmptyLines = keepsEmptyLines
        let descriptor = path == "-" ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw ReplayError(.source, "\(path): \(String(cString: strerror(errno)))")
        }
        unpacker = try Unpacker(descriptor: descriptor, name: path)
        name = path
    }

    /// How much of the file has been read, 0 to 1; nil when that is not known, as for a pipe.
    public var share: Double? { unpacker.share }

    /// The number of the last line that `next` gave, from 1.
    public var lineNumber: Int { number }

    /// The next line without its end, or nil after the last one; empty lines are skipped.
    public mutating func next() throws(ReplayError) -> ArraySlice<UInt8>? {
        var scanned = start
        while true {
            if let end = text[scanned...].firstIndex(of: 10) {
                let line = text[start..<end]
                start = end + 1
                scanned = start
                number += 1
                if let line = content(line) { return line }
                continue
            }
            guard !isAtEnd else {
                let line = text[start...]
                start = text.count
                number += line.isEmpty ? 0 : 1
                return line.isEmpty ? nil : content(line)
            }
            scanned = text.count - start
            text.removeSubrange(0..<start)
            start = 0
            guard text.count <= LineSource.lineLimitBytes else {
                throw ReplayError(.source, "\(name):\(number + 1): a line over 4 MiB")
            }
            isAtEnd = try !unpacker.read(into: &text)
        }
    }

    private func content(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        let line = line.last == 13 ? line.dropLast() : line
        return line.isEmpty && !keepsEmptyLines ? nil : line
    }
}

/// The bytes of a file, decompressed; owns the file and the library's state.
final class Unpacker {
    private static let chunkBytes = 64 << 10

    private enum Method {
        case plain
        case gzip
        case zstd(OpaquePointer)
    }

    private let descriptor: Int32
    private let name: String
    /// The length of the file; 0 when it is not known.
    private let lengthBytes: Int64
    private var method = Method.plain
    private let gzip = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    private let input = UnsafeMutableRawBufferPointer.allocate(byteCount: chunkBytes, alignment: 16)
    private let output = UnsafeMutableRawBufferPointer.allocate(
        byteCount: chunkBytes, alignment: 16)
    private var used = 0
    private var filled = 0
    /// Whether the compressed data may end here.
    private var isComplete = true
    /// Whether the library has more output than there was room for.
    private var hasPending = false

    init(descriptor: Int32, name: String) throws(ReplayError) {
        self.descriptor = descriptor
        self.name = name
        var facts = stat()
        lengthBytes = fstat(descriptor, &facts) == 0 ? Int64(facts.st_size) : 0
        gzip.initialize(to: z_stream())
        _ = try fill()
        let magic = input[0..<min(4, filled)]
        if magic.starts(with: [0x1F, 0x8B]) {
            // + 16: the data must have a gzip header.
            guard
                inflateInit2_(
                    gzip, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
            else { throw ReplayError(.source, "\(name): no memory to unpack") }
            method = .gzip
        } else if magic.elementsEqual([0x28, 0xB5, 0x2F, 0xFD]) {
            guard let stream = ZSTD_createDStream() else {
                throw ReplayError(.source, "\(name): no memory to unpack")
            }
            method = .zstd(stream)
        }
    }

    deinit {
        switch method {
        case .plain: break
        case .gzip: inflateEnd(gzip)
        case .zstd(let stream): ZSTD_freeDStream(stream)
        }
        gzip.deallocate()
        input.deallocate()
        output.deallocate()
        close(descriptor)
    }

    /// How much of the file has been read, 0 to 1; nil when that is not known.
    var share: Double? {
        guard lengthBytes > 0 else { return nil }
        let place = lseek(descriptor, 0, SEEK_CUR)
        return place < 0 ? nil : min(1, Double(place) / Double(lengthBytes))
    }

    /// Appends some bytes to `text`; false at the end of the file.
    func read(into text: inout [UInt8]) throws(ReplayError) -> Bool {
        if used == filled, !hasPending, try !fill() {
            guard isComplete else { throw ReplayError(.source, "\(name): ends in the middle") }
            return false
        }
        switch method {
        case .plain:
            text.append(contentsOf: input[used..<filled])
            used = filled
        case .gzip:
            try inflateSome(into: &text)
        case .zstd(let stream):
            var source = ZSTD_inBuffer(src: input.baseAddress, size: filled, pos: used)
            var target = ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
            let result = ZSTD_decompressStream(stream, &target, &source)
            guard ZSTD_isError(result) == 0 else {
                throw ReplayError(.source, "\(name): broken zstd data")
            }
            used = source.pos
            isComplete = result == 0
            hasPending = target.pos == output.count
            text.append(contentsOf: output[0..<target.pos])
        }
        return true
    }

    private func inflateSome(into text: inout [UInt8]) throws(ReplayError) {
        // A gzip file may consist of several, one after the other.
        if isComplete, filled > used { inflateReset(gzip) }
        gzip.pointee.next_in = input.baseAddress?.advanced(by: used).assumingMemoryBound(
            to: Bytef.self)
        gzip.pointee.avail_in = uInt(filled - used)
        gzip.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: Bytef.self)
        gzip.pointee.avail_out = uInt(output.count)
        let result = inflate(gzip, Z_NO_FLUSH)
        guard result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR else {
            throw ReplayError(.source, "\(name): broken gzip data")
        }
        used = filled - Int(gzip.pointee.avail_in)
        isComplete = result == Z_STREAM_END
        hasPending = gzip.pointee.avail_out == 0 && !isComplete
        text.append(contentsOf: output[0..<output.count - Int(gzip.pointee.avail_out)])
    }

    private func fill() throws(ReplayError) -> Bool {
        while true {
            let count = Glibc.read(descriptor, input.baseAddress, input.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else {
                throw ReplayError(.source, "\(name): \(String(cString: strerror(errno)))")
            }
            used = 0
            filled = count
            return count > 0
        }
    }
}
