import CZlib
import Ingest
import Testing

@Suite struct BodyCodingTests {
    /// The bytes as gzip.
    private func packed(_ bytes: [UInt8]) -> [UInt8] {
        var stream = z_stream()
        deflateInit2_(
            &stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size))
        defer { deflateEnd(&stream) }
        var output = [UInt8](repeating: 0, count: Int(deflateBound(&stream, uLong(bytes.count))))
        var input = bytes
        let room = output.count
        input.withUnsafeMutableBufferPointer { input in
            output.withUnsafeMutableBufferPointer { output in
                stream.next_in = input.baseAddress
                stream.avail_in = uInt(input.count)
                stream.next_out = output.baseAddress
                stream.avail_out = uInt(room)
                _ = deflate(&stream, Z_FINISH)
            }
        }
        return Array(output.prefix(room - Int(stream.avail_out)))
    }

    private func refusal(_ body: [UInt8], limit: Int) -> IngestRefusal.Code? {
        do throws(IngestRefusal) {
            _ = try BodyCoding.gzip.unpacked(body, limit: limit)
            return nil
        } catch { return error.code }
    }

    @Test func namesOfCodings() {
        func coding(_ text: String?) -> BodyCoding? {
            BodyCoding(contentEncoding: text.map { Array($0.utf8) })
        }
        #expect(coding(nil) == .identity)
        #expect(coding("identity") == .identity)
        #expect(coding(" GZip ") == .gzip)
        #expect(coding("x-gzip") == .gzip)
        #expect(coding("br") == nil)
        #expect(coding("gzip, gzip") == nil)
    }

    @Test func packedBytesComeBack() throws {
        let texts: [[UInt8]] = [
            [], [1], Array(String(repeating: "an event, ", count: 30_000).utf8),
            (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 13) },
        ]
        for text in texts {
            #expect(try BodyCoding.gzip.unpacked(packed(text), limit: 400_000) == text)
        }
        // Several parts one after the other are one body.
        let parts = packed([1, 2]) + packed([]) + packed([3])
        #expect(try BodyCoding.gzip.unpacked(parts, limit: 3) == [1, 2, 3])
        #expect(try BodyCoding.identity.unpacked([1, 2], limit: 2) == [1, 2])
    }

    @Test func whatExpandsBeyondTheLimitIsRefused() {
        let zeros = packed([UInt8](repeating: 0, count: 300_000))
        #expect(zeros.count < 1_000)
        #expect(refusal(zeros, limit: 300_000) == nil)
        #expect(refusal(zeros, limit: 299_999) == .tooLarge)
        #expect(refusal(zeros + zeros, limit: 300_000) == .tooLarge)
    }

    @Test func whatIsNotWholeGzipIsRefused() {
        let whole = packed(Array("an event".utf8))
        #expect(refusal([], limit: 100) == .malformed)
        #expect(refusal(Array("{}".utf8), limit: 100) == .malformed)
        for count in 1..<whole.count {
            #expect(refusal(Array(whole.prefix(count)), limit: 100) == .malformed)
        }
        #expect(refusal(whole + [0], limit: 100) == .malformed)
        var changed = whole
        changed[changed.count - 5] ^= 1
        #expect(refusal(changed, limit: 100) == .malformed)
    }
}
