import CProtoSchema
import CRecordScan

/// The texts of a schema in memory of their own, for the time in which they are read.
final class SchemaTexts {
    let avro: UnsafeMutableBufferPointer<rs_text>
    let protobuf: UnsafeMutableBufferPointer<ps_text>
    private var copies: [UnsafeMutableBufferPointer<CChar>] = []

    init(_ files: [SchemaFile]) {
        avro = .allocate(capacity: max(1, files.count))
        protobuf = .allocate(capacity: max(1, files.count))
        for (index, file) in files.enumerated() {
            let (name, text) = (keep(file.name), keep(file.text))
            avro[index] = rs_text(
                name: name.baseAddress, text: text.baseAddress, name_length: name.count,
                text_length: text.count)
            protobuf[index] = ps_text(
                path: name.baseAddress, text: text.baseAddress, path_length: name.count,
                text_length: text.count)
        }
    }

    deinit {
        avro.deallocate()
        protobuf.deallocate()
        for copy in copies { copy.deallocate() }
    }

    private func keep(_ text: String) -> UnsafeBufferPointer<CChar> {
        let bytes = Array(text.utf8)
        let copy = UnsafeMutableBufferPointer<CChar>.allocate(capacity: max(1, bytes.count))
        for (index, byte) in bytes.enumerated() { copy[index] = CChar(bitPattern: byte) }
        copies.append(copy)
        return UnsafeBufferPointer(rebasing: copy[..<bytes.count])
    }

    /// A text that a reader has written, with a 0 at its end.
    static func said(_ text: [CChar]) -> String {
        String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}

extension RecordSchema {
    /// What texts of Avro lack to be a whole schema: the name of a type that is missing, or else
    /// why they are none; both nil: nothing.
    public static func lack(ofAvro files: [SchemaFile]) -> (missing: String?, why: String?) {
        var missing = [CChar](repeating: 0, count: 1_000)
        var why = [CChar](repeating: 0, count: 400)
        let texts = SchemaTexts(files)
        let isWhole = rs_check_avro(
            texts.avro.baseAddress, texts.avro.count, &missing, missing.count, &why, why.count)
        if isWhole != 0 { return (nil, nil) }
        return (missing[0] == 0 ? nil : SchemaTexts.said(missing), SchemaTexts.said(why))
    }
}
